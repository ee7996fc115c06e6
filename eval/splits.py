"""Does a certificate hold? Calibrated on one random half of the labels, judged on the other, again and again. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from eval.certify import DELTA, Shot, answered, level_of, missing, smallest_alpha, wrong_rate


@dataclass(frozen=True, slots=True)
class Split:
    """One random half judged by the certificate of the other."""

    certified: bool
    wrong: int
    sent: int
    answered: float

    @property
    def rate(self) -> float:
        """Share of wrong ones among what was sent; 0 where nothing was."""
        return self.wrong / self.sent if self.sent else 0.0


@dataclass(frozen=True, slots=True)
class Held:
    """What the splits of one suite came to."""

    name: str
    labels: int
    in_scope: int
    alpha: float
    splits: Sequence[Split]
    smallest: float | None
    missing_2: int | None
    whole: float
    reachable: float

    @property
    def exceeded(self) -> int:
        """Splits in which more than α of what was sent on the other half was wrong."""
        return sum(split.rate > self.alpha for split in self.splits)

    @property
    def certified(self) -> int:
        """Splits whose first half supported the limit at all."""
        return sum(split.certified for split in self.splits)

    @property
    def answered(self) -> float:
        """Mean share of in-scope questions answered on the other half; nothing is where nothing was certified."""
        return fmean(split.answered for split in self.splits)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "labels": self.labels,
            "in_scope": self.in_scope,
            "alpha": self.alpha,
            "splits": len(self.splits),
            "exceeded": self.exceeded,
            "certified": self.certified,
            "answered_in_scope": round(self.answered, 4),
            "answered_with_all_labels": round(self.whole, 4),
            "reachable": round(self.reachable, 4),
            "smallest_alpha": self.smallest,
            "labels_missing_for_2_percent": self.missing_2,
        }


def held(name: str, shots: Sequence[Shot], alpha: float, times: int = 100, seed: int = 1) -> Held:
    """Split so often, and see."""
    return Held(
        name=name,
        labels=len(shots),
        in_scope=sum(s.in_scope for s in shots),
        alpha=alpha,
        splits=[_split(shots, alpha, seed + n) for n in range(times)],
        smallest=smallest_alpha(shots),
        missing_2=missing(shots, 0.02),
        whole=level_of(shots, alpha, DELTA).answered,
        reachable=reachable(shots, alpha),
    )


def reachable(shots: Sequence[Shot], alpha: float) -> float:
    """In-scope share that could be answered with all labels known and no certainty asked for: what ranking allows."""
    order = sorted((s for s in shots if s.confidence is not None), key=lambda s: -(s.confidence or 0.0))
    in_scope = sum(s.in_scope for s in shots) or 1
    told, wrong, best = sum(s.looked_up and s.in_scope for s in shots), 0, 0
    best = told
    for count, shot in enumerate(order, start=1):
        wrong += shot.wrong
        told += shot.in_scope
        if wrong / count <= alpha:
            best = told
    return best / in_scope


def _split(shots: Sequence[Shot], alpha: float, seed: int) -> Split:
    mixed = list(shots)
    random.Random(seed).shuffle(mixed)
    first, other = mixed[: len(mixed) // 2], mixed[len(mixed) // 2 :]
    level = level_of(first, alpha, DELTA)
    wrong, sent = wrong_rate(other, level.groups)
    return Split(level.holds, wrong, sent, answered(other, level.groups) if level.holds else 0.0)
