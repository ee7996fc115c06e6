"""Where the text of a PDF stands: lines with size and weight, and tables found by rules or by alignment."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ingestion.text import clean, join_wrapped

_BOLD = re.compile(r"bold|heavy|black|semib|demi|simhei|黑体|-b$|,b$", re.IGNORECASE)
_UNMAPPED = re.compile(r"\(cid:\d+\)")
_BULLETS = str.maketrans({"\uf0b7": "•", "\uf0a7": "•", "\uf06c": "•", "\uf0d8": "•", "\uf0fc": "•", "\uf09f": "•"})


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text; coordinates in points, y upwards from the page's foot."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table's cells, and where it stands on the page."""

    rows: tuple[tuple[str, ...], ...]
    y0: float
    y1: float


@dataclass(frozen=True, slots=True)
class PageLayout:
    """One page: its lines and tables from top to bottom."""

    items: tuple[Line | Table, ...]
    height: float
    unmapped: int


def read_page(page: Any) -> PageLayout:
    """The layout of a pdfminer LTPage."""
    fragments: list[list[Any]] = []
    boxes: list[tuple[float, float, float, float]] = []
    _collect(page, fragments, boxes)
    unmapped = sum(len(_UNMAPPED.findall(c.get_text())) for chars in fragments for c in chars)
    tables: list[Table] = []
    for region in _regions(boxes):
        table, fragments = _ruled_table(region, fragments)
        if table is not None:
            tables.append(table)
    rows = _visual_rows([line for chars in fragments if (line := _line(chars))])
    items: list[Line | Table] = [*tables, *_aligned_tables(rows)]
    items.sort(key=lambda item: -item.y1)
    return PageLayout(tuple(items), float(page.height), unmapped)


def _collect(container: Any, fragments: list[list[Any]], boxes: list[tuple[float, float, float, float]]) -> None:
    from pdfminer.layout import LTChar, LTContainer, LTCurve, LTTextLine  # noqa: PLC0415

    for element in container:
        if isinstance(element, LTTextLine):
            if chars := [c for c in element if not isinstance(c, LTChar) or c.size > 1]:
                fragments.append(chars)
        elif isinstance(element, LTCurve):
            boxes.append(element.bbox)
        elif isinstance(element, LTContainer):
            _collect(element, fragments, boxes)


def _line(chars: Sequence[Any]) -> Line | None:
    text = clean(_UNMAPPED.sub("", "".join(c.get_text() for c in chars)).translate(_BULLETS)).replace("\n", " ")
    inked = [c for c in chars if hasattr(c, "fontname") and c.get_text().strip()]
    if not text or not inked:
        return None
    size = Counter(round(c.size * 2) / 2 for c in inked).most_common(1)[0][0]
    bold = sum(1 for c in inked if _BOLD.search(c.fontname)) > 0.8 * len(inked)
    return Line(
        text,
        min(c.x0 for c in inked),
        min(c.y0 for c in inked),
        max(c.x1 for c in inked),
        max(c.y1 for c in inked),
        size,
        bold,
    )


