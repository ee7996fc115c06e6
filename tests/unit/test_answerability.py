"""Whether passages hold what is asked: features of the words, no embedding."""

from __future__ import annotations

from app.chat.answerability import ANSWERABILITY_FEATURES, answerability_features, best_sentences
from app.knowledge.tokenize import words
from app.knowledge.view import WordWeights

PASSAGES = [
    "Orders are packed on weekdays. The Kendal shop opened in 1987 and sells boots.",
    "The founder, Mary Holt, opened the Kendal shop.",
    "Boots are waxed every six weeks.",
]
WEIGHTS = WordWeights(words(passage) for passage in PASSAGES)


def test_every_feature_is_made_also_of_no_passage() -> None:
    assert set(answerability_features("When did the Kendal shop open?", PASSAGES, WEIGHTS)) == set(
        ANSWERABILITY_FEATURES
    )
    assert set(answerability_features("When did it open?", [], WEIGHTS)) == set(ANSWERABILITY_FEATURES)


def test_the_sentence_with_the_kind_of_value_asked_for_fits_best() -> None:
    assert "1987" in best_sentences("When did the Kendal shop open?", PASSAGES, WEIGHTS)[0]


def test_passages_on_the_topic_without_the_value_score_lower_than_those_with_it() -> None:
    asked = "When did the Kendal shop open?"
    with_it = answerability_features(asked, PASSAGES[:1], WEIGHTS)
    without = answerability_features(asked, PASSAGES[1:2], WEIGHTS)
    assert with_it["best fits"] > without["best fits"]
    assert with_it["best kind_held"] > without["best kind_held"]
