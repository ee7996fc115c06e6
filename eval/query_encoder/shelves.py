"""What the query encoder is fitted on: the passages of a shop as the embedder put them, and questions they answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from app.adapters.e5.packed_e5 import Vocabulary
from app.adapters.embedders.query_encoder import query_pieces
from app.chat.chunk_vectors import ASPECTS
from app.knowledge.chunk import Chunk
from app.knowledge.ports import Embedder
from eval.training_shops import TrainingShop, embed_texts
from ingestion.points import point_texts

_A_SHOP = 16
"""Questions of one shop in a batch: they are each other's distractors."""
_SHOPS = 4
"""Shops in a batch: each question is told from the passages of all of them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Token ids of a question, and the numbers of the chunks that answer it."""

    ids: tuple[int, ...]
    answers: frozenset[int]


@dataclass(frozen=True, slots=True)
class Shelf:
    """One shop: a unit row for every point, which chunk and aspect each is of, and the answerable questions."""

    shop: str
    chunks: Sequence[Chunk]
    vectors: NDArray[np.float32]
    places: NDArray[np.int64]
    """(points,): number of the chunk times the number of aspects, plus the aspect"""
    asked: Sequence[Asked]


async def shelf_of(shop: TrainingShop, embedder: Embedder, vocabulary: Vocabulary) -> Shelf:
    """The shop's passages embedded as ingestion would, and its answerable questions that need no history."""
    texts = point_texts(shop.chunks)
    rows = [(number, text) for number, chunk in enumerate(shop.chunks) for text in texts[chunk.chunk_id]]
    vectors = await embed_texts({(text.side, text.text) for _, text in rows}, embedder)
    numbers = _by_path(shop.chunks)
    return Shelf(
        shop=shop.name,
        chunks=shop.chunks,
        vectors=np.stack([vectors[text.side, text.text] for _, text in rows]),
        places=np.array([len(ASPECTS) * number + ASPECTS.index(text.aspect) for number, text in rows]),
        asked=[
            Asked(tuple(query_pieces(sample.question, vocabulary)), answers)
            for sample in shop.samples
            if sample.answerable and not sample.history
            if (answers := frozenset(n for source in sample.sources for n in numbers.get(source.path, ())))
        ],
    )


Batch = Sequence[tuple[Shelf, Sequence[Asked]]]
"""Some questions of each of a few shops."""


def batches(shelves: Iterable[Shelf], rng: Random) -> list[Batch]:
    """All questions once, but for the few that are left over."""
    parts: list[tuple[Shelf, Sequence[Asked]]] = []
    for shelf in shelves:
        asked = list(shelf.asked)
        rng.shuffle(asked)
        parts += [(shelf, asked[start : start + _A_SHOP]) for start in range(0, len(asked), _A_SHOP)]
    rng.shuffle(parts)
    return [parts[start : start + _SHOPS] for start in range(0, len(parts) - _SHOPS + 1, _SHOPS)]


def _by_path(chunks: Sequence[Chunk]) -> Mapping[str, list[int]]:
    numbers: dict[str, list[int]] = {}
    for number, chunk in enumerate(chunks):
        numbers.setdefault(chunk.path, []).append(number)
    return numbers
