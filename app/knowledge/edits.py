"""What editors change in the console: a layer of its own over the files, kept edit by edit so that any can be undone.

A row of the layer stands for one row of a source (an FAQ row, a product, a section), whatever it says now and wherever
it stands. It remembers what the file said when editor and file last agreed; when the file says something else later,
both are kept until an editor chooses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

Content: TypeAlias = Mapping[str, Any]
"""A chunk, or a brand, as plain JSON values."""

BRAND = "brand"
"""Kind and key of the row that stands for brand.yaml."""

MERGED = frozenset({"values", "brand"})
"""Fields whose members are changed one by one: a product's values by column, a brand's settings by name."""


class Action(StrEnum):
    """What one edit does to its row."""

    ADD = "add"
    CHANGE = "change"
    DISABLE = "disable"
    ENABLE = "enable"


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit, as recorded. It is a draft until it is staged; so is its undoing.

    fields          what it sets, as the editor wrote it; nothing else is touched
    batch           what was done in one go is undone in one go
    staged_at       when a build was asked to include it; None = still a draft
    undo_staged_at  when a build was asked to leave it out again
    settled         a resolved conflict or a later ingest made it part of the file, or dropped it: it is history
    """

    number: int
    row: str
    action: Action
    fields: Content
    author: str
    at: datetime
    batch: str
    staged_at: datetime | None = None
    undone_at: datetime | None = None
    undone_by: str = ""
    undo_staged_at: datetime | None = None
    settled: str = ""

    @property
    def stands(self) -> bool:
        """Whether editors want it, staged or not."""
        return self.undone_at is None and not self.settled

    @property
    def applies(self) -> bool:
        """Whether the newest build has it."""
        return self.staged_at is not None and self.undo_staged_at is None and not self.settled

    @property
    def pending(self) -> bool:
        """Whether the next staging would change something by it."""
        return self.stands != self.applies


@dataclass(frozen=True, slots=True)
class LayeredRow:
    """One source row that editors touched.

    row      its short name, stable for good; `key` is what it is derived from
    base     what the file said when editor and file last agreed; None for a row that editors added
    theirs   what the file says now, where that is something else: a conflict
    gone     the file no longer has the row: a conflict too
    version  counts up with every change, by whomever: who writes must have seen the newest
    place    row number, for a row that editors added
    """

    row: str
    key: str
    kind: str
    path: str
    base: Content | None
    theirs: Content | None = None
    gone: bool = False
    version: int = 1
    place: int = 0
    edits: tuple[Edit, ...] = ()

    @property
    def in_conflict(self) -> bool:
        """Whether an editor has to choose."""
        return self.theirs is not None or self.gone

    @property
    def pending(self) -> bool:
        """Whether there are drafts on it."""
        return any(edit.pending for edit in self.edits)

    @property
    def active(self) -> bool:
        """Whether any edit stands or is still built in."""
        return any(edit.stands or edit.applies for edit in self.edits)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the edits of a row come to."""

    fields: Content = field(default_factory=lambda: MappingProxyType({}))
    disabled: bool = False

    @property
    def nothing(self) -> bool:
        """Whether the row is as its file has it."""
        return not self.fields and not self.disabled


def fold(edits: Iterable[Edit], *, drafts: bool) -> Wanted:
    """The edits one after the other; with `drafts` as editors want it, without as the newest build has it."""
    fields: dict[str, Any] = {}
    disabled = False
    for edit in sorted(edits, key=lambda e: e.number):
        if not (edit.stands if drafts else edit.applies):
            continue
        if edit.action is Action.DISABLE:
            disabled = True
        elif edit.action is Action.ENABLE:
            disabled = False
        for name, value in edit.fields.items():
            fields[name] = {**fields.get(name, {}), **value} if name in MERGED else value
    return Wanted(MappingProxyType(fields), disabled)


@dataclass(frozen=True, slots=True)
class NewEdit:
    """An edit to record. `version` is the one the editor saw (0: the row had never been touched).

    The row's own members are used when this is its first edit. `staged`: the next build has it without being asked.
    """

    row: str
    key: str
    kind: str
    path: str
    base: Content | None
    action: Action
    fields: Content
    version: int
    place: int = 0
    staged: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an ingest or a resolved conflict makes of a row: its new sides, and the edits that are history now."""

    row: str
    base: Content | None
    theirs: Content | None = None
    gone: bool = False
    settled: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))


class EditStore(Protocol):
    """Where the layer is kept. Every method is one transaction."""

    async def rows(self, shop: str) -> list[LayeredRow]:
        """All rows of a shop that editors touched, with every edit, oldest first."""

    async def record(self, shop: str, edits: Sequence[NewEdit], author: str) -> list[Edit]:
        """Record edits as one batch, all or none. Raises OutdatedEdit when a row is not at the version seen."""

    async def undo(self, shop: str, numbers: Sequence[int], author: str) -> list[Edit]:
        """Mark edits undone. Raises NotFound, or Conflict for one that is undone or history already."""

    async def mark_staged(self, shop: str) -> int:
        """Drafts, and drafts of undoing, become part of every build from now on. Returns how many."""

    async def settle(self, shop: str, settlements: Sequence[Settlement]) -> None:
        """Write what became of rows."""

    async def resolve(self, shop: str, version: int, settlement: Settlement, edit: NewEdit | None, author: str) -> None:
        """Settle one row and record the edit that the choice comes to, if it was at that version."""
