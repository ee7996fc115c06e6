"""Says clearly which tables were not recognised, and notices when a column was renamed since the last release."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.knowledge.chunk import Chunk, Kind
from ingestion.converted import Grid
from ingestion.headers import Column, TableKind, meanings
from ingestion.propose import propose

if TYPE_CHECKING:
    from ingestion.reading import FileRead

_USES: dict[str, Callable[[Chunk], bool]] = {
    "similar": lambda chunk: len(chunk.phrasings) > 1,
    "related": lambda chunk: bool(chunk.related),
    "valid_from": lambda chunk: chunk.valid_from is not None,
    "valid_until": lambda chunk: chunk.valid_until is not None,
    "price": lambda chunk: any(Column.PRICE in meanings(name) for name in chunk.attributes),
}
"""What a column gave to the chunks of a file; of FAQ rows but for the last."""


@dataclass(frozen=True, slots=True)
class TableSeen:
    """A table of a file and what it was read as: "faq", "product" or "text".

    row      of its header, as a spreadsheet numbers it
    columns  its header
    rows     how many are below that
    unused   columns nobody knows, whose cells were left out
    guess    for "text": "faq" or "product" when it looks like one
    """

    sheet: str
    row: int
    columns: tuple[str, ...]
    rows: int
    read_as: str
    unused: tuple[str, ...] = ()
    guess: str = ""
    told: bool = field(default=False, compare=False)

    def note(self, path: str) -> str:
        """What an editor should know of it; "" when there is nothing to say."""
        where = f"sheet “{self.sheet}”: " if self.sheet else ""
        named = ", ".join(name for name in self.columns if name)[:160]
        if self.read_as != "text":
            unused = ", ".join(f"“{name}”" for name in self.unused)
            return f"{where}the columns {unused} are not known and were left out" if unused else ""
        if self.told:
            return ""
        kind = {"faq": "questions and answers", "product": "products"}.get(self.guess, "")
        if kind:
            return (
                f"{where}the table with the columns {named} looks like {kind}, but its columns are not known: its "
                f"{self.rows} rows were read as plain text. To map them: xiaoer map {path}"
            )
        return f"{where}the table with the columns {named} was read as plain text ({self.rows} rows)"


def text_table(grid: Grid, row: int, columns: Sequence[str], rows: int, *, told: bool) -> TableSeen:
    """A table that became plain text, with the best guess what else it may be."""
    proposal = None if told else propose(grid)
    sure = proposal is not None and proposal.sure
    guess = proposal.kind.value if proposal and sure and proposal.kind is not TableKind.OTHER else ""
    return TableSeen(grid.name, row, tuple(columns), rows, "text", guess=guess, told=told)


def keep_renamed(reads: Iterable[FileRead], current: Sequence[Chunk]) -> None:
    """Give an error to each file that lost what a column gave it while it has a column nobody knows: it was renamed.

    A file with an error keeps the chunks it had, so a renamed column never empties a shop.
    """
    before: dict[str, list[Chunk]] = {}
    for chunk in current:
        before.setdefault(chunk.path, []).append(chunk)
    for read in reads:
        had = before.get(read.path, [])
        if had and read.foreign:
            read.error = f"it held knowledge and does not any more: {read.foreign}. What it held stays as it was"
        elif not read.error and had and read.tables:
            read.error = _lost_table(read, had) or _lost_column(read, had)


def _lost_table(read: FileRead, had: Sequence[Chunk]) -> str:
    unknown = [table for table in read.tables if table.read_as == "text" and not table.told]
    now = {chunk.kind for chunk in read.chunked.chunks}
    for kind, what in ((Kind.FAQ, "questions"), (Kind.PRODUCT, "products")):
        count = sum(1 for chunk in had if chunk.kind is kind)
        if count and kind not in now and unknown:
            named = ", ".join(name for name in unknown[0].columns if name)[:160]
            return (
                f"its {count} {what} are not recognised any more; was a column renamed? The columns are now: {named}. "
                f"What it held stays as it was. Give the column its name back, or say which is which: "
                f"xiaoer map {read.path}"
            )
    return ""


def _lost_column(read: FileRead, had: Sequence[Chunk]) -> str:
    known = {name for chunk in had for name in chunk.attributes}
    for meaning, uses in _USES.items():
        kind = Kind.PRODUCT if meaning == "price" else Kind.FAQ
        then = [chunk for chunk in had if chunk.kind is kind]
        now = [chunk for chunk in read.chunked.chunks if chunk.kind is kind]
        if not now or sum(map(uses, then)) < 0.5 * len(then) or not any(map(uses, then)) or any(map(uses, now)):
            continue
        attributes = dict.fromkeys(name for chunk in now for name in chunk.attributes if name not in known)
        fresh = list(attributes) if kind is Kind.PRODUCT else [name for table in read.tables for name in table.unused]
        if fresh:
            named = ", ".join(f"“{name}”" for name in fresh)[:160]
            return (
                f"the column that held {meaning} is gone, and nobody knows the column {named}; was it renamed? What "
                "the file held stays as it was. Give the column its name back, or say which is which: "
                f"xiaoer map {read.path}"
            )
    return ""
