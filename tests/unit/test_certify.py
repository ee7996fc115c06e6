"""A certificate has to hold: its threshold keeps the true rate of wrong answers under the limit as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from eval.certify import Shot, answered, level_of, lowest_threshold, missing, needed, smallest_alpha, wrong_rate
from eval.harness import Sample, SolvedSample, Source
from eval.shots import mistaken, shot_of


def shots(count: int, *wrong_at: int, group: str = "en/faq") -> list[Shot]:
    """Answers from the most to the least confident; those at the given places are wrong."""
    return [Shot(group, round(1 - n / (2 * count), 4), n in wrong_at, True) for n in range(count)]


def drawn(rng: np.random.Generator, count: int) -> list[Shot]:
    """Answers whose confidence is their chance of being right, and which are wrong accordingly."""
    confidence = 0.6 + 0.4 * rng.beta(4.0, 1.0, count)
    return [Shot("en/faq", float(c), bool(w), True) for c, w in zip(confidence, rng.random(count) > confidence)]  # noqa: B905


@pytest.mark.parametrize(
    ("alpha", "mistakes", "answers"), [(0.05, 0, 80), (0.05, 1, 120), (0.02, 0, 200), (0.02, 5, 600)]
)
def test_it_takes_so_many_answers_to_certify_a_limit(alpha: float, mistakes: int, answers: int) -> None:
    assert needed(alpha, 0.05, mistakes) == answers


def test_too_few_labels_certify_nothing_and_it_is_said_how_many_are_missing() -> None:
    few = shots(40)
    assert lowest_threshold(few, 0.05, 0.05) is None
    lacking = missing(few, 0.05)
    assert lacking is not None
    assert lacking > 0
    assert lowest_threshold(shots(40 + lacking), 0.05, 0.05) is not None


def test_more_labels_are_no_help_where_even_the_surest_answers_are_wrong_too_often() -> None:
    assert missing(shots(200, *range(0, 200, 4)), 0.05) is None


def test_the_threshold_ends_above_where_answers_go_wrong() -> None:
    found = lowest_threshold(shots(400, *range(250, 400)), 0.05, 0.05)
    assert found is not None
    assert 240 <= found.sent <= 262
    assert found.bound <= 0.05


def test_a_mistake_among_the_very_surest_does_not_end_the_search() -> None:
    found = lowest_threshold(shots(400, 0, 1), 0.05, 0.05)
    assert found is not None
    assert found.sent == 400


def test_the_certified_rate_holds_as_often_as_promised() -> None:
    rng = np.random.default_rng(3)
    truth = sorted(drawn(rng, 100_000), key=lambda s: -(s.confidence or 0))
    confidences = np.array([s.confidence for s in truth])
    rates = np.cumsum([s.wrong for s in truth]) / np.arange(1, len(truth) + 1)
    broken = certified = 0
    for _ in range(120):
        found = lowest_threshold(drawn(rng, 300), 0.10, 0.10)
        if found:
            certified += 1
            broken += rates[max(int((confidences >= found.threshold).sum()) - 1, 0)] > 0.10
    assert certified > 10
    assert broken / 120 <= 0.10


def test_groups_get_thresholds_of_their_own_only_where_all_have_labels_enough() -> None:
    many = [*shots(600, group="zh/faq"), *shots(600, *range(300, 600), group="zh/policy")]
    level = level_of(many, 0.05)
    assert {g.name for g in level.groups} == {"zh/faq", "zh/policy"}
    faq, policy = level.threshold("faq", "zh"), level.threshold("policy", "zh")
    assert faq is not None
    assert policy is not None
    assert policy > faq
    pooled = level_of([*many, *shots(20, group="zh/product")], 0.05)
    assert [g.name for g in pooled.groups] == ["all"]
    assert "zh/product" in pooled.why_pooled


def test_what_is_answered_counts_tools_and_questions_in_scope_only() -> None:
    asked = [*shots(300), Shot("en/?", None, False, True, looked_up=True), Shot("en/faq", None, False, True)]
    asked.append(Shot("en/faq", 0.99, False, False))
    level = level_of(asked, 0.05)
    assert answered(asked, level.groups) == pytest.approx(301 / 302)
    assert wrong_rate(asked, level.groups) == (0, 301)


def test_the_smallest_limit_is_the_first_that_the_labels_support() -> None:
    smallest = smallest_alpha(shots(300, 10))
    assert smallest is not None
    assert lowest_threshold(shots(300, 10), smallest, 0.05) is not None
    assert lowest_threshold(shots(300, 10), smallest - 0.001, 0.05) is None
    assert smallest_alpha(shots(3)) is None


def test_a_held_back_answer_is_judged_as_if_it_had_been_sent() -> None:
    sample = Sample("a", "?", facts=(("three days",),), sources=(Source("faq.csv"),))
    held = SolvedSample(
        {"decision": "handoff", "confidence": 0.4, "language": "en", "text": "A person will help."},
        draft={"text": "Four days.", "citations": [{"path": "faq.csv", "locator": ""}]},
        grounds={"kind": "faq", "features": {"first": 0.5}},
    )
    shot = shot_of(sample, held)
    assert (shot.confidence, shot.wrong, shot.group, shot.features) == (0.4, True, "en/faq", {"first": 0.5})


def test_where_no_fact_is_labelled_the_source_decides() -> None:
    sample = Sample("a", "?", sources=(Source("documents.jsonl", "Refunds"),))
    for locator, value in (("Refunds", 0.0), ("Cards", 1.0)):
        cited = [{"path": "documents.jsonl", "locator": locator}]
        assert mistaken(sample, SolvedSample({"decision": "answer", "text": "x", "citations": cited})).value == value
