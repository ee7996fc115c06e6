"""Questions without an answer, and answers that are only a note to oneself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.knowledge.chunk import Kind
from app.knowledge.finding import Finding, Severity, Words, row_of
from ingestion.checks.material import Material
from ingestion.checks.texts import folded, quoted

CHECK = "missing_answers"
_PLACEHOLDER = re.compile(
    r"\s*[\[【(（<]?(?:待(?:补充|定|确认|更新|填写|完善)|同上|暂无|略|无|tb[dc]|to ?do|n/?a|none|null|nil|x{2,}"
    r"|lorem ipsum.*"
    r"|to be (?:confirmed|decided|added|done|completed)|coming soon|same as above|see above|fix ?me|test"
    r"|测试|\?+|-+|\.+|…+)"
    r"[\]】)）>]?[\s.。!！]*",
    re.IGNORECASE,
)


def missing_answers(material: Material) -> Iterator[Finding]:
    """Rows left out for want of an answer: grave where the live release still has one. And placeholders."""
    answered = {folded(q) for c in material.before or () if c.kind is Kind.FAQ for q in (c.title, *c.phrasings)}
    for row in material.left_out:
        if row.code == "no_answer" and folded(row.subject) not in material.by_question:
            lost = folded(row.subject) in answered
            zh, en = ("，而线上版本有答案", ", though it has one now") if lost else ("", "")
            yield Finding(
                CHECK,
                Severity.BLOCKS if lost else Severity.WARNS,
                row.path,
                f"row {row.row} | {row.subject}",
                Words(f"“{quoted(row.subject)}”没有答案{zh}", f"“{quoted(row.subject)}” has no answer{en}"),
                Words("填上答案，或删去这一行", "Write the answer, or remove the row"),
                row.row,
            )
    for chunk in material.rows:
        if _PLACEHOLDER.fullmatch(chunk.text):
            yield Finding(
                CHECK,
                Severity.BLOCKS,
                chunk.path,
                chunk.locator,
                Words(
                    f"“{quoted(chunk.title)}”的答案“{quoted(chunk.text)}”只是占位文字",
                    f"The answer to “{quoted(chunk.title)}” is only a placeholder: “{quoted(chunk.text)}”",
                ),
                Words("写上真正的答案，或删去这一行", "Write the real answer, or remove the row"),
                row_of(chunk.locator),
            )
