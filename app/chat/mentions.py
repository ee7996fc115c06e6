"""Which of the shop's own names were mentioned, and how lately: what "it" and "there" stand for.

Names are compared by their parts (English words, Chinese character pairs), each weighed by how few names have it:
"the Hobsons house" finds HOBSONS HOUSE, 比格比萨新华店 finds 比格比萨(新华店), and "hotel" alone finds nothing.
"""

from __future__ import annotations

import heapq
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.knowledge.chunk import Chunk, Kind
from app.knowledge.simplify import simplify
from app.knowledge.stem import stem
from app.knowledge.view import KnowledgeView

_PART = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[\u3400-\u9fff]+")
_PREFIX = re.compile(r"^([^:：?？\n]{2,60})[:：]\s*\S")
_FILLERS = frozenset({"the", "and", "of", "in", "at", "an"})
_ASIDE = re.compile(r"(附近|周边|旁边|周围|nearby|close to|near|next to)")
_SENTENCE = re.compile(r"[。！？!?;；\n]|\.(?:\s|$)")

_ENOUGH = 0.6
_MOST = 0.85
_DECAY = 0.6
_LIST = 3
_SLACK = 2
_CROWD = 200
_CANDIDATES = 64
_REMEMBERED = 512
_ASIDE_SHARE = 0.5
"""Several names told when asked what is nearby: the talk is still about the thing they are near."""


@dataclass(frozen=True, slots=True)
class _Name:
    name: str
    parts: frozenset[str]
    weight: float
    length: int


@dataclass(frozen=True, slots=True)
class _Hit:
    name: str
    share: float
    weight: float
    places: frozenset[int]


