"""The state editors work on: the newest built release with every draft over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property

from app.errors import NotFound
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.edits import BRAND, LayeredRow
from app.knowledge.row_keys import keyed, short
from ingestion.columns import columns_of, merge_order
from ingestion.edited_chunks import live_chunk, row_number, said_chunk
from ingestion.mirror import Mirror

NOTHING = "none"


@dataclass(frozen=True, slots=True)
class WorkingRow:
    """One row as editors see it.

    built  what the newest release has of it; None where it has nothing
    now    what the next one will have; None where the row is disabled
    layer  what editors did to it; None where nobody touched it
    says   what it would say if it was not disabled
    """

    row: str
    key: str
    built: Chunk | None
    now: Chunk | None
    layer: LayeredRow | None
    says: Chunk | None = None

    @property
    def chunk(self) -> Chunk:
        """The row to show: as it will be, else as it would be if it was enabled, else as it was."""
        chunk = self.now or self.says or self.built
        assert chunk is not None
        return chunk

    @property
    def version(self) -> str:
        """Changes with everything that an editor could see: who writes must have read this one."""
        seen = self.now.content_hash[:12] if self.now else NOTHING
        return f"{self.layer.version if self.layer else 0}-{seen}"

    @property
    def pending(self) -> bool:
        """Whether staging would change it."""
        built = self.built.content_hash if self.built else NOTHING
        return built != (self.now.content_hash if self.now else NOTHING)

    @property
    def in_conflict(self) -> bool:
        """Whether its file says something else than it did when the editor changed it."""
        return self.layer is not None and self.layer.in_conflict

    @property
    def touched(self) -> bool:
        """Whether any edit of it stands, or is built in."""
        return self.layer is not None and self.layer.active

    @property
    def state(self) -> str:
        """ "file", "edited", "added" or "disabled"."""
        if not self.touched or self.layer is None:
            return "file"
        if self.now is None:
            return "disabled"
        return "added" if self.layer.base is None else "edited"

    @property
    def order(self) -> tuple[str, int]:
        """For rows that the release does not have."""
        return (self.chunk.path, row_number(self.chunk))


class Working:
    """All rows of a shop as editors see them."""

    def __init__(
        self,
        release: int | None,
        chunks: Sequence[Chunk],
        rows: Sequence[LayeredRow],
        zone: tzinfo,
        mirror: Mirror,
        made: dict[tuple[str, int], Chunk | None] | None = None,
    ) -> None:
        """`made` remembers what rows come to, by row and version, from one request to the next."""
        self._made = {} if made is None else made
        self.release = release
        self._mirror = mirror
        self.zone = zone
        self.layer = rows
        self._chunks = chunks

    @cached_property
    def rows(self) -> dict[str, WorkingRow]:
        """Short key → row, in the order of files; what the release has not stands at the end of its file."""
        layered = {row.key: row for row in self.layer if row.kind != BRAND}
        found: dict[str, WorkingRow] = {}
        for key, chunk in keyed(self._chunks).items():
            row = layered.pop(key, None)
            now = self._now(row) if row else chunk
            says = said_chunk(row, self.zone) if row and now is None else None
            found[short(key)] = WorkingRow(short(key), key, chunk, now, row, says)
        for key, row in layered.items():
            now = self._now(row)
            says = now or said_chunk(row, self.zone)
            if says is not None and (row.active or row.in_conflict):
                found[row.row] = WorkingRow(row.row, key, None, now, row, says)
        return found

    def _now(self, row: LayeredRow) -> Chunk | None:
        seen = (row.row, row.version)
        if seen not in self._made:
            self._made[seen] = live_chunk(row, self.zone, drafts=True)
        return self._made[seen]

    def row(self, row: str) -> WorkingRow:
        """One row. Raises NotFound."""
        if row not in self.rows:
            raise NotFound("There is no such row in the shop's knowledge. Nothing was changed; load the list again.")
        return self.rows[row]

    def of_path(self, path: str) -> Iterator[WorkingRow]:
        """The rows of one file."""
        return (row for row in self.rows.values() if row.chunk.path == path)

    @cached_property
    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """Path → the columns of its product table in their order, then those that other files tell of its products."""
        own: dict[str, list[str]] = {}
        others: dict[str, list[str]] = {}
        for chunk in self._chunks:
            if chunk.kind is Kind.PRODUCT:
                if chunk.path not in own:
                    file = self._mirror.file(chunk.path)
                    own[chunk.path] = columns_of(file, self._mirror.rules(), chunk.path) if file else []
                here = [name for name in chunk.attributes if name not in chunk.attribute_paths]
                merge_order(own[chunk.path], here)
                merge_order(others.setdefault(chunk.path, []), list(chunk.attribute_paths))
        return {path: tuple(dict.fromkeys([*columns, *others[path]])) for path, columns in own.items()}
