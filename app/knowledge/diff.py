"""What changed between two releases, side by side: chunks added, changed, removed or moved, and product values."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal, Protocol, TypeAlias

from app.errors import Conflict, NotFound
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.release import Release, ReleaseState
from app.knowledge.row_keys import place_of

Change: TypeAlias = Literal["added", "changed", "removed", "moved"]
CHANGES: tuple[Change, ...] = ("changed", "added", "removed", "moved")
_TOKEN = re.compile(r"[A-Za-z0-9_]+(?:[.,][0-9]+)*|\s+|.", re.DOTALL)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_MOST_TOKENS = 2_000
"""Longer texts are compared line by line: comparing words takes time with the square of their number."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text that both sides have, or one of them only."""

    side: Literal["both", "before", "after"]
    text: str


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One value that differs. `attribute`: a product's column as the shop wrote it, else a field of the chunk."""

    name: str
    before: str
    after: str
    attribute: bool = False


@dataclass(frozen=True, slots=True)
class ChunkChange:
    """One chunk as it was and as it is; `before` is None where it was added, `after` where it was removed."""

    change: Change
    before: Chunk | None
    after: Chunk | None

    @property
    def chunk(self) -> Chunk:
        """The newer side there is."""
        chunk = self.after or self.before
        assert chunk is not None
        return chunk

    def values(self) -> tuple[ValueChange, ...]:
        """The values that differ: dates, phrasings and the like, then product attributes in column order."""
        if self.before is None or self.after is None:
            return ()
        old, new = self.before, self.after
        fields = [ValueChange(name, get(old), get(new)) for name, get in _FIELDS.items()]
        columns = dict.fromkeys([*new.attributes, *old.attributes])
        fields += [ValueChange(c, old.attributes.get(c, ""), new.attributes.get(c, ""), True) for c in columns]
        return tuple(field for field in fields if field.before != field.after)

    def spans(self) -> tuple[Span, ...]:
        """The text side by side, in one sequence; joining what is not "after" gives the text before."""
        return tuple(_spans(self.before.text if self.before else "", self.after.text if self.after else ""))

    def as_json(self) -> dict[str, Any]:
        """Plain values, as HTTP and `--json` show them."""
        chunk = self.chunk
        return {
            "change": self.change,
            "kind": chunk.kind.value,
            "path": chunk.path,
            "locator": chunk.locator,
            "title": chunk.title,
            "before": _side(self.before),
            "after": _side(self.after),
            "values": [
                {"name": v.name, "before": v.before, "after": v.after, "attribute": v.attribute} for v in self.values()
            ],
            "spans": [{"side": span.side, "text": span.text} for span in self.spans()],
        }


@dataclass(frozen=True, slots=True)
class ReleaseDiff:
    """All that a shopper would find different when going from one release to another."""

    shop: str
    before: int
    after: int
    changes: tuple[ChunkChange, ...]

    def counts(self) -> dict[str, int]:
        """How many chunks were changed, added, removed and moved."""
        found = Counter(change.change for change in self.changes)
        return {change: found[change] for change in CHANGES}

    def of(self, change: Change) -> tuple[ChunkChange, ...]:
        """Only the changes of one sort."""
        return tuple(c for c in self.changes if c.change == change)

    def as_json(self, offset: int = 0, limit: int | None = None) -> dict[str, Any]:
        """Counts of all changes, and those from `offset` on, at most `limit`."""
        shown = self.changes[offset:][:limit]
        return {
            "shop": self.shop,
            "before": self.before,
            "after": self.after,
            "counts": self.counts(),
            "total": len(self.changes),
            "offset": offset,
            "changes": [change.as_json() for change in shown],
        }


class Comparable(Protocol):
    """What of a catalogue a comparison reads."""

    async def releases(self, shop: str) -> list[Release]:
        """All releases, newest first."""

    async def differing(self, shop: str, before: int, after: int) -> tuple[list[Chunk], list[Chunk]]:
        """The chunks that only the first, and those that only the second of two releases has."""


async def compare_releases(catalogue: Comparable, shop: str, before: int, after: int) -> ReleaseDiff:
    """What changes from release `before` to release `after`, in either direction of time.

    Raises NotFound where there is no such release, Conflict where its rows are gone.
    """
    known = {release.number: release for release in await catalogue.releases(shop)}
    for number in (before, after):
        if number not in known:
            there = ", ".join(map(str, sorted(known))) or "none"
            raise NotFound(f"{shop} has no release {number}; it has {there}.")
        if (state := known[number].state) in (ReleaseState.SWEPT, ReleaseState.FAILED):
            raise Conflict(f"Release {number} of {shop} is {state.value}: what it held is gone. Compare two others.")
    old, new = await catalogue.differing(shop, before, after)
    return ReleaseDiff(shop, before, after, diff_of(old, new))


