"""Find the passages that may answer: dense vectors of the message and its history, words, and names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from app.chat.turn import Passage, Question, Turn
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.ports import Embedder, IndexHit, IndexQuery, KnowledgeIndex, Vector
from app.knowledge.tokenize import sparse_vector, words
from app.knowledge.view import KnowledgeView

_DENSE_LIMIT = 80
_SPARSE_LIMIT = 40
_QUERY_SIDE = 0.01
_LEXICAL_HALF = 8.0
"""Sparse score at which the lexical part reaches one half."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How the parts of a score are weighed; see docs/decisions for what was measured."""

    lexical: float = 0.07
    name: float = 0.05
    previous_user: float = 0.25
    previous_assistant: float = 0.25
    limit: int = 12


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """The unit vectors a turn is searched with. `context` leans on the history; `alone` is the message only."""

    alone: Vector
    context: Vector


@dataclass(slots=True)
class _Found:
    """What the searches returned of one chunk: its points by aspect, and its lexical score."""

    points: dict[tuple[str, int], IndexHit] = field(default_factory=dict)
    lexical: float = 0.0


class Retriever:
    """Hybrid retrieval over the index, one release, one moment."""

    def __init__(self, index: KnowledgeIndex, embedder: Embedder, weights: Weights | None = None) -> None:
        self._index = index
        self._embedder = embedder
        self._weights = weights or Weights()

    async def retrieve(self, question: Question, query: QueryVectors, turn: Turn, view: KnowledgeView) -> list[Passage]:
        """The best passages, best first, with raw scores by name. Confidence is not theirs to tell."""
        found = await self._search(question, query, turn)
        floor = _floor(found, query)
        names = name_coverage(question, view)
        passages = [
            self._score(chunk, hits, query, floor, names)
            for chunk_id, hits in found.items()
            if (chunk := view.chunks.get(chunk_id)) is not None
        ]
        passages.sort(key=lambda p: -p.scores["score"])
        return _one_per_group(passages)[: self._weights.limit]

    async def vectors(self, question: Question) -> QueryVectors:
        """Embed the message and what it may lean on."""
        earlier_user = [m.text for m in question.history if m.role == "user"][-1:]
        earlier_assistant = [m.text for m in question.history if m.role == "assistant"][-1:]
        texts = [question.text, *earlier_user, *earlier_assistant]
        vectors = await self._embedder.embed_queries([text[:500] for text in texts])
        alone = vectors[0]
        lean = question.signals.get("depends", 0.0)
        parts = [self._weights.previous_user] * len(earlier_user)
        parts += [self._weights.previous_assistant] * len(earlier_assistant)
        shares = np.array([0.0, *parts], dtype=np.float32) * np.float32(0.4 + 1.2 * lean)
        shares[0] = max(0.3, 1.0 - float(shares.sum()))
        context = np.asarray((shares / shares.sum()) @ vectors, dtype=np.float32)
        return QueryVectors(alone, context)

    async def _search(self, question: Question, query: QueryVectors, turn: Turn) -> dict[str, _Found]:
        found: dict[str, _Found] = defaultdict(_Found)
        dense = [query.alone] if query.context is query.alone else [query.alone, query.context]
        for vector in dense:
            for hit in await self._index.search(
                IndexQuery(turn.shop, turn.release, dense=vector, as_of=turn.as_of, limit=_DENSE_LIMIT)
            ):
                found[hit.chunk_id].points[hit.aspect, hit.ordinal] = hit
        sparse = sparse_vector(question.standalone)
        if sparse:
            query_sparse = IndexQuery(turn.shop, turn.release, sparse=sparse, as_of=turn.as_of, limit=_SPARSE_LIMIT)
            for hit in await self._index.search(query_sparse):
                part = found[hit.chunk_id]
                part.lexical = max(part.lexical, hit.score)
        await self._complete(found, turn, query)
        return found

    async def _complete(self, found: Mapping[str, _Found], turn: Turn, query: QueryVectors) -> None:
        """Fetch the points the searches did not return of chunks they did, so that every score is exact."""
        best = sorted(found, key=lambda c: -_best(found[c], query.context))[: 4 * self._weights.limit]
        wanted = tuple(dict.fromkeys([*best, *(c for c, f in found.items() if f.lexical > 0)]))
        for hit in await self._index.search(
            IndexQuery(
                turn.shop, turn.release, dense=query.context, as_of=turn.as_of, chunk_ids=wanted, limit=len(wanted) * 16
            )
        ):
            found[hit.chunk_id].points.setdefault((hit.aspect, hit.ordinal), hit)

    def _score(
        self, chunk: Chunk, found: _Found, query: QueryVectors, floor: float, names: Mapping[str, float]
    ) -> Passage:
        context = aspect_scores(found.points, query.context, floor)
        alone = aspect_scores(found.points, query.alone, floor)
        lexical = found.lexical / (found.lexical + _LEXICAL_HALF)
        name = names.get(chunk.group or chunk.title, 0.0) if chunk.kind is Kind.PRODUCT else 0.0
        score = combined(chunk.kind, context) + self._weights.lexical * lexical + self._weights.name * name
        scores = {
            "score": score,
            "dense": combined(chunk.kind, context),
            "dense_alone": combined(chunk.kind, alone),
            "lexical": lexical,
            "name": name,
            **{f"best_{aspect}": value for aspect, value in context.items()},
            "sentence_ordinal": float(_best_ordinal(found.points, "sentence", query.context)),
        }
        return Passage(chunk, MappingProxyType(scores))


