"""What the streaming reader of workbooks does not tell, read from the XML: merged cells, formulas never computed."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field

MAX_MERGED_ROWS = 1_000
MAX_MERGED_CELLS = 200_000
MAX_NAMED = 5
_PIECE_BYTES = 1024 * 1024
_OVERLAP_BYTES = 16 * 1024
_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_FORMULA = re.compile(
    rb'<(?:\w+:)?c\s[^>]*?r="([A-Z]{1,3}\d{1,7})"[^>]*>'
    rb"<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?</(?:\w+:)?c>"
)


@dataclass(slots=True)
class SheetScan:
    """`merged`: cell → the top cell of the merged area it lies under, (row from 1, column from 0). `formulas`: cells
    whose formula has no stored result, as a spreadsheet names them."""

    merged: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    formulas: list[str] = field(default_factory=list)


def scan_sheet(archive: zipfile.ZipFile, sheet_path: str) -> SheetScan:
    """Look through a sheet piece by piece: it may unpack to hundreds of megabytes."""
    scan, seen, rest = SheetScan(), set(), b""
    try:
        opened = archive.open(sheet_path.lstrip("/"))
    except KeyError:
        return scan
    with opened:
        while piece := opened.read(_PIECE_BYTES):
            window = rest + piece
            for match in _FORMULA.finditer(window):
                seen.add(match[1].decode())
            for match in _MERGE.finditer(window):
                _merge(scan, match)
            rest = window[-_OVERLAP_BYTES:]
    scan.formulas = sorted(seen, key=lambda cell: (len(cell), cell))
    return scan


def _merge(scan: SheetScan, match: re.Match[bytes]) -> None:
    top, bottom, column = int(match[2]), int(match[4]), _column_index(match[1])
    for row in range(top + 1, min(bottom, top + MAX_MERGED_ROWS) + 1):
        if len(scan.merged) >= MAX_MERGED_CELLS:
            return
        scan.merged[(row, column)] = (top, column)


def _column_index(letters: bytes) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + letter - 64
    return index - 1


def named(cells: list[str]) -> str:
    """A few of the cells, and how many more there are."""
    more = f" and {len(cells) - MAX_NAMED} more" if len(cells) > MAX_NAMED else ""
    return ", ".join(cells[:MAX_NAMED]) + more
