"""Rows, edits and conflicts as plain JSON values: what the console is built on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any

from app.knowledge.chunk import Chunk, Kind
from app.knowledge.edits import BRAND, Edit, LayeredRow
from ingestion.edited_chunks import chunk_of, row_number
from ingestion.editing.fields import shown
from ingestion.editing.working import Working, WorkingRow

PREVIEW_CHARACTERS = 160


def summary_json(row: WorkingRow) -> dict[str, Any]:
    """A row as a line of a list."""
    chunk = row.chunk
    return {
        "key": row.row,
        "version": row.version,
        "kind": chunk.kind.value,
        "path": chunk.path,
        "document_id": chunk.document_id,
        "locator": chunk.locator,
        "row": row_number(chunk) or None,
        "title": chunk.title,
        "text": chunk.text[:PREVIEW_CHARACTERS],
        "section": chunk.section,
        "language": chunk.language,
        "phrasings": max(0, len(chunk.phrasings) - 1),
        "valid_from": _moment(chunk.valid_from),
        "valid_until": _moment(chunk.valid_until),
        "state": row.state,
        "pending": row.pending,
        "conflict": row.in_conflict,
    }


def row_json(row: WorkingRow, zone: tzinfo, release: int | None) -> dict[str, Any]:
    """A row in full: as it will be, as the newest release has it, as its file has it, and all that editors did."""
    layer = row.layer
    file = (layer.theirs or layer.base) if layer else None
    return {
        **summary_json(row),
        "text": row.chunk.text,
        "release": release,
        "fields": _fields(row.now or row.chunk, zone),
        "built": _fields(row.built, zone),
        "file": _fields(chunk_of(file), zone) if file else None if layer else _fields(row.built, zone),
        "sources": {
            name: {"path": path, "locator": row.chunk.attribute_locators.get(name, row.chunk.locator)}
            for name, path in row.chunk.attribute_paths.items()
        },
        "edits": [edit_json(edit) for edit in reversed(layer.edits)] if layer else [],
    }


def edit_json(edit: Edit) -> dict[str, Any]:
    """One edit of the history."""
    return {
        "number": edit.number,
        "key": edit.row,
        "action": edit.action.value,
        "fields": {name: value for name, value in edit.fields.items() if name != "columns"},
        "author": edit.author,
        "at": _moment(edit.at),
        "batch": edit.batch,
        "staged": edit.applies,
        "undone_at": _moment(edit.undone_at),
        "undone_by": edit.undone_by,
        "settled": edit.settled,
        "can_undo": edit.stands,
    }


def conflict_json(row: WorkingRow, zone: tzinfo) -> dict[str, Any]:
    """Both texts of a row that was changed on both sides, what it was before, and a proposal that joins them."""
    assert row.layer is not None
    layer = row.layer
    theirs = _fields(chunk_of(layer.theirs), zone) if layer.theirs else None
    base = _fields(chunk_of(layer.base), zone) if layer.base else None
    mine = _fields(row.now, zone)
    last = max((edit for edit in layer.edits if not edit.settled), key=lambda e: e.number, default=None)
    return {
        **summary_json(row),
        "gone": layer.gone,
        "mine": mine,
        "theirs": theirs,
        "base": base,
        "merged": _merged(mine, theirs, base),
        "author": last.author if last else "",
        "at": _moment(last.at) if last else None,
    }


def tree_json(working: Working) -> list[dict[str, Any]]:
    """The documents of a shop with what is in them, in the order of their paths."""
    documents: dict[str, list[WorkingRow]] = {}
    for row in working.rows.values():
        documents.setdefault(row.chunk.path, []).append(row)
    return [_document(path, rows) for path, rows in sorted(documents.items())]


def _document(path: str, rows: list[WorkingRow]) -> dict[str, Any]:
    kinds = Counter(row.chunk.kind.value for row in rows)
    return {
        "path": path,
        "name": path.rpartition("/")[2],
        "kind": kinds.most_common(1)[0][0],
        "kinds": dict(kinds),
        "languages": dict(Counter(row.chunk.language for row in rows)),
        "sections": list(dict.fromkeys(row.chunk.section for row in rows if row.chunk.section))[:100],
        "chunks": sum(1 for row in rows if row.now),
        "edited": sum(1 for row in rows if row.touched),
        "disabled": sum(1 for row in rows if row.now is None),
        "pending": sum(1 for row in rows if row.pending),
        "conflicts": sum(1 for row in rows if row.in_conflict),
    }


def grid_json(rows: Iterable[WorkingRow], columns: Iterable[str]) -> dict[str, Any]:
    """Products as a grid: a column an attribute, a row a SKU."""
    return {
        "columns": list(columns),
        "rows": [
            {
                "key": row.row,
                "version": row.version,
                "sku": row.chunk.locator,
                "name": row.chunk.title,
                "group": row.chunk.group,
                "path": row.chunk.path,
                "values": dict(row.chunk.attributes),
                "edited": _edited_values(row.layer),
                "state": row.state,
                "pending": row.pending,
                "conflict": row.in_conflict,
            }
            for row in rows
            if row.chunk.kind is Kind.PRODUCT
        ],
    }


def counts_json(working: Working) -> dict[str, int]:
    """What waits to be done."""
    rows = working.rows.values()
    brand = [row for row in working.layer if row.kind == BRAND and row.in_conflict]
    return {
        "chunks": sum(1 for row in rows if row.now),
        "pending": sum(1 for row in rows if row.pending),
        "conflicts": sum(1 for row in rows if row.in_conflict) + len(brand),
        "edited": sum(1 for row in rows if row.touched),
    }


def _edited_values(layer: LayeredRow | None) -> list[str]:
    if layer is None:
        return []
    return list(dict.fromkeys(c for edit in layer.edits if edit.stands for c in edit.fields.get("values", ())))


def _fields(chunk: Chunk | None, zone: tzinfo) -> dict[str, Any] | None:
    return shown(chunk, zone) if chunk else None


def _merged(
    mine: dict[str, Any] | None, theirs: dict[str, Any] | None, base: dict[str, Any] | None
) -> dict[str, Any] | None:
    """What only one side changed is taken from it; what both did, from the editor."""
    if mine is None or theirs is None or base is None:
        return mine or theirs
    if "values" in mine:
        names = dict.fromkeys([*theirs["values"], *mine["values"]])
        own, file, old = mine["values"], theirs["values"], base["values"]
        chosen = {n: file.get(n, "") if own.get(n) == old.get(n) else own.get(n, "") for n in names}
        return {"values": {name: value for name, value in chosen.items() if value}}
    return {name: theirs[name] if value == base[name] else value for name, value in mine.items()}


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
