"""The intent classifier: probabilities that sum to one, taken at their word only when sure."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.chat.intents import IntentModel, load_intents, with_intent
from app.errors import ConfigurationError
from tests.builders import a_question

MODEL = IntentModel(
    "fake", ("knowledge", "human"), np.array([[1, 0], [0, 1]], dtype=np.float32), np.zeros(2, dtype=np.float32)
)


@given(st.lists(st.floats(-50, 50, width=32), min_size=2, max_size=2))
def test_probabilities_are_shares_of_one(values: list[float]) -> None:
    shares = MODEL.probabilities(np.array(values, dtype=np.float32))
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-5)
    assert all(0.0 <= share <= 1.0 for share in shares.values())


def test_the_intent_nearest_to_the_vector_is_the_likeliest() -> None:
    shares = MODEL.probabilities(np.array([0, 3], dtype=np.float32))
    assert shares["human"] > shares["knowledge"]


@pytest.mark.parametrize(
    ("shares", "intent"),
    [
        ({"human": 0.8, "knowledge": 0.2}, "human"),
        ({"human": 0.6, "knowledge": 0.4}, "knowledge"),
        ({"injection": 0.75}, "injection"),
        ({"medical": 0.75}, "medical"),
        ({"legal": 0.75}, "legal"),
        ({"order": 0.99}, "knowledge"),
        ({"complaint": 0.99}, "knowledge"),
        ({"vague": 0.99}, "knowledge"),
    ],
)
def test_an_intent_is_settled_only_where_the_classifier_is_sure(shares: dict[str, float], intent: str) -> None:
    assert with_intent(a_question(), shares).intent == intent


def test_what_a_phrase_has_settled_stays() -> None:
    assert with_intent(a_question(intent="order"), {"human": 0.99}).intent == "order"


def test_small_talk_is_believed_of_short_messages_only() -> None:
    shares = {"smalltalk": 0.9, "knowledge": 0.1}
    assert with_intent(a_question("oh nice one"), shares).intent == "smalltalk.acknowledgement"
    assert with_intent(a_question("that is nice, but how long does it take then"), shares).intent == "knowledge"


def test_the_probabilities_join_the_signals() -> None:
    question = with_intent(a_question(signals={"hidden": 1.0}), {"human": 0.25, "knowledge": 0.75})
    assert dict(question.signals) == {"hidden": 1.0, "p_human": 0.25, "p_knowledge": 0.75}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"intents": ["a"]}'])
def test_a_broken_file_is_a_configuration_error_that_says_what_to_do(tmp_path: Path, content: str) -> None:
    path = tmp_path / "intents.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="xiaoer calibrate"):
        load_intents(path)
    with pytest.raises(ConfigurationError, match="missing"):
        load_intents(tmp_path / "missing.json")


def test_a_saved_classifier_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "intents.json"
    raw = {"embedder": "e", "intents": ["a", "b"], "weights": [[1, 0], [0, 1]], "bias": [0, 1]}
    path.write_text(json.dumps(raw), encoding="utf-8")
    model = load_intents(path)
    assert model.intents == ("a", "b")
    assert model.weights.shape == (2, 2)
