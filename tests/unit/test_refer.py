"""Follow-ups that point at a name, or leave out what they ask, said in full."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from app.chat.mentions import EntityNames
from app.chat.refer import said_in_full
from app.chat.turn import Message, Question
from tests.builders import a_question

NAMES = EntityNames(
    ["小棠空气炸锅", "小棠可视空气炸锅", "明前龙井", "陈皮小青柑", "Glimmer 400", "Glimmer 450R", "Larch Lantern"]
)


def follow_up(text: str, *said: str) -> Question:
    """A question after these messages, shopper and assistant in turn."""
    roles = ("user", "assistant")
    history = tuple(Message(roles[n % 2], one) for n, one in enumerate(said))
    return replace(a_question(text), history=history, signals=MappingProxyType({"depends": 0.7}))


FRYERS = ("炸锅两款差在哪", "小棠空气炸锅3.5L，1300W；小棠可视空气炸锅5L，1500W。")
TORCHES = ("do you sell bright torches", "The Glimmer 400 has 400 lumens, and the Glimmer 450R 450.")


@pytest.mark.parametrize(
    ("text", "said", "in_full"),
    [
        ("后面那个重不重", FRYERS, "小棠可视空气炸锅 重不重"),
        ("前面那款多少钱", FRYERS, "小棠空气炸锅 多少钱"),
        ("how long does the second one run", TORCHES, "how long does Glimmer 450R run"),
        ("is the latter waterproof", TORCHES, "is Glimmer 450R waterproof"),
        (
            "and the other one?",
            ("is the Glimmer 400 waterproof", "The Glimmer 400 is, and so is the Glimmer 450R."),
            "and Glimmer 450R ?",
        ),
        (
            "the middle one please",
            ("torches", "We have the Glimmer 400, the Glimmer 450R and the Larch Lantern."),
            "Glimmer 450R please",
        ),
    ],
)
def test_a_place_in_a_list_is_the_name_that_stands_there(text: str, said: tuple[str, ...], in_full: str) -> None:
    question = said_in_full(follow_up(text, *said), NAMES)
    assert question.text == question.asked == in_full
    assert question.history == ()


@pytest.mark.parametrize(
    ("text", "said", "in_full"),
    [
        ("陈皮小青柑的呢", ("明前龙井保质期多长", "18个月。"), "陈皮小青柑 保质期多长"),
        ("那青柑呢", ("明前龙井保质期多长", "18个月。"), "陈皮小青柑 保质期多长"),
        ("what about the Larch Lantern?", ("how heavy is the Glimmer 400", "95 g."), "Larch Lantern how heavy is the"),
    ],
)
def test_a_name_alone_asks_what_was_asked_before(text: str, said: tuple[str, ...], in_full: str) -> None:
    assert said_in_full(follow_up(text, *said), NAMES).text == in_full


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("how heavy is the second one", ("which torch", "The Glimmer 400.")),
        ("the third one?", TORCHES),
        ("and the other one?", TORCHES),
        ("小棠的呢", ("明前龙井保质期多长", "18个月。")),
        ("what about Hawaii?", ("how heavy is the Glimmer 400", "95 g.")),
        ("and the Glimmer 400?", ("how heavy is the Glimmer 400", "95 g.")),
        ("does the Larch Lantern last longer than the second one", TORCHES),
        ("the second one", ()),
    ],
    ids=["one listed", "no third", "two others", "of two", "no name", "the same name", "names its own", "no history"],
)
def test_what_is_not_certain_stays_as_it_was_said(text: str, said: tuple[str, ...]) -> None:
    question = follow_up(text, *said)
    assert said_in_full(question, NAMES) is question
