"""Fit the intent classifier on labelled utterances (app/chat/data/intents.jsonl). `xiaoer calibrate` runs this."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

import numpy as np

from app.knowledge.ports import Embedder
from eval.harness import Sample

UTTERANCES = Path(__file__).parent.parent / "app" / "chat" / "data" / "intents.jsonl"
_STRENGTH = 30.0
"""Inverse regularisation; 10 to 100 measure the same."""


def read_utterances(path: Path = UTTERANCES) -> list[tuple[str, str]]:
    """(text, intent) pairs."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [(str(row["text"]), str(row["intent"])) for row in rows]


INTENT_OF_CATEGORY = MappingProxyType(
    {"order": "order", "vague": "vague", "smalltalk": "smalltalk", "offtopic": "offtopic"}
)
MOST_QUESTIONS = 6_000
_UNCLEAR = frozenset({"human", "injection", "medical_legal"})
"""Categories that hold more than one intent: they teach nothing here."""


def labelled(samples: Iterable[Sample]) -> list[tuple[str, str]]:
    """(text, intent) pairs of a suite: whatever asks the shop something is a question for its knowledge."""
    return [
        (sample.question, INTENT_OF_CATEGORY.get(sample.category, "knowledge"))
        for sample in samples
        if sample.category not in _UNCLEAR
    ]


def with_fewer_questions(rows: Sequence[tuple[str, str]], most: int = MOST_QUESTIONS) -> list[tuple[str, str]]:
    """The same with at most so many questions for knowledge, drawn by chance: more of them only make it believe that
    hardly anybody complains or asks for a person."""
    questions = [row for row in rows if row[1] == "knowledge"]
    kept = Random(0).sample(questions, min(most, len(questions)))
    return [*(row for row in rows if row[1] != "knowledge"), *kept]


async def fit_intents(embedder: Embedder, more: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    """The classifier as JSON, with its cross-validated recall and precision per intent."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  an extra
    from sklearn.model_selection import StratifiedKFold, cross_val_predict  # noqa: PLC0415

    rows = [*read_utterances(), *more]
    vectors = np.asarray(await embedder.embed_queries([text for text, _ in rows]), dtype=np.float64)
    intents = np.array([intent for _, intent in rows])
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    guessed = cross_val_predict(LogisticRegression(C=_STRENGTH, max_iter=3000), vectors, intents, cv=folds)
    model = LogisticRegression(C=_STRENGTH, max_iter=3000).fit(vectors, intents)
    return {
        "name": "intents",
        "embedder": embedder.name,
        "intents": model.classes_.tolist(),
        "weights": [[round(float(w), 4) for w in row] for row in model.coef_],
        "bias": [round(float(b), 4) for b in model.intercept_],
        "report": {"utterances": len(rows), **_report(intents.tolist(), guessed.tolist())},
    }


def _report(intents: Sequence[str], guessed: Sequence[str]) -> dict[str, Any]:
    pairs = list(zip(intents, guessed, strict=True))
    return {
        "accuracy": round(sum(a == b for a, b in pairs) / len(pairs), 4),
        "by_intent": {
            intent: {
                "recall": round(sum(b == intent for a, b in pairs if a == intent) / intents.count(intent), 3),
                "precision": round(
                    sum(a == intent for a, b in pairs if b == intent) / max(1, guessed.count(intent)), 3
                ),
            }
            for intent in sorted(set(intents))
        },
    }
