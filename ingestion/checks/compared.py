"""What a staged release says differently from the live one, sentence by sentence: spelling and layout don't count."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from app.knowledge.chunk import Chunk, Kind
from app.knowledge.sentences import spoken_sentences
from ingestion.checks.texts import all_values, bigrams, counted_values, folded, likeness, negations

ALIKE = 0.55
"""Two sentences that share so much are one sentence, rewritten."""
HELD = 0.5
"""A clause is still there when so much of it stands in the sentence that took its place."""
MOVED = 0.8
_CLAUSE_ENDS = re.compile(r"[，,；;：:。.!！?？()（）|]+(?=\D|$)")
_CONDITION = re.compile(
    r"如|若|除|仅|只|须|需|必须|不得|方可|起|满|但|否则|限"
    r"|\b(?:if|unless|except|only|must|provided|within|until|unused|but|subject|excluding|from)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Altered:
    """A sentence that was rewritten."""

    was: Chunk
    now: Chunk
    before: str
    after: str

    @property
    def values_differ(self) -> bool:
        """Whether a value was replaced by another: none may merely have come or gone."""
        old, new = counted_values(self.before), counted_values(self.after)
        return bool(old - new and new - old)

    @property
    def loses(self) -> str:
        """The clause that is no longer said; "" when all is there."""
        kept, values = bigrams(self.after), all_values(self.after)
        for clause in clauses(self.before):
            grams = bigrams(clause)
            gone = len(grams & kept) < HELD * len(grams) or (not self.values_differ and all_values(clause) - values)
            if len(grams) > 2 and gone and tells(clause):
                return clause
        return ""

    @property
    def turned(self) -> bool:
        """Whether it now says no where it said yes, or the other way round."""
        return negations(self.before) != negations(self.after) and not self.values_differ and not self.loses


@dataclass(frozen=True)
class Compared:
    """The differences. `lost` are sentences that nothing says any more, of files and rows that are still there."""

    altered: Sequence[Altered] = ()
    lost: Sequence[tuple[Chunk, str]] = ()
    lost_rows: Sequence[Chunk] = ()
    lost_products: Sequence[Chunk] = ()
    products: Sequence[tuple[Chunk, Chunk]] = ()
    """Product rows that are not what they were, before and after"""
    lost_files: Mapping[str, int] = field(default_factory=dict)


def compared(before: Sequence[Chunk], after: Sequence[Chunk]) -> Compared:
    """Only chunks that differ are read: a daily run that changes little costs little."""
    same = {_whole(chunk) for chunk in before} & {_whole(chunk) for chunk in after}
    old = [chunk for chunk in before if _whole(chunk) not in same]
    new = [chunk for chunk in after if _whole(chunk) not in same]
    if not old:
        return Compared()
    return _Comparison(old, new, after).run()


def clauses(sentence: str) -> Iterator[str]:
    """The parts of a sentence between commas and the like."""
    return (clause for part in _CLAUSE_ENDS.split(sentence) if (clause := part.strip()))


def tells(clause: str) -> bool:
    """Whether a clause binds somebody: it holds a value, a no, or a condition."""
    return bool(all_values(clause) or negations(clause) or _CONDITION.search(clause))


def plain_sentences(chunk: Chunk) -> tuple[str, ...]:
    """A chunk's sentences; a table row with its columns' names."""
    return _plain_sentences(chunk.text)


@lru_cache(maxsize=16_384)
def _plain_sentences(text: str) -> tuple[str, ...]:
    """Kept: several checks read all texts of a shop, and most of them are the same the next day."""
    return tuple(s.spoken if s.literal.startswith("|") else s.literal for s in spoken_sentences(text))


class _Comparison:
    """Pairs what went with what came."""

    def __init__(self, old: Sequence[Chunk], new: Sequence[Chunk], after: Sequence[Chunk]) -> None:
        self._old = old
        self._new = new
        self._paths = {chunk.path for chunk in after}
        self._skus = {chunk.locator.casefold(): chunk for chunk in after if chunk.kind is Kind.PRODUCT}
        self._sentences = [
            (chunk, s) for chunk in new if chunk.kind is not Kind.PRODUCT for s in plain_sentences(chunk)
        ]
        self._said = {folded(s) for _, s in self._sentences}
        self._text = "\n".join(folded(chunk.text) for chunk in new)
        self._by_gram: dict[str, list[int]] = defaultdict(list)
        for index, (_, sentence) in enumerate(self._sentences):
            for gram in bigrams(sentence):
                self._by_gram[gram].append(index)
        self.altered: list[Altered] = []
        self.lost: list[tuple[Chunk, str]] = []

    def run(self) -> Compared:
        rows, products, changed, files = [], [], [], defaultdict[str, int](int)
        for chunk in self._old:
            if chunk.kind is Kind.PRODUCT:
                if now := self._skus.get(chunk.locator.casefold()):
                    changed.append((chunk, now))
                else:
                    products.append(chunk)
            elif chunk.path not in self._paths and not self._moved(chunk):
                files[chunk.path] += 1
            elif chunk.kind is Kind.FAQ:
                if (row := self._row_now(chunk)) is None:
                    rows.append(chunk)
                else:
                    self._compare(chunk, [(row, s) for s in plain_sentences(row)], folded(row.text))
            else:
                self._compare(chunk, None, self._text)
        kept = [p for p in products if p.path in self._paths]
        for product in products:
            if product.path not in self._paths:
                files[product.path] += 1
        return Compared(self.altered, self.lost, rows, kept, changed, files)

    def _moved(self, chunk: Chunk) -> bool:
        """Whether what the chunk says now stands in another file."""
        told = [folded(s) for s in plain_sentences(chunk)]
        return bool(told) and sum(t in self._said or t in self._text for t in told) >= MOVED * len(told)

    def _row_now(self, row: Chunk) -> Chunk | None:
        """The row that took the place of an FAQ row: it asks the same, or answers the same, or nearly asks the same."""
        rows = [chunk for chunk in self._new if chunk.kind is Kind.FAQ]
        asked = {folded(q) for q in (row.title, *row.phrasings)}
        for candidates in (
            [r for r in rows if folded(r.title) == folded(row.title) and _window(r) == _window(row)],
            [r for r in rows if folded(r.title) == folded(row.title)],
            [r for r in rows if folded(r.text) == folded(row.text)],
            [r for r in rows if r.path == row.path and asked & {folded(q) for q in (r.title, *r.phrasings)}],
        ):
            if candidates:
                return candidates[0]
        near = [r for r in rows if r.path == row.path]
        best = max(near, key=lambda r: likeness(bigrams(r.title), bigrams(row.title)), default=None)
        return best if best and likeness(bigrams(best.title), bigrams(row.title)) >= 0.75 else None

    def _compare(self, chunk: Chunk, among: Sequence[tuple[Chunk, str]] | None, text: str) -> None:
        said = self._said if among is None else {folded(s) for _, s in among}
        for sentence in plain_sentences(chunk):
            plain = folded(sentence)
            if not plain or plain in said or plain in text:
                continue
            found = max(
                self._candidates(chunk, sentence) if among is None else among,
                key=lambda pair: likeness(bigrams(pair[1]), bigrams(sentence)),
                default=None,
            )
            if found is None or likeness(bigrams(found[1]), bigrams(sentence)) < (ALIKE if among is None else 0.25):
                if tells(sentence):
                    self.lost.append((chunk, sentence))
            else:
                self.altered.append(Altered(chunk, found[0], sentence, found[1]))

    def _candidates(self, chunk: Chunk, sentence: str) -> Iterable[tuple[Chunk, str]]:
        near = dict.fromkeys(index for gram in bigrams(sentence) for index in self._by_gram.get(gram, ()))
        pairs = [self._sentences[index] for index in near]
        return [pair for pair in pairs if pair[0].path == chunk.path] or pairs


def _whole(chunk: Chunk) -> tuple[str, str, str]:
    return chunk.path, chunk.content_hash, chunk.title


def _window(chunk: Chunk) -> tuple[object, object]:
    return chunk.valid_from, chunk.valid_until
