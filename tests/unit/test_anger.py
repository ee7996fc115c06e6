"""The ear for anger: heat is heard, mere trouble is not, and the file that is shipped reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.bootstrap import FITTED
from app.chat.anger import AngerModel, grams, load_anger
from app.chat.intents import with_anger
from app.errors import ConfigurationError
from tests.builders import a_question

HOT = AngerModel("fake", np.array([4, 0], dtype=np.float32), np.zeros(64, dtype=np.float32), -2.0, 0.5)
ANGRY, CALM = np.array([1, 0], dtype=np.float32), np.array([0, 1], dtype=np.float32)


@given(st.text(max_size=600))
def test_every_text_has_buckets_within_the_table(text: str) -> None:
    found = grams(text, 128)
    assert all(0 <= bucket < 128 for bucket in found)
    assert len(set(found.tolist())) == len(found)


def test_how_often_a_mark_is_repeated_says_no_more_than_twice() -> None:
    assert grams("why!!", 4096).tolist() == grams("why!!!!!!!", 4096).tolist()
    assert grams("why", 4096).tolist() != grams("why!!", 4096).tolist()
    assert grams("order 12", 4096).tolist() == grams("ORDER  98765", 4096).tolist()


@pytest.mark.parametrize(("vector", "sounds"), [(ANGRY, 1.0), (CALM, 0.0)])
def test_anger_is_noted_beside_what_is_wanted(vector: NDArray[np.float32], sounds: float) -> None:
    question = with_anger(a_question(intent="order"), HOT, vector)
    assert question.intent == "order"
    assert question.signals["sounds_angry"] == sounds
    assert 0.0 <= question.signals["p_anger"] <= 1.0


@pytest.mark.parametrize("content", ["", "{", "[]", '{"embedder": "e"}'])
def test_a_broken_file_is_a_configuration_error_that_says_what_to_do(tmp_path: Path, content: str) -> None:
    path = tmp_path / "anger.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"eval\.anger --fit"):
        load_anger(path)


def test_a_classifier_of_another_embedder_is_not_used() -> None:
    assert load_anger(FITTED / "anger.json", "another/1") is None


def test_the_shipped_file_holds_numbers_and_no_text() -> None:
    raw = json.loads((FITTED / "anger.json").read_text(encoding="utf-8"))
    assert set(raw) == {"name", "embedder", "bias", "threshold", "report", "dense", "hashed"}
    assert all(isinstance(weight, int | float) for weight in (*raw["dense"], *raw["hashed"]))
    assert (FITTED / "anger.json").stat().st_size < 64_000
