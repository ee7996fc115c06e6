"""Makes one drafted FAQ row out of what several people answered to the same question. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.knowledge.tokenize import words
from app.review.group import Pair, overlap_of, share_told

PHRASINGS = 12
VARIANTS = 4
_FIGURE = re.compile(r"\d+(?:[.:]\d+)?")
_SAME_QUESTION = 0.9
LONGEST_QUESTION = 80


@dataclass(frozen=True, slots=True)
class Drafted:
    """A row to approve.

    phrasings  other ways in which shoppers asked it
    variants   other answers that were given, where their figures differ from the chosen one's: somebody has to look
    """

    question: str
    answer: str
    phrasings: tuple[str, ...]
    variants: tuple[str, ...]


def draft_of(pairs: Sequence[Pair]) -> Drafted:
    """The row that speaks for a group: its most central question and answer."""
    answer = _central_answer([pair.answer for pair in pairs])
    asked = _ordered_questions(pairs)
    question = next((text for text in asked if len(text) <= LONGEST_QUESTION), asked[0])
    others = [text for text in asked if text != question]
    return Drafted(question, answer, tuple(_distinct(question, others)[:PHRASINGS]), _variants(answer, pairs))


def _central_answer(answers: Sequence[str]) -> str:
    """The one that says most of what the others say; of equals the fuller one."""
    overlap = overlap_of(answers)
    fullness = np.array([len(set(words(answer))) for answer in answers], dtype=np.float32)
    score = overlap.mean(axis=1) + 0.15 * np.minimum(fullness / max(1.0, float(np.median(fullness))), 1.5)
    return answers[int(np.argmax(score))]


def _ordered_questions(pairs: Sequence[Pair]) -> list[str]:
    """The questions, nearest to the middle of the group first."""
    vectors = np.stack([pair.vector for pair in pairs])
    nearness = vectors @ vectors.mean(axis=0)
    order = np.argsort(-nearness, kind="stable")
    return list(dict.fromkeys(pairs[int(at)].question for at in order))


def _distinct(question: str, others: Sequence[str]) -> list[str]:
    """Those that are not nearly the same words again."""
    kept: list[str] = []
    for text in others:
        seen = [question, *kept]
        if len(text) <= 2 * LONGEST_QUESTION and not any(
            min(share_told(text, one), share_told(one, text)) >= _SAME_QUESTION for one in seen
        ):
            kept.append(text)
    return kept


def _variants(answer: str, pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Answers with a figure that the chosen one does not have, most frequent figures first."""
    own = set(_FIGURE.findall(answer))
    found: Counter[str] = Counter()
    first: dict[str, str] = {}
    for pair in pairs:
        if other := sorted(set(_FIGURE.findall(pair.answer)) - own):
            key = " ".join(other)
            found[key] += 1
            first.setdefault(key, pair.answer)
    return tuple(first[key] for key, _ in found.most_common(VARIANTS))
