"""What an editor sent, made plain and checked: the same text a file would have brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from app.errors import BadInput
from app.knowledge.chunk import Chunk, Kind
from ingestion import dates
from ingestion.chunkers.faq import several
from ingestion.edited_chunks import moment_of
from ingestion.text import clean, one_line

MAX_QUESTION = 500
MAX_ANSWER = 20_000
MAX_PHRASINGS = 200
MAX_RELATED = 5
MAX_VALUE = 5_000

FAQ_FIELDS = ("question", "answer", "phrasings", "related", "section", "valid_from", "valid_until")
_OF_KIND: Mapping[Kind, tuple[str, ...]] = {
    Kind.FAQ: FAQ_FIELDS,
    Kind.POLICY: ("text",),
    Kind.PRODUCT: ("values",),
}


def checked_fields(kind: Kind, sent: Mapping[str, Any], columns: Sequence[str], zone: tzinfo) -> dict[str, Any]:
    """The fields that may be set on a row of that kind, as they will be kept; `columns` are those of its table.

    Raises BadInput, which names the field, says what was expected and that nothing was saved.
    """
    fields: dict[str, Any] = {}
    for name, value in sent.items():
        if name not in _OF_KIND[kind]:
            known = ", ".join(_OF_KIND[kind])
            raise BadInput(f"A {kind.value} has no field {name!r}. Nothing was saved; it has {known}.")
        fields[name] = _CHECKS[name](name, value)
    if "values" in fields:
        if unknown := [column for column in fields["values"] if column not in columns]:
            raise BadInput(f"The table has no column {unknown[0]!r}. Nothing was saved; add it in the file.")
        fields["columns"] = list(columns)
    check_dates(fields, None, zone)
    return fields


def check_dates(fields: Mapping[str, Any], base: Chunk | None, zone: tzinfo) -> None:
    """Raises BadInput for what is no date, and for an end before its start."""
    try:
        starts = moment_of(fields, "valid_from", base.valid_from if base else None, zone)
        ends = moment_of(fields, "valid_until", base.valid_until if base else None, zone)
    except ValueError as error:
        raise BadInput(f"{error}. Nothing was saved.") from None
    if starts and ends and starts >= ends:
        raise BadInput("It ends before it starts. Nothing was saved; exchange the two dates.")


def shown(chunk: Chunk, zone: tzinfo) -> dict[str, Any]:
    """The fields of a chunk as an editor reads and writes them."""
    if chunk.kind is Kind.FAQ:
        return {
            "question": chunk.title,
            "answer": chunk.text,
            "phrasings": list(chunk.phrasings[1:]),
            "related": list(chunk.related),
            "section": chunk.section,
            "valid_from": dates.written(chunk.valid_from, zone, until=False),
            "valid_until": dates.written(chunk.valid_until, zone, until=True),
        }
    if chunk.kind is Kind.PRODUCT:
        return {"values": dict(chunk.attributes)}
    return {"text": chunk.text}


def differing(fields: Mapping[str, Any], have: Mapping[str, Any]) -> dict[str, Any]:
    """Those fields that would change something."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if name == "columns":
            continue
        if name == "values":
            own = have.get("values", {})
            if changed := {column: v for column, v in value.items() if own.get(column, "") != v}:
                found |= {"values": changed, "columns": fields.get("columns", [])}
        elif have.get(name) != value:
            found[name] = value
    return found


def _question(name: str, value: Any) -> str:
    text = one_line(_text(name, value))
    if not text or len(text) > MAX_QUESTION:
        raise BadInput(f"`{name}` must have 1 to {MAX_QUESTION} characters. Nothing was saved.")
    return text


def _answer(name: str, value: Any) -> str:
    text = clean(_text(name, value))
    if not text or len(text) > MAX_ANSWER:
        raise BadInput(
            f"`{name}` must have 1 to {MAX_ANSWER} characters. Nothing was saved; to take a row out, disable it."
        )
    return text


def _section(name: str, value: Any) -> str:
    return one_line(_text(name, value))[:MAX_QUESTION]


def _questions(name: str, value: Any) -> list[str]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadInput(f"`{name}` must be a list of questions. Nothing was saved.")
    found = list(dict.fromkeys(text for item in value for text in several(clean(item)) if len(text) <= MAX_QUESTION))
    limit = MAX_RELATED if name == "related" else MAX_PHRASINGS
    if len(found) > limit:
        raise BadInput(f"`{name}` takes at most {limit} questions; there are {len(found)}. Nothing was saved.")
    return found


def _date(name: str, value: Any) -> str:
    return one_line(_text(name, value if value is not None else ""))


def _values(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise BadInput(f"`{name}` must map columns to values. Nothing was saved.")
    found = {str(column): clean(_text(str(column), "" if v is None else v)) for column, v in value.items()}
    if long := [column for column, v in found.items() if len(v) > MAX_VALUE]:
        raise BadInput(f"The value of {long[0]!r} has more than {MAX_VALUE} characters. Nothing was saved.")
    return found


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadInput(f"`{name}` must be a text. Nothing was saved.")
    return str(value)


_CHECKS = {
    "question": _question,
    "answer": _answer,
    "text": _answer,
    "phrasings": _questions,
    "related": _questions,
    "section": _section,
    "valid_from": _date,
    "valid_until": _date,
    "values": _values,
}