def aspect_scores(points: Mapping[tuple[str, int], IndexHit], vector: Vector, floor: float) -> dict[str, float]:
    """Best dot product per aspect ("whole", "phrasing", "sentence", "name"); the floor where it has none."""
    scores = {"whole": floor, "phrasing": floor, "sentence": floor, "name": floor}
    for (aspect, _), hit in points.items():
        if hit.dense is not None:
            scores[aspect] = max(scores.get(aspect, floor), float(hit.dense @ vector))
    return scores


def combined(kind: Kind, aspects: Mapping[str, float]) -> float:
    """One dense score of a chunk: an FAQ row by its phrasings first, a policy by its best sentence as much as its whole.

    Phrasings are embedded as queries and lie about `_QUERY_SIDE` nearer to a question than passages do.
    """
    whole = aspects["whole"]
    sentence = max(whole, aspects["sentence"])
    if kind is Kind.FAQ:
        return 0.3 * whole + 0.5 * (aspects["phrasing"] - _QUERY_SIDE) + 0.2 * sentence
    if kind is Kind.POLICY:
        return 0.5 * whole + 0.5 * sentence
    return max(whole, 0.5 * whole + 0.5 * aspects["name"])


def name_coverage(question: Question, view: KnowledgeView) -> dict[str, float]:
    """Product group → share of its name (by rare words) that the question or, weaker, the history says, 0..1."""
    said: dict[str, float] = {}
    weight = 1.0
    for text in _texts_latest_first(question):
        for word in words(text):
            said.setdefault(word, weight)
        weight *= 0.6
    coverage: dict[str, float] = {}
    for group, product in view.products.items():
        parts = set(words(product.name))
        total = view.name_weights.total(parts)
        if total and (hit := sum(view.name_weights.weight(w) * said[w] for w in parts if w in said)):
            coverage[group] = hit / total
    return coverage


def _texts_latest_first(question: Question) -> Sequence[str]:
    return [question.text, *(m.text for m in reversed(question.history))][:5]


def _best(found: _Found, vector: Vector) -> float:
    return max((float(h.dense @ vector) for h in found.points.values() if h.dense is not None), default=-1.0)


def _best_ordinal(points: Mapping[tuple[str, int], IndexHit], aspect: str, vector: Vector) -> int:
    scored = [(float(h.dense @ vector), n) for (a, n), h in points.items() if a == aspect and h.dense is not None]
    return max(scored)[1] if scored else -1


def _floor(found: Mapping[str, _Found], query: QueryVectors) -> float:
    return min(
        (float(h.dense @ query.context) for f in found.values() for h in f.points.values() if h.dense is not None),
        default=0.0,
    )


def _one_per_group(passages: Sequence[Passage]) -> list[Passage]:
    """Variants of one product are one candidate: the best stands for the group."""
    seen: set[str] = set()
    kept = []
    for passage in passages:
        key = passage.chunk.group if passage.chunk.kind is Kind.PRODUCT else passage.chunk.chunk_id
        if key and key not in seen:
            seen.add(key)
            kept.append(passage)
    return kept
