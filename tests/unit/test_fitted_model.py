"""Fitted models are read from JSON and judge many rows at once as they judge one."""

from __future__ import annotations

import math
import random

import pytest

from app.chat.calibrate import FittedModel, model_from_json

DEEP = {
    "feature": [0, 1, -1, -1, 0, -1, 1, -1, -1],
    "threshold": [0.5, 0.2, -2, -2, 0.9, -2, 0.7, -2, -2],
    "left": [1, 2, -1, -1, 5, -1, 7, -1, -1],
    "right": [4, 3, -1, -1, 6, -1, 8, -1, -1],
    "value": [0, 0, -1.0, 0.5, 0, 0.25, 0, 2.0, -0.125],
}
LEAF = {"feature": [-1], "threshold": [-2], "left": [-1], "right": [-1], "value": [0.0625]}


def model(**more: object) -> FittedModel:
    return model_from_json({"name": "m", "features": ["a", "b"], "intercept": -0.5, "trees": [DEEP, LEAF], **more})


def test_many_rows_are_judged_as_each_alone() -> None:
    fitted = model(weights=[1.5, -2.0], means=[0.1, 0.2], scales=[2.0, 0.5])
    chance = random.Random(5)
    rows = [{"a": chance.random(), "b": chance.random()} for _ in range(200)] + [{"a": 0.5, "b": 0.2}, {}]
    for row, score in zip(rows, fitted.logits(rows), strict=True):
        a, b = row.get("a", 0.0), row.get("b", 0.0)
        linear = 1.5 * (a - 0.1) / 2.0 - 2.0 * (b - 0.2) / 0.5
        assert score == pytest.approx(-0.5 + linear + sum(tree.predict([a, b]) for tree in fitted.trees))
        assert fitted.logit(row) == pytest.approx(score)


def test_a_value_on_the_threshold_goes_left() -> None:
    assert model().logit({"a": 0.5, "b": 0.2}) == pytest.approx(-0.5 - 1.0 + 0.0625)


def test_a_model_without_trees_is_logistic() -> None:
    fitted = model(trees=[], weights=[1.0, 0.0])
    assert fitted.probabilities([{"a": 2.5}]) == [pytest.approx(1 / (1 + math.exp(-2.0)))]


def test_between_two_knots_the_line_is_taken() -> None:
    fitted = model(trees=[], weights=[1.0, 0.0], knots=[[-1.0, 0.1], [1.0, 0.9]])
    judged = fitted.probabilities([{"a": -3.0}, {"a": 0.5}, {"a": 5.0}])
    assert judged == [pytest.approx(0.1), pytest.approx(0.5), pytest.approx(0.9)]


def test_no_rows_get_no_probabilities() -> None:
    assert model().probabilities([]) == []
