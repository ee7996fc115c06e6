"""The vectors of a release's chunks, kept as matrices: chunks are scored exactly, by all their points, in one product.

A search returns single points; a score made of the few that happened to be found would change with the limit. The
points of a chunk never change within a release, so each is fetched once and kept.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.knowledge.ports import IndexHit, IndexQuery, KnowledgeIndex, Vector

ASPECTS = ("whole", "phrasing", "sentence", "name")
WHOLE, PHRASING, SENTENCE, NAME = range(len(ASPECTS))

_POINTS_A_CHUNK = 128
_REMEMBERED_POINTS = 8_192
"""12 MB of 384 dimensions a release."""


@dataclass(frozen=True, slots=True)
class ChunkPoints:
    """All vectors of one chunk: `matrix` (points, size), rows in the order of `ASPECTS`, then by ordinal.

    `aspects` and `starts`: which aspects the chunk has, and the first row of each.
    """

    matrix: NDArray[np.float32]
    aspects: tuple[int, ...]
    starts: tuple[int, ...]
    ordinals: tuple[int, ...]

    def best_ordinal(self, aspect: int, vector: Vector) -> int:
        """Which of the chunk's phrasings or sentences is nearest to the vector; -1 when it has none."""
        if aspect not in self.aspects:
            return -1
        place = self.aspects.index(aspect)
        start = self.starts[place]
        end = self.starts[place + 1] if place + 1 < len(self.starts) else len(self.ordinals)
        return self.ordinals[start + int(np.argmax(self.matrix[start:end] @ vector))]


@dataclass(frozen=True, slots=True)
class AspectScores:
    """Dot products of vectors and chunks: the best point of every aspect, (vectors, chunks, aspects), -inf for none.

    `lowest` is the weakest point of each chunk, (vectors, chunks).
    """

    best: NDArray[np.float32]
    lowest: NDArray[np.float32]


class ChunkVectors:
    """The points of one release's chunks, read from the index when first wanted; the ones used last are kept."""

    def __init__(self, index: KnowledgeIndex, shop: str, release: int, limit: int = _REMEMBERED_POINTS) -> None:
        self._index = index
        self._shop = shop
        self._release = release
        self._limit = limit
        self._kept: OrderedDict[str, ChunkPoints] = OrderedDict()
        self._count = 0

    async def of(self, chunk_ids: Iterable[str], near: Vector) -> dict[str, ChunkPoints]:
        """Chunk id → its points, in the order given; chunks the index does not hold are left out.

        `near` is only what the index is asked with. Raises Unavailable when the index is down.
        """
        wanted = list(dict.fromkeys(chunk_ids))
        found = {chunk_id: self._kept[chunk_id] for chunk_id in wanted if chunk_id in self._kept}
        if missing := tuple(chunk_id for chunk_id in wanted if chunk_id not in found):
            found |= await self._read(missing, near)
        self._remember(found)
        return {chunk_id: found[chunk_id] for chunk_id in wanted if chunk_id in found}

    async def _read(self, chunk_ids: tuple[str, ...], near: Vector) -> dict[str, ChunkPoints]:
        limit = _POINTS_A_CHUNK * len(chunk_ids)
        query = IndexQuery(self._shop, self._release, dense=near, chunk_ids=chunk_ids, limit=limit)
        hits: dict[str, list[IndexHit]] = defaultdict(list)
        for hit in await self._index.search(query):
            if hit.aspect in ASPECTS:
                hits[hit.chunk_id].append(hit)
        return {chunk_id: _points(of_chunk) for chunk_id, of_chunk in hits.items()}

    def _remember(self, used: Mapping[str, ChunkPoints]) -> None:
        for chunk_id, points in used.items():
            if chunk_id in self._kept:
                self._kept.move_to_end(chunk_id)
            else:
                self._kept[chunk_id] = points
                self._count += len(points.ordinals)
        while self._count > self._limit:
            _, dropped = self._kept.popitem(last=False)
            self._count -= len(dropped.ordinals)


def aspect_scores(points: Sequence[ChunkPoints], vectors: Sequence[Vector]) -> AspectScores:
    """Score all chunks against all vectors at once."""
    shape = (len(vectors), len(points))
    best = np.full((*shape, len(ASPECTS)), -np.inf, dtype=np.float32)
    if not points:
        return AspectScores(best, np.empty(shape, dtype=np.float32))
    first_rows: list[int] = []
    starts: list[int] = []
    chunks: list[int] = []
    aspects: list[int] = []
    row = 0
    # One small product a chunk: putting their matrices together first would move a megabyte for each turn.
    scores = np.empty((len(vectors), sum(len(chunk.ordinals) for chunk in points)), dtype=np.float32)
    for number, chunk in enumerate(points):
        first_rows.append(row)
        starts += [row + start for start in chunk.starts]
        chunks += [number] * len(chunk.aspects)
        aspects += chunk.aspects
        end = row + len(chunk.ordinals)
        for line, vector in zip(scores, vectors, strict=True):
            np.dot(chunk.matrix, vector, out=line[row:end])
        row = end
    best[:, chunks, aspects] = np.maximum.reduceat(scores, starts, axis=1)
    return AspectScores(best, np.minimum.reduceat(scores, first_rows, axis=1))


def _points(hits: Sequence[IndexHit]) -> ChunkPoints:
    rows = sorted(
        ((ASPECTS.index(hit.aspect), hit.ordinal, hit.dense) for hit in hits if hit.dense is not None),
        key=lambda row: row[:2],
    )
    aspects = [aspect for aspect, _, _ in rows]
    present = tuple(dict.fromkeys(aspects))
    return ChunkPoints(
        matrix=np.stack([dense for _, _, dense in rows]).astype(np.float32, copy=False),
        aspects=present,
        starts=tuple(aspects.index(aspect) for aspect in present),
        ordinals=tuple(ordinal for _, ordinal, _ in rows),
    )
