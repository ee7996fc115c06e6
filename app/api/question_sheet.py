"""Reads the questions out of an editor's spreadsheet: csv in any usual encoding, tsv, or xlsx."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence

from app.errors import BadInput, TooLarge

MOST_ROWS = 500
LONGEST_QUESTION = 1_000
LARGEST_UNPACKED_BYTES = 40_000_000
_QUESTION = ("question", "问题", "问法", "提问", "query", "text")
_EXPECTED = ("expected", "期望", "预期", "答案", "answer")


def questions_of(body: bytes) -> list[tuple[str, str]]:
    """Pairs of question and what was expected ("" where nothing was): the columns so named, else the first two.

    Raises BadInput for what is no table or holds no question, TooLarge for more than 500 rows.
    """
    rows = [[cell.strip() for cell in row] for row in (_xlsx(body) if body[:2] == b"PK" else _text(body))]
    rows = [row for row in rows if any(row)]
    if not rows:
        raise BadInput("There is no row in the sheet. Nothing was asked; put a question in each row.")
    head = [cell.lower() for cell in rows[0]]
    question, expected = _column(head, _QUESTION), _column(head, _EXPECTED)
    if question is None:
        question, expected = 0, 1 if len(head) > 1 else None
    else:
        rows = rows[1:]
    found = [(_cell(row, question)[:LONGEST_QUESTION], _cell(row, expected)) for row in rows]
    found = [pair for pair in found if pair[0]]
    if not found:
        raise BadInput("No row holds a question. Nothing was asked; name the column `question` or 问题.")
    if len(found) > MOST_ROWS:
        raise TooLarge(f"The sheet has more than {MOST_ROWS} questions. Nothing was asked; send them in parts.")
    return found


def _column(head: Sequence[str], names: Sequence[str]) -> int | None:
    return next((head.index(name) for name in names if name in head), None)


def _cell(row: Sequence[str], column: int | None) -> str:
    return row[column] if column is not None and column < len(row) else ""


def _text(body: bytes) -> Iterable[list[str]]:
    marked = body[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            text = body.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise BadInput("The file is neither UTF-8 nor GB18030 text. Nothing was asked; save it as csv (UTF-8) or xlsx.")
    first = text.partition("\n")[0]
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter="\t" if "\t" in first else ","))
    except csv.Error as problem:
        raise BadInput(f"The table cannot be read ({problem}). Nothing was asked.") from problem


def _xlsx(body: bytes) -> list[list[str]]:
    # Loading openpyxl takes a while, and only this needs it.
    import openpyxl  # noqa: PLC0415

    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST_UNPACKED_BYTES:
                raise TooLarge("The workbook is too large when unpacked. Nothing was asked; send less.")
        book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True)
        try:
            rows = book.worksheets[0].iter_rows(values_only=True, max_row=MOST_ROWS + 2, max_col=40)
            return [["" if cell is None else str(cell) for cell in row] for row in rows]
        finally:
            book.close()
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, OSError) as problem:
        raise BadInput(
            f"The workbook cannot be read ({problem}). Nothing was asked; save it again as xlsx."
        ) from problem
