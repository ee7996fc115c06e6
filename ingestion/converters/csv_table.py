"""Comma-separated tables as shops export them: any usual encoding and separator."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

from app.errors import BadInput
from ingestion.converted import ConvertedDocument, ConvertedFile, Grid, Row, SkippedRow
from ingestion.converters import MAX_CELL_CHARACTERS, MAX_FILE_BYTES
from ingestion.formulas import unguarded
from ingestion.headers import count_known
from ingestion.text import clean, decode, invisible_count

SUFFIXES = frozenset({".csv", ".tsv"})
MAX_ROWS = 200_000
SEPARATORS = ",;\t|"


def convert(path: Path) -> ConvertedFile:
    """One grid with every record of the file. Raises BadInput when no separator makes a table of it."""
    text = decode(path.read_bytes())
    hidden = invisible_count(text)
    text = text.removeprefix("\ufeff").replace("\x00", "")
    if not text.strip():
        raise BadInput("the file holds no rows")
    _, records = parse(text)
    if len(records) > MAX_ROWS:
        raise BadInput(f"the table has more than {MAX_ROWS:,} rows; split it. What the file held stays")
    rows: list[Row] = []
    skipped: list[SkippedRow] = []
    for number, record in enumerate(records, start=1):
        if (longest := max(map(len, record), default=0)) > MAX_CELL_CHARACTERS:
            skipped.append(
                SkippedRow(number, f"a cell has {longest:,} characters; at most {MAX_CELL_CHARACTERS:,} are read")
            )
            continue
        rows.append(Row(number, tuple(unguarded(clean(cell)) for cell in record)))
    document = ConvertedDocument(path.stem, (Grid(tuple(rows)),), tabular=True)
    warnings = (f"{hidden} invisible characters were removed",) if hidden else ()
    return ConvertedFile((document,), tuple(skipped), warnings)


def parse(text: str) -> tuple[str, list[list[str]]]:
    """(separator, records as they stand there). Raises BadInput when no separator makes a table of it."""
    separator = _find_separator(text)
    return separator, _read(text, separator)


def _read(text: str, separator: str) -> list[list[str]]:
    previous = csv.field_size_limit(MAX_FILE_BYTES)
    try:
        return list(csv.reader(text.splitlines(keepends=True), delimiter=separator))
    except csv.Error as error:
        raise BadInput(f"the table cannot be read: {error}") from None
    finally:
        csv.field_size_limit(previous)


def _find_separator(text: str) -> str:
    """The separator whose header names most columns we know, else the one that gives most rows the same width."""
    text = _without_hint(text)
    best, best_rank = "", (0, 0.0, 0)
    for separator in SEPARATORS:
        records = [r for r in islice(_read(text[:200_000], separator), 60) if any(cell.strip() for cell in r)]
        if not records:
            continue
        widths = [len(record) for record in records]
        width = max(set(widths), key=widths.count)
        if width < 2:
            continue
        rank = (max(count_known(record) for record in records[:5]), widths.count(width) / len(widths), width)
        if rank > best_rank:
            best, best_rank = separator, rank
    if not best:
        raise BadInput("no table was found: columns must be separated by a comma, semicolon, tab or |")
    return best


def _without_hint(text: str) -> str:
    """Excel writes `sep=;` as a first line; it says nothing that the header does not."""
    return text.split("\n", 1)[-1] if text[:4].lower() == "sep=" else text
