"""Find the passages that may answer: dense vectors of the message and its history, words, and names."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from app.chat.chunk_vectors import (
    ASPECTS,
    NAME,
    PHRASING,
    SENTENCE,
    WHOLE,
    ChunkPoints,
    ChunkVectors,
    aspect_scores,
)
from app.chat.names import ReleaseNames
from app.chat.ports import QueryEncoder
from app.chat.turn import Passage, Question, Turn
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.ports import Embedder, IndexQuery, KnowledgeIndex, Vector
from app.knowledge.tokenize import sparse_vector
from app.knowledge.view import KnowledgeView

_DENSE_LIMIT = 80
_SPARSE_LIMIT = 40
_MENTIONED_LIMIT = 160
"""Chunks about mentioned names that are looked at besides those the searches find."""
QUERY_SIDE = 0.01
"""How much nearer phrasings, which are embedded as queries, lie to a question than passages do."""
_LEXICAL_HALF = 8.0
"""Sparse score at which the lexical part reaches one half."""
_TEXT_CHARACTERS = 500

_FAQ, _FAQ_SINGLE, _POLICY, _PRODUCT = range(4)
SHARES = np.array(
    [[0.3, 0.5, 0.2, 0.0], [0.5, 0.0, 0.5, 0.0], [0.5, 0.0, 0.5, 0.0], [0.0, 0.0, 0.0, 1.0]], dtype=np.float32
)
"""What whole, phrasing, best sentence and card weigh in the dense score of a sort of chunk; see `combined`."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How the parts of a score are weighed; see docs/decisions for what was measured.

    `sku` is more than all the rest together: who names a SKU means that product. `sought` is the query encoder's share
    of the dense score, where there is one.
    """

    lexical: float = 0.04
    name: float = 0.05
    mention: float = 0.2
    sku: float = 1.0
    sought: float = 0.5
    previous_user: float = 0.15
    previous_assistant: float = 0.25
    limit: int = 12


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """The unit vectors a turn is searched with. `context` leans on the history; `alone` is the message only. `sought`
    is where the query encoder expects the answer (None: there is no such encoder).

    Without a history the first two are one and the same object.
    """

    alone: Vector
    context: Vector
    sought: Vector | None = None

    @property
    def sought_or_context(self) -> Vector:
        """Where the answer is expected; without a query encoder, near the message itself."""
        return self.context if self.sought is None else self.sought


@dataclass(frozen=True, slots=True)
class _Found:
    """The candidates of a turn, row by row: chunk, points, and the parts of its score that are no vectors."""

    chunks: Sequence[Chunk]
    points: Sequence[ChunkPoints]
    lexical: NDArray[np.float32]
    name: NDArray[np.float32]
    mention: NDArray[np.float32]
    sku: NDArray[np.float32]
    searched: NDArray[np.bool_]


class _Release:
    """What retrieval keeps of a release: its names, and the vectors of its chunks."""

    def __init__(self, index: KnowledgeIndex, view: KnowledgeView) -> None:
        self.names = ReleaseNames(view)
        self.vectors = ChunkVectors(index, view.shop, view.release)


class Retriever:
    """Hybrid retrieval over the index, one release, one moment."""

    def __init__(
        self,
        index: KnowledgeIndex,
        embedder: Embedder,
        weights: Weights | None = None,
        encoder: QueryEncoder | None = None,
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._weights = weights or Weights()
        self._encoder = encoder
        self._releases: WeakKeyDictionary[KnowledgeView, _Release] = WeakKeyDictionary()

    async def retrieve(self, question: Question, query: QueryVectors, turn: Turn, view: KnowledgeView) -> list[Passage]:
        """The best passages, best first, with raw scores by name. Confidence is not theirs to tell.

        Raises Unavailable when the index is down.
        """
        release = await self._release(view)
        lexical = await self._search(question, query, turn)
        mentioned = release.names.mentioned(question, turn.as_of, _MENTIONED_LIMIT)
        skus = frozenset(release.names.skus(question, turn.as_of))
        points = await release.vectors.of([*lexical, *skus, *mentioned], query.context)
        known = [chunk_id for chunk_id in points if chunk_id in view.chunks]
        if not known:
            return []
        names = release.names.coverage(question)
        chunks = [view.chunks[chunk_id] for chunk_id in known]
        words_found = _column([lexical.get(c, 0.0) for c in known])
        found = _Found(
            chunks=chunks,
            points=[points[chunk_id] for chunk_id in known],
            lexical=words_found / (words_found + np.float32(_LEXICAL_HALF)),
            name=_column([names.get(c.group or c.title, 0.0) if c.kind is Kind.PRODUCT else 0.0 for c in chunks]),
            mention=_column([mentioned.get(c, 0.0) for c in known]),
            sku=_column([c in skus for c in known]),
            searched=np.array([c in lexical for c in known]),
        )
        return self._best(found, query)

    async def said_in_full(self, question: Question, view: KnowledgeView) -> Question:
        """The question with the names of the release that it only points at in their places."""
        return (await self._release(view)).names.said_in_full(question) if question.history else question

    async def vectors(self, question: Question, sought: Vector | None = None) -> QueryVectors:
        """Embed the message and what it may lean on, and ask the query encoder where its answer lies, unless that is
        known (`sought`)."""
        if sought is not None or self._encoder is None:
            return replace(await self._embedded(question), sought=sought)
        found, sought = await asyncio.gather(self._embedded(question), self._encoder.vector(question.asked))
        return replace(found, sought=sought)

    async def alone(self, question: Question, query: QueryVectors) -> QueryVectors:
        """The vectors of the same message, now that it leans on nothing."""
        sought = await self._encoder.vector(question.asked) if self._encoder else None
        return QueryVectors(query.alone, query.alone, sought)

    async def _embedded(self, question: Question) -> QueryVectors:
        weights = self._weights
        earlier_user = [m.text for m in question.history if m.role == "user"][-1:] if weights.previous_user else []
        earlier_assistant = [m.text for m in question.history if m.role == "assistant"][-1:]
        texts = [question.searched, *earlier_user, *earlier_assistant]
        vectors = await self._embedder.embed_queries([text[:_TEXT_CHARACTERS] for text in texts])
        alone = vectors[0]
        if len(texts) == 1:
            return QueryVectors(alone, alone)
        lean = question.signals.get("depends", 0.0)
        parts = [weights.previous_user] * len(earlier_user) + [weights.previous_assistant] * len(earlier_assistant)
        shares = np.array([0.0, *parts], dtype=np.float32) * np.float32(0.4 + 1.2 * lean)
        shares[0] = max(0.3, 1.0 - float(shares.sum()))
        return QueryVectors(alone, np.asarray((shares / shares.sum()) @ vectors, dtype=np.float32))

    async def _release(self, view: KnowledgeView) -> _Release:
        if (release := self._releases.get(view)) is None:
            release = self._releases[view] = await asyncio.to_thread(_Release, self._index, view)
        return release

    async def _search(self, question: Question, query: QueryVectors, turn: Turn) -> dict[str, float]:
        """Chunks that the vectors or the words found → their lexical score, in one request."""
        dense = [query.alone] if query.context is query.alone else [query.alone, query.context]
        if query.sought is not None:
            dense.append(query.sought)
        asked = [
            IndexQuery(turn.shop, turn.release, dense=vector, as_of=turn.as_of, limit=_DENSE_LIMIT, with_vectors=False)
            for vector in dense
        ]
        if sparse := sparse_vector(question.standalone):
            asked.append(IndexQuery(turn.shop, turn.release, sparse=sparse, as_of=turn.as_of, limit=_SPARSE_LIMIT))
        found: dict[str, float] = {}
        for one, hits in zip(asked, await self._index.search_batch(asked), strict=True):
            for hit in hits:
                score = hit.score if one.dense is None else 0.0
                found[hit.chunk_id] = max(found.get(hit.chunk_id, 0.0), score)
        return found

    def _best(self, found: _Found, query: QueryVectors) -> list[Passage]:
        """Score all candidates at once, and make passages of the best, one a product."""
        vectors = [query.context, query.sought_or_context, *([] if query.alone is query.context else [query.alone])]
        aspects = _floored(found, vectors)
        dense, sought, *others = combined(aspects, [sort_of(chunk) for chunk in found.chunks])
        dense_alone = others[0] if others else dense
        weights = self._weights
        score = (
            (1 - weights.sought) * dense
            + weights.sought * sought
            + weights.lexical * found.lexical
            + weights.name * found.name
            + weights.mention * found.mention
            + weights.sku * found.sku
        )
        rows = _one_per_group(np.argsort(-score, kind="stable").tolist(), found.chunks, weights.limit)
        return [
            Passage(
                found.chunks[row],
                MappingProxyType(
                    {
                        "score": float(score[row]),
                        "dense": float(dense[row]),
                        "dense_alone": float(dense_alone[row]),
                        "sought": float(sought[row]),
                        "lexical": float(found.lexical[row]),
                        "name": float(found.name[row]),
                        "mention": float(found.mention[row]),
                        "sku": float(found.sku[row]),
                        **{f"best_{name}": float(aspects[0, row, n]) for n, name in enumerate(ASPECTS)},
                        "sentence_ordinal": float(found.points[row].best_ordinal(SENTENCE, query.context)),
                    }
                ),
            )
            for row in rows
        ]


def _floored(found: _Found, vectors: Sequence[Vector]) -> NDArray[np.float32]:
    """(vectors, chunks, aspects): the best score of each aspect; an aspect that a chunk lacks scores the lowest."""
    scored = aspect_scores(found.points, vectors)
    lowest = scored.lowest[:, found.searched] if found.searched.any() else scored.lowest
    return np.asarray(np.maximum(scored.best, lowest.min(axis=1)[:, None, None]), dtype=np.float32)


def combined(aspects: NDArray[np.float32], sorts: Sequence[int]) -> NDArray[np.float32]:
    """One dense score a chunk, (vectors, chunks), from (vectors, chunks, aspects).

    An FAQ row by its phrasings first, when it has more of them than its title; a policy by its best sentence as much
    as by its whole. Phrasings are embedded as queries and lie about `QUERY_SIDE` nearer to a question than passages.
    """
    whole = aspects[..., WHOLE]
    parts = np.stack(
        [
            whole,
            aspects[..., PHRASING] - np.float32(QUERY_SIDE),
            np.maximum(whole, aspects[..., SENTENCE]),
            np.maximum(whole, (whole + aspects[..., NAME]) / 2),
        ],
        axis=-1,
    )
    return np.asarray((parts * SHARES[list(sorts)]).sum(axis=-1), dtype=np.float32)


def sort_of(chunk: Chunk) -> int:
    """Row of `SHARES` that a chunk is scored by."""
    if chunk.kind is Kind.PRODUCT:
        return _PRODUCT
    if chunk.kind is Kind.POLICY:
        return _POLICY
    return _FAQ if len(chunk.phrasings) > 1 else _FAQ_SINGLE


def _one_per_group(rows: Sequence[int], chunks: Sequence[Chunk], limit: int) -> list[int]:
    """The first rows; variants of one product are one candidate, the best stands for the group."""
    seen: set[str] = set()
    kept: list[int] = []
    for row in rows:
        chunk = chunks[row]
        key = (chunk.group or chunk.title) if chunk.kind is Kind.PRODUCT else chunk.chunk_id
        if key not in seen:
            seen.add(key)
            kept.append(row)
            if len(kept) == limit:
                break
    return kept


def _column(values: Sequence[float]) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)
