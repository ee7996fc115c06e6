"""What one shopper's question found serves the next who asks it: and nobody gets what was another's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.chat.remember import Found, InProcess, Memory, normalised
from app.chat.turn import Answer, Evidence, HandOff, Identity, Sentence, UseTool
from tests.builders import a_brand, a_faq, a_passage, a_question, a_turn, a_view
from tests.unit.test_pipeline import Shop


class Heard(list[str]):
    """What the memory told of each question."""


def remembering(**fields: object) -> tuple[Shop, Heard]:
    heard = Heard()
    return Shop(memory=Memory(InProcess(), heard.append), **fields), heard  # type: ignore[arg-type]


async def test_what_was_found_serves_who_asks_the_same_even_while_the_index_is_down() -> None:
    shop, heard = remembering()
    first = await shop.ask("How long is delivery?")
    shop.index.down = True
    again = await shop.ask("hi, how long is DELIVERY ??  thanks")
    assert again.text == first.text
    assert again.decision.confidence == first.decision.confidence
    assert [c.path for c in again.citations] == [c.path for c in first.citations]
    assert again.decision.question.text != first.decision.question.text, "each shopper's own words stand in their log"
    assert heard == ["miss", "hit"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("How long is delivery?", "How long is a delivery?"),
        ("发货要多久？", "发货不要多久？"),
        ("how much is the Clay Teapot?", "how much is the Camp Kettle?"),
    ],
)
async def test_other_words_are_another_question(first: str, second: str) -> None:
    shop, heard = remembering()
    await shop.ask(first)
    await shop.ask(second)
    assert heard == ["miss", "miss"]


async def test_orders_numbers_and_what_leans_on_the_history_are_never_shared() -> None:
    shop, heard = remembering()
    for _ in range(2):
        assert isinstance((await shop.ask("where is my order TC20260001? phone 4821")).decision, UseTool)
        await shop.ask("How long is delivery?", "do you ship abroad?")
        await shop.ask("How long is delivery to jo@example.com?")
        await shop.ask("How long is delivery, my number is 13800138000")
    assert set(heard) == {"own"}


async def test_an_order_is_looked_up_for_its_own_shopper_though_the_question_is_known() -> None:
    shop, _ = remembering()
    stranger = await shop.ask("where is my order?")
    owner = await shop.ask("where is my order?", identity=Identity("TC20260001", "4821"))
    assert not isinstance(stranger.decision, UseTool)
    assert isinstance(owner.decision, UseTool)
    assert not isinstance((await shop.ask("where is my order?")).decision, UseTool)


async def test_a_call_for_a_person_and_anger_are_heard_in_a_question_that_is_known() -> None:
    shop, _ = remembering()
    await shop.ask("How long is delivery?")
    assert isinstance((await shop.ask("ring me up now please")).decision, HandOff)
    assert isinstance((await shop.ask("How long is delivery?")).decision, Answer)


@pytest.mark.parametrize(
    "other",
    [
        {"release": 2},
        {"as_of": datetime(2027, 3, 1, tzinfo=UTC)},
        {"brand": a_brand(tone="terse")},
        {"shop": "another"},
    ],
)
def test_release_day_voice_and_shop_are_part_of_what_is_asked(other: dict[str, object]) -> None:
    memory, view = Memory(InProcess()), a_view(a_faq("How long is delivery?", "Three days."))
    question, turn = a_question(), a_turn()
    assert memory.key(question, turn, view) == memory.key(question, a_turn(), view)
    assert memory.key(question, turn, view) != memory.key(question, a_turn(**other), view)


def test_on_the_day_a_row_begins_the_hours_before_and_after_are_not_one() -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    view = a_view(a_faq("How long is delivery?", "Three days.", valid_from=noon))
    memory, question = Memory(InProcess()), a_question()
    before, after = (a_turn(as_of=noon.replace(hour=hour)) for hour in (11, 13))
    assert memory.key(question, before, view) != memory.key(question, after, view)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("请问一下，可以退货吗？谢谢", "可以退貨"),
        ("What's the price?", "whats the PRICE"),
        ("ｈｏｗ long is delivery", "How long is delivery!!"),
        ("你好，发货要多久呀", "发货 要多久"),
    ],
)
def test_the_same_words_are_the_same_question_however_they_are_typed(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("可以退货", "不可以退货"),
        ("from Leeds to York", "from York to Leeds"),
        ("is it 1.5 m", "is it 15 m"),
        ("50% off?", "50 off?"),
        ("can I return it", "can't I return it"),
        ("谢谢", "你好"),
    ],
)
def test_words_that_change_the_question_are_kept(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


async def test_the_least_asked_is_forgotten_first() -> None:
    shop = Shop(memory=Memory(InProcess(entries=1), (heard := Heard()).append))
    for text in ("How long is delivery?", "发货要多久？", "How long is delivery?"):
        await shop.ask(text)
    assert heard == ["miss", "miss", "miss"]


async def test_what_a_model_made_of_a_draft_is_said_again_and_an_answer_it_failed_at_is_not_kept() -> None:
    memory, view = Memory(InProcess()), a_view(a_faq("How long is delivery?", "Three days."))
    key = memory.key(a_question(), a_turn(), view)
    await memory.keep(key, Found("knowledge", "", {}, (a_passage(),), None, 0.9))
    draft = (Sentence("It takes three days.", origin="evidence"),)
    answer = Answer(a_question(), Evidence(draft=draft), 0.9, needs_model=True)
    await memory.keep_said(key, answer, draft)
    assert await memory.recall_said(key, answer) == ()
    phrased = (Sentence("Three days, and that's it.", origin="model"),)
    await memory.keep_said(key, answer, phrased)
    assert await memory.recall_said(key, answer) == phrased
    longer = replace(answer, evidence=Evidence(draft=(*draft, *draft)))
    assert await memory.recall_said(key, longer) == (), "a draft that says more is phrased anew"
