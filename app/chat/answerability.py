# ruff: noqa: E501 (word lists read better unbroken)
"""Whether passages hold a value of the kind asked for, about the thing asked: features, pure and lexical.

On the right topic and still no answer is what cosines can't see. Each sentence is read for how much of the question it
covers, whether it holds the kind of value asked for outside the question's own words, and whether passages agree.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from app.knowledge.tokenize import words


class Weights(Protocol):
    """How much a word tells, 0..1."""

    def weight(self, word: str) -> float:
        """Of one word."""

    def total(self, words_: Iterable[str]) -> float:
        """Of distinct words together."""


_ASKED = {
    "who": r"\bwho\b|\bwhose\b|谁|哪位|导演|作者|主演|ceo|冠军|得主|创始人|总裁|主席|教练|叫什么",
    "when": r"\bwhen\b|what (?:year|date|time|day)|什么时候|何时|哪年|哪一年|时间|日期|哪天|几月|几号|几点",
    "where": r"\bwhere\b|(?:which|what) (?:city|country|place)|哪里|哪儿|在哪|哪个(?:国家|城市)|国家|城市|地点|首都|总部",
    "how much": r"how (?:many|much|old|long|tall|big|far)|\bscore\b|percentage|price|多少|几|价格|比分|人数|数量|排名|多大|多高|多长",
}
_HELD = {
    "who": r"[A-Z][a-z]+ [A-Z][a-z]+|[\u4e00-\u9fff]{2,3}(?:担任|执导|主演|获得|当选|出任|表示|说)|·|《|由[\u4e00-\u9fff·]{2,8}",
    "when": r"\b(?:19|20)\d\d\b|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.? \d|\d{1,2}月|\d{4}年|\d{1,2}日",
    "where": r"\b(?:in|at) [A-Z][a-z]+|[\u4e00-\u9fff](?:省|市|国|县|区|州|岛)|在[\u4e00-\u9fff]{2,5}",
    "how much": r"\d",
}
_KINDS = {kind: (re.compile(_ASKED[kind], re.IGNORECASE), re.compile(_HELD[kind])) for kind in _ASKED}
_SENTENCE_END = re.compile(r"(?<=[.。！？!?;；])\s*|\s\.\.\.\s|\n")
_QUESTION_WORD = re.compile(
    r"\b(?:who|what|when|where|which|how|many|much|is|was|the|of|did|does|do|for|in|on|a|an|to)\b|是谁|谁|什么|哪里|哪儿|在哪|哪|多少|几|吗|呢|是|的",
    re.IGNORECASE,
)
_OF_A_PASSAGE = ("covered", "sentence", "neighbours", "kind_held", "fits", "numbers", "names", "pairs", "all", "rarest")
_OF_ALL = ("together", "agreement", "good", "kinds_asked", "asked_words")
ANSWERABILITY_FEATURES = (*(f"{of} {name}" for name in _OF_A_PASSAGE for of in ("best", "second", "mean")), *_OF_ALL)
_WRONG_KIND = 0.4
"""What a sentence without the kind of value asked for still counts."""
_GOOD = 0.6
"""Share of the best sentence's coverage from which a passage speaks of the matter too."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, cut once: its telling words, their weight together, the kinds of value it asks for."""

    text: str
    words: tuple[str, ...]
    weight: float
    kinds: tuple[str, ...]

    @classmethod
    def of(cls, text: str, weights: Weights) -> Asked:
        """Cut a question."""
        found = tuple(w for w in dict.fromkeys(words(text)) if not _QUESTION_WORD.fullmatch(w)) or tuple(words(text))
        kinds = tuple(kind for kind, (asks, _) in _KINDS.items() if asks.search(text))
        return cls(text, found, max(1e-6, weights.total(found)), kinds)


