"""Figures that change with this release, and places that still state the old one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from app.knowledge.chunk import Chunk, Kind
from app.knowledge.finding import Finding, Severity, Words, row_of
from ingestion.checks.compared import Altered, plain_sentences
from ingestion.checks.material import Material
from ingestion.checks.texts import content_words, folded, hard_values, likeness, place, quoted, shown
from ingestion.headers import Column, meanings

CHECK = "changed_values"
_VOLATILE = re.compile(
    r"库存|存量|数量|销量|stock|inventory|quantity|\bqty\b|sold|reviews?|rating|updated", re.IGNORECASE
)
_RANGE = re.compile(r"\d\s*(?:to|[-–—~～]|至|到)\s*\d")
SAME_QUESTION = 0.5
"""Two FAQ rows ask the same thing when their titles share so many words."""
SAID_SHARED, SAID_ALIKE = 2, 0.5
"""Two sentences with a value in common speak of the same thing when they share so many words…"""
TOPIC_SHARED, TOPIC_ALIKE = 4, 0.5
"""… or so many with their titles."""


def changed_values(material: Material) -> Iterator[Finding]:
    """What changed here and stands unchanged where the two agreed until now is a contradiction in the making."""
    if material.before is None:
        return
    altered = [a for a in material.compared.altered if a.values_differ]
    texts = (c for c in material.chunks if c.kind is not Kind.PRODUCT and altered)
    stated = [(c, s) for c in texts for s in plain_sentences(c)]
    rewritten = {(a.now.chunk_id, a.after) for a in material.compared.altered}
    for change in altered:
        left_behind = [
            (chunk, sentence)
            for chunk, sentence in stated
            if (chunk.chunk_id, sentence) not in rewritten and _still_says(change, chunk, sentence)
        ]
        yield _changed(change)
        for chunk, sentence in left_behind[:3]:
            yield _left_behind(change, chunk, sentence)
    for change in material.compared.altered:
        if change.turned:
            yield _turned(change)
    yield from _products(material)


def _products(material: Material) -> Iterator[Finding]:
    """Attributes of products, one finding a column. Prices are another check's business, stock changes all day."""
    changed: dict[tuple[str, str], list[tuple[Chunk, str, str]]] = defaultdict(list)
    for was, now in material.compared.products:
        for name, value in was.attributes.items():
            other = now.attributes.get(name, "")
            if other and folded(value) != folded(other) and _is_watched(name):
                changed[now.attribute_paths.get(name, now.path), name].append((now, value, other))
    for (path, name), found in changed.items():
        told = [f"{quoted(c.title, 24)} ({c.locator}): {quoted(a, 30)} → {quoted(b, 30)}" for c, a, b in found[:3]]
        more = " …" if len(found) > 3 else ""
        yield Finding(
            CHECK,
            Severity.WARNS,
            path,
            found[0][0].locator,
            Words(
                f"{len(found)} 个商品的“{name}”变了：{'；'.join(told)}{more}",
                f"“{name}” changed for {len(found)} products: {'; '.join(told)}{more}",
            ),
            Words("确认这是有意的修改", "See that it was meant"),
        )


def _is_watched(column: str) -> bool:
    return not _VOLATILE.search(column) and Column.PRICE not in meanings(column)


def _still_says(change: Altered, chunk: Chunk, sentence: str) -> bool:
    """Whether a sentence elsewhere states a value that the change took away, of the same thing."""
    old, new, there = hard_values(change.before), hard_values(change.after), hard_values(sentence)
    gone = {unit: old[unit] - new.get(unit, frozenset()) for unit in old if new.get(unit)}
    if not any(_states(there.get(unit, frozenset()), amounts, change.before) for unit, amounts in gone.items()):
        return False
    alone, other = content_words(change.before), content_words(sentence)
    if len(alone & other) >= SAID_SHARED and likeness(alone, other) >= SAID_ALIKE:
        return True
    ours, theirs = alone | content_words(change.was.title), other | content_words(chunk.title)
    return len(ours & theirs) >= TOPIC_SHARED and likeness(ours, theirs) >= TOPIC_ALIKE


def _states(there: frozenset[str], amounts: frozenset[str], before: str) -> bool:
    """Of a range ("2 to 4 days") both ends have to stand there: "4 to 6 days" is another region's."""
    return bool(amounts) and amounts <= there if _RANGE.search(before) else bool(there & amounts)


def _other_case(change: Altered, chunk: Chunk) -> bool:
    """Whether two FAQ rows ask different things ("exchange clothes", "exchange bedding"): each may have its figure."""
    if chunk.kind is not Kind.FAQ or change.now.kind is not Kind.FAQ:
        return False
    return likeness(content_words(change.now.title), content_words(chunk.title)) < SAME_QUESTION


def _changed(change: Altered) -> Finding:
    return _finding(
        change.now,
        Severity.WARNS,
        Words(
            f"数值变了：“{quoted(change.before, 80)}”→“{quoted(change.after, 80)}”",
            f"A value changed: “{quoted(change.before, 80)}” → “{quoted(change.after, 80)}”",
        ),
        Words("确认这是有意的修改", "See that it was meant"),
    )


def _left_behind(change: Altered, chunk: Chunk, sentence: str) -> Finding:
    units = hard_values(change.before).keys() & hard_values(change.after).keys()
    old = "; ".join(shown(u, hard_values(change.before)[u]) for u in sorted(units))
    new = "; ".join(shown(u, hard_values(change.after)[u]) for u in sorted(units))
    return _finding(
        change.now,
        Severity.WARNS if _other_case(change, chunk) else Severity.BLOCKS,
        Words(
            f"这里由 {old} 改成了 {new}，而“{quoted(chunk.title, 40)}”仍写着“{quoted(sentence, 80)}”",
            f"{old} became {new} here, while “{quoted(chunk.title, 40)}” still says “{quoted(sentence, 80)}”",
        ),
        Words("两处改成一致后重新导入", "Make both say the same and ingest again"),
        place(chunk),
    )


def _turned(change: Altered) -> Finding:
    return _finding(
        change.now,
        Severity.WARNS,
        Words(
            f"意思可能反过来了：“{quoted(change.before, 80)}”→“{quoted(change.after, 80)}”",
            f"It may say the opposite now: “{quoted(change.before, 80)}” → “{quoted(change.after, 80)}”",
        ),
        Words("确认这是有意的修改", "See that it was meant"),
    )


def _finding(chunk: Chunk, severity: Severity, message: Words, fix: Words, other: str = "") -> Finding:
    return Finding(CHECK, severity, chunk.path, chunk.locator, message, fix, row_of(chunk.locator), other)
