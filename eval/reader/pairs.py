"""What the reader is fitted on: questions of the training shops, each with passages that answer it and some that don't.

The passages are those the production pipeline finds, so the reader learns from the confusions it will meet. Shops in
`eval/training/kept_apart.txt` are never shown to it: what judges by its scores is fitted on those.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from app.adapters.rerankers.passage_reader import PairCutter
from eval.calibrate import Example

_MOST_RIGHT = 3


@dataclass(frozen=True, slots=True)
class Pair:
    """Token ids of a question with a passage, and whether the passage answers it."""

    ids: tuple[int, ...]
    answers: bool


Asked = Sequence[Pair]
"""One question's pairs, in the order the passages were found."""


def asked_pairs(examples: Iterable[Example], cutter: PairCutter) -> list[Asked]:
    """The pairs of every example."""
    return [
        [
            Pair(tuple(cutter.pair(example.question.asked, passage.chunk)), bool(label))
            for passage, label in zip(example.passages, example.labels, strict=True)
        ]
        for example in examples
    ]


def sampled(asked: Asked, wrong: int, rng: Random) -> list[Pair]:
    """The passages that answer, and of the others the best found and one from further down: `wrong` in all."""
    right = [pair for pair in asked if pair.answers][:_MOST_RIGHT]
    others = [pair for pair in asked if not pair.answers]
    further = others[wrong - 1 :]
    return [*right, *others[: wrong - 1], *rng.sample(further, min(1, len(further)))]


def batches(questions: Sequence[Asked], tokens: int, wrong: int, rng: Random) -> list[list[list[Pair]]]:
    """All questions once, in batches of at most `tokens` padded tokens; those of a length stand together."""
    shuffled = list(questions)
    rng.shuffle(shuffled)
    found: list[list[list[Pair]]] = []
    for start in range(0, len(shuffled), _BUCKET):
        bucket = [sampled(asked, wrong, rng) for asked in shuffled[start : start + _BUCKET]]
        found += _packed(sorted(filter(None, bucket), key=longest), tokens)
    rng.shuffle(found)
    return found


_BUCKET = 256


def longest(pairs: Sequence[Pair]) -> int:
    """Tokens of the longest pair."""
    return max(len(pair.ids) for pair in pairs)


def _packed(bucket: Sequence[list[Pair]], tokens: int) -> list[list[list[Pair]]]:
    packed: list[list[list[Pair]]] = []
    batch: list[list[Pair]] = []
    count = 0
    for pairs in bucket:
        # Sorted by length: the newest is the longest of the batch.
        if batch and longest(pairs) * (count + len(pairs)) > tokens:
            packed.append(batch)
            batch, count = [], 0
        batch.append(pairs)
        count += len(pairs)
    return [*packed, batch] if batch else packed
