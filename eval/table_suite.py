"""Suites as people keep them: a spreadsheet or a CSV, and the shapes of inspect-ai and RAGAS. Each becomes a record.

A table needs a column for the question; the others are optional. Lists in a cell stand apart by `|`; alternatives of
one fact by `/`. Headers are understood in Chinese and English.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from app.errors import BadInput

HEADERS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "编号", "序号"),
    "question": ("question", "问题", "问", "input", "user_input"),
    "facts": ("facts", "expected", "要点", "应含", "答案", "answer", "标准答案", "target"),
    "not_facts": ("not_facts", "forbidden", "不应含", "禁止", "错误答案"),
    "answerable": ("answerable", "能答", "可回答"),
    "decisions": ("decisions", "decision", "决定", "处理"),
    "category": ("category", "分类", "类别", "topic"),
    "language": ("language", "lang", "语言"),
    "as_of": ("as_of", "date", "日期", "时间"),
    "order": ("order", "order_id", "订单", "订单号"),
    "path": ("path", "source", "file", "文件", "出处"),
    "locator": ("locator", "row", "heading", "定位", "位置"),
    "must_pass": ("must_pass", "必答"),
}
_NO = frozenset({"no", "n", "false", "0", "否", "不", "不能", "不可"})
_YES = frozenset({"yes", "y", "true", "1", "是", "能", "可以"})
_ROLES = {"human": "user", "user": "user", "ai": "assistant", "assistant": "assistant", "bot": "assistant"}


def table_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(row number, cells by field) of a CSV or XLSX file. Raises BadInput when no column holds questions."""
    rows = _xlsx(path) if path.suffix.lower() == ".xlsx" else _csv(path)
    header = next(rows, [])
    known = {name: at for name, names in HEADERS.items() for at, cell in enumerate(header) if _plain(cell) in names}
    if "question" not in known:
        raise BadInput(
            f"{path.name} has no column for the question. Its first row is {[str(c) for c in header][:8]}; name one "
            f"column “question” or “问题”. Also read: "
            f"{', '.join(n for n in HEADERS if n != 'question')}. Nothing was run."
        )
    for number, row in enumerate(rows, start=2):
        cells = {name: _plain_text(row[at]) for name, at in known.items() if at < len(row)}
        if any(cells.values()):
            yield number, cells


def record_of_row(number: int, cells: Mapping[str, str]) -> dict[str, Any]:
    """One row as a record. Raises BadInput that names the field."""
    record: dict[str, Any] = {"id": cells.get("id") or f"row-{number}", "question": cells["question"]}
    for name in ("category", "language", "as_of", "order"):
        if cells.get(name):
            record[name] = cells[name]
    if facts := _listed(cells.get("facts", "")):
        record["facts"] = [[part.strip() for part in fact.split("/") if part.strip()] for fact in facts]
    if told := cells.get("answerable", "").casefold():
        if told not in _NO | _YES:
            raise BadInput(f"answerable is {told!r}; write yes or no")
        record["answerable"] = told not in _NO
    for name in ("not_facts", "decisions"):
        if found := _listed(cells.get(name, "")):
            record[name] = found
    if cells.get("path"):
        record["sources"] = [{"path": cells["path"], "locator": cells.get("locator", "")}]
    record["must_pass"] = cells.get("must_pass", "").casefold() in _YES
    return record


def plain_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """A line of a suite, whichever shape it has: ours, inspect-ai's (`input`, `target`), or RAGAS's (`user_input`,
    `reference`, `reference_contexts`; earlier `question`, `ground_truth`, `contexts`)."""
    if "input" in record:
        return _from_inspect(record)
    if "user_input" in record or "ground_truth" in record or "ground_truths" in record:
        return _from_ragas(record)
    return dict(record)


def _from_inspect(record: Mapping[str, Any]) -> dict[str, Any]:
    """Target is one text or several, any of which will do; `metadata` may hold any field of ours."""
    question, history = _conversation(record["input"])
    target = record.get("target")
    targets = [target] if isinstance(target, str) else list(target or ())
    metadata = record.get("metadata")
    given = dict(metadata) if isinstance(metadata, Mapping) else {}
    facts = [[str(one) for one in targets]] if any(targets) else []
    return {"facts": facts, **given, "id": record.get("id", ""), "question": question, "history": history}


def _from_ragas(record: Mapping[str, Any]) -> dict[str, Any]:
    """The reference is prose, so it is kept as such: its values have to be said, and a judge compares with it."""
    question, history = _conversation(record.get("user_input", record.get("question")))
    truth = record.get("reference", record.get("ground_truth", record.get("ground_truths")))
    reference = " ".join(map(str, truth)) if isinstance(truth, list) else str(truth or "")
    contexts = record.get("reference_contexts") or []
    identity = record.get("id") or record.get("sample_id") or ""
    kept = {name: record[name] for name in ("category", "language", "answerable", "as_of") if name in record}
    return {
        **kept,
        "id": identity,
        "question": question,
        "history": history,
        "reference": reference,
        "contexts": list(map(str, contexts)),
    }


def _conversation(said: Any) -> tuple[Any, list[dict[str, str]]]:
    """The last message of the user, and what came before it."""
    if not isinstance(said, list):
        return said, []
    told = [
        {"role": _ROLES[role], "text": str(message.get("content") or message.get("text") or "")}
        for message in said
        if isinstance(message, Mapping) and (role := str(message.get("role") or message.get("type") or "")) in _ROLES
    ]
    last = max((n for n, message in enumerate(told) if message["role"] == "user"), default=-1)
    if last < 0:
        raise BadInput("no message of the user is among the messages")
    return told[last]["text"], told[:last]


def json_records(path: Path) -> list[dict[str, Any]]:
    """The records of a JSON file: a list, or RAGAS's object with `samples`. Raises BadInput."""
    try:
        told = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as problem:
        raise BadInput(f"{path.name} is not valid JSON ({problem}). Nothing was run.") from problem
    records = told.get("samples", told.get("data")) if isinstance(told, Mapping) else told
    if not isinstance(records, list):
        raise BadInput(f"{path.name} holds no list of samples. Nothing was run.")
    return [dict(record) if isinstance(record, Mapping) else {"question": record} for record in records]


def _csv(path: Path) -> Iterator[Sequence[Any]]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", "replace")
    return iter(list(csv.reader(io.StringIO(text, newline=""))))


def _xlsx(path: Path) -> Iterator[Sequence[Any]]:
    from openpyxl import load_workbook  # noqa: PLC0415  only for suites that are workbooks

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except Exception as problem:
        raise BadInput(f"{path.name} cannot be read as a workbook ({problem}). Nothing was run.") from problem
    try:
        sheet = book.worksheets[0]
        return iter([list(row) for row in sheet.iter_rows(values_only=True)])
    finally:
        book.close()


def _listed(cell: str) -> list[str]:
    return [part.strip() for part in cell.replace("｜", "|").split("|") if part.strip()]


def _plain(cell: Any) -> str:
    return str(cell or "").strip().casefold().lstrip("\ufeff")


def _plain_text(cell: Any) -> str:
    if cell is None:
        return ""
    if hasattr(cell, "isoformat"):
        return str(cell.isoformat())[:10]
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
