"""The alarm goes off when questions get harder in ways that matter, and not otherwise."""

from __future__ import annotations

import numpy as np

from app.trust.shift import WATCHED, ShiftWatch

NAMES = tuple(WATCHED)


def rows(rng: np.random.Generator, count: int, worse: float = 0.0) -> list[list[float]]:
    """Feature rows of answers; `worse` moves every one of them the way that harms."""
    return [[float(rng.normal(0.6, 0.1)) - WATCHED[name] * worse for name in NAMES] for _ in range(count)]


def watch(rng: np.random.Generator) -> ShiftWatch:
    return ShiftWatch(NAMES, [[0.9, *row] for row in rows(rng, 180)], threshold=0.7)


def ask(watched: ShiftWatch, asked: list[list[float]]) -> list[bool]:
    """After each, whether the alarm is on."""
    told = []
    for row in asked:
        watched.saw(dict(zip(NAMES, row, strict=True)))
        told.append(watched.alarm is not None)
    return told


def test_ten_thousand_answers_like_the_labelled_ones_raise_nothing() -> None:
    rng = np.random.default_rng(5)
    watched = watch(rng)
    assert not any(ask(watched, rows(rng, 10_000)))


def test_easier_questions_are_no_shift() -> None:
    rng = np.random.default_rng(6)
    assert not any(ask(watch(rng), rows(rng, 500, worse=-0.2)))


def test_harder_questions_raise_it_within_a_hundred_answers_and_it_ends_with_them() -> None:
    rng = np.random.default_rng(7)
    watched = watch(rng)
    raised = ask(watched, rows(rng, 100, worse=0.15))
    assert raised[-1]
    assert not raised[10]
    assert not ask(watched, rows(rng, 400))[-1]


def test_a_few_labelled_answers_are_too_few_to_compare_with() -> None:
    rng = np.random.default_rng(8)
    few = ShiftWatch(NAMES, [[0.9, *row] for row in rows(rng, 12)], threshold=0.7)
    assert not any(ask(few, rows(rng, 200, worse=1.0)))


def test_what_was_seen_can_be_taken_up_again() -> None:
    rng = np.random.default_rng(9)
    first, again = watch(rng), watch(np.random.default_rng(9))
    ask(first, rows(rng, 100, worse=0.15))
    again.take_up(first.rows)
    assert first.alarm is not None
    assert again.alarm is not None
    assert again.alarm.feature == first.alarm.feature
