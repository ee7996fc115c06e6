"""A message is searched with in the words shops write in."""

from __future__ import annotations

import pytest

from app.bootstrap import PROMPTS
from app.chat.plain_words import PlainWords
from app.chat.turn import Turn
from app.chat.understand import Understander
from app.pipeline_parts import plain_words
from tests.builders import a_turn

WORDS = plain_words(PROMPTS)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("when will u ship it, tmrw?", "when will you ship it, tomorrow?"),
        ("shippin 2day pls", "shipping today please"),
        ("i dont want it, can i send it back", "i do not want it, can i return it"),
        ("邮费几多", "运费多少"),
        ("啥时候能发走", "什么时候能发货"),
        ("咋个退掉", "怎么退货"),
    ],
)
def test_text_speak_and_dialect_are_put_plainly(said: str, meant: str) -> None:
    assert WORDS.of(said) == meant


@pytest.mark.parametrize(
    "text", ["", "Do you ship to Norway?", "你们几点发货？", "begin again in Berlin", "SKU W-N-12"]
)
def test_what_is_plain_already_stays_as_it_is(text: str) -> None:
    assert WORDS.of(text) == text


def test_without_tables_nothing_changes() -> None:
    assert PlainWords().of("u r gr8 啥") == "u r gr8 啥"


def test_of_two_entries_that_match_the_longer_counts() -> None:
    words = PlainWords.load({"zh": {"几多": "多少", "几多钱": "什么价"}, "en": {"send back": "return", "back": "rear"}})
    assert words.of("几多钱") == "什么价"
    assert words.of("send back") == "return"


def test_a_question_keeps_what_was_written_beside_what_is_searched() -> None:
    turn: Turn = a_turn("shippin tmrw?")
    question = Understander(plain_words=WORDS).understand(turn)
    assert question.text == "shippin tmrw?"
    assert question.searched == "shipping tomorrow?"
