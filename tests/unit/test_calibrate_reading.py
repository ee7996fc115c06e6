"""Fitting the judge: it learns from the reading what the surface does not tell, and says whose scores it knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from app.chat.calibrate import model_from_json
from app.chat.confidence import READ_CONFIDENCE_FEATURES
from app.chat.rerank import READ, READ_FEATURES
from app.chat.select import FEATURES
from eval.calibrate import Example, Options, chosen
from eval.calibrate_reading import fit_confidence, fit_judge, is_read
from eval.harness import Sample
from tests.builders import a_faq, a_passage, a_question

KNOTS = [(-5.0, 0.01), (5.0, 0.9)]
COUNT = 300


def an_example(number: int, rng: np.random.Generator) -> Example:
    """Eight passages that look alike; one of the first four answers, or none does."""
    passages = tuple(a_passage(a_faq(f"Row {n}", f"Text {n}", chunk_id=f"c{n}"), 0.5, dense=0.9) for n in range(8))
    table = tuple({name: float(rng.random()) for name in FEATURES} | {"said_title": 0.0} for _ in passages)
    labels = np.zeros(8, dtype=np.int64)
    if number % 3:
        labels[int(rng.integers(4))] = 1
    rows = np.array([[row[name] for name in FEATURES] for row in table])
    sample = Sample(f"s{number}", "?", answerable=bool(labels.any()))
    return Example(f"shop-{number % 4}", sample, passages, table, rows, labels, a_question())


@pytest.fixture(scope="module")
def fitted() -> tuple[dict[str, Any], dict[str, Any]]:
    """Judge and confidence, fitted on examples whose surface says nothing."""
    rng = np.random.default_rng(3)
    examples = [an_example(n, rng) for n in range(COUNT)]
    # The selector is blind here: every passage of an example is as likely as the next.
    passages = chosen(examples, [np.linspace(0.4, 0.0, 8) for _ in examples], KNOTS)
    reads = {
        n: [2.0 * p.scores["label"] - 1 + float(rng.normal(0, 0.3)) for p in listed[:READ]]
        for n, listed in enumerate(passages)
    }
    options = Options(trees=20, rate=0.3, leaf=10, folds=2)
    judge, answers = fit_judge(examples, passages, reads, "embedder", "reader", options)
    return judge, fit_confidence(answers, "embedder", "reader", options)


def test_the_judge_learns_from_the_reading(fitted: tuple[dict[str, Any], dict[str, Any]]) -> None:
    judge, confidence = fitted
    model = model_from_json(judge)
    row = dict.fromkeys(READ_FEATURES, 0.5)
    assert model.probability(row | {"read": 1.2, "read_above": 2.0, "read_rank": 0.0}) > 0.6
    assert model.probability(row | {"read": -1.2, "read_above": -2.0, "read_rank": 0.8}) < 0.2
    assert confidence["report"]["out_of_fold"]["auroc"] > 0.8
    assert set(confidence["features"]) == set(READ_CONFIDENCE_FEATURES)


def test_the_models_say_whose_scores_they_know(fitted: tuple[dict[str, Any], dict[str, Any]]) -> None:
    for raw in fitted:
        assert model_from_json(raw).reranker == "reader"
        assert model_from_json(raw).embedder == "embedder"


def test_only_what_a_turn_would_have_read_is_fitted_on() -> None:
    example = an_example(1, np.random.default_rng(0))
    doubtful = chosen([example], [np.linspace(0.4, 0.0, 8)], KNOTS)[0]
    assert is_read(example, doubtful)
    assert not is_read(example, [])
