"""Ways of searching for a threshold, compared on made-up shops whose true wrong-answer rates are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from rich.table import Table

from eval.certify import AFFORDED, chance, needed, starts

Search = Callable[[Sequence[int], float, float], int]
"""Running totals of mistakes, α and δ → how many of the surest answers are certified"""
RUNS = 200
_POPULATION = 100_000


def walk(mistakes: Sequence[int], first: int, alpha: float, delta: float) -> int:
    """From the `first` surest answers on, until a point fails."""
    best = 0
    for count in range(first, len(mistakes) + 1):
        if chance(mistakes[count - 1], count, alpha) > delta:
            break
        best = count
    return best


def one_walk(mistakes: Sequence[int], alpha: float, delta: float) -> int:
    """From where one mistake may be afforded."""
    return walk(mistakes, starts(len(mistakes), alpha, delta)[0], alpha, delta)


def from_half(mistakes: Sequence[int], alpha: float, delta: float) -> int:
    """From the more confident half on."""
    return walk(mistakes, max(needed(alpha, delta, AFFORDED), len(mistakes) // 2), alpha, delta)


def two_walks(mistakes: Sequence[int], alpha: float, delta: float) -> int:
    """Both, each at half the level: what is in use."""
    return max(walk(mistakes, first, alpha, delta / 2) for first in starts(len(mistakes), alpha, delta / 2))


def bonferroni(mistakes: Sequence[int], alpha: float, delta: float, points: int = 10) -> int:
    """Every point of a coarse grid, each at a tenth of the level."""
    grid = [len(mistakes) * n // points for n in range(1, points + 1)]
    return max((m for m in grid if m and chance(mistakes[m - 1], m, alpha) <= delta / points), default=0)


SEARCHES: Mapping[str, Search] = {
    "Bonferroni, 10 points": bonferroni,
    "one walk": one_walk,
    "from the half on": from_half,
    "two walks (in use)": two_walks,
}
SHOPS: Mapping[str, tuple[float, float, float]] = {
    "sure and right": (8.0, 1.0, 0.0),
    "well ranked": (4.0, 1.0, 0.0),
    "2 % wrong at any confidence": (8.0, 1.0, 0.02),
}
"""Confidence is Beta(a, b); an answer is wrong with (1 − confidence)² + the last number."""


def compare_procedures(alpha: float = 0.05, delta: float = 0.05, seed: int = 1) -> Table:
    """How much each certifies on average, and how often what it certifies does not hold."""
    table = Table(
        title=f"α = {alpha:.0%}, δ = {delta:.0%}: answers certified / how often that does not hold, {RUNS} runs",
        title_justify="left",
        header_style="bold",
    )
    for heading in ("shop", "labels", "at best", *SEARCHES):
        table.add_column(heading, justify="left" if heading == "shop" else "right")
    rng = np.random.default_rng(seed)
    for shop, law in SHOPS.items():
        everyone = np.sort(rng.beta(law[0], law[1], _POPULATION))[::-1]
        risk = np.cumsum(_chance_of_wrong(everyone, law[2])) / np.arange(1, _POPULATION + 1)
        inside = np.nonzero(risk <= alpha)[0]
        best = (inside[-1] + 1) / _POPULATION if len(inside) else 0.0
        for labels in (130, 260, 800):
            told = _rows(rng, law, labels, alpha, delta, everyone, risk)
            table.add_row(shop, str(labels), f"{best:.0%}", *told)
    return table


def _rows(
    rng: np.random.Generator,
    law: tuple[float, float, float],
    labels: int,
    alpha: float,
    delta: float,
    everyone: np.ndarray[tuple[int], np.dtype[np.float64]],
    risk: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> list[str]:
    covered = dict.fromkeys(SEARCHES, 0.0)
    broken = dict.fromkeys(SEARCHES, 0)
    for _ in range(RUNS):
        confidence = np.sort(rng.beta(law[0], law[1], labels))[::-1]
        mistakes = np.cumsum(rng.random(labels) < _chance_of_wrong(confidence, law[2])).tolist()
        for name, search in SEARCHES.items():
            certified = search(mistakes, alpha, delta)
            covered[name] += certified / labels / RUNS
            if certified:
                above = int(np.searchsorted(-everyone, -confidence[certified - 1], side="right"))
                broken[name] += bool(risk[max(above - 1, 0)] > alpha)
    return [f"{covered[name]:.0%} / {broken[name] / RUNS:.1%}" for name in SEARCHES]


def _chance_of_wrong(
    confidence: np.ndarray[tuple[int], np.dtype[np.float64]], anywhere: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.minimum(1.0, (1.0 - confidence) ** 2 + anywhere)
