"""Excel workbooks: every visible sheet becomes a grid, with cells as text."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from app.errors import BadInput
from ingestion.converted import ConvertedDocument, ConvertedFile, Grid, Row, SkippedRow
from ingestion.converters import MAX_CELL_CHARACTERS, check_archive
from ingestion.converters.xlsx_scan import SheetScan, named, scan_sheet
from ingestion.formulas import unguarded
from ingestion.text import clean, invisible_count

SUFFIXES = frozenset({".xlsx", ".xlsm"})
MAX_ROWS = 200_000
MAX_EMPTY_RUN = 1_000


def convert(path: Path) -> ConvertedFile:
    """A grid a sheet, values as the sheet shows them. Raises BadInput for a damaged or encrypted workbook."""
    from openpyxl import load_workbook  # noqa: PLC0415

    check_archive(path, "xlsx workbook")
    skipped: list[SkippedRow] = []
    grids: list[Grid] = []
    warnings: list[str] = []
    try:
        workbook = load_workbook(path, read_only=True, data_only=True, keep_links=False)
        with zipfile.ZipFile(path) as archive:
            for sheet in workbook.worksheets:
                if sheet.sheet_state != "visible":
                    continue
                read = _Sheet(sheet, scan_sheet(archive, getattr(sheet, "_worksheet_path", "")))
                where = f"sheet “{sheet.title}”: " if len(workbook.worksheets) > 1 else ""
                skipped.extend(SkippedRow(number, where + reason) for number, reason in read.skipped)
                warnings.extend(where + warning for warning in read.warnings())
                if read.rows:
                    grids.append(Grid(tuple(read.rows), str(sheet.title).strip()))
        workbook.close()
    except BadInput:
        raise
    except Exception as error:  # openpyxl raises KeyError, ValueError, XML and zip errors alike on damaged files
        raise BadInput(f"the workbook is damaged ({type(error).__name__}); save it again as xlsx") from error
    if not grids and not skipped:
        raise BadInput("the workbook has no filled sheet")
    return ConvertedFile((ConvertedDocument(path.stem, tuple(grids), tabular=True),), tuple(skipped), tuple(warnings))


class _Sheet:
    """One sheet, read row by row; values under a merged cell are repeated downwards."""

    def __init__(self, sheet: Any, scan: SheetScan) -> None:
        """Raises BadInput when it has more rows than are read: half a table would delete the other half."""
        self.rows: list[Row] = []
        self.skipped: list[tuple[int, str]] = []
        self._scan = scan
        self._hidden = 0
        self._errors: list[str] = []
        self._anchors: dict[tuple[int, int], str] = {}
        self._anchor_cells = set(scan.merged.values())
        sheet.reset_dimensions()
        empty = 0
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            empty = 0 if self._read(number, cells) else empty + 1
            if len(self.rows) > MAX_ROWS:
                raise BadInput(
                    f"the sheet “{sheet.title}” has more than {MAX_ROWS:,} rows; split it. What the file held stays"
                )
            if empty >= MAX_EMPTY_RUN:
                break

    def warnings(self) -> Iterator[str]:
        """What an editor should know of its cells."""
        if self._hidden:
            yield f"{self._hidden} invisible characters were removed"
        if cells := self._scan.formulas:
            yield (
                f"{named(cells)} hold a formula without its result and were read as empty: open the file in a "
                "spreadsheet program, save it there, and send it again"
            )
        if self._errors:
            yield f"{named(self._errors)} show an error instead of a value and were read as empty"

    def _read(self, number: int, cells: Sequence[Any]) -> bool:
        """Whether there was anything in the row."""
        texts = [self._text(cell) for cell in cells]
        if (longest := max(map(len, texts), default=0)) > MAX_CELL_CHARACTERS:
            self.skipped.append(
                (number, f"a cell has {longest:,} characters; at most {MAX_CELL_CHARACTERS:,} are read")
            )
            return True
        self._hidden += sum(invisible_count(text) for text in texts)
        texts = [unguarded(clean(text)) for text in texts]
        for column, text in enumerate(texts):
            if (number, column) in self._anchor_cells:
                self._anchors[(number, column)] = text
            elif not text and (anchor := self._scan.merged.get((number, column))):
                texts[column] = self._anchors.get(anchor, "")
        if any(texts):
            self.rows.append(Row(number, tuple(texts)))
        return any(texts)

    def _text(self, cell: Any) -> str:
        if getattr(cell, "data_type", "") == "e":
            self._errors.append(f"{cell.coordinate} ({cell.value})")
            return ""
        return cell_text(cell.value, getattr(cell, "number_format", "") or "")


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
