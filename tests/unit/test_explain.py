"""A turn explained: parts that add up to the confidence, in both languages, with what was checked."""

from __future__ import annotations

import pytest

from app.bootstrap import FITTED
from app.chat.calibrate import load_model, model_from_json
from app.chat.confidence import READ_CONFIDENCE_FEATURES
from app.chat.contributions import breakdown
from app.trust.explain import FEATURES, explanation

MODEL = model_from_json(
    {
        "name": "confidence",
        "features": ["first", "unknown_words", "dense"],
        "intercept": 0.5,
        "weights": [0.0, 0.0, 1.0],
        "means": [0.0, 0.0, 0.8],
        "scales": [1.0, 1.0, 0.1],
        "trees": [
            {
                "feature": [0, 1, -1, -1, -1],
                "threshold": [0.6, 0.3, 0.0, 0.0, 0.0],
                "left": [1, 2, -1, -1, -1],
                "right": [4, 3, -1, -1, -1],
                "value": [0.0, 0.0, -0.5, -2.0, 1.0],
                "cover": [100, 40, 30, 10, 60],
            }
        ],
    }
)
GROUNDS = {
    "features": {"first": 0.9, "unknown_words": 0.0, "dense": 0.85},
    "threshold": 0.7,
    "certificate": "cert-1",
    "model": "m1",
}
DECIDED = {
    "message_id": "m_1",
    "decision": "answer",
    "confidence": 0.85,
    "grounds": GROUNDS,
    "passages": [{"path": "faq.csv", "locator": "row 2", "confidence": 0.9}],
}


def test_base_and_parts_add_up_to_the_score_and_to_the_probability() -> None:
    told = breakdown(MODEL, {"first": 0.4, "unknown_words": 0.5, "dense": 0.7})
    base = 0.5 + (40 * (30 * -0.5 + 10 * -2.0) / 40 + 60 * 1.0) / 100
    assert base + sum(c.score for c in told.contributions) == pytest.approx(
        MODEL.logit({"first": 0.4, "unknown_words": 0.5, "dense": 0.7})
    )
    assert told.base + sum(c.points for c in told.contributions) == pytest.approx(told.probability)
    assert {c.feature for c in told.contributions} == {"first", "unknown_words", "dense"}


def test_the_shipped_model_is_taken_apart_to_the_last_digit() -> None:
    model = load_model(FITTED / "confidence.json")
    for n in range(20):
        values = {name: ((7 * n + 3 * at) % 10) / 10 for at, name in enumerate(model.features)}
        told = breakdown(model, values)
        assert told.probability == pytest.approx(model.probability(values), abs=1e-9)


def test_every_feature_of_confidence_has_words_in_both_languages() -> None:
    assert set(READ_CONFIDENCE_FEATURES) <= set(FEATURES)
    assert all(zh and en for zh, en in FEATURES.values())


def test_an_answer_is_explained_with_threshold_certificate_and_the_origin_of_each_sentence() -> None:
    said = [{"text": "Three days.", "origin": "approved", "citations": [{"path": "faq.csv", "locator": "row 2"}]}]
    told = explanation(MODEL, DECIDED, said, "m1")
    assert [c["passed"] for c in told["checks"]] == [True, True]
    assert "门槛" in told["checks"][0]["zh"]
    assert "cert-1" in told["checks"][1]["en"]
    assert told["sentences"][0]["en"] == "an editor's own words"
    assert told["sentences"][0]["citations"] == ["faq.csv · row 2"]
    assert told["features"][0]["points"] == max((one["points"] for one in told["features"]), key=abs)


def test_a_hand_over_says_what_was_missing_and_models_that_changed_are_named() -> None:
    decided = {**DECIDED, "decision": "handoff", "reason": "low_confidence", "confidence": 0.5}
    told = explanation(MODEL, decided, (), "m2")
    assert told["checks"][0]["passed"] is False
    assert told["refitted"] is True
    assert any("把握不够" in c["zh"] for c in told["checks"])


def test_what_needed_no_knowledge_is_explained_too() -> None:
    told = explanation(MODEL, {"decision": "smalltalk", "confidence": 1.0, "grounds": {"features": {}}})
    assert told["features"] == []
    assert told["base"] is None
    assert told["checks"][0]["en"] == "nothing had to be looked up"
