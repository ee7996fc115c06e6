"""One question, two answers; one product, two values. What a shopper is told would be a matter of luck."""

from __future__ import annotations

from collections.abc import Iterator

from app.knowledge.chunk import Chunk
from app.knowledge.finding import Finding, Severity, Words, row_of
from ingestion.checks.material import Material
from ingestion.checks.texts import clash, folded, negations, place, quoted, same_window
from ingestion.converted import Disagreement
from ingestion.headers import Column, meanings

CHECK = "contradictions"


def contradictions(material: Material) -> Iterator[Finding]:
    """Rows of any files that answer the same question differently, and attributes that two files state differently."""
    told: set[frozenset[str]] = set()
    for question, rows in material.by_question.items():
        for index, row in enumerate(rows):
            for other in rows[:index]:
                pair = frozenset((row.chunk_id, other.chunk_id))
                if pair not in told and folded(row.text) != folded(other.text) and same_window(row, other):
                    told.add(pair)
                    yield _two_answers(question, row, other)
    yield from map(_two_values, material.disagreements)


def _two_answers(question: str, row: Chunk, other: Chunk) -> Finding:
    values = clash(row.text, other.text)
    denied = bool(negations(row.text)) != bool(negations(other.text))
    both_titles = folded(row.title) == folded(other.title) == question
    if values:
        zh, en = f"：一处是 {values[0]}，另一处是 {values[1]}", f": {values[0]} here, {values[1]} there"
    else:
        zh, en = "", ""
    return Finding(
        CHECK,
        Severity.BLOCKS if both_titles and (values or denied) else Severity.WARNS,
        row.path,
        row.locator,
        Words(
            f"“{quoted(row.title)}”与“{quoted(other.title)}”是同一个问题，答案却不同{zh}",
            f"“{quoted(row.title)}” and “{quoted(other.title)}” are the same question with different answers{en}",
        ),
        Words(
            "留下正确的一行，删去另一行；如果只在一段时间内有效，请填写生效日期和失效日期",
            "Keep the row that is right and remove the other; if one holds for a while only, give it its dates",
        ),
        row_of(row.locator),
        place(other),
    )


def _two_values(found: Disagreement) -> Finding:
    priced = Column.PRICE in meanings(found.name)
    return Finding(
        CHECK,
        Severity.BLOCKS if priced else Severity.WARNS,
        found.path,
        found.sku,
        Words(
            f"{found.sku} 的“{found.name}”在这里是“{quoted(found.value, 40)}”，"
            f"在 {found.kept_path} 是“{quoted(found.kept_value, 40)}”",
            f"{found.name} of {found.sku} is “{quoted(found.value, 40)}” here and "
            f"“{quoted(found.kept_value, 40)}” in {found.kept_path}",
        ),
        Words(
            "改成一致的值，或从其中一个文件删去这一列；目前采用的是后者",
            "Write the same value in both, or drop the column from one file; for now the latter is used",
        ),
        found.row,
        f"{found.kept_path} · {found.sku}",
    )
