"""What the intents are taught: enough questions for knowledge, and not so many that all the rest looks unlikely."""

from __future__ import annotations

from eval.fit_intents import with_fewer_questions


def test_questions_are_thinned_and_every_other_intent_kept() -> None:
    rows = [(f"question {n}", "knowledge") for n in range(100)] + [("a person please", "human"), ("hi", "smalltalk")]
    kept = with_fewer_questions(rows, most=10)
    assert sum(intent == "knowledge" for _, intent in kept) == 10
    assert {row for row in kept if row[1] != "knowledge"} == {("a person please", "human"), ("hi", "smalltalk")}
    assert kept == with_fewer_questions(rows, most=10)


def test_few_questions_are_all_kept() -> None:
    rows = [("is it open", "knowledge"), ("hi", "smalltalk")]
    assert sorted(with_fewer_questions(rows, most=10)) == sorted(rows)
