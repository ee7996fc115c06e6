"""What a message wants, read off its own embedding by a small fitted classifier.

It sees what no phrase list does ("can someone ring me?", "get your boss"), and its probabilities also tell the
selector how much the message sounds like a question to a shop at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.chat.anger import AngerModel
from app.chat.turn import Question
from app.errors import ConfigurationError
from app.knowledge.ports import Vector

SURE: Mapping[str, float] = MappingProxyType(
    {"human": 0.7, "injection": 0.7, "medical": 0.7, "legal": 0.7, "smalltalk": 0.6}
)
"""Probability from which an intent is taken at its word, before anything is looked up."""
_SMALL_TALK_LIMIT = 30


@dataclass(frozen=True, slots=True)
class IntentModel:
    """Multinomial logistic regression: `weights` (intents, embedding size), `bias` (intents,)."""

    embedder: str
    intents: tuple[str, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def probabilities(self, vector: Vector) -> dict[str, float]:
        """Intent → probability; they sum to one."""
        logits = self.weights @ vector + self.bias
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        return dict(zip(self.intents, shares.tolist(), strict=True))


def with_intent(question: Question, probabilities: Mapping[str, float]) -> Question:
    """The question with `p_…` among its signals, and its intent settled where a phrase had not and one is sure."""
    signals = {**question.signals, **{f"p_{name}": p for name, p in probabilities.items()}}
    intent = question.intent
    if intent == "knowledge":
        best = max(probabilities, key=lambda name: probabilities[name])
        if probabilities[best] >= SURE.get(best, 1.1):
            intent = _settled(best, question)
    return replace(question, intent=intent, signals=MappingProxyType(signals))


def with_anger(question: Question, model: AngerModel, vector: Vector) -> Question:
    """The question with `p_anger` and `sounds_angry` (0 or 1) among its signals.

    What it wants stays: whoever is angry and can be answered is answered first, and mere trouble is no complaint.
    """
    angry = model.probability(question.text, vector)
    sounds = float(angry >= model.threshold)
    return replace(question, signals=MappingProxyType({**question.signals, "p_anger": angry, "sounds_angry": sounds}))


def _settled(intent: str, question: Question) -> str:
    if intent != "smalltalk":
        return intent
    return "smalltalk.acknowledgement" if len(question.text) <= _SMALL_TALK_LIMIT else "knowledge"


def load_intents(path: Path) -> IntentModel:
    """The classifier from its JSON file. Raises ConfigurationError when it can't be read."""
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return IntentModel(
            embedder=str(raw["embedder"]),
            intents=tuple(raw["intents"]),
            weights=np.array(raw["weights"], dtype=np.float32),
            bias=np.array(raw["bias"], dtype=np.float32),
        )
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ConfigurationError(
            f"The intent model {path.name} can't be read ({problem}). Run `xiaoer calibrate` to fit it again."
        ) from problem