def answerability_features(question: str, passages: Sequence[str], weights: Weights) -> dict[str, float]:
    """Features by name (`ANSWERABILITY_FEATURES`) of a question and the passages it would be answered from."""
    asked = Asked.of(question, weights)
    rows = [_row(asked, passage, weights) for passage in passages] or [dict.fromkeys(_OF_A_PASSAGE, 0.0)]
    found: dict[str, float] = {}
    for name in _OF_A_PASSAGE:
        column = sorted((row[name] for row in rows), reverse=True)
        found[f"best {name}"], found[f"mean {name}"] = column[0], sum(column) / len(column)
        found[f"second {name}"] = column[min(1, len(column) - 1)]
    good = [p for p, row in zip(passages, rows, strict=False) if row["sentence"] >= _GOOD * found["best sentence"]]
    everything = frozenset().union(*(frozenset(words(passage)) for passage in passages))
    return found | {
        "together": weights.total(set(asked.words) & everything) / asked.weight,
        "agreement": _agreement(asked, good, weights),
        "good": float(len(good)),
        "kinds_asked": float(len(asked.kinds)),
        "asked_words": float(len(asked.words)),
    }


def best_sentences(question: str, passages: Sequence[str], weights: Weights, most: int = 3) -> list[str]:
    """The sentences that fit the question best, of all passages, best first."""
    asked = Asked.of(question, weights)
    ranked = sorted(
        ((_fits(asked, text, held, weights), text) for passage in passages for text, held in _sentences(passage)),
        key=lambda pair: -pair[0],
    )
    return list(dict.fromkeys(text for _, text in ranked))[:most]


@lru_cache(maxsize=4096)
def _sentences(passage: str) -> tuple[tuple[str, frozenset[str]], ...]:
    parts = [part.strip() for part in _SENTENCE_END.split(passage) if len(part.strip()) > 3] or [passage]
    return tuple((part, frozenset(words(part))) for part in parts)


def _fits(asked: Asked, text: str, held: frozenset[str], weights: Weights) -> float:
    holds = not asked.kinds or any(_KINDS[kind][1].search(text) for kind in asked.kinds)
    return weights.total(held.intersection(asked.words)) / asked.weight * (1.0 if holds else _WRONG_KIND)


def _row(asked: Asked, passage: str, weights: Weights) -> dict[str, float]:
    cut = _sentences(passage)
    said = frozenset().union(*(held for _, held in cut))
    shares = [weights.total(held.intersection(asked.words)) / asked.weight for _, held in cut]
    best = max(range(len(cut)), key=shares.__getitem__)
    joined = [held | cut[min(n + 1, len(cut) - 1)][1] for n, (_, held) in enumerate(cut)]
    rest = cut[best][0]
    for word in sorted(asked.words, key=len, reverse=True):
        rest = re.sub(re.escape(word), " ", rest, flags=re.IGNORECASE)
    kinds = [float(bool(_KINDS[kind][1].search(rest))) for kind in asked.kinds]
    pairs = set(zip(words(asked.text), words(asked.text)[1:], strict=False))
    there = words(passage)
    return {
        "covered": weights.total(said.intersection(asked.words)) / asked.weight,
        "sentence": shares[best],
        "neighbours": max(weights.total(held.intersection(asked.words)) / asked.weight for held in joined),
        "kind_held": max(kinds, default=0.5),
        "fits": max(_fits(asked, text, held, weights) for text, held in cut),
        "numbers": _share(re.findall(r"\d{2,}", asked.text), passage),
        "names": _share([n.casefold() for n in re.findall(r"(?<!^)\b[A-Z][a-zA-Z']+", asked.text)], passage.casefold()),
        "pairs": len(pairs & set(itertools.pairwise(there))) / max(1, len(pairs)),
        "all": float(all(word in said for word in asked.words)),
        "rarest": float(max(asked.words, key=weights.weight) in said) if asked.words else 0.0,
    }


def _share(wanted: Sequence[str], text: str) -> float:
    return sum(one in text for one in wanted) / len(wanted) if wanted else 1.0


def _agreement(asked: Asked, passages: Sequence[str], weights: Weights) -> float:
    """How far the best sentences of several passages say the same telling thing that the question did not."""
    counts: Counter[str] = Counter()
    for passage in passages:
        _, held = max(_sentences(passage), key=lambda pair: weights.total(pair[1].intersection(asked.words)))
        counts.update(word for word in held - set(asked.words) if len(word) > 1)
    top = sorted(((n, weights.weight(word)) for word, n in counts.items()), reverse=True)[:5]
    return sum((n - 1) * weight for n, weight in top)
