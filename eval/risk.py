"""The risk–coverage curve: what would be wrong if the most confident share were answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.statistics import wilson


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """Answering everything at or above `confidence` answers `coverage` of all; `risk` of those are wrong."""

    confidence: float
    coverage: float
    risk: float
    low: float
    high: float


def risk_curve(confidences: Sequence[float], right: Sequence[float]) -> list[RiskPoint]:
    """One point a distinct confidence, from the most confident on; with Wilson's interval of the risk."""
    pairs = sorted(zip(confidences, right, strict=True), reverse=True)
    points: list[RiskPoint] = []
    wrong = 0.0
    for index, (confidence, correct) in enumerate(pairs, start=1):
        wrong += 1 - correct
        if index < len(pairs) and pairs[index][0] == confidence:
            continue
        low, high = wilson(wrong, index)
        points.append(RiskPoint(confidence, index / len(pairs), wrong / index, low, high))
    return points


def area_under_risk(points: Sequence[RiskPoint]) -> float | None:
    """Mean risk over all coverages (AURC): lower is better; None for no data."""
    if not points:
        return None
    area, before = 0.0, 0.0
    for point in points:
        area += point.risk * (point.coverage - before)
        before = point.coverage
    return area
