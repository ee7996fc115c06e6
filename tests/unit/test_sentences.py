"""How text is cut into sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.knowledge.sentences import split_sentences, spoken_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("运费8元。满99元包邮！可以吗？好", ["运费8元。", "满99元包邮！", "可以吗？", "好"]),
        ("It costs £3.95. Free over £50!", ["It costs £3.95.", "Free over £50!"]),
        ("Bring e.g. Your card. See no. 5 for it.", ["Bring e.g. Your card.", "See no. 5 for it."]),
        ("Open at 9 a.m. We ship daily.", ["Open at 9 a.m.", "We ship daily."]),
        ("版本1.5.2很好。“真的？”是的。", ["版本1.5.2很好。", "“真的？”", "是的。"]),
        ("Not returnable:\n- gas\n1. filters", ["Not returnable:", "gas", "filters"]),
        ("https://shop.example/a.b?c=1 is ours. Yes.", ["https://shop.example/a.b?c=1 is ours.", "Yes."]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_would_stop(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_a_table_row_is_a_sentence_and_its_header_is_none() -> None:
    table = "Rates:\n| Region | Fee |\n| --- | --- |\n| 海南 | 8 |\n| EU |  |\nEnd."
    assert split_sentences(table) == ["Rates:", "| 海南 | 8 |", "| EU |  |", "End."]
    assert [s.spoken for s in spoken_sentences(table)][1:3] == ["Region: 海南; Fee: 8", "Region: EU"]


def test_a_list_item_is_spoken_with_the_line_that_introduces_it() -> None:
    assert spoken_sentences("不支持退货的商品：\n- 内裤\n- 袜子")[2].spoken == "不支持退货的商品： 袜子"


@given(st.text(alphabet="ab .!?。！？\n|-1：:“”", max_size=120))
def test_every_sentence_stands_in_the_text_literally_and_in_order(text: str) -> None:
    position = 0
    for sentence in split_sentences(text):
        assert sentence == sentence.strip()
        assert sentence
        position = text.index(sentence, position) + len(sentence)
