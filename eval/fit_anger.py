"""Fit the anger classifier on our own sentences (app/chat/data/anger.yaml). `python -m eval.anger --fit` runs this."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from app.chat.anger import AngerModel, grams
from app.knowledge.ports import Embedder
from eval.fit_intents import read_utterances
from eval.training_shops import read_training_shops

SENTENCES = Path(__file__).parent.parent / "app" / "chat" / "data" / "anger.yaml"
BUCKETS = 4096
_STRENGTH = 1.0
"""Inverse regularisation"""
_DENSE_SCALE, _HASHED_SCALE = 2.0, 1.0
_TRAINING = 600
"""Questions of the training shops, in each language"""
_TAILS = 5
"""Endings that are drawn for each matter, of either kind"""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text, whether it is angry, and the group that is held out together in cross-validation."""

    text: str
    angry: bool
    group: str


def read_sentences(path: Path = SENTENCES, seed: int = 5) -> list[Labelled]:
    """Every sentence of the file, matters with endings drawn for them; then our utterances and training questions."""
    draw = random.Random(seed)
    rows: list[Labelled] = []
    for language, part in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        for matter in part["matters"]:
            for kind in ("calm", "angry"):
                for ending in draw.sample(part[kind], _TAILS):
                    rows.append(Labelled(ending.replace("{matter}", matter), kind == "angry", f"{language} {matter}"))
        rows += [Labelled(text, True, text) for text in part["rants"]]
        rows += [Labelled(text, False, text) for text in part["plain"]]
    rows += [Labelled(text, intent == "complaint", text) for text, intent in read_utterances()]
    shops = read_training_shops()
    for language in ("zh", "en"):
        asked = [sample.question for shop in shops if shop.language == language for sample in shop.samples]
        rows += [Labelled(text, False, text) for text in asked[:_TRAINING]]
    return rows


def matrix(texts: Sequence[str], vectors: NDArray[np.float32]) -> Any:
    """(texts, embedding + buckets): the embedding, then the hashed n-grams with length 1."""
    from scipy import sparse  # noqa: PLC0415  an extra

    chosen = [grams(text, BUCKETS) for text in texts]
    rows = np.repeat(np.arange(len(texts)), [len(found) for found in chosen])
    values = np.concatenate([np.full(len(found), _HASHED_SCALE / max(1, len(found)) ** 0.5) for found in chosen])
    hashed = sparse.csr_matrix((values, (rows, np.concatenate(chosen))), shape=(len(texts), BUCKETS))
    return sparse.hstack([sparse.csr_matrix(vectors * _DENSE_SCALE), hashed], format="csr")


def fit(rows: Sequence[Labelled], vectors: NDArray[np.float32], embedder: str) -> AngerModel:
    """The classifier on these; its threshold is set later."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  an extra

    table = matrix([row.text for row in rows], vectors)
    model = LogisticRegression(C=_STRENGTH, max_iter=3000, class_weight="balanced")
    model.fit(table, [row.angry for row in rows])
    weights = model.coef_[0]
    size = vectors.shape[1]
    dense, hashed = weights[:size] * _DENSE_SCALE, weights[size:] * _HASHED_SCALE
    return AngerModel(
        embedder,
        np.round(dense, 4).astype(np.float32),
        np.round(hashed, 3).astype(np.float32),
        round(float(model.intercept_[0]), 4),
        0.5,
    )


def cross_validated(
    rows: Sequence[Labelled], vectors: NDArray[np.float32], embedder: str, folds: int = 5
) -> list[float]:
    """P(angry) of each row by a classifier that saw neither it nor its matter."""
    from sklearn.model_selection import GroupKFold  # noqa: PLC0415  an extra

    groups = [row.group for row in rows]
    scores = [0.0] * len(rows)
    for seen, held in GroupKFold(folds, shuffle=True, random_state=0).split(vectors, groups=groups):
        model = fit([rows[at] for at in seen], vectors[seen], embedder)
        for at in held:
            scores[at] = model.probability(rows[at].text, vectors[at])
    return scores


async def embed(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors of the texts as questions."""
    return np.asarray(await embedder.embed_queries(texts), dtype=np.float32)
