"""P(an answer from the best passages is right): what decides between answering and calling a human. Pure.

The selector says how likely each passage is; this looks at the whole list, since two passages that share the
probability are as good as one that has it all when both are said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.chat.calibrate import FittedModel
from app.chat.select import CERTAIN
from app.chat.turn import Passage
from app.knowledge.chunk import Kind

OF_THE_BEST = (
    "p_knowledge",
    "p_vague",
    "p_offtopic",
    "p_complaint",
    "unknown_words",
    "question_covered",
    "question_covered_top5",
    "question_words",
    "kind_match",
    "dense",
    "dense_alone",
    "sought",
    "sought_above",
    "attribute_found",
    "attribute_missing",
    "depends",
    "other_language",
    "name_covered",
    "asks_hard_value",
)
"""Selector features of the best passage that also speak about the answer as a whole."""
OF_THE_READING = ("read", "read_above", "read_best", "chosen", "cell", "cell_above")
"""What reading the passages, and the row of a product, adds; only the model for answers whose passages were read knows
them. Where no row was read, the passage stands for its cell."""
CONFIDENCE_FEATURES = ("first", "second", "third", "told", "rest", "is_product", "second_is_product", *OF_THE_BEST)


READ_CONFIDENCE_FEATURES = (*CONFIDENCE_FEATURES, *OF_THE_READING)


@dataclass(frozen=True, slots=True)
class Confidence:
    """The fitted models of an answer: one by the surface, one for passages that were read (None: nobody reads)."""

    surface: FittedModel
    read: FittedModel | None = None

    def model_for(self, passages: Sequence[Passage]) -> FittedModel:
        """The model that judges an answer from these passages."""
        return self.read if self.read is not None and was_read(passages) else self.surface

    def model_of(self, features: Mapping[str, float]) -> FittedModel:
        """The model that these features were given to."""
        return self.read if self.read is not None and "read" in features else self.surface


def was_read(passages: Sequence[Passage]) -> bool:
    """Whether the best passage has been read together with the question."""
    return bool(passages) and "read" in passages[0].scores


def reading_features(passages: Sequence[Passage]) -> dict[str, float]:
    """What reading says of the answer as a whole; nothing where nothing was read."""
    if not was_read(passages):
        return {}
    best = passages[0].scores
    return {
        "read": best["read"],
        "read_above": best["read_above"],
        "read_best": max(p.scores["read"] for p in passages if "read" in p.scores),
        "chosen": best["chosen"],
        "cell": best.get("cell", best["read"]),
        "cell_above": best.get("cell_above", 0.0),
    }


def confidence_features(passages: Sequence[Passage], told: float) -> dict[str, float]:
    """Features of a judged list of passages; `told` is the summed confidence of those that will be said."""
    shares = [p.confidence for p in passages[:3]] + [0.0] * 3
    best = passages[0]
    return {
        "first": shares[0],
        "second": shares[1],
        "third": shares[2],
        "told": told,
        "rest": sum(p.confidence for p in passages) - told,
        "is_product": float(best.chunk.kind is Kind.PRODUCT),
        "second_is_product": float(len(passages) > 1 and passages[1].chunk.kind is Kind.PRODUCT),
        **{name: best.scores.get(name, 0.0) for name in OF_THE_BEST},
        **reading_features(passages),
    }


def confidence_of(model: FittedModel, passages: Sequence[Passage], said: Sequence[Passage]) -> float:
    """Calibrated P(right) of an answer that says `said`; 0 when nothing was found."""
    if not passages:
        return 0.0
    features: Mapping[str, float] = confidence_features(passages, sum(p.confidence for p in said))
    chance = model.probability(features)
    return max(chance, CERTAIN) if passages[0].scores.get("certain") else chance
