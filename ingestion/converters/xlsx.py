"""Excel workbooks: every visible sheet becomes a grid, with cells as text."""

from __future__ import annotations

import re
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from app.errors import BadInput
from ingestion.converted import ConvertedDocument, ConvertedFile, Grid, Row, SkippedRow
from ingestion.converters import MAX_CELL_CHARACTERS, check_archive
from ingestion.formulas import unguarded
from ingestion.text import clean, invisible_count

SUFFIXES = frozenset({".xlsx", ".xlsm"})
MAX_ROWS = 200_000
MAX_EMPTY_RUN = 1_000
_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3})(\d+):([A-Z]{1,3})(\d+)"')


def convert(path: Path) -> ConvertedFile:
    """A grid a sheet, values as the sheet shows them. Raises BadInput for a damaged or encrypted workbook."""
    from openpyxl import load_workbook  # noqa: PLC0415

    check_archive(path, "xlsx workbook")
    skipped: list[SkippedRow] = []
    grids: list[Grid] = []
    hidden = 0
    try:
        workbook = load_workbook(path, read_only=True, data_only=True, keep_links=False)
        with zipfile.ZipFile(path) as archive:
            for sheet in workbook.worksheets:
                if sheet.sheet_state != "visible":
                    continue
                merged = _vertical_merges(archive, getattr(sheet, "_worksheet_path", ""))
                rows, dropped, invisible = _read_sheet(sheet, merged, len(workbook.worksheets) > 1)
                skipped.extend(dropped)
                hidden += invisible
                if rows:
                    grids.append(Grid(tuple(rows), str(sheet.title).strip()))
        workbook.close()
    except BadInput:
        raise
    except Exception as error:  # openpyxl raises KeyError, ValueError, XML and zip errors alike on damaged files
        raise BadInput(f"the workbook is damaged ({type(error).__name__}); save it again as xlsx") from error
    if not grids and not skipped:
        raise BadInput("the workbook has no filled sheet")
    warnings = (f"{hidden} invisible characters were removed",) if hidden else ()
    return ConvertedFile((ConvertedDocument(path.stem, tuple(grids), tabular=True),), tuple(skipped), warnings)


def _read_sheet(
    sheet: Any, merged: dict[tuple[int, int], tuple[int, int]], many: bool
) -> tuple[list[Row], list[SkippedRow], int]:
    sheet.reset_dimensions()
    rows: list[Row] = []
    skipped: list[SkippedRow] = []
    anchors: dict[tuple[int, int], str] = {}
    anchor_cells = set(merged.values())
    hidden = empty = 0
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        texts = [cell_text(cell.value, getattr(cell, "number_format", "") or "") for cell in cells]
        if (longest := max(map(len, texts), default=0)) > MAX_CELL_CHARACTERS:
            where = f"sheet “{sheet.title}”: " if many else ""
            skipped.append(
                SkippedRow(
                    number, f"{where}a cell has {longest:,} characters; at most {MAX_CELL_CHARACTERS:,} are read"
                )
            )
            continue
        hidden += sum(invisible_count(text) for text in texts)
        texts = [unguarded(clean(text)) for text in texts]
        for column, text in enumerate(texts):
            if (number, column) in anchor_cells:
                anchors[(number, column)] = text
            elif not text and (anchor := merged.get((number, column))):
                texts[column] = anchors.get(anchor, "")
        if any(texts):
            rows.append(Row(number, tuple(texts)))
            empty = 0
        else:
            empty += 1
        if number >= MAX_ROWS or empty >= MAX_EMPTY_RUN:
            break
    return rows, skipped, hidden


def _vertical_merges(archive: zipfile.ZipFile, sheet_path: str) -> dict[tuple[int, int], tuple[int, int]]:
    """Cell → the top cell of the merged area it lies under; (row from 1, column from 0). Read from the XML: the
    streaming reader does not tell."""
    try:
        xml = archive.read(sheet_path.lstrip("/"))
    except KeyError:
        return {}
    merged: dict[tuple[int, int], tuple[int, int]] = {}
    for match in _MERGE.finditer(xml):
        top, bottom, column = int(match[2]), int(match[4]), _column_index(match[1])
        for row in range(top + 1, min(bottom, top + 1_000) + 1):
            merged[(row, column)] = (top, column)
    return merged


def _column_index(letters: bytes) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + letter - 64
    return index - 1


def cell_text(value: Any, number_format: str) -> str:
    """A cell as text: whole numbers without .0, days as 2026-11-01, shares as 10%."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M:%S" if value.second else "%H:%M")
    if isinstance(value, timedelta):
        minutes = int(value.total_seconds() // 60)
        return f"{minutes // 60:02}:{minutes % 60:02}"
    if isinstance(value, int | float):
        return _number_text(value, number_format)
    return str(value)


def _number_text(value: int | float, number_format: str) -> str:
    if "%" in number_format:
        return f"{value * 100:.10g}%"
    if re.fullmatch(r"0{2,}", number_format) and float(value).is_integer():
        return str(int(value)).zfill(len(number_format))
    if isinstance(value, int) or float(value).is_integer():
        return str(int(value))
    return f"{value:.15g}"
