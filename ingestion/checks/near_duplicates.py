"""Rows that ask the same or nearly so: one of them is forgotten at the next change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from app.knowledge.chunk import Chunk
from app.knowledge.finding import Finding, Severity, Words, row_of
from ingestion.checks.material import Material
from ingestion.checks.texts import all_values, clash, folded, negations, pairs_by_bigram, place, quoted
from ingestion.sources import ELSEWHERE

CHECK = "near_duplicates"
ALIKE = 0.86
SHOWN = 3
"""Rows that two files have in common are told one by one up to here, and beyond as what they are: a file read twice."""


class _Twins(NamedTuple):
    """Two rows of two files that ask and answer the same."""

    first: Chunk
    second: Chunk


def near_duplicates(material: Material) -> Iterator[Finding]:
    """Questions that stand in two files or differ in a word or two, and policy sections that stand in two places."""
    yield from _in_two_files(material)
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


def _in_two_files(material: Material) -> Iterator[Finding]:
    """The same question with the same answer; where the answers differ, that is a contradiction."""
    by_files: dict[tuple[str, str], list[_Twins]] = {}
    for twins in _twins(material):
        by_files.setdefault((twins.first.path, twins.second.path), []).append(twins)
    for common in by_files.values():
        if len(common) > SHOWN:
            yield _file_twice(common)
        else:
            yield from map(_row_twice, common)


def _twins(material: Material) -> Iterator[_Twins]:
    told: set[str] = set()
    for rows in material.by_question.values():
        first: dict[tuple[object, ...], Chunk] = {}
        for row in sorted(rows, key=lambda row: row.path.startswith(ELSEWHERE)):  # the folder's own is named second
            one = first.setdefault((folded(row.text), row.valid_from, row.valid_until), row)
            if one.path != row.path and row.chunk_id not in told:
                told.add(row.chunk_id)
                yield _Twins(one, row)


def _row_twice(twins: _Twins) -> Finding:
    return _twice(
        twins,
        Words(
            f"“{quoted(twins.second.title)}”在两个文件里都有，答案相同",
            f"“{quoted(twins.second.title)}” stands in two files with the same answer",
        ),
    )


def _file_twice(common: Sequence[_Twins]) -> Finding:
    other, titles = common[0].first.path, [quoted(twins.second.title, 40) for twins in common[:SHOWN]]
    return _twice(
        common[0],
        Words(
            f"这个文件里有 {len(common)} 个问题在 {other} 里也有，答案相同：{'、'.join(titles)}等",
            f"{len(common)} questions of this file stand in {other} too, with the same answers: {'; '.join(titles)} …",
        ),
    )


def _twice(twins: _Twins, message: Words) -> Finding:
    return Finding(
        CHECK,
        Severity.WARNS,
        twins.second.path,
        twins.second.locator,
        message,
        Words("只保留一处，以免以后只改了其中一处", "Keep it in one file, or a later change will miss the other"),
        row_of(twins.second.locator),
        place(twins.first),
    )


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
