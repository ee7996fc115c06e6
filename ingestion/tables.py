"""Finds the header of a table, and cuts sheets that hold several tables one below the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingestion.converted import Grid, Row
from ingestion.headers import Column, TableHeader, TableKind, count_known, normal, read_header
from ingestion.mapping import TableRule, apply_rule

HEADER_SEARCH_ROWS = 20
_DEFAULT_SHEET = re.compile(r"(?:sheet|工作表|表格?|table|页)\s*\d*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its header found. `captions` are the lone cells above it, `notes` those below."""

    header: TableHeader
    header_row: int
    rows: tuple[Row, ...]
    captions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    name: str = ""


def read_tables(grid: Grid, rule: TableRule | None = None) -> list[Table]:
    """The tables of a grid: one FAQ or product table, or any number of other ones.

    `rule` is what the shop's mapping.yaml says of it. Raises BadInput when the table is not as that says.
    """
    if rule is not None and rule.kind is not TableKind.OTHER:
        header, row, below = apply_rule(rule, grid)
        return [Table(header, row.number, tuple(r for r in below if any(r.cells)), (), (), sheet_title(grid.name))]
    rows = [row for row in grid.rows if any(row.cells)]
    known = None if rule is not None else _known_header(rows)
    if known is not None:
        header = read_header(rows[known].cells)
        captions = tuple(" ".join(filter(None, row.cells)) for row in rows[:known])
        body = tuple(row for row in rows[known + 1 :] if row.cells != rows[known].cells)
        return [Table(header, rows[known].number, body, captions, (), sheet_title(grid.name))]
    return [table for part in _parts(rows) if (table := _other_table(part, grid.name)) is not None]


def faq_table(grid: Grid) -> Table | None:
    """The table when it plainly holds questions and answers. In a text, “title” and “content” head many a table."""
    found = read_tables(grid)
    if len(found) != 1 or found[0].header.kind is not TableKind.FAQ:
        return None
    header = found[0].header
    named = {normal(header.names[header.columns[column]]) for column in (Column.QUESTION, Column.ANSWER)}
    return None if named & _LOOSE else found[0]


_LOOSE = frozenset({"title", "标题", "内容", "content", "body", "text", "query", "ask", "response", "reply"})


def sheet_title(name: str) -> str:
    """A sheet's name, unless it is the one the program gave it."""
    return "" if _DEFAULT_SHEET.fullmatch(name) else name


def _known_header(rows: Sequence[Row]) -> int | None:
    best, best_count = None, 1
    for index, row in enumerate(rows[:HEADER_SEARCH_ROWS]):
        if read_header(row.cells).kind is not TableKind.OTHER and (count := count_known(row.cells)) > best_count:
            best, best_count = index, count
    return best


def _parts(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Cut where an empty row is followed by a caption: another table begins."""
    part: list[Row] = []
    for row in rows:
        if part and row.number > part[-1].number + 1 and _filled(row) == 1 and any(_filled(r) > 1 for r in part):
            yield part
            part = []
        part.append(row)
    if part:
        yield part


def _other_table(rows: list[Row], name: str) -> Table | None:
    width = max(_filled(row) for row in rows)
    first = next((i for i, row in enumerate(rows) if _filled(row) > 1 and _filled(row) >= 0.5 * width), None)
    if width < 2 or first is None:
        texts = tuple(" ".join(filter(None, row.cells)) for row in rows)
        empty = TableHeader(TableKind.OTHER, (), {})
        return Table(empty, rows[0].number, (), texts, (), sheet_title(name)) if texts else None
    captions = tuple(" ".join(filter(None, row.cells)) for row in rows[:first])
    body = rows[first + 1 :]
    notes: list[str] = []
    while body and _filled(body[-1]) == 1 and body[-1].cells[0]:
        notes.insert(0, body.pop().cells[0])
    header = read_header(rows[first].cells)
    return Table(header, rows[first].number, tuple(body), captions, tuple(notes), sheet_title(name))


def _filled(row: Row) -> int:
    return sum(1 for cell in row.cells if cell)


def markdown_rows(names: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[str, list[str]]:
    """(header lines, one line a row) of a Markdown table; columns that are empty throughout are left out."""
    width = max([len(names), *(len(row) for row in rows)], default=0)
    used = [i for i in range(width) if any(i < len(row) and row[i] for row in [names, *rows])]

    def line(cells: Sequence[str]) -> str:
        texts = ((cells[i] if i < len(cells) else "").replace("\n", " ").replace("|", "\\|") for i in used)
        return f"| {' | '.join(texts)} |"

    return f"{line(names)}\n|{'|'.join(' --- ' for _ in used)}|", [line(row) for row in rows]
