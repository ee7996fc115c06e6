"""How the checks compare texts: spelling, spaces and punctuation don't count, values and a "no" do."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from app.chat.values import values
from app.knowledge.chunk import Chunk
from app.knowledge.tokenize import words

_NOT_WORDS = re.compile(r"[\W_]+")
_NEGATION = re.compile(
    r"不|无(?!线|纺)|没|未|非(?!常)|勿|禁止|谢绝|除外|拒"
    r"|\b(?:not|no|never|cannot|without|except|excluding|unless|nor|none|neither)\b|n['’]t\b",
    re.IGNORECASE,
)
_HARD_UNITS = frozenset({"number", "piece", "people", "per", "code", "link", "floor"})
"""Units that say too little, or name things, to call two of them a contradiction."""
_FIGURE = re.compile(
    r"[¥￥£$€]?\d[\d,.]*|[零〇一二两三四五六七八九十百千万]+(?=个?(?:天|日|月|年|小时|分钟|元|块|件|次|折))"
)
_UNITS = re.compile(
    r"days?|business|working|workday|hours?|minutes?|weeks?|months?|years?|am|pm|up|per|each|about|every"
    r"|(?:mon|tue|tues|wed|wednes|thu|thurs|fri|sat|satur|sun)(?:day)?"
)


@lru_cache(maxsize=65_536)
def content_words(text: str) -> frozenset[str]:
    """What a text is about: its words without figures, units and days of the week."""
    told = words(_FIGURE.sub(" ", text))
    return frozenset(word for word in told if len(word) > 1 and not _UNITS.fullmatch(word))


@lru_cache(maxsize=65_536)
def folded(text: str) -> str:
    """A text without case, width, spaces and punctuation: what two spellings of the same words share."""
    return _NOT_WORDS.sub("", unicodedata.normalize("NFKC", text)).casefold()


@lru_cache(maxsize=65_536)
def bigrams(text: str) -> frozenset[str]:
    """Pairs of neighbouring characters of the folded text: a likeness that needs no word list in either language."""
    plain = folded(text)
    return frozenset(plain[i : i + 2] for i in range(max(len(plain) - 1, 1))) if plain else frozenset()


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """0..1: how much of the two sets is common to both (Dice)."""
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


@lru_cache(maxsize=65_536)
def hard_values(text: str) -> Mapping[str, frozenset[str]]:
    """Unit → amounts, for the values that mean something alone: days, money, percentages, dates, sizes."""
    found: dict[str, set[str]] = defaultdict(set)
    for value in values(text):
        if value.unit not in _HARD_UNITS:
            found[value.unit].add(value.amount)
    return {unit: frozenset(amounts) for unit, amounts in found.items()}


@lru_cache(maxsize=65_536)
def all_values(text: str) -> frozenset[tuple[str, str]]:
    """Every value of a text, loose ones included."""
    return frozenset((value.unit, value.amount) for value in values(text))


def counted_values(text: str) -> Counter[tuple[str, str]]:
    """Every value with how often it stands in the text."""
    return Counter((value.unit, value.amount) for value in values(text))


def negations(text: str) -> int:
    """How often a text says no."""
    return len(_NEGATION.findall(text))


def clash(one: str, other: str) -> tuple[str, str] | None:
    """The values on which two texts disagree: of some unit, each has an amount that the other has not."""
    mine, theirs = hard_values(one), hard_values(other)
    for unit in mine.keys() & theirs.keys():
        here, there = mine[unit] - theirs[unit], theirs[unit] - mine[unit]
        if here and there:
            return shown(unit, here), shown(unit, there)
    return None


def shown(unit: str, amounts: Iterable[str]) -> str:
    """Amounts for a message: "7 day", "99 cny"; dates and times speak for themselves."""
    told = " / ".join(sorted(amounts))
    return told if unit in ("date", "clock", "weekday", "year of", "month of") else f"{told} {unit}"


def same_window(one: Chunk, other: Chunk) -> bool:
    """Whether neither wins by its dates: they hold at once, and for equally long."""
    if one.window_seconds != other.window_seconds:
        return False
    if one.valid_from is None and one.valid_until is None:
        return other.valid_from is None and other.valid_until is None
    starts = [c.valid_from for c in (one, other) if c.valid_from]
    ends = [c.valid_until for c in (one, other) if c.valid_until]
    return not starts or not ends or max(starts) < min(ends)


def quoted(text: str, most: int = 60) -> str:
    """A text as a message quotes it."""
    plain = " ".join(text.split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def place(chunk: Chunk) -> str:
    """Where a chunk stands, for `Finding.other`."""
    return f"{chunk.path} · {chunk.locator}"


def pairs_by_bigram(texts: Sequence[str], least: float) -> Iterator[tuple[int, int]]:
    """Pairs of indexes whose texts may be as alike as `least` (0..1), without comparing all with all.

    Two sets that share so much must share one of their rarest members: only those are looked up.
    """
    sets = [bigrams(text) for text in texts]
    counts: dict[str, int] = defaultdict(int)
    for one in sets:
        for gram in one:
            counts[gram] += 1
    holders: dict[str, list[int]] = defaultdict(list)
    needed = least / (2 - least)  # Dice to Jaccard
    for index, one in enumerate(sets):
        rare = sorted(one, key=lambda gram: (counts[gram], gram))
        seen: set[int] = set()
        for gram in rare[: len(one) - int(needed * len(one)) + 1]:
            seen.update(holders[gram])
            holders[gram].append(index)
        yield from ((other, index) for other in sorted(seen) if likeness(sets[other], one) >= least)
