"""A spreadsheet of a million rows: it is refused with what to do, and what the file held stays."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from openpyxl import Workbook

from app.errors import BadInput
from ingestion.converters import convert_file

pytestmark = pytest.mark.integration

MANY = 1_000_000
_SHEET = "xl/worksheets/sheet1.xml"


def _rows() -> Iterator[bytes]:
    yield b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    yield b'<row r="1"><c t="inlineStr"><is><t>question</t></is></c><c t="inlineStr"><is><t>answer</t></is></c></row>'
    for number in range(2, MANY + 1):
        yield b'<row r="%d"><c t="inlineStr"><is><t>q</t></is></c><c><v>%d</v></c></row>' % (number, number)
    yield b"</sheetData></worksheet>"


def a_workbook(path: Path) -> Path:
    """A real workbook whose only sheet has so many rows; openpyxl would take a minute to write it."""
    empty = path.with_suffix(".small.xlsx")
    Workbook().save(empty)
    with zipfile.ZipFile(empty) as small, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as big:
        for name in small.namelist():
            if name != _SHEET:
                big.writestr(name, small.read(name))
        with big.open(_SHEET, "w") as sheet:
            sheet.write(b"".join(_rows()))
    return path


def a_csv(path: Path) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write("question,answer\n")
        file.writelines(f"q{number},a\n" for number in range(MANY))
    return path


@pytest.mark.parametrize("make", [a_workbook, a_csv], ids=["xlsx", "csv"])
def test_a_table_of_a_million_rows_is_refused_with_what_to_do(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    file = make(tmp_path / ("faq.xlsx" if make is a_workbook else "faq.csv"))
    with pytest.raises(BadInput, match=r"more than [\d,]+ rows; split it\. What the file held stays|at most \d+ MB"):
        convert_file(file)
