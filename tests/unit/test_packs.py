"""Industry packs: enough questions, asked in enough ways, the same in both languages."""

from __future__ import annotations

import pytest

from app.errors import NotFound
from ingestion.editing.fields import MAX_QUESTION, MAX_RELATED
from ingestion.editing.packs import COMMON, Pack, load_pack, pack_names
from ingestion.text import language_of

PACKS = [(name, language) for name in pack_names() for language in ("zh", "en")]


@pytest.fixture(params=PACKS, ids="-".join)
def pack(request: pytest.FixtureRequest) -> Pack:
    return load_pack(*request.param)


def test_there_are_three_trades() -> None:
    assert pack_names() == ["general", "apparel", "mother-and-baby"]


def test_a_pack_has_twenty_questions_with_ten_ways_to_ask_each(pack: Pack) -> None:
    assert len(pack.questions) >= 20
    for question in pack.questions:
        distinct = {text.casefold() for text in (*question.phrasings, question.question)}
        assert len(distinct) >= 11, question.question_id
        assert len(distinct) == len(question.phrasings) + 1, question.question_id


def test_every_text_is_in_the_language_of_its_pack(pack: Pack) -> None:
    for question in pack.questions:
        for text in (question.question, question.ask, *question.phrasings):
            assert language_of(text) == pack.language, text
            assert 0 < len(text) <= MAX_QUESTION
            assert "|" not in text


def test_no_phrasing_stands_under_two_questions_of_a_pack(pack: Pack) -> None:
    every = [text.casefold() for q in pack.questions for text in (q.question, *q.phrasings)]
    assert sorted(every) == sorted(set(every))


def test_related_questions_and_blanks_exist(pack: Pack) -> None:
    known = {question.question_id for question in pack.questions}
    for question in pack.questions:
        assert set(question.related) <= known - {question.question_id}
        assert len(question.related) <= MAX_RELATED
        assert set(question.blanks) <= set(pack.fields)
        assert question.ask


def test_both_languages_ask_the_same() -> None:
    for name in pack_names():
        chinese, english = load_pack(name, "zh"), load_pack(name, "en")
        assert [q.question_id for q in chinese.questions] == [q.question_id for q in english.questions]
        assert list(chinese.fields) == list(english.fields)
        assert [q.blanks for q in chinese.questions] == [q.blanks for q in english.questions]


def test_the_four_facts_of_the_wizard_answer_the_common_questions() -> None:
    for language in ("zh", "en"):
        fields = {"shipping_time": "24h", "courier": "X", "ship_from": "Y"}
        filled = [q for q in load_pack(COMMON, language).questions if q.filled(fields)]
        assert {q.question_id for q in filled} >= {"ship-when", "ship-courier", "ship-from", "track"}


def test_a_pack_that_is_not_there_is_named_with_those_that_are() -> None:
    for name, language in (("cars", "zh"), ("general", "fr"), ("../general", "zh")):
        with pytest.raises(NotFound, match="general"):
            load_pack(name, language)