def diff_of(old: Iterable[Chunk], new: Iterable[Chunk]) -> tuple[ChunkChange, ...]:
    """Changes in the order of files. A row that only stands elsewhere in its file is none."""
    olds, news = list(old), list(new)
    pairs = [*_paired(olds, news, _row), *_paired(olds, news, _identity), *_paired(olds, news, _about)]
    found = [ChunkChange("changed", a, b) for a, b in pairs if a.content_hash != b.content_hash]
    found += [ChunkChange("moved", a, b) for a, b in _paired(olds, news, lambda c: c.content_hash)]
    found += [ChunkChange("added", None, chunk) for chunk in news]
    found += [ChunkChange("removed", chunk, None) for chunk in olds]
    return tuple(sorted(found, key=lambda c: (c.chunk.path, c.chunk.locator, CHANGES.index(c.change))))


def _row(chunk: Chunk) -> Hashable:
    """The row of its file that a chunk stands for, even where editors changed the question or the dates."""
    return (chunk.document_id, chunk.kind, place_of(chunk))


def _identity(chunk: Chunk) -> Hashable:
    return (_about(chunk), chunk.valid_from, chunk.valid_until)


def _about(chunk: Chunk) -> Hashable:
    """What a chunk is about, whatever its dates."""
    return (chunk.document_id, chunk.kind, chunk.locator if chunk.kind is Kind.PRODUCT else chunk.title)


def _paired(olds: list[Chunk], news: list[Chunk], key: Callable[[Chunk], Hashable]) -> list[tuple[Chunk, Chunk]]:
    """Pairs with the same key, taken out of both lists; of several with one key, those that say the same go first."""
    waiting: dict[Hashable, list[Chunk]] = defaultdict(list)
    for chunk in olds:
        waiting[key(chunk)].append(chunk)
    pairs = []
    for chunk in sorted(news, key=lambda c: all(o.content_hash != c.content_hash for o in waiting.get(key(c), ()))):
        if candidates := waiting.get(key(chunk)):
            same = next((c for c in candidates if c.content_hash == chunk.content_hash), candidates[0])
            candidates.remove(same)
            pairs.append((same, chunk))
    gone = {id(chunk) for pair in pairs for chunk in pair}
    olds[:] = [chunk for chunk in olds if id(chunk) not in gone]
    news[:] = [chunk for chunk in news if id(chunk) not in gone]
    return pairs


def _moment(name: str) -> Callable[[Chunk], str]:
    def get(chunk: Chunk) -> str:
        moment = getattr(chunk, name)
        return moment.isoformat() if moment else ""

    return get


_FIELDS: dict[str, Callable[[Chunk], str]] = {
    "title": lambda chunk: chunk.title,
    "phrasings": lambda chunk: " | ".join(chunk.phrasings),
    "related": lambda chunk: " | ".join(chunk.related),
    "section": lambda chunk: chunk.section,
    "valid_from": _moment("valid_from"),
    "valid_until": _moment("valid_until"),
    "path": lambda chunk: chunk.path,
}


def _side(chunk: Chunk | None) -> dict[str, Any] | None:
    if chunk is None:
        return None
    return {
        "chunk_id": chunk.chunk_id,
        "path": chunk.path,
        "locator": chunk.locator,
        "title": chunk.title,
        "text": chunk.text,
        "phrasings": list(chunk.phrasings),
        "attributes": dict(chunk.attributes),
        **{name: _FIELDS[name](chunk) for name in ("valid_from", "valid_until")},
    }


def _spans(before: str, after: str) -> Iterator[Span]:
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    if max(len(old), len(new)) > _MOST_TOKENS:
        old, new = _LINE.findall(before), _LINE.findall(after)
    for _, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if old[a:b] == new[c:d]:
            yield Span("both", _joined(old[a:b]))
            continue
        if b > a:
            yield Span("before", _joined(old[a:b]))
        if d > c:
            yield Span("after", _joined(new[c:d]))


def _joined(tokens: Sequence[str]) -> str:
    return "".join(tokens)
