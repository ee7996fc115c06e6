"""Which of many asked-and-answered pairs are about the same thing. Pure: vectors and words in, groups out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.knowledge.tokenize import words

ALIKE = 0.5
"""Mean likeness of two groups from which they are one."""
_QUESTION, _ANSWER = 0.4, 0.6
_CEILING = 0.75
"""Likeness of two questions, less what all questions have in common, from which they mean the same."""
UNLIKE = (
    "几天能收到货？", "满多少包邮？", "怎么退货？", "这件衣服怎么洗？", "可以开发票吗？", "你们几点下班？",
    "积分怎么用？", "有没有红色的？", "这款适合多大的孩子？", "能用花呗吗？", "保修多久？", "可以送到国外吗？",
    "How long does delivery take?", "Can I pay by card?", "How do I wash this?", "Do you have it in red?",
    "Where is your shop?", "How long is the warranty?", "Is there a discount for students?", "Can I change my address?",
    "What are the fees?", "Is it waterproof?", "Do you sell gift cards?", "How do I join the club?",
)  # fmt: skip
"""Questions that have nothing in common but being asked of shops: what they share is taken off every other."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A question a shopper asked and what a person answered, both tidied and masked. `vector` is the question's, less
    what all questions share (see `centred`)."""

    question: str
    answer: str
    vector: NDArray[np.float32]


def centred(vectors: NDArray[np.float32], unlike: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors without what unlike questions have in common, of unit length: cosines then compare across embedders."""
    apart = vectors - unlike.mean(axis=0)
    told: NDArray[np.float32] = (apart / np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-6)).astype(
        np.float32
    )
    return told


def groups_of(pairs: Sequence[Pair], alike: float = ALIKE) -> list[list[int]]:
    """Indices of pairs that ask and say the same, largest group first: average linkage, the most alike joined first."""
    if not pairs:
        return []
    likeness = likeness_of(pairs)
    members: dict[int, list[int]] = {at: [at] for at in range(len(pairs))}
    sums = likeness.copy()
    sizes = np.ones(len(pairs), dtype=np.float32)
    np.fill_diagonal(sums, -np.inf)
    means = sums.copy()
    while True:
        first, second = divmod(int(np.argmax(means)), len(pairs))
        if means[first, second] < alike:
            break
        members[first] += members.pop(second)
        sizes[first] += sizes[second]
        sums[first] += sums[second]
        sums[:, first] = sums[first]
        sums[second] = sums[:, second] = -np.inf
        sums[first, first] = -np.inf
        means[second] = means[:, second] = -np.inf
        means[first] = means[:, first] = sums[first] / (sizes[first] * sizes)
    return sorted(members.values(), key=lambda group: (-len(group), group[0]))


def likeness_of(pairs: Sequence[Pair]) -> NDArray[np.float32]:
    """Shape (n, n), 0..1: how much two questions mean the same, and two answers say the same."""
    vectors = np.stack([pair.vector for pair in pairs]).astype(np.float32)
    asked = np.clip(vectors @ vectors.T / _CEILING, 0.0, 1.0)
    told = overlap_of([pair.answer for pair in pairs])
    combined: NDArray[np.float32] = (_QUESTION * asked + _ANSWER * told).astype(np.float32)
    return combined


def overlap_of(texts: Sequence[str]) -> NDArray[np.float32]:
    """Shape (n, n), 0..1: cosine of the texts' words, rare words and figures counting more."""
    counted = [set(words(text)) for text in texts]
    weights = rarity_of(counted)
    index = {word: at for at, word in enumerate(weights)}
    table = np.zeros((len(texts), max(1, len(index))), dtype=np.float32)
    for row, told in enumerate(counted):
        for word in told:
            table[row, index[word]] = weights[word]
    table /= np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-6)
    overlap: NDArray[np.float32] = table @ table.T
    return overlap


def rarity_of(counted: Sequence[set[str]]) -> Mapping[str, float]:
    """Word → weight. What stands in every second answer tells little."""
    seen = Counter(word for told in counted for word in told)
    n = len(counted)
    return {word: (1.5 if word[0].isdigit() else 1.0) * math.log(1.0 + n / many) for word, many in seen.items()}


def share_told(text: str, by: str) -> float:
    """Which share of a text's words another text has, figures counting double; 1 for an empty text."""
    told, has = set(words(text)), set(words(by))
    weights = {word: 2.0 if word[0].isdigit() else 1.0 for word in told}
    whole = sum(weights.values())
    return sum(weight for word, weight in weights.items() if word in has) / whole if whole else 1.0
