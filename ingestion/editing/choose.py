"""Which rows are asked for, and what a search and replace makes of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import BadInput
from ingestion.editing.working import WorkingRow


def fits(row: WorkingRow, wanted: Mapping[str, str]) -> bool:
    """Whether a row is among those that are asked for."""
    chunk = row.chunk
    if (path := wanted.get("path", "")) and chunk.path != path:
        return False
    if (kind := wanted.get("kind", "")) and chunk.kind.value != kind:
        return False
    if (section := wanted.get("section", "")) and chunk.section != section:
        return False
    if (state := wanted.get("state", "")) and state not in _states(row):
        return False
    words = wanted.get("q", "").casefold().split()
    if not words:
        return True
    text = "\n".join([chunk.title, chunk.locator, chunk.text, *chunk.phrasings]).casefold()
    return all(word in text for word in words)


def _states(row: WorkingRow) -> set[str]:
    more = {"pending": row.pending, "conflict": row.in_conflict}
    return {row.state, *(name for name, holds in more.items() if holds)}


def with_replaced(fields: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """The fields in which a text is found, with another in its place; `fields` of what was sent narrows them."""
    find, instead = str(sent.get("find", "")), str(sent.get("replace", ""))
    if not find:
        raise BadInput("`find` is empty. Nothing was saved.")
    names = sent.get("fields") or ["question", "answer", "phrasings", "text", "values"]
    changed: dict[str, Any] = {}
    for name in (name for name in names if name in fields):
        value = fields[name]
        if isinstance(value, str):
            new: Any = value.replace(find, instead)
        elif isinstance(value, Mapping):
            new = {column: text.replace(find, instead) for column, text in value.items()}
        else:
            new = [text.replace(find, instead) for text in value]
        if new != value:
            changed[name] = new
    return changed
