"""One converter a file format. Each has `SUFFIXES` and `convert(path) -> ConvertedFile`.

Files are untrusted: sizes are limited here, nothing is fetched, no entity is resolved, no formula or script is run.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import ModuleType

from app.errors import BadInput
from ingestion.converted import ConvertedFile

MAX_FILE_BYTES = 100 * 1024 * 1024
MAX_UNPACKED_BYTES = 400 * 1024 * 1024
MAX_CELL_CHARACTERS = 100_000
READ_AGAIN = 3


class NotOurs(BadInput):
    """A whole and healthy file that holds something else than knowledge: other JSON, other XML."""


def _converters() -> tuple[ModuleType, ...]:
    # Imported on use: each brings a parser that a run without such files need not load.
    from ingestion.converters import (  # noqa: PLC0415
        csv_table,
        docx,
        html,
        json_file,
        jsonl,
        markdown,
        merchant_feed,
        pdf,
        xlsx,
    )

    return (csv_table, docx, html, json_file, jsonl, markdown, merchant_feed, pdf, xlsx)


SUFFIXES = frozenset(
    {
        ".csv",
        ".tsv",
        ".xlsx",
        ".xlsm",
        ".md",
        ".markdown",
        ".txt",
        ".html",
        ".htm",
        ".docx",
        ".pdf",
        ".jsonl",
        ".ndjson",
        ".json",
        ".xml",
    }
)


def convert_file(path: Path) -> ConvertedFile:
    """Read one file into headings, paragraphs and tables.

    One that is replaced meanwhile is read again. Raises BadInput, whose message says what is wrong with the file and
    what to do.
    """
    for _ in range(READ_AGAIN):
        before = _stamp(path)
        try:
            converted = _convert(path)
        except BadInput:
            if _stamp(path) == before:
                raise
            continue
        if _stamp(path) == before:
            return converted
    raise BadInput("the file is written again and again while it is read; wait until that is done, then ingest again")


def _stamp(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino


def _convert(path: Path) -> ConvertedFile:
    size = path.stat().st_size
    if size == 0:
        raise BadInput("the file is empty")
    if size > MAX_FILE_BYTES:
        raise BadInput(f"the file has {size // 1024**2} MB; at most {MAX_FILE_BYTES // 1024**2} MB are read: split it")
    suffix = path.suffix.lower()
    for converter in _converters():
        if suffix in converter.SUFFIXES:
            converted: ConvertedFile = converter.convert(path)
            return converted
    raise BadInput(f"{suffix or 'a file without a suffix'} is not read; save it as docx, xlsx, csv, pdf, html or md")


def check_archive(path: Path, what: str) -> None:
    """Refuse a damaged office file, an encrypted one, and one that unpacks to an absurd size. Raises BadInput."""
    with path.open("rb") as file:
        start = file.read(4096)
    if not start.strip(b"\x00"):
        raise BadInput(f"the file holds nothing but zeros; it is no {what}, export it again")
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise BadInput(f"the file is encrypted or in the old binary format; save it as a plain {what}")
    if not zipfile.is_zipfile(path):
        raise BadInput(f"the file is damaged or no {what}; export it again")
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile:
        raise BadInput(f"the file is damaged; export the {what} again") from None
    if unpacked > MAX_UNPACKED_BYTES:
        raise BadInput(
            f"the file unpacks to {unpacked // 1024**2} MB, more than any {what} of a shop; it was not opened"
        )
