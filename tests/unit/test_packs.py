"""The industry packs: complete in both languages, and nothing in them that no fact fills."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from app.api.packs import LANGUAGES, read_packs

FOLDER = Path(__file__).parents[2] / "prompts" / "packs"
TOLD = read_packs(FOLDER)
QUESTIONS = [(pack["id"], question) for pack in TOLD["packs"] for question in pack["questions"]]


def test_there_are_packs_for_any_shop_for_mother_and_baby_and_for_clothing() -> None:
    assert [pack["id"] for pack in TOLD["packs"]] == ["general", "apparel", "mother-and-baby"]
    assert all(len(pack["questions"]) >= 10 for pack in TOLD["packs"])


@pytest.mark.parametrize(("pack", "question"), QUESTIONS, ids=[f"{pack}-{q['id']}" for pack, q in QUESTIONS])
def test_every_question_has_ten_phrasings_of_its_own_in_both_languages(pack: str, question: dict[str, Any]) -> None:
    facts = {fact["id"] for fact in TOLD["facts"]}
    for language in LANGUAGES:
        words = question[language]
        assert len(set(words["phrasings"])) == len(words["phrasings"]) >= 10
        assert words["question"] not in words["phrasings"]
        assert set(re.findall(r"{(\w+)}", words["answer"])) <= facts
        assert question["section"][language]
        chinese = bool(re.search(r"[一-鿿]", "".join(words["phrasings"]) + words["question"] + words["answer"]))
        assert chinese == (language == "zh")
    ids = {other["id"] for name, other in QUESTIONS if name == pack}
    assert set(question["related"]) <= ids - {question["id"]}
    assert len(question["related"]) <= 5


def test_no_phrasing_stands_under_two_questions_of_a_pack() -> None:
    for pack in TOLD["packs"]:
        for language in LANGUAGES:
            said = [text for question in pack["questions"] for text in question[language]["phrasings"]]
            assert sorted(said) == sorted(set(said))


def test_facts_say_what_they_ask_for_and_show_an_example() -> None:
    for fact in TOLD["facts"]:
        for language in LANGUAGES:
            assert fact[language]["ask"]
            assert fact[language]["example"]
