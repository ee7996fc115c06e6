"""The one form every converter turns a file into: headings, paragraphs and tables, in reading order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading as written; `level` 1 is the outermost."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text, or a list with one item a line."""

    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table. `number` is what a spreadsheet shows beside it (a csv's header is row 1)."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as read, its header row not yet found. `name` is the sheet's, where there is one."""

    rows: tuple[Row, ...]
    name: str = ""


Block: TypeAlias = Heading | Paragraph | Grid


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row or record that was left out, and why, in words the shop's editor understands.

    code     the same for checks: "no_answer", "never_valid", or "" for any other reason
    subject  the question or the name that stands in it
    """

    row: int
    reason: str
    code: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A product attribute that two files state differently; the value of `kept_path` was kept."""

    path: str
    row: int
    sku: str
    name: str
    value: str
    kept_path: str
    kept_value: str


@dataclass(frozen=True, slots=True)
class ConvertedDocument:
    """One document of a file. A JSONL file holds many: they carry the record's id, line, kind and language.

    tabular  true for spreadsheets, whose grids may be FAQ or product tables
    fields   a record's remaining fields, by name as written
    """

    title: str
    blocks: tuple[Block, ...]
    tabular: bool = False
    record_id: str = ""
    line: int = 0
    kind: str = ""
    language: str = ""
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConvertedFile:
    """All that was read out of one file, and what was left out."""

    documents: tuple[ConvertedDocument, ...]
    skipped: tuple[SkippedRow, ...] = ()
    warnings: tuple[str, ...] = ()


def title_of(blocks: tuple[Block, ...], fallback: str) -> str:
    """A document's title: the heading or the short line it begins with, else `fallback`."""
    first = blocks[0] if blocks else None
    if isinstance(first, Heading):
        return first.text
    if isinstance(first, Paragraph) and len(first.text) <= 40 and first.text[-1] not in "。.!！?？;；,，:：":
        return first.text
    return fallback
