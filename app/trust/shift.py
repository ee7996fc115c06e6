"""The shift alarm: are the questions whose answers are sent still like those a certificate was made on? Pure.

Only harm counts. A suite is usually harder than what shoppers ask, so live questions that look *easier* raise nothing;
each feature is tested in the one direction that makes answers worse, by the one-sided Kolmogorov–Smirnov test.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WATCHED: Mapping[str, int] = {
    "first": 1,
    "dense": 1,
    "dense_alone": 1,
    "question_covered": 1,
    "question_covered_top5": 1,
    "name_covered": 1,
    "p_knowledge": 1,
    "unknown_words": -1,
    "p_offtopic": -1,
    "attribute_missing": -1,
}
"""Feature → 1 when less of it is worse, -1 when more is."""
WINDOW = 200
LEAST = 60
"""Sent answers from which the test says anything."""
RAISED_AT = 1e-4
"""p-value, corrected for the number of features, at which the alarm goes off. It is looked at again and again, so it
has to be small: over 10,000 answers without any shift it goes off about never (tests/unit/test_shift.py)."""
CLEARED_AT = 0.01
LEAST_DISTANCE = 0.2
"""Smaller differences are none that matter, however sure they are."""
EVERY = 10
"""Answers between two tests."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """The feature that differs most, how far (largest distance of the two distributions) and how surely (p-value)."""

    feature: str
    distance: float
    p_value: float
    answers: int


class ShiftWatch:
    """Watches one shop against the rows of its certificate: (confidence, *features) of every labelled question."""

    def __init__(self, watched: Sequence[str], rows: Sequence[Sequence[float]], threshold: float) -> None:
        self._watched = tuple(watched)
        sent = [row[1:] for row in rows if row[0] >= threshold]
        self._known = [sorted(_harm(name, row[n]) for row in sent) for n, name in enumerate(self._watched)]
        self._window: deque[tuple[float, ...]] = deque(maxlen=WINDOW)
        self._since = 0
        self.alarm: Alarm | None = None

    @property
    def answers(self) -> int:
        """How many sent answers are looked at."""
        return len(self._window)

    @property
    def rows(self) -> list[list[float]]:
        """The features of those, oldest first."""
        return [[_harm(n, v) for n, v in zip(self._watched, row, strict=True)] for row in self._window]

    def saw(self, features: Mapping[str, float]) -> bool:
        """One more answer that would be sent. Returns whether the alarm has changed."""
        return self.take_up([[float(features.get(name, 0.0)) for name in self._watched]])

    def take_up(self, rows: Sequence[Sequence[float]]) -> bool:
        """Several at once, as `rows` gave them. Returns whether the alarm has changed."""
        for row in rows:
            self._window.append(tuple(_harm(name, value) for name, value in zip(self._watched, row, strict=True)))
        self._since += len(rows)
        if len(self._window) < LEAST or self._since < EVERY or not self._known or len(self._known[0]) < LEAST // 2:
            return False
        self._since = 0
        before, worst = self.alarm, self._worst()
        if self.alarm is None:
            self.alarm = worst if worst.p_value <= RAISED_AT and worst.distance >= LEAST_DISTANCE else None
        else:
            self.alarm = None if worst.p_value > CLEARED_AT else worst
        return (before is None) != (self.alarm is None)

    def _worst(self) -> Alarm:
        live = list(zip(*self._window, strict=True))
        found = [
            Alarm(name, *_further_up(sorted(live[n]), self._known[n], len(self._watched)), len(self._window))
            for n, name in enumerate(self._watched)
        ]
        return min(found, key=lambda alarm: alarm.p_value)


def _harm(name: str, value: float) -> float:
    """The value turned so that more is worse."""
    return -value if WATCHED.get(name, 1) > 0 else value


def _further_up(live: Sequence[float], known: Sequence[float], tests: int) -> tuple[float, float]:
    """How far the live values lie above the known ones, and the corrected p-value (Smirnov's limit, one-sided)."""
    distance = max(
        bisect_right(known, value) / len(known) - bisect_right(live, value) / len(live) for value in {*live, *known}
    )
    effective = len(live) * len(known) / (len(live) + len(known))
    return distance, min(1.0, tests * math.exp(-2 * effective * max(distance, 0.0) ** 2))
