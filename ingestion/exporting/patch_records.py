"""Puts changed rows into a JSON Lines file; its other lines stay as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any

from app.knowledge.chunk import Chunk, Kind
from ingestion import dates
from ingestion.edited_chunks import row_number
from ingestion.exporting.cells import cell_for
from ingestion.exporting.changes import RowChange
from ingestion.headers import Column, meanings
from ingestion.text import clean, decode

_TEXTS = ("text", "content", "body")


def patch_records(file: Path, changes: Sequence[RowChange], zone: tzinfo) -> bytes:
    """The file with the changes in it; one that finds no place becomes a record of its own, or is left out."""
    lines = decode(file.read_bytes()).removeprefix("\ufeff").split("\n")
    records = {number: record for number, line in enumerate(lines, start=1) if (record := _record(line)) is not None}
    for change in changes:
        number = _line_of(change.file, records) if change.file else None
        if number is None:
            if change.live is not None and change.live.kind is Kind.FAQ:
                lines.append(_dumped({"kind": "faq", **_faq_fields({}, change.live, zone)}))
            continue
        if change.live is None and change.chunk.kind is not Kind.FAQ:
            lines[number - 1] = ""
            continue
        lines[number - 1] = _dumped(_changed(records[number], change, zone))
    return "\n".join(lines).encode()


def _record(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _line_of(chunk: Chunk, records: Mapping[int, dict[str, Any]]) -> int | None:
    identity = chunk.document_id.removeprefix(chunk.path).removeprefix("#")
    for number, record in records.items():
        if identity and str(record.get("id") or "") == identity:
            return number
    numbers = (row_number(chunk), int(identity) if identity.isdigit() else 0)
    return next((number for number in numbers if number in records), None)


def _changed(record: Mapping[str, Any], change: RowChange, zone: tzinfo) -> dict[str, Any]:
    changed, live, file = dict(record), change.live, change.file
    assert file is not None
    if live is None:
        return {**changed, _key(record, Column.DISABLED, "disabled"): True}
    if live.kind is Kind.FAQ:
        before = _faq_fields(record, file, zone)
        after = _faq_fields(record, live, zone)
        return {**changed, **{key: value for key, value in after.items() if before.get(key) != value}}
    if live.kind is Kind.PRODUCT:
        for name in {*file.attributes, *live.attributes}:
            if file.attributes.get(name) != live.attributes.get(name):
                key = next((key for key in record if clean(str(key)) == name), name)
                changed[key] = cell_for(live.attributes.get(name, ""))
        return changed
    key = next((name for name in _TEXTS if record.get(name)), "text")
    return {**changed, key: cell_for(live.text)}


def _faq_fields(record: Mapping[str, Any], chunk: Chunk, zone: tzinfo) -> dict[str, Any]:
    question = "question" if record.get("question") else _key(record, Column.QUESTION, "question")
    return {
        question: cell_for(chunk.title),
        _key(record, Column.SIMILAR, "similar"): [cell_for(text) for text in chunk.phrasings[1:]],
        _key(record, Column.ANSWER, "answer"): cell_for(chunk.text),
        _key(record, Column.SECTION, "section"): chunk.section,
        _key(record, Column.RELATED, "related"): [cell_for(text) for text in chunk.related],
        _key(record, Column.VALID_FROM, "valid_from"): dates.written(chunk.valid_from, zone, until=False),
        _key(record, Column.VALID_UNTIL, "valid_to"): dates.written(chunk.valid_until, zone, until=True),
    }


def _key(record: Mapping[str, Any], column: Column, fallback: str) -> str:
    return next((key for key in record if column in meanings(str(key))), fallback)


def _dumped(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False)
