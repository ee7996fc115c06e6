"""Shop words are found in the other language, for searching only."""

from __future__ import annotations

import pytest

from app.knowledge.glossary import in_other_language


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("怎么取消订单？", "zh", {"cancel", "order"}),
        ("退货要多久", "zh", {"return", "how", "long"}),
        ("How do I cancel my orders?", "en", {"取消", "订单"}),
        ("is the jacket machine washed", "en", {"夹克", "机洗"}),
    ],
)
def test_shop_words_of_a_question_are_given_in_the_other_language(text: str, language: str, words: set[str]) -> None:
    assert words <= set(in_other_language(text, language).split())


@pytest.mark.parametrize(
    ("text", "language"), [("", "zh"), ("谢谢", "zh"), ("thanks a lot", "en"), ("backpacker", "en")]
)
def test_a_text_without_shop_words_gives_nothing(text: str, language: str) -> None:
    assert in_other_language(text, language) == ""


def test_a_word_is_given_once() -> None:
    assert in_other_language("return, returns, returned", "en") == "退货"