class EntityNames:
    """The names a shop's knowledge speaks of, ready to be found in what was said.

    Built once per release. Finding costs in proportion to the text and to the names that share a rare part with it.
    """

    def __init__(self, names: Iterable[str]) -> None:
        parsed = {name: tuple(dict.fromkeys(_parts(name))) for name in dict.fromkeys(names)}
        counts = Counter(part for parts in parsed.values() for part in parts)
        total = max(len(parsed), 2)
        self._weights = {part: math.log(1 + total / count) for part, count in counts.items()}
        self._names = [
            _Name(name, frozenset(parts), sum(self._weights[p] for p in parts), len(parts))
            for name, parts in parsed.items()
            if parts
        ]
        # A conversation's messages come back with every turn.
        self._said = lru_cache(maxsize=_REMEMBERED)(self._find)
        self._known = frozenset(name.name for name in self._names)
        self._having: dict[str, list[int]] = defaultdict(list)
        for number, name in enumerate(self._names):
            for part in name.parts:
                self._having[part].append(number)

    @classmethod
    def of_view(cls, view: KnowledgeView) -> EntityNames:
        """Names of products, and what stands before the colon of titles that share it ("Hobsons House: Parking?")."""
        names = Counter(name for chunk in view.chunks.values() if (name := name_of(chunk)))
        products = {chunk.title for chunk in view.chunks.values() if chunk.kind is Kind.PRODUCT}
        return cls(name for name, count in names.items() if count > 1 or name in products)

    def about(self, chunk: Chunk) -> str:
        """The name a chunk is about: said in its title, most of the name; "" for none."""
        name = name_of(chunk)
        if name in self._known:
            return name
        said = self._find(chunk.title)
        best = max(said, key=lambda n: said[n], default="")
        return best if said.get(best, 0.0) >= _MOST else ""

    def mentions(self, texts_latest_last: Sequence[str]) -> dict[str, float]:
        """Name → how strongly it stands in the reader's mind: 1 for one said in full in the latest text, less for
        older, partial and listed ones. Names that were only said to be nearby count nothing.
        """
        found: dict[str, float] = defaultdict(float)
        share = 1.0
        for place in range(len(texts_latest_last) - 1, -1, -1):
            hits = self._said(texts_latest_last[place])
            asked_around = place > 0 and len(hits) > 1 and _ASIDE.search(texts_latest_last[place - 1].casefold())
            for name, strength in hits.items():
                found[name] = max(found[name], share * strength * (_ASIDE_SHARE if asked_around else 1.0))
            share *= _DECAY
        return dict(found)

    def listed(self, text: str) -> list[str]:
        """The names said in a text, in the order in which they are said, each once."""
        sentences = map(self._in_sentence, _SENTENCE.split(text))
        in_order = (hit for hits in sentences for hit in sorted(hits, key=lambda hit: (min(hit.places), hit.name)))
        return list(dict.fromkeys(hit.name for hit in in_order))

    def named_by(self, text: str) -> str:
        """The one name that has every part of the text; "" where none or several have."""
        having = [set(self._having.get(part, ())) for part in dict.fromkeys(_parts(text))]
        names = set.intersection(*having) if having else set()
        return self._names[names.pop()].name if len(names) == 1 else ""

    def _find(self, text: str) -> dict[str, float]:
        hits = [hit for sentence in _SENTENCE.split(text) for hit in self._in_sentence(sentence)]
        spread = max(1.0, len({hit.name for hit in hits}) / _LIST)
        strengths: dict[str, float] = {}
        for hit in hits:
            strengths[hit.name] = max(strengths.get(hit.name, 0.0), hit.share / spread)
        return strengths

    def _in_sentence(self, sentence: str) -> list[_Hit]:
        aside = _ASIDE.search(sentence.casefold())
        spoken = list(_parts(sentence))
        before = len(list(_parts(sentence[: aside.end()]))) if aside else len(spoken)
        places: dict[str, list[int]] = defaultdict(list)
        for place, part in enumerate(spoken):
            if part in self._weights:
                places[part].append(place)
        candidates = self._candidates(places)
        hits = [hit for number in candidates if (hit := self._matched(self._names[number], places))]
        return [hit for hit in _without_overlaps(hits) if min(hit.places) < before]

    def _candidates(self, places: dict[str, list[int]]) -> list[int]:
        """Names whose spoken parts could reach the share that is enough, the likeliest first.

        Parts that a crowd of names share are not looked up; they are counted as if every name had them.
        """
        crowd = max(_CROWD, len(self._names) // 10)
        common = sum(self._weights[part] for part in places if len(self._having[part]) > crowd)
        reached: dict[int, float] = defaultdict(float)
        for part in places:
            if len(self._having[part]) <= crowd:
                weight = self._weights[part]
                for number in self._having[part]:
                    reached[number] += weight
        shares = {
            number: weight / self._names[number].weight
            for number, weight in reached.items()
            if weight + common >= _ENOUGH * self._names[number].weight
        }
        return heapq.nlargest(_CANDIDATES, shares, key=lambda number: shares[number])

    def _matched(self, name: _Name, places: dict[str, list[int]]) -> _Hit | None:
        """The best stretch of the sentence, no longer than the name and a little, in which its parts stand."""
        spots = sorted((place, part) for part in name.parts for place in places.get(part, ()))
        best: _Hit | None = None
        for start in range(len(spots)):
            inside = [s for s in spots[start:] if s[0] - spots[start][0] < name.length + _SLACK]
            weight = sum(self._weights[part] for part in {part for _, part in inside})
            share = weight / name.weight
            if share >= _ENOUGH and (best is None or share > best.share):
                best = _Hit(name.name, share, weight, frozenset(place for place, _ in inside))
        return best


def name_of(chunk: Chunk) -> str:
    """The name a chunk is about: the product's, or what stands before the colon of its title; "" for none."""
    if chunk.kind is Kind.PRODUCT:
        return chunk.title
    match = _PREFIX.match(chunk.title)
    return match[1].strip() if match else ""


def _parts(text: str) -> Iterator[str]:
    for match in _PART.finditer(simplify(unicodedata.normalize("NFKC", text).casefold())):
        token = match.group()
        if token[0] > "\u33ff":
            yield from (token[i : i + 2] for i in range(max(1, len(token) - 1)))
        elif token not in _FILLERS:
            yield stem(token.removesuffix("'s"))


def _without_overlaps(hits: list[_Hit]) -> list[_Hit]:
    """Where two names claim the same words, the one with more of them said wins; equals both stay."""
    kept: list[_Hit] = []
    for hit in sorted(hits, key=lambda h: (-h.weight * h.share, h.name)):
        rivals = [other for other in kept if len(other.places & hit.places) * 2 >= len(hit.places)]
        if all(other.weight * other.share - hit.weight * hit.share < 1e-6 for other in rivals):
            kept.append(hit)
    return kept