@dataclass(frozen=True, slots=True)
class _Region:
    """A ruled area: the x of its column borders and the y of its row borders, ascending."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]


def _regions(boxes: Iterable[tuple[float, float, float, float]]) -> list[_Region]:
    """Groups of touching rules and rectangles that make at least two rows and two columns."""
    groups: list[list[tuple[float, float, float, float]]] = []
    for box in list(boxes)[:5_000]:
        touching = [g for g in groups if any(_touch(box, other) for other in g)]
        merged = [box, *(b for g in touching for b in g)]
        groups = [g for g in groups if g not in touching]
        groups.append(merged)
    regions = []
    for group in groups:
        xs = _borders([x for b in group if b[3] - b[1] > 4 for x in (b[0], b[2])])
        ys = _borders([y for b in group if b[2] - b[0] > 4 for y in (b[1], b[3])])
        if len(xs) >= 3 and len(ys) >= 3:
            regions.append(_Region(xs, ys))
    return regions


def _touch(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] <= b[2] + 2 and b[0] <= a[2] + 2 and a[1] <= b[3] + 2 and b[1] <= a[3] + 2


def _borders(values: list[float]) -> tuple[float, ...]:
    merged: list[float] = []
    for value in sorted(values):
        if not merged or value - merged[-1] > 4:
            merged.append(value)
    return tuple(merged)


def _ruled_table(region: _Region, fragments: list[list[Any]]) -> tuple[Table | None, list[list[Any]]]:
    """The table inside a ruled area, and the fragments outside it."""
    columns, rows = len(region.xs) - 1, len(region.ys) - 1
    cells: list[list[list[Line]]] = [[[] for _ in range(columns)] for _ in range(rows)]
    outside: list[list[Any]] = []
    for chars in fragments:
        inked = [c for c in chars if hasattr(c, "x0") and c.get_text().strip()]
        if not inked or _slot(region.ys, (inked[0].y0 + inked[0].y1) / 2) is None:
            outside.append(chars)
            continue
        placed: dict[int, list[Any]] = {}
        column: int | None = None
        for char in chars:
            if hasattr(char, "x0"):
                column = _slot(region.xs, (char.x0 + char.x1) / 2)
            if column is not None:
                placed.setdefault(column, []).append(char)
        if not placed:
            outside.append(chars)
            continue
        row = _slot(region.ys, (inked[0].y0 + inked[0].y1) / 2)
        for where, part in placed.items():
            if row is not None and (line := _line(part)):
                cells[rows - 1 - row][where].append(line)
    texts = [tuple(_cell_text(cell) for cell in row) for row in cells]
    texts = [row for row in texts if any(row)]
    if len(texts) < 2 or sum(1 for row in texts if sum(map(bool, row)) > 1) < 2:
        return None, fragments
    return Table(tuple(texts), region.ys[0], region.ys[-1]), outside


def _slot(borders: Sequence[float], value: float) -> int | None:
    for index in range(len(borders) - 1):
        if borders[index] - 1 <= value < borders[index + 1]:
            return index
    return None


def _cell_text(lines: list[Line]) -> str:
    text = ""
    for line in sorted(lines, key=lambda line: (-round(line.y1), line.x0)):
        text = join_wrapped(text, line.text)
    return text


def _visual_rows(lines: list[Line]) -> list[list[Line]]:
    """Lines that stand on the same height, left to right, from top to bottom."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: -(line.y0 + line.y1)):
        middle = (line.y0 + line.y1) / 2
        if rows and abs((rows[-1][0].y0 + rows[-1][0].y1) / 2 - middle) < 0.4 * line.size:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.x0) for row in rows]


def _aligned_tables(rows: list[list[Line]]) -> list[Line | Table]:
    """Rows of text without rules: at least two with the same columns in a row are a table."""
    found: list[Line | Table] = []
    index = 0
    while index < len(rows):
        end = index + 1
        if len(rows[index]) >= 2:
            while end < len(rows) and _continues_table(rows[index], rows[end - 1], rows[end]):
                end += 1
        block = rows[index:end]
        if sum(1 for row in block if len(row) >= 2) >= 2:
            found.extend(_columns_of_text(block) or [_aligned_table(block)])
        else:
            found.extend(_one_line(row) for row in block)
        index = end
    return found


def _continues_table(header: list[Line], above: list[Line], row: list[Line]) -> bool:
    near = above[0].y0 - row[0].y1 < 2.2 * row[0].size
    starts = [line.x0 for line in header]
    aligned = all(min(abs(line.x0 - start) for start in starts) < 8 for line in row)
    # A lone first cell is ordinary text below the table; a lone later cell is a wrapped cell.
    return near and aligned and (len(row) >= 2 or abs(row[0].x0 - starts[0]) >= 8)


def _aligned_table(rows: list[list[Line]]) -> Table:
    starts = [line.x0 for line in rows[0]]
    table: list[list[str]] = []
    for row in rows:
        cells = [""] * len(starts)
        for line in row:
            column = min(range(len(starts)), key=lambda i: abs(starts[i] - line.x0))
            cells[column] = join_wrapped(cells[column], line.text)
        if len(row) == 1 and table:
            table[-1] = [join_wrapped(old, new) for old, new in zip(table[-1], cells, strict=True)]
        else:
            table.append(cells)
    return Table(tuple(map(tuple, table)), rows[-1][0].y0, rows[0][0].y1)


def _columns_of_text(rows: list[list[Line]]) -> list[Line]:
    """A page set in two columns: the left one, then the right one; nothing when it is a table."""
    cells = [line for row in rows for line in row]
    if len(rows) < 6 or len(rows[0]) != 2 or sum(len(c.text) for c in cells) < 30 * len(cells):
        return []
    middle = rows[0][1].x0 - 4
    left = [line for line in cells if line.x0 < middle]
    right = [line for line in cells if line.x0 >= middle]
    # The right column is read after the left one: give it heights below it.
    drop = max(line.y1 for line in right) - min(line.y0 for line in left) + 1e-3
    return [
        *left,
        *(
            Line(
                r.text, r.x0 - middle + left[0].x0, r.y0 - drop, r.x1 - middle + left[0].x0, r.y1 - drop, r.size, r.bold
            )
            for r in right
        ),
    ]


def _one_line(row: list[Line]) -> Line:
    if len(row) == 1:
        return row[0]
    text = " ".join(line.text for line in row)
    largest = max(row, key=lambda line: len(line.text))
    return Line(text, row[0].x0, min(r.y0 for r in row), row[-1].x1, max(r.y1 for r in row), largest.size, largest.bold)
