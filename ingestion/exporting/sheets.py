"""Tables that can be written in place: csv and xlsx, read as ingestion reads them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from ingestion.converted import Grid
from ingestion.converters import csv_table, xlsx
from ingestion.formulas import guarded, is_formula, unguarded
from ingestion.text import clean, decode

_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


class Sheets(Protocol):
    """The tables of one file, open for changes. Rows count from 1, columns from 0."""

    @property
    def changed(self) -> bool:
        """Whether saving would give anything but the bytes that were read."""

    def grids(self) -> list[Grid]:
        """The tables as ingestion reads them."""

    def put(self, sheet: int, row: int, column: int, text: str) -> None:
        """Set a cell; the row and the column may be new."""

    def last_row(self, sheet: int) -> int:
        """Number of the last row."""

    def saved(self) -> bytes:
        """The file."""


class CsvSheet:
    """One csv file: its encoding, separator and line ends stay; cells that would be taken for formulas are guarded."""

    def __init__(self, file: Path) -> None:
        self._data = file.read_bytes()
        self._file = file
        text = decode(self._data)
        self._mark = text.startswith("\ufeff") or self._data.startswith(b"\xef\xbb\xbf")
        text = text.removeprefix("\ufeff").replace("\x00", "")
        self._line_end = "\r\n" if "\r\n" in text else "\n"
        self._separator, self._records = csv_table.parse(text)
        self._touched = False

    @property
    def changed(self) -> bool:
        """Whether anything was put, or a cell has to be guarded."""
        return self._touched or any(made_safe(cell) != cell for record in self._records for cell in record)

    def grids(self) -> list[Grid]:
        """The one table."""
        [document] = csv_table.convert(self._file).documents
        return [block for block in document.blocks if isinstance(block, Grid)]

    def put(self, sheet: int, row: int, column: int, text: str) -> None:
        """Set a cell."""
        while len(self._records) < row:
            self._records.append([])
        record = self._records[row - 1]
        record.extend([""] * (column + 1 - len(record)))
        record[column] = guarded(text)
        self._touched = True

    def last_row(self, sheet: int) -> int:
        """Number of the last record."""
        return len(self._records)

    def saved(self) -> bytes:
        """The file in the encoding it had, or in UTF-8 with a mark where that cannot hold its text."""
        if not self.changed:
            return self._data
        text = csv_text(
            [[made_safe(cell) for cell in record] for record in self._records], self._separator, self._line_end
        )
        return _encoded(text, self._data, mark=self._mark)


def made_safe(cell: str) -> str:
    """The cell, guarded where it says a formula and is not guarded yet."""
    says = clean(cell)
    return guarded(says) if is_formula(says) and unguarded(says) == says else cell


def csv_text(records: Sequence[Sequence[str]], separator: str = ",", line_end: str = "\n") -> str:
    """Records as csv; quotes everywhere when a cell holds a character that might end a line."""
    odd = any(end in cell for record in records for cell in record for end in _LINE_ENDS[2:])
    out = io.StringIO()
    if odd:
        csv.writer(out, delimiter=separator, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(records)
    else:
        csv.writer(out, delimiter=separator, lineterminator=line_end).writerows(records)
    return out.getvalue()


def _encoded(text: str, before: bytes, *, mark: bool) -> bytes:
    if before.startswith((b"\xff\xfe", b"\xfe\xff")):
        return text.encode("utf-16")
    try:
        before.decode("utf-8")
    except UnicodeDecodeError:
        try:
            data = text.encode("gb18030")
            if decode(data) == text:
                return data
        except (UnicodeEncodeError, ValueError):
            pass
        return text.encode("utf-8-sig")
    return text.encode("utf-8-sig" if mark else "utf-8")


class XlsxSheets:
    """A workbook: looks and other sheets stay; formulas become the values they had, texts stay texts."""

    def __init__(self, file: Path) -> None:
        from openpyxl import load_workbook  # noqa: PLC0415

        self._file = file
        self._book: Any = load_workbook(file)
        values: Any = load_workbook(file, data_only=True)
        self._formulas = 0
        for sheet in self._book.worksheets:
            for row in sheet.iter_rows():
                for cell in row:
                    if cell.data_type == "f":
                        self._write(cell, values[sheet.title].cell(cell.row, cell.column).value)
                        self._formulas += 1
        self._visible = [sheet for sheet in self._book.worksheets if sheet.sheet_state == "visible"]
        self._touched = False

    @property
    def changed(self) -> bool:
        """Whether anything was put, or a formula was replaced."""
        return self._touched or self._formulas > 0

    def grids(self) -> list[Grid]:
        """A table a visible sheet that has any."""
        [document] = xlsx.convert(self._file).documents
        return [block for block in document.blocks if isinstance(block, Grid)]

    def put(self, sheet: int, row: int, column: int, text: str) -> None:
        """Set a cell of the sheet that the grid of that number was read from."""
        names = [grid.name for grid in self.grids()]
        target = next(s for s in self._visible if str(s.title).strip() == names[sheet])
        # Under a merged area only its first cell can be written.
        for area in list(target.merged_cells.ranges):
            if (row, column + 1) in area.cells and (row, column + 1) != (area.min_row, area.min_col):
                self._unmerge(target, area)
        self._write(target.cell(row, column + 1), text)
        self._touched = True

    def last_row(self, sheet: int) -> int:
        """Number of the last row with anything in it."""
        return max(row.number for row in self.grids()[sheet].rows)

    def saved(self) -> bytes:
        """The workbook."""
        if not self.changed:
            return self._file.read_bytes()
        out = io.BytesIO()
        self._book.save(out)
        return out.getvalue()

    @staticmethod
    def _write(cell: Any, value: Any) -> None:
        if isinstance(value, str) and value:
            # A text that begins with an apostrophe before a sign would lose it when it is read.
            value = guarded(value) if value.startswith("'") else value
            cell.value = value
            cell.data_type = "s"
            cell.quotePrefix = is_formula(value)
        else:
            cell.value = value or None

    @staticmethod
    def _unmerge(sheet: Any, area: Any) -> None:
        """Give every cell of a merged column the value it was read with."""
        value = sheet.cell(area.min_row, area.min_col).value
        top, bottom, left = area.min_row, area.max_row, area.min_col
        sheet.unmerge_cells(str(area))
        for row in range(top, bottom + 1):
            sheet.cell(row, left).value = value


def open_sheets(file: Path) -> Sheets | None:
    """The tables of a file; None for a format that has none."""
    suffix = file.suffix.lower()
    if suffix in csv_table.SUFFIXES:
        return CsvSheet(file)
    return XlsxSheets(file) if suffix in (".xlsx", ".xlsm") else None
