"""What the files of a shop have to say instead, so that reading them gives what the release has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from app.knowledge.chunk import Chunk, Kind
from app.knowledge.edits import BRAND, LayeredRow
from ingestion.edited_chunks import chunk_of, live_chunk
from ingestion.layer import KEPT


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row of a file: as the file has it (None: it has no such row), and as it is to be (None: disabled)."""

    file: Chunk | None
    live: Chunk | None

    @property
    def chunk(self) -> Chunk:
        """Either side."""
        chunk = self.live or self.file
        assert chunk is not None
        return chunk


@dataclass(slots=True)
class FilePlan:
    """One file of an export: the chunks that reading it must give, and the rows to change in it."""

    path: str
    wanted: list[Chunk] = field(default_factory=list)
    changes: list[RowChange] = field(default_factory=list)
    others: bool = False
    """Whether products of other files take values from it."""


def plan_files(chunks: Sequence[Chunk], rows: Iterable[LayeredRow], zone: tzinfo) -> dict[str, FilePlan]:
    """Path → plan, for every file that something of the release stands in."""
    plans: dict[str, FilePlan] = {}
    for chunk in chunks:
        plans.setdefault(chunk.path, FilePlan(chunk.path)).wanted.append(chunk)
        for path in chunk.attribute_paths.values():
            plans.setdefault(path, FilePlan(path)).others = True
    for row in rows:
        change = _change(row, zone)
        if change is None:
            continue
        plans.setdefault(row.path, FilePlan(row.path)).changes.append(change)
        for path in _cleared(change):
            plans.setdefault(path, FilePlan(path)).changes.append(change)
    return plans


def _change(row: LayeredRow, zone: tzinfo) -> RowChange | None:
    if row.kind == BRAND:
        return None
    live = live_chunk(row, zone, drafts=False)
    kept = row.base is not None and row.base.get(KEPT)
    says = None if row.gone or kept else (row.theirs or row.base)
    file = chunk_of(says) if says else None
    if (live.content_hash if live else "") == (file.content_hash if file else ""):
        return None
    return RowChange(file, live)


def _cleared(change: RowChange) -> set[str]:
    """Other files that must lose a value: one that an editor emptied, and that the product's own file never had."""
    if change.file is None or change.live is None or change.file.kind is not Kind.PRODUCT:
        return set()
    return {path for name, path in change.file.attribute_paths.items() if name not in change.live.attributes}
