"""Reads labelled suites: JSON Lines, one sample a line, or a table; unknown fields are ignored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from app.chat.turn import Identity, Message
from app.errors import BadInput
from eval.harness import Sample, Source, Suite
from eval.table_suite import json_records, plain_record, record_of_row, table_rows

ROLES = {"user": "user", "assistant": "assistant", "bot": "assistant", "agent": "agent"}
DECISIONS = frozenset({"answer", "clarify", "tool", "handoff", "refuse", "smalltalk"})


class BadLine(BadInput):
    """One line of a suite cannot be read."""


def read_suite(path: Path) -> Suite:
    """A whole suite: JSON Lines, JSON, CSV or XLSX, in our fields or those of inspect-ai or RAGAS.

    Raises BadLine at the first line that cannot be read, or an id that comes twice.
    """

    def stop(problem: BadLine) -> None:
        raise problem

    samples = tuple(read_samples(path, stop))
    seen: set[str] = set()
    for sample in samples:
        if sample.id in seen:
            raise BadLine(f"{path.name}: the id {sample.id} comes twice. Nothing was run; give each line its own id.")
        seen.add(sample.id)
    return Suite(path.stem, samples)


def read_samples(path: Path, on_bad_line: Callable[[BadLine], None]) -> Iterator[Sample]:
    """Samples line by line. A bad line is handed to `on_bad_line`, with its number, and left out."""
    if path.suffix.lower() in (".csv", ".xlsx", ".json"):
        yield from _of_file(path, on_bad_line)
        return
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                yield read_sample(json.loads(line.encode("utf-8", "surrogateescape").decode("utf-8")))
            except (ValueError, TypeError, BadInput) as problem:
                on_bad_line(BadLine(f"{path.name}, line {number}: {problem}"))


def _of_file(path: Path, on_bad_line: Callable[[BadLine], None]) -> Iterator[Sample]:
    """Samples of a format that is read as a whole."""
    is_table = path.suffix.lower() != ".json"
    found = table_rows(path) if is_table else enumerate(json_records(path), start=1)
    for number, cells in found:
        try:
            record = record_of_row(number, cells) if is_table else cells
            given = {name: value for name, value in record.items() if value not in ("", None)}
            yield read_sample({"id": f"{path.stem}-{number}", **given})
        except (ValueError, TypeError, BadInput) as problem:
            on_bad_line(BadLine(f"{path.name}, {'row' if is_table else 'sample'} {number}: {problem}"))


def read_sample(record: Any) -> Sample:
    """One line, parsed. Only `id` and `question` are needed. Raises BadInput that names the field."""
    if not isinstance(record, Mapping):
        raise BadInput("a line must be a JSON object")
    record = plain_record(record)
    question = record.get("question")
    if not isinstance(question, str):
        raise BadInput("question must be a text")
    if record.get("id") in (None, ""):
        raise BadInput("id is missing")
    decisions = frozenset(_texts(record, "decisions"))
    if unknown := decisions - DECISIONS:
        raise BadInput(f"unknown decisions {sorted(unknown)}; valid are {sorted(DECISIONS)}")
    return Sample(
        id=str(record["id"]),
        question=question,
        category=str(record.get("category") or ""),
        language=str(record.get("language") or ""),
        history=tuple(_message(m) for m in record.get("history") or ()),
        as_of=_as_of(record.get("as_of")),
        identity=_identity(record.get("order")),
        answerable=bool(record.get("answerable", True)),
        decisions=decisions,
        sources=_sources(record.get("sources"), "sources"),
        sources_all=_source_groups(record),
        facts=tuple(tuple(map(str, _alternatives(group))) for group in record.get("facts") or ()),
        not_facts=tuple(_texts(record, "not_facts")),
        must_pass=bool(record.get("must_pass", False)),
        reference=str(record.get("reference") or ""),
        contexts=tuple(_texts(record, "contexts")),
    )


def moment(as_of: str, timezone: str, now: datetime) -> datetime:
    """The moment a sample asks about, aware. A bare date is noon of that day; "" is `now`."""
    if not as_of:
        return now
    at = datetime.fromisoformat(as_of)
    if len(as_of) <= len("2026-01-31"):
        at = datetime.combine(at.date(), time(12))
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(timezone))


def _as_of(value: Any) -> str:
    if value in (None, ""):
        return ""
    if not isinstance(value, str):
        raise BadInput("as_of must be an ISO 8601 date or datetime")
    datetime.fromisoformat(value)
    return value


def _identity(order: Any) -> Identity:
    if order in (None, ""):
        return Identity()
    if isinstance(order, str):
        return Identity(order_id=order)
    if not isinstance(order, Mapping):
        raise BadInput("order must be null, an order number, or {order_id, phone_last4}")
    known = {name: str(order.get(name) or "") for name in ("order_id", "phone_last4", "customer_id")}
    return Identity(**known)


def _message(record: Any) -> Message:
    if not isinstance(record, Mapping) or record.get("role") not in ROLES:
        raise BadInput(f"each message of history needs a role out of {sorted(ROLES)}")
    text = record.get("text", record.get("content"))
    if not isinstance(text, str):
        raise BadInput("each message of history needs a text")
    role = ROLES[record["role"]]
    return Message(role, text, str(record.get("decision") or ""))  # type: ignore[arg-type]


def _sources(found: Any, name: str) -> tuple[Source, ...]:
    records = found or ()
    if not all(isinstance(s, Mapping) and isinstance(s.get("path"), str) for s in records):
        raise BadInput(f"each of {name} needs a path")
    return tuple(Source(s["path"], str(s.get("locator") or "")) for s in records)


def _source_groups(record: Mapping[str, Any]) -> tuple[tuple[Source, ...], ...]:
    """`sources_all` is true (each of `sources`), a list of sources, or a list of lists of alternatives."""
    wanted = record.get("sources_all") or ()
    if wanted is True:
        return tuple((source,) for source in _sources(record.get("sources"), "sources"))
    groups = [group if isinstance(group, list) else [group] for group in wanted]
    return tuple(_sources(group, "sources_all") for group in groups)


def _texts(record: Mapping[str, Any], name: str) -> list[str]:
    found = record.get(name) or []
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise BadInput(f"{name} must be a list of texts")
    return found


def _alternatives(group: Any) -> list[Any]:
    return group if isinstance(group, list) else [group]
