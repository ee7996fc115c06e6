"""One working fake of every port: small, deterministic, and held to the same contract tests as the real adapters."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.errors import Unavailable
from app.knowledge.ports import IndexHit, IndexPoint, IndexQuery, Sparse, Vector
from app.knowledge.tokenize import words


class FakeIndex:
    """A KnowledgeIndex in a dict, with the scores of the real one: dot products, and IDF counted per release."""

    def __init__(self) -> None:
        self.points: dict[str, IndexPoint] = {}
        self.down = False

    async def upsert(self, points: Sequence[IndexPoint]) -> None:
        self._check()
        for point in points:
            self.points[point.point_id] = point

    async def close_chunks(self, shop: str, chunk_ids: Sequence[str], to_release: int) -> None:
        self._check()
        for key, point in self.points.items():
            if (
                point.shop == shop
                and point.chunk_id in chunk_ids
                and point.from_release < to_release < point.to_release
            ):
                self.points[key] = replace(point, to_release=to_release)

    async def search(self, query: IndexQuery) -> list[IndexHit]:
        self._check()
        part = self._of_release(query.shop, query.release)
        scored = self._dense(part, query.dense) if query.dense is not None else self._sparse(part, query.sparse or {})
        hits = [
            IndexHit(p.point_id, p.chunk_id, p.aspect, p.ordinal, score, None if query.dense is None else p.dense)
            for p, score in scored
            if self._allowed(p, query)
        ]
        return sorted(hits, key=lambda hit: -hit.score)[: query.limit]

    async def count(self, shop: str, release: int) -> int:
        self._check()
        return len(self._of_release(shop, release))

    async def remove_shop(self, shop: str) -> None:
        self._check()
        self.points = {key: point for key, point in self.points.items() if point.shop != shop}

    async def flush(self) -> None:
        self._check()

    async def close(self) -> None:
        pass

    def _check(self) -> None:
        if self.down:
            raise Unavailable("The index is down (this fake was told so).")

    def _of_release(self, shop: str, release: int) -> list[IndexPoint]:
        return [p for p in self.points.values() if p.shop == shop and p.from_release <= release < p.to_release]

    @staticmethod
    def _allowed(point: IndexPoint, query: IndexQuery) -> bool:
        if query.kinds and point.kind not in query.kinds:
            return False
        if query.chunk_ids and point.chunk_id not in query.chunk_ids:
            return False
        if query.as_of is None:
            return True
        now = query.as_of.timestamp()
        starts = -math.inf if point.valid_from_seconds is None else point.valid_from_seconds
        ends = math.inf if point.valid_until_seconds is None else point.valid_until_seconds
        return starts <= now < ends

    @staticmethod
    def _dense(part: list[IndexPoint], vector: Vector) -> list[tuple[IndexPoint, float]]:
        return [(p, float(np.dot(p.dense, vector))) for p in part]

    @staticmethod
    def _sparse(part: list[IndexPoint], terms: Sparse) -> list[tuple[IndexPoint, float]]:
        with_terms = [p for p in part if p.sparse]
        total = len(with_terms)
        scored = []
        for p in with_terms:
            shared = [t for t in terms if t in p.sparse]
            if not shared:
                continue
            score = 0.0
            for term in shared:
                having = sum(term in other.sparse for other in with_terms)
                idf = math.log(1 + (total - having + 0.5) / (having + 0.5))
                score += idf * terms[term] * p.sparse[term]
            scored.append((p, score))
        return scored


class FakeEmbedder:
    """An Embedder without a model: words and their letter pairs hashed into a unit vector.

    Texts that share words or spellings come out similar; texts that share none come out near 0.
    """

    def __init__(self, size: int = 256, name: str = "fake-embedder-1") -> None:
        self._size = size
        self._name = name
        self.embedded: list[str] = []

    @property
    def name(self) -> str:
        return self._name

    @property
    def size(self) -> int:
        return self._size

    async def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._embed(texts)

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.embedded += texts
        return self._embed(texts)

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.zeros((len(texts), self._size), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in words(text):
                row[self._slot("w" + word)] += 1.0
                for start in range(len(word) - 1):
                    row[self._slot("p" + word[start : start + 2])] += 0.4
            if not row.any():
                row[0] = 1.0
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    def _slot(self, feature: str) -> int:
        return zlib.crc32(feature.encode("utf-8")) % self._size
