"""Figures over many outcomes: ranking quality, calibration, percentiles. Pure functions of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of a reliability diagram: what was promised on average, what came true, over how many."""

    low: float
    high: float
    confidence: float
    accuracy: float
    n: int


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """The chance that a positive scores above a negative, ties counting half. None when either is empty."""
    if not positives or not negatives:
        return None
    above = np.sort(np.asarray(negatives, dtype=float))
    values = np.asarray(positives, dtype=float)
    below = np.searchsorted(above, values, side="left")
    tied = np.searchsorted(above, values, side="right") - below
    return float((below + tied / 2).mean() / len(above))


def reliability(confidences: Sequence[float], right: Sequence[float], bins: int = 10) -> list[Bin]:
    """Equal-width bins over 0..1 that have something in them."""
    promised, came_true = np.asarray(confidences, dtype=float), np.asarray(right, dtype=float)
    which = np.clip((promised * bins).astype(int), 0, bins - 1)
    return [
        Bin(b / bins, (b + 1) / bins, float(promised[which == b].mean()), float(came_true[which == b].mean()), int(n))
        for b in range(bins)
        if (n := (which == b).sum())
    ]


def expected_calibration_error(confidences: Sequence[float], right: Sequence[float], bins: int = 10) -> float | None:
    """Mean distance between promise and truth, weighted by how often; None for no data."""
    if not confidences:
        return None
    found = reliability(confidences, right, bins)
    return sum(b.n * abs(b.confidence - b.accuracy) for b in found) / len(confidences)


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Linear interpolation; None for no data."""
    return float(np.percentile(np.asarray(values, dtype=float), percent)) if values else None


def mean(values: Sequence[float]) -> float | None:
    """None for no data."""
    return float(np.mean(values)) if values else None
