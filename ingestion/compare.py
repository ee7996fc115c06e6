"""Compares what was read with the newest built release, within the scope that was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from app.knowledge.chunk import Chunk
from app.knowledge.row_keys import keyed
from ingestion.layer import Layered
from ingestion.reading import FileRead
from ingestion.sources import Scope


class Counts(NamedTuple):
    """How the chunks of one file compare with the release before. A row that only moved counts as unchanged."""

    new: int
    changed: int
    unchanged: int
    vanished: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a new release adds and closes.

    added   chunks with their place in their file
    closed  ids of chunks that are not part of the new release
    counts  by path
    """

    added: tuple[tuple[Chunk, int], ...]
    closed: tuple[str, ...]
    counts: dict[str, Counts]

    @property
    def changes(self) -> bool:
        """Whether the new release would differ at all."""
        return bool(self.added or self.closed)

    @property
    def note(self) -> str:
        """The release in a few words."""
        totals = [sum(column) for column in zip(*self.counts.values(), strict=True)] or [0, 0, 0, 0]
        return f"{totals[0]} new, {totals[1]} changed, {totals[3]} vanished"

    def with_edits(self, layered: Layered) -> Comparison:
        """This, and what editors changed outside of what was read."""
        counts = dict(self.counts)
        added = Counter(chunk.path for chunk, _ in layered.added)
        closed = Counter(chunk.path for chunk in layered.replaced)
        for path in added | closed:
            new, changed, same, vanished = counts.get(path, Counts(0, 0, 0, 0))
            both = min(added[path], closed[path])
            counts[path] = Counts(new + added[path] - both, changed + both, same, vanished + closed[path] - both)
        ids = tuple(chunk.chunk_id for chunk in layered.replaced)
        return replace(self, added=(*self.added, *layered.added), closed=(*self.closed, *ids), counts=counts)


def compare(current: Sequence[Chunk], reads: Sequence[FileRead], scope: Scope) -> Comparison:
    """What to add and to close. Files that failed keep the chunks they had; so does everything out of scope."""
    failed = {read.path for read in reads if read.error}
    have = {_identity(chunk): chunk for chunk in current}
    added: list[tuple[Chunk, int]] = []
    wanted: set[str] = set()
    for read in reads:
        if read.path in failed:
            continue
        for position, chunk in enumerate(read.chunked.chunks):
            if chunk.chunk_id in wanted:
                continue
            wanted.add(chunk.chunk_id)
            if chunk.chunk_id not in have:
                added.append((chunk, position))
    closed = tuple(
        chunk.chunk_id
        for fingerprint, chunk in have.items()
        if fingerprint not in wanted and chunk.path not in failed and scope.in_scope(chunk.path)
    )
    return Comparison(tuple(added), closed, _counts(current, reads, failed, scope))


def _identity(chunk: Chunk) -> str:
    """The id without the release behind a hyphen, which content carries that came back."""
    return chunk.chunk_id.partition("-")[0]


def _counts(current: Sequence[Chunk], reads: Sequence[FileRead], failed: set[str], scope: Scope) -> dict[str, Counts]:
    before: dict[str, list[Chunk]] = {}
    for chunk in current:
        if scope.in_scope(chunk.path):
            before.setdefault(chunk.path, []).append(chunk)
    counts: dict[str, Counts] = {}
    for read in reads:
        had = before.pop(read.path, [])
        if read.path in failed:
            counts[read.path] = Counts(0, 0, len(had), 0)
            continue
        stays = {_identity(chunk) for chunk in had} & {chunk.chunk_id for chunk in read.chunked.chunks}
        old = keyed(chunk for chunk in had if _identity(chunk) not in stays)
        new = keyed(chunk for chunk in read.chunked.chunks if chunk.chunk_id not in stays)
        same = sum(1 for key, chunk in new.items() if key in old and old[key].content_hash == chunk.content_hash)
        both = len(old.keys() & new.keys())
        counts[read.path] = Counts(len(new) - both, both - same, same + len(stays), len(old) - both)
    counts.update({path: Counts(0, 0, 0, len(chunks)) for path, chunks in before.items()})
    return counts
