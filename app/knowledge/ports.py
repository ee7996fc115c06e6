"""What the domain needs from an index, a catalogue and an embedder: shared with ingestion.

Every port has one working fake in tests/fakes.py and one contract test that the fake and the
real adapters all pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.knowledge.chunk import Chunk
from app.knowledge.release import Release

Vector: TypeAlias = NDArray[np.float32]
Sparse: TypeAlias = Mapping[int, float]

FOREVER = 2**31 - 1
"""`to_release` of a point that no release has closed yet."""


@dataclass(frozen=True, slots=True)
class IndexPoint:
    """One vector of one chunk. A chunk has several: its whole text, each phrasing, each sentence.

    point_id       a UUID as text, derived from shop, chunk and aspect: writing it twice is harmless
    aspect         "whole", "phrasing", "name" or "sentence"
    ordinal        which phrasing or sentence of the chunk, from 0
    dense          unit length, float32
    sparse         term id → weight (term frequency; the index adds IDF); may be empty
    valid_*        seconds since the epoch; None = unbounded
    """

    point_id: str
    shop: str
    chunk_id: str
    kind: str
    aspect: str
    ordinal: int
    dense: Vector
    sparse: Sparse
    from_release: int
    to_release: int = FOREVER
    valid_from_seconds: float | None = None
    valid_until_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class IndexQuery:
    """What to look for. `dense` need not be unit length: scores are plain dot products.

    Points count that satisfy from_release ≤ release < to_release and, when `as_of` is given,
    valid_from ≤ as_of < valid_until. `kinds` and `chunk_ids` narrow further when not empty.
    `with_vectors` is set false where ids and scores are enough: vectors are most of what a server sends.
    """

    shop: str
    release: int
    dense: Vector | None = None
    sparse: Sparse | None = None
    as_of: datetime | None = None
    kinds: tuple[str, ...] = ()
    chunk_ids: tuple[str, ...] = ()
    limit: int = 50
    with_vectors: bool = True


@dataclass(frozen=True, slots=True)
class IndexHit:
    """A point found. `score` is the dot product (dense query) or the IDF-weighted sum (sparse query)."""

    point_id: str
    chunk_id: str
    aspect: str
    ordinal: int
    score: float
    dense: Vector | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class PointSpan:
    """A point as the index has it, without its vectors: which chunk it is of, and in which releases."""

    point_id: str
    chunk_id: str
    from_release: int
    to_release: int


class KnowledgeIndex(Protocol):
    """A vector index that can always be rebuilt from the catalogue."""

    async def upsert(self, points: Sequence[IndexPoint]) -> None:
        """Write points; a point with a known id is replaced."""

    async def close_chunks(self, shop: str, chunk_ids: Sequence[str], to_release: int) -> None:
        """Let the points of these chunks end with (not be part of) `to_release`."""

    async def search(self, query: IndexQuery) -> list[IndexHit]:
        """Best first. With `dense` and `with_vectors` set, hits carry their dense vectors.

        Exactly one of dense and sparse is set. Raises Unavailable when the index is down.
        """

    async def search_batch(self, queries: Sequence[IndexQuery]) -> list[list[IndexHit]]:
        """What `search` finds for each query, in their order, for the price of about one."""

    async def count(self, shop: str, release: int) -> int:
        """How many points are part of that release."""

    async def points(self, shop: str) -> list[PointSpan]:
        """Every point of a shop, of whatever release. Searches go on meanwhile."""

    async def remove_points(self, point_ids: Sequence[str]) -> None:
        """Drop these points; unknown ids are passed over."""

    async def remove_shop(self, shop: str) -> None:
        """Drop every point of a shop (before a rebuild)."""

    async def flush(self) -> None:
        """Return once everything written is durable."""

    async def close(self) -> None:
        """Release files, locks and connections; closing twice is harmless."""


class Embedder(Protocol):
    """Turns text into unit vectors. Prefixes a model wants ("query: ") are the adapter's business."""

    @property
    def name(self) -> str:
        """Names model and version: the key of embedding caches and of calibrations."""

    @property
    def size(self) -> int:
        """Length of a vector."""

    async def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (len(texts), size), rows of unit length."""

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (len(texts), size), rows of unit length."""


class Catalogue(Protocol):
    """The truth about a shop's knowledge: chunks, product rows and releases, in SQL."""

    async def live_release(self, shop: str) -> int | None:
        """The release the shop's pointer names, or None before the first publish."""

    async def releases(self, shop: str) -> list[Release]:
        """All releases, newest first."""

    async def chunks(self, shop: str, release: int) -> list[Chunk]:
        """Every chunk that is part of the release, in a stable order."""

    async def shops(self) -> list[str]:
        """Names of shops that have at least one release, in order of creation."""
