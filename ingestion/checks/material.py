"""What the checks look at: a release before it goes live, with what it would replace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from typing import TypeAlias

from app.knowledge.chunk import Chunk, Kind
from app.knowledge.finding import Finding, plain_locator
from ingestion.checks.compared import Compared, compared
from ingestion.checks.texts import folded
from ingestion.converted import Disagreement


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row or record that was not taken: `code` is "no_answer", "never_valid" or "" for any other reason."""

    path: str
    row: int
    reason: str
    code: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Material:
    """A release before it goes live, with what it would replace.

    chunks   all chunks of the staged release
    before   all chunks of the live one; None when nothing is live
    """

    chunks: Sequence[Chunk]
    now: datetime
    before: Sequence[Chunk] | None = None
    left_out: Sequence[LeftOut] = ()
    disagreements: Sequence[Disagreement] = ()
    zone: tzinfo = UTC
    forbidden_words: Sequence[str] = ()

    @cached_property
    def rows(self) -> list[Chunk]:
        """FAQ rows."""
        return [chunk for chunk in self.chunks if chunk.kind is Kind.FAQ]

    @cached_property
    def products(self) -> list[Chunk]:
        """Product rows."""
        return [chunk for chunk in self.chunks if chunk.kind is Kind.PRODUCT]

    @cached_property
    def fresh(self) -> list[Chunk]:
        """Chunks that the live release does not have word for word."""
        return [chunk for chunk in self.chunks if _word_for_word(chunk) not in self._live]

    @cached_property
    def standing(self) -> dict[tuple[str, str], Chunk]:
        """The other chunks, by path and locator without row number."""
        there = (chunk for chunk in self.chunks if _word_for_word(chunk) in self._live)
        return {(chunk.path, plain_locator(chunk.locator)): chunk for chunk in there}

    @cached_property
    def _live(self) -> set[tuple[str, str]]:
        return {_word_for_word(chunk) for chunk in self.before or ()}

    @cached_property
    def by_question(self) -> dict[str, list[Chunk]]:
        """FAQ rows by every question they answer, in the form that `folded` gives."""
        found: dict[str, list[Chunk]] = defaultdict(list)
        for row in self.rows:
            for question in dict.fromkeys(folded(q) for q in (row.title, *row.phrasings)):
                found[question].append(row)
        return found

    @cached_property
    def compared(self) -> Compared:
        """What the release says differently from the live one; nothing where none is live."""
        return compared(self.before, self.chunks) if self.before is not None else Compared()


def _word_for_word(chunk: Chunk) -> tuple[str, str]:
    return chunk.path, chunk.content_hash


Check: TypeAlias = Callable[[Material], Iterable[Finding]]
