"""One release of one shop, held in memory as the domain reads it: chunks, products, word weights.

Built once per release from the catalogue and shared by all turns that pin that release.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from app.knowledge.chunk import Chunk, Kind
from app.knowledge.tokenize import words

_PERIODS_KEPT = 6
"""Periods between two dates that a release is held for at once: now, and those of orders that are asked about."""


@dataclass(frozen=True)
class Product:
    """All variants of one product. `options` are the columns whose value differs between variants."""

    group: str
    name: str
    variants: tuple[Chunk, ...]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Attribute names any variant has, in the shop's own order."""
        return tuple(dict.fromkeys(column for v in self.variants for column in v.attributes))

    @cached_property
    def options(self) -> tuple[str, ...]:
        """Columns that tell the variants apart (colour, size, price)."""
        return tuple(c for c in self.columns if len({v.attributes.get(c, "") for v in self.variants}) > 1)

    def values(self, column: str) -> dict[str, tuple[Chunk, ...]]:
        """Value → the variants that have it, in order of first appearance; empty cells left out."""
        found: dict[str, list[Chunk]] = defaultdict(list)
        for variant in self.variants:
            if value := variant.attributes.get(column, "").strip():
                found[value].append(variant)
        return {value: tuple(chunks) for value, chunks in found.items()}


@dataclass(frozen=True, slots=True)
class AskedAs:
    """How a chunk's question may be put: its title and phrasings, letters only; the words of each, and their weight."""

    plain: frozenset[str]
    words: tuple[tuple[frozenset[str], float], ...]


class WordWeights:
    """How much a word tells: inverse document frequency over a shop's chunks, 0 (everywhere) to 1 (once)."""

    def __init__(self, texts: Iterable[Iterable[str]]) -> None:
        counts: Counter[str] = Counter()
        total = 0
        for text in texts:
            counts.update(set(text))
            total += 1
        total = max(total, 2)
        scale = math.log(1 + total)
        self._weights = {word: math.log(1 + total / (1 + count)) / scale for word, count in counts.items()}

    def weight(self, word: str) -> float:
        """0..1; a word the shop never uses weighs most."""
        return self._weights.get(word, 1.0)

    def knows(self, word: str) -> bool:
        """Whether any chunk uses the word."""
        return word in self._weights

    def total(self, words_: Iterable[str]) -> float:
        """Sum of the weights of distinct words."""
        distinct = words_ if isinstance(words_, set | frozenset) else set(words_)
        return sum([self._weights.get(word, 1.0) for word in distinct])


class KnowledgeView:
    """A release as read by a turn. Immutable after construction."""

    def __init__(self, shop: str, release: int, chunks: Sequence[Chunk]) -> None:
        self.shop = shop
        self.release = release
        self.chunk_words: Mapping[str, frozenset[str]] = {
            chunk.chunk_id: frozenset(words(searchable_text(chunk))) for chunk in chunks
        }
        self.title_words: Mapping[str, frozenset[str]] = {
            chunk.chunk_id: frozenset(words(chunk.title)) for chunk in chunks
        }
        self.weights = WordWeights(self.chunk_words.values())
        self._asked: dict[str, AskedAs] = {}
        self._hold(chunks)
        languages = Counter(chunk.language[:2] for chunk in chunks)
        self.language = languages.most_common(1)[0][0] if languages else ""
        self.name_weights = WordWeights(words(product.name) for product in self.products.values())
        self._changes = changes(chunks)
        self._moments = sorted({moment for c in chunks for moment in (c.valid_from, c.valid_until) if moment})
        self._standing: OrderedDict[int, KnowledgeView] = OrderedDict()

    def at(self, as_of: datetime) -> KnowledgeView:
        """The release as it stands at that moment: of rows with one SKU the one in force, none that is not valid, and
        no related question that nobody answers then. Itself, when that is the same at all times.

        Words keep the weights they have in the whole release.
        """
        if not self._changes:
            return self
        period = bisect_right(self._changes, as_of)
        if (view := self._standing.get(period)) is None:
            view = self._standing[period] = copy(self)
            view._hold(standing(list(self.chunks.values()), as_of))
            view._changes = ()
            if len(self._standing) > _PERIODS_KEPT:
                self._standing.popitem(last=False)
        self._standing.move_to_end(period)
        return view

    def _hold(self, chunks: Sequence[Chunk]) -> None:
        self.chunks: Mapping[str, Chunk] = {chunk.chunk_id: chunk for chunk in chunks}
        self.products: Mapping[str, Product] = _group_products(chunks)
        self.by_sku: Mapping[str, Chunk] = {
            chunk.locator.casefold(): chunk for chunk in chunks if chunk.kind is Kind.PRODUCT
        }
        self._twins: Mapping[str, Sequence[Chunk]] = _group_twins(chunks)

    def in_force(self, chunk: Chunk, as_of: datetime) -> Chunk:
        """The chunk that answers an FAQ row's question at that moment: of all rows asking the same, the one with the
        narrowest window that holds; an undated row only where no dated one does."""
        twins = self._twins.get(_same_question(chunk), ()) if chunk.kind is Kind.FAQ else ()
        valid = [twin for twin in twins if twin.is_valid(as_of)]
        return min(valid, key=lambda twin: (twin.window_seconds, twin is not chunk), default=chunk)

    def period(self, as_of: datetime) -> int:
        """Which of the times between two dates it is: within one, everything stays valid that is."""
        return bisect_right(self._moments, as_of)

    def asked_as(self, chunk: Chunk) -> AskedAs:
        """The chunk's title and phrasings as a question is compared with them; worked out once."""
        if (asked := self._asked.get(chunk.chunk_id)) is None:
            own = (chunk.title, *chunk.phrasings)
            held = [frozenset(words(text)) for text in own]
            asked = AskedAs(frozenset(map(_plain, own)), tuple((part, self.weights.total(part)) for part in held))
            self._asked[chunk.chunk_id] = asked
        return asked

    def product_of(self, chunk: Chunk) -> Product:
        """The product a product chunk is a variant of."""
        return self.products[chunk.group or chunk.title]


