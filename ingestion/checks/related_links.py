"""Related questions that lead nowhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from app.knowledge.chunk import Chunk
from app.knowledge.finding import Finding, Severity, Words, row_of
from ingestion.checks.material import Material
from ingestion.checks.texts import bigrams, folded, likeness, quoted

CHECK = "related_links"
MOST_RELATED = 5
MOST_GUESSED = 100
"""For so many dead links the one that was meant is looked for: whoever has more has lost a file."""


def related_links(material: Material) -> Iterator[Finding]:
    """Related questions that no row answers, or only rows that have expired; and more than a shopper is shown."""
    nearest, dead = _Nearest(material), 0
    for row in material.rows:
        for related in row.related:
            targets = material.by_question.get(folded(related), [])
            if not targets:
                dead += 1
                yield _dead(row, related, nearest.to(related, but=row.title) if dead <= MOST_GUESSED else "")
            elif all(t.valid_until and t.valid_until <= material.now for t in targets):
                yield _expired(row, related)
        if len(row.related) > MOST_RELATED:
            yield _too_many(row)


class _Nearest:
    """Finds the question that a dead link may have meant."""

    def __init__(self, material: Material) -> None:
        self._titles: Mapping[str, list[str]] = defaultdict(list)
        for title in dict.fromkeys(row.title for row in material.rows):
            for gram in bigrams(title):
                self._titles[gram].append(title)

    def to(self, wanted: str, but: str) -> str:
        """The likeliest question, "" when none is near."""
        grams = bigrams(wanted)
        candidates = dict.fromkeys(title for gram in grams for title in self._titles.get(gram, ()) if title != but)
        best = max(candidates, key=lambda title: likeness(grams, bigrams(title)), default="")
        return best if best and likeness(grams, bigrams(best)) >= 0.5 else ""


def _dead(row: Chunk, related: str, meant: str) -> Finding:
    fix = Words("删去它，或补上这个问题的一行", "Remove it, or add a row that answers it")
    if meant:
        fix = Words(f"是不是“{quoted(meant)}”？", f"Did you mean “{quoted(meant)}”?")
    return _finding(
        row,
        Words(f"关联问题“{quoted(related)}”没有对应的行", f"No row answers the related question “{quoted(related)}”"),
        fix,
    )


def _expired(row: Chunk, related: str) -> Finding:
    return _finding(
        row,
        Words(f"关联问题“{quoted(related)}”的答案已失效", f"The related question “{quoted(related)}” has expired"),
        Words("删去它，或延长那一行的失效日期", "Remove it, or give that row a later end date"),
    )


def _too_many(row: Chunk) -> Finding:
    return _finding(
        row,
        Words(f"有 {len(row.related)} 个关联问题", f"There are {len(row.related)} related questions"),
        Words(f"留下最有用的 {MOST_RELATED} 个", f"Keep the {MOST_RELATED} that help most"),
    )


def _finding(row: Chunk, message: Words, fix: Words) -> Finding:
    return Finding(CHECK, Severity.WARNS, row.path, row.locator, message, fix, row_of(row.locator))
