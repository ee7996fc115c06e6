"""JSON Lines: one record a line with id, title, text, language and kind; unknown kinds are read as policy text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.errors import BadInput
from ingestion.converted import ConvertedDocument, ConvertedFile, Paragraph, SkippedRow
from ingestion.converters import MAX_CELL_CHARACTERS
from ingestion.converters.html import html_to_text
from ingestion.text import clean, decode, invisible_count, one_line

SUFFIXES = frozenset({".jsonl", ".ndjson"})


def convert(path: Path) -> ConvertedFile:
    """A document a record. Raises BadInput when no line is a JSON object."""
    text = decode(path.read_bytes()).removeprefix("\ufeff")
    documents: list[ConvertedDocument] = []
    skipped: list[SkippedRow] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        record, reason = _parse(line)
        identity = "" if record is None else str(record.get("id") or "")
        if record is None:
            skipped.append(SkippedRow(number, reason))
        elif identity and identity in seen:
            skipped.append(SkippedRow(number, f"the id {identity} stands in line {seen[identity]} already"))
        else:
            seen.setdefault(identity, number)
            documents.append(document_of_record(record, number))
    if not documents:
        first = f"; line {skipped[0].row}: {skipped[0].reason}" if skipped else ""
        raise BadInput(f"no line holds a JSON object{first}")
    hidden = invisible_count(text)
    warnings = (f"{hidden} invisible characters were removed",) if hidden else ()
    return ConvertedFile(tuple(documents), tuple(skipped), warnings)


def _parse(line: str) -> tuple[dict[str, Any] | None, str]:
    if len(line) > 10 * MAX_CELL_CHARACTERS:
        return None, f"the line has {len(line):,} characters; at most {10 * MAX_CELL_CHARACTERS:,} are read"
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None, "not valid JSON"
    return (record, "") if isinstance(record, dict) else (None, "a JSON object was expected")


def document_of_record(record: dict[str, Any], number: int) -> ConvertedDocument:
    """One record as a document; `number` is its line."""
    known = {"id", "kind", "language", "lang"}
    fields = {clean(str(key)): _plain(value) for key, value in record.items() if key not in known}
    text = html_to_text(_plain(record.get("text") or record.get("content") or record.get("body") or ""))
    return ConvertedDocument(
        title=one_line(_plain(record.get("title") or "")),
        blocks=(Paragraph(text),) if text else (),
        record_id=one_line(str(record.get("id") or "")),
        line=number,
        kind=str(record.get("kind") or "").strip().casefold(),
        language=str(record.get("language") or record.get("lang") or "").strip(),
        fields={name: value for name, value in fields.items() if value},
    )


def _plain(value: Any) -> str:
    """A JSON value as the text of a cell: lists with | between, objects as `name: value`."""
    if value is None:
        return ""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, list):
        return "|".join(_plain(item) for item in value)
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_plain(item)}" for key, item in value.items())
    return str(value)
