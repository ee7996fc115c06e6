"""Rows that ask nearly the same: one of them is forgotten at the next change."""

from __future__ import annotations

from collections.abc import Iterator

from app.knowledge.finding import Finding, Severity, Words, row_of
from ingestion.checks.material import Material
from ingestion.checks.texts import all_values, clash, folded, negations, pairs_by_bigram, place, quoted

CHECK = "near_duplicates"
ALIKE = 0.86


def near_duplicates(material: Material) -> Iterator[Finding]:
    """FAQ questions that differ in a word or two, and policy sections that stand in two places."""
    rows = material.rows
    told: set[int] = set()
    for one, other in pairs_by_bigram([row.title for row in rows], ALIKE):
        first, second = rows[one], rows[other]
        same = folded(first.title) == folded(second.title)
        apart = all_values(first.title) != all_values(second.title) or negations(first.title) != negations(second.title)
        dated = (first.valid_from, first.valid_until) != (second.valid_from, second.valid_until)
        if same or apart or dated or other in told or first.language[:2] != second.language[:2]:
            continue
        told.add(other)  # a hundred rows alike are a hundred notes, not five thousand
        differ = clash(first.text, second.text)
        zh = f"，答案却不同：{differ[1]} 与 {differ[0]}" if differ else ""
        en = f", with different answers: {differ[1]} and {differ[0]}" if differ else ""
        yield Finding(
            CHECK,
            Severity.WARNS,
            second.path,
            second.locator,
            Words(
                f"“{quoted(second.title)}”与“{quoted(first.title)}”几乎相同{zh}",
                f"“{quoted(second.title)}” is nearly the same question as “{quoted(first.title)}”{en}",
            ),
            Words(
                "合并成一行，把另一种问法填进“相似问法”",
                "Make one row of the two, and keep the other wording as a similar question",
            ),
            row_of(second.locator),
            place(first),
        )
    yield from _copied_sections(material)


def _copied_sections(material: Material) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for chunk in material.chunks:
        if chunk.kind.value != "policy" or len(body := folded(chunk.text)) < 40:
            continue
        if (where := first.setdefault(body, place(chunk))) != place(chunk):
            yield Finding(
                CHECK,
                Severity.WARNS,
                chunk.path,
                chunk.locator,
                Words("这一段在另一处一字不差地又出现了一次", "This section stands word for word in another place too"),
                Words("只保留一处，以免以后只改了其中一处", "Keep it in one place, or a later change will miss one"),
                other=where,
            )
