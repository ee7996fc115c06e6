"""Read the passages that are in doubt together with the question, and judge them anew.

The selector goes by what stands on the surface of question and passage. A reranker reads the two together, which costs
a hundred times as much, so it is shown only the best few, and none where there is no doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from app.chat.calibrate import FittedModel
from app.chat.ports import Reranker
from app.chat.select import FEATURES
from app.chat.turn import Passage, Question

READ = 6
"""How many passages are read, best first: the right one is among them for nineteen of twenty answerable questions."""
SURE = 0.93
"""Confidence of the best passage from which its surface is enough: of plain questions 97 in 100 are right there."""
HOPELESS = 0.01
"""Confidence of the best passage below which reading is not worth its time: nothing on the subject was found."""
READ_FEATURES = (*FEATURES, "chosen", "read", "read_above", "read_rank")
"""What the second judgement knows of a passage: all that the first did, what the first made of it, and the reading."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges passages by reading them: `model` gives P(this one answers) from surface and reading together."""

    reranker: Reranker
    model: FittedModel

    async def judge(self, question: Question, passages: Sequence[Passage]) -> list[Passage]:
        """The passages, best first, the read ones with a new confidence and what was read among their scores.

        Raises Unavailable when the reranker is a service that is down.
        """
        if not in_doubt(passages):
            return list(passages)
        read = passages[:READ]
        table = with_reading(read, await self.reranker.scores(question, read))
        judged = [
            replace(passage, confidence=chance, scores=MappingProxyType(row))
            for passage, row, chance in zip(read, table, self.model.probabilities(table), strict=True)
        ]
        return sorted([*judged, *passages[READ:]], key=lambda p: -p.confidence)


def in_doubt(passages: Sequence[Passage]) -> bool:
    """Whether reading could change anything: something was found, and what was found is not beyond doubt."""
    return bool(passages) and HOPELESS <= passages[0].confidence < SURE and not passages[0].scores.get("certain")


def with_reading(passages: Sequence[Passage], scores: Sequence[float]) -> list[dict[str, float]]:
    """Each passage's scores with what reading it said: the raw score, how far above the best other, and its place."""
    order = sorted(scores, reverse=True)
    return [
        {
            **passage.scores,
            "chosen": passage.confidence,
            "read": score,
            "read_above": score - best_other(order, score),
            "read_rank": order.index(score) / READ,
        }
        for passage, score in zip(passages, scores, strict=True)
    ]


def best_other(order: Sequence[float], score: float) -> float:
    """The best of the other scores, of scores in falling order; the score itself where there is no other."""
    if len(order) < 2:
        return score
    return order[1] if score == order[0] else order[0]
