"""A shop folder as an editor sees it: cells and paragraphs that can be rewritten, rows that can be added or moved.

csv, xlsx, jsonl, Markdown and HTML are edited in place; docx and pdf can only be deleted.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import openpyxl

from ingestion.headers import Column, TableKind, count_known, read_header
from ingestion.text import decode

Kind: TypeAlias = Literal["question", "answer", "price", "prose"]
Rows: TypeAlias = list[list[str]]

TABLES = frozenset({".csv", ".xlsx"})
_PROSE_FIELDS = ("text", "answer", "body", "content")
_HTML_TEXT = re.compile(r"(?<=>)[^<>]{8,}(?=<)")
_MARKDOWN_LINE = re.compile(r"^(?!\s*(?:#|\||-{3,}|```)).{8,}$", re.MULTILINE)
_KIND_OF = {Column.QUESTION: "question", Column.ANSWER: "answer", Column.PRICE: "price"}


@dataclass(frozen=True, slots=True)
class Slot:
    """One text that can be rewritten. `where` is (sheet, row, column), (line, field), or (start, end) in the file."""

    path: str
    kind: Kind
    text: str
    where: tuple[Any, ...]
    question: str = ""


def files_of(root: Path) -> list[str]:
    """Paths of the knowledge files."""
    top = root / "knowledge"
    return sorted(f.relative_to(root).as_posix() for f in top.rglob("*") if f.is_file() and not f.name.startswith("."))


def slots_of(root: Path) -> list[Slot]:
    """Everything of the shop that can be rewritten."""
    return [slot for path in files_of(root) for slot in _slots(root, path)]


def _slots(root: Path, path: str) -> Iterator[Slot]:
    suffix = Path(path).suffix.lower()
    if suffix in TABLES:
        for sheet, rows in tables(root / path).items():
            yield from _table_slots(path, sheet, rows)
    elif suffix == ".jsonl":
        for number, line in enumerate(decode((root / path).read_bytes()).splitlines()):
            record = json.loads(line) if line.strip() else {}
            for field in _PROSE_FIELDS:
                if isinstance(record.get(field), str) and record[field]:
                    yield Slot(path, "prose", record[field], (number, field))
    elif suffix in (".md", ".html"):
        pattern = _MARKDOWN_LINE if suffix == ".md" else _HTML_TEXT
        text = decode((root / path).read_bytes())
        yield from (Slot(path, "prose", m.group(), m.span()) for m in pattern.finditer(text))


def _table_slots(path: str, sheet: str, rows: Rows) -> Iterator[Slot]:
    start = header_row(rows)
    if start is None:
        return
    header = read_header(rows[start])
    if header.kind is TableKind.OTHER:
        return
    question = header.columns.get(Column.QUESTION)
    for number, row in enumerate(rows[start + 1 :], start=start + 1):
        for column, index in header.columns.items():
            if column in _KIND_OF and index < len(row) and row[index].strip():
                asked = row[question] if question is not None and question < len(row) else ""
                kind: Kind = _KIND_OF[column]  # type: ignore[assignment]
                yield Slot(path, kind, row[index], (sheet, number, index), asked)


def header_row(rows: Rows) -> int | None:
    """Which row is the header; None where there is none we know."""
    known = [(count_known(row), -number) for number, row in enumerate(rows[:5])]
    best = max(known, default=(0, 0))
    return -best[1] if best[0] >= 2 else None


def tables(file: Path) -> dict[str, Rows]:
    """Sheet → rows of cells as text. A csv has one sheet without a name."""
    if file.suffix.lower() == ".csv":
        return {"": [list(row) for row in csv.reader(io.StringIO(decode(file.read_bytes()), newline=""))]}
    book = openpyxl.load_workbook(file)
    return {
        sheet.title: [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        for sheet in book.worksheets
    }


def rewrite(root: Path, slot: Slot, text: str) -> None:
    """Put another text in its place."""
    file = root / slot.path
    suffix = file.suffix.lower()
    if suffix in TABLES:
        sheet, row, column = slot.where
        change_table(file, sheet, lambda rows: _set(rows, row, column, text))
    elif suffix == ".jsonl":
        number, field = slot.where
        lines = decode(file.read_bytes()).splitlines()
        lines[number] = json.dumps({**json.loads(lines[number]), field: text}, ensure_ascii=False)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        start, end = slot.where
        whole = decode(file.read_bytes())
        file.write_text(whole[:start] + text + whole[end:], encoding="utf-8")


def add_row(root: Path, slot: Slot, question: str, answer: str) -> None:
    """One more FAQ row at the end of the table that the slot stands in."""

    def add(rows: Rows) -> Rows:
        start = header_row(rows) or 0
        columns = read_header(rows[start]).columns
        row = [""] * len(rows[start])
        row[columns[Column.QUESTION]], row[columns[Column.ANSWER]] = question, answer
        return [*rows, row]

    change_table(root / slot.path, slot.where[0], add)


def shuffle_rows(root: Path, path: str, chance: random.Random) -> None:
    """The same rows in another order; variants of one product keep theirs, which Shopify's export relies on."""

    def shuffled(rows: Rows) -> Rows:
        start = header_row(rows)
        if start is None or read_header(rows[start]).kind is not TableKind.FAQ:
            return rows
        body = rows[start + 1 :]
        chance.shuffle(body)
        return [*rows[: start + 1], *body]

    for sheet in tables(root / path):
        change_table(root / path, sheet, shuffled)


def change_table(file: Path, sheet: str, change: Callable[[Rows], Rows]) -> None:
    """Write a table anew as `change` returns it."""
    if file.suffix.lower() == ".csv":
        out = io.StringIO(newline="")
        csv.writer(out).writerows(change(tables(file)[""]))
        file.write_text(out.getvalue(), encoding="utf-8-sig", newline="")
        return
    book = openpyxl.load_workbook(file)
    page = book[sheet]
    before = tables(file)[sheet]
    for number, row in enumerate(change([list(row) for row in before])):
        for column, text in enumerate(row):
            if number >= len(before) or column >= len(before[number]) or before[number][column] != text:
                page.cell(row=number + 1, column=column + 1).value = _typed(text)
    book.save(file)


def _typed(text: str) -> str | float | None:
    """A cell as a spreadsheet would hold it: numbers are numbers."""
    if not text:
        return None
    return float(text) if re.fullmatch(r"\d{1,9}(?:\.\d{1,4})?", text) and not text.startswith("0") else text


def _set(rows: Rows, row: int, column: int, text: str) -> Rows:
    rows[row][column] = text
    return rows
