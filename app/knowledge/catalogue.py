"""The writing side of the catalogue: what ingestion hands in, and how two states of a shop are compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from app.knowledge.chunk import Chunk, Document
from app.knowledge.edits import EditStore
from app.knowledge.inspection import Inspection
from app.knowledge.ports import Catalogue, Vector
from app.knowledge.release import PointerMove, Release


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A chunk to store, with its place in its file and how many index points it has."""

    chunk: Chunk
    position: int
    points: int


@dataclass(frozen=True, slots=True)
class Staged:
    """A release that was staged. `renamed`: chunk id asked for → id given, for content that had been closed before."""

    number: int
    renamed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ChunkVersion:
    """A chunk as stored, with the releases it is part of: from_release ≤ R < to_release."""

    chunk: Chunk
    from_release: int
    to_release: int


@dataclass(frozen=True, slots=True)
class Leftover:
    """A release that was staged but never built: the ids of the chunks it added, and the chunks it closed."""

    number: int
    added: tuple[str, ...]
    closed: tuple[ChunkVersion, ...]


class WritableCatalogue(Catalogue, Protocol):
    """A catalogue that releases can be written to. Every method is one transaction."""

    @property
    def edits(self) -> EditStore:
        """What editors changed over the files."""

    async def newest_built(self, shop: str) -> Release | None:
        """The newest release that is complete, live or not: what a new one is compared with."""

    async def versions(self, shop: str) -> list[ChunkVersion]:
        """Every chunk of every release: all that is needed to rebuild the index."""

    async def point_count(self, shop: str, release: int) -> int:
        """How many index points the release must have."""

    async def brand(self, shop: str) -> dict[str, Any]:
        """What the shop's `brand.yaml` says. Raises NotFound for an unknown shop."""

    async def folder(self, shop: str) -> str:
        """The folder the shop was last ingested from as a whole; empty when unknown."""

    async def save_shop(self, shop: str, brand: Mapping[str, Any], folder: str) -> None:
        """Create the shop, or renew its brand and folder."""

    async def stage(
        self,
        shop: str,
        *,
        added: Sequence[NewChunk],
        closed: Iterable[str],
        read_documents: Sequence[Document],
        embedder: str,
        note: str = "",
    ) -> Staged:
        """Write the next release: `added` begin with it, the chunks named in `closed` end before it."""

    async def staged(self, shop: str) -> Leftover | None:
        """What a run that did not finish left behind."""

    async def abandon(self, shop: str, number: int) -> None:
        """Undo a staged release."""

    async def mark_built(self, shop: str, number: int) -> None:
        """Say that the index holds all of a staged release. Raises Conflict when it is not staged."""

    async def publish(self, shop: str, number: int, *, by: str = "", reason: str = "") -> Release:
        """Move the shop's pointer. Raises NotFound or Conflict; the pointer then stays."""

    async def save_inspection(self, shop: str, inspection: Inspection) -> None:
        """Keep what the checks and the suite said of a release; what they said before gives way."""

    async def inspection(self, shop: str, number: int) -> Inspection | None:
        """What is known of that release; None when nobody looked at it."""

    async def moves(self, shop: str) -> list[PointerMove]:
        """Every publish and rollback of the shop, newest first."""

    async def retire(self, shop: str, kept: int, live_since: datetime) -> list[int]:
        """Mark as swept what is older than the `kept` newest releases, neither live nor live at `live_since`."""

    async def garbage(self, shop: str) -> list[str]:
        """Ids of the chunks that are part of no release that is kept."""

    async def drop_garbage(self, shop: str, chunk_ids: Sequence[str]) -> None:
        """Delete those chunks, and documents that no kept release has."""

    async def vectors(self, model: str, text_hashes: Sequence[str]) -> dict[str, Vector]:
        """Cached vectors of a model by text hash; what is not known is left out."""

    async def save_vectors(self, model: str, vectors: Mapping[str, Vector]) -> None:
        """Remember vectors; known ones are left alone."""