def changes(chunks: Sequence[Chunk]) -> tuple[datetime, ...]:
    """The moments at which `standing` comes to something else, in order."""
    suggested = {_plain(question) for chunk in chunks for question in chunk.related}
    dated = [c for c in chunks if c.kind is Kind.PRODUCT or (c.kind is Kind.FAQ and _same_question(c) in suggested)]
    return tuple(sorted({moment for c in dated for moment in (c.valid_from, c.valid_until) if moment}))


def standing(chunks: Sequence[Chunk], as_of: datetime) -> list[Chunk]:
    """The chunks without products that are not valid at that moment, and with related questions that are answered then.

    Of several rows of one SKU the one with the narrowest window that holds stays: a sale price before the price of
    every other day.
    """
    in_force: dict[str, Chunk] = {}
    answered: dict[str, bool] = {}
    for chunk in chunks:
        valid = chunk.is_valid(as_of)
        if chunk.kind is Kind.PRODUCT and valid:
            rival = in_force.setdefault(chunk.locator.casefold(), chunk)
            if chunk.window_seconds < rival.window_seconds:
                in_force[chunk.locator.casefold()] = chunk
        elif chunk.kind is Kind.FAQ:
            question = _same_question(chunk)
            answered[question] = answered.get(question, False) or valid
    return [
        _suggesting(chunk, answered)
        for chunk in chunks
        if chunk.kind is not Kind.PRODUCT or in_force.get(chunk.locator.casefold()) is chunk
    ]


def _suggesting(chunk: Chunk, answered: Mapping[str, bool]) -> Chunk:
    related = tuple(question for question in chunk.related if answered.get(_plain(question), True))
    return chunk if len(related) == len(chunk.related) else replace(chunk, related=related)


def searchable_text(chunk: Chunk) -> str:
    """Everything of a chunk that a word of the question may match."""
    return "\n".join((chunk.title, *chunk.phrasings, chunk.text))


def _group_products(chunks: Sequence[Chunk]) -> dict[str, Product]:
    groups: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        if chunk.kind is Kind.PRODUCT:
            groups[chunk.group or chunk.title].append(chunk)
    return {group: Product(group, _name_of(group, variants), tuple(variants)) for group, variants in groups.items()}


def _name_of(group: str, variants: Sequence[Chunk]) -> str:
    """The name its rows share; where each names its own option, what they are gathered under."""
    first = variants[0].title
    return first if all(variant.title == first for variant in variants) or not _begins(first, group) else group


def _begins(title: str, group: str) -> bool:
    """Whether the group is a name, not a handle: its rows' titles begin with its first word."""
    return title.startswith(group.partition(" ")[0])


def _same_question(chunk: Chunk) -> str:
    return _plain(chunk.title)


def _plain(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()


def _group_twins(chunks: Sequence[Chunk]) -> dict[str, list[Chunk]]:
    """FAQ rows by the question they answer, where there are several and one has dates."""
    groups: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        if chunk.kind is Kind.FAQ:
            groups[_same_question(chunk)].append(chunk)
    return {q: twins for q, twins in groups.items() if any(t.valid_from or t.valid_until for t in twins)}
