"""What may be said from counts: intervals for rates, and whether one of two paired runs is better. Pure functions.

Exact where it is cheap. Sources: Wilson 1927; Clopper and Pearson 1934; McNemar 1947, exact by the binomial; Newcombe
1998, method 10, for the difference of paired shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `n`; `low` and `high` are the ends of its Wilson interval at 95 %."""

    hits: float
    n: int

    @property
    def value(self) -> float | None:
        """The share, None when there is nothing to count."""
        return self.hits / self.n if self.n else None

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return wilson(self.hits, self.n)[0]

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return wilson(self.hits, self.n)[1]

    def as_json(self) -> dict[str, float | None]:
        """Count, share and interval as plain values."""
        return {"hits": self.hits, "n": self.n, "value": self.value, "low": self.low, "high": self.high}


def rate_of(values: Sequence[float | None]) -> Rate:
    """The rate of ones among values of 0..1; None says nothing and is left out."""
    told = [value for value in values if value is not None]
    return Rate(sum(told), len(told))


def wilson(hits: float, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval for a share; (0, 1) when nothing was counted. It never leaves 0..1."""
    if not n:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (0.0 if hits == 0 else max(0.0, centre - half)), (1.0 if hits == n else min(1.0, centre + half))


def clopper_pearson(hits: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """The exact interval: never too narrow, whatever the share. For claims that must hold."""
    if not n:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else _solve(lambda p: binomial_at_least(hits, n, p) - tail)
    high = 1.0 if hits == n else _solve(lambda p: tail - binomial_at_most(hits, n, p))
    return low, high


def binomial_at_most(hits: int, n: int, p: float) -> float:
    """P(X ≤ hits) for X binomial(n, p)."""
    if hits >= n or p <= 0:
        return 1.0
    if hits < 0 or p >= 1:
        return 0.0
    return min(1.0, math.fsum(math.exp(_log_binomial(k, n, p)) for k in range(hits + 1)))


def hypergeometric_at_most(hits: int, marked: int, drawn: int, population: int) -> float:
    """P(X ≤ hits) when so many of a population are drawn and so many of it are marked."""
    return min(1.0, math.fsum(_drawn(k, marked, drawn, population) for k in range(min(hits, marked, drawn) + 1)))


def _drawn(k: int, marked: int, drawn: int, population: int) -> float:
    if drawn - k > population - marked:
        return 0.0
    return math.exp(_log_ways(marked, k) + _log_ways(population - marked, drawn - k) - _log_ways(population, drawn))


def _log_ways(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def binomial_at_least(hits: int, n: int, p: float) -> float:
    """P(X ≥ hits) for X binomial(n, p)."""
    if hits <= 0 or p >= 1:
        return 1.0
    if hits > n or p <= 0:
        return 0.0
    return min(1.0, math.fsum(math.exp(_log_binomial(k, n, p)) for k in range(hits, n + 1)))


@dataclass(frozen=True, slots=True)
class Paired:
    """Two runs over the same samples: in how many both, only one, or neither was right."""

    both: int
    only_before: int
    only_after: int
    neither: int

    @property
    def n(self) -> int:
        """Samples that both runs have."""
        return self.both + self.only_before + self.only_after + self.neither

    @property
    def before(self) -> Rate:
        """The rate of the first run."""
        return Rate(self.both + self.only_before, self.n)

    @property
    def after(self) -> Rate:
        """The rate of the second run."""
        return Rate(self.both + self.only_after, self.n)

    @property
    def difference(self) -> float:
        """How much the second run is above the first, -1..1."""
        return (self.only_after - self.only_before) / self.n if self.n else 0.0

    @property
    def p_value(self) -> float:
        """Exact McNemar test, two-sided: how likely so uneven a split of the flips is when neither run is better."""
        return mcnemar(self.only_before, self.only_after)

    @property
    def p_worse(self) -> float:
        """The same, one-sided: small when the second run is worse."""
        flips = self.only_before + self.only_after
        return binomial_at_least(self.only_before, flips, 0.5) if flips else 1.0

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Interval of the difference, by Newcombe's method for paired shares."""
        return newcombe(self, level)


def paired(before: Sequence[bool], after: Sequence[bool]) -> Paired:
    """Counts of two runs over the same samples, in the same order."""
    pairs = list(zip(before, after, strict=True))
    return Paired(
        both=pairs.count((True, True)),
        only_before=pairs.count((True, False)),
        only_after=pairs.count((False, True)),
        neither=pairs.count((False, False)),
    )


def mcnemar(lost: int, won: int) -> float:
    """Exact two-sided p-value for `lost` flips one way and `won` the other; 1 without flips."""
    flips = lost + won
    return min(1.0, 2 * binomial_at_most(min(lost, won), flips, 0.5)) if flips else 1.0


def newcombe(counts: Paired, level: float = LEVEL) -> tuple[float, float]:
    """Interval for the difference of two paired shares (after minus before)."""
    n = counts.n
    if not n:
        return -1.0, 1.0
    a, b, c, d = counts.both, counts.only_after, counts.only_before, counts.neither
    after, before = (a + b) / n, (a + c) / n
    low_after, high_after = wilson(a + b, n, level)
    low_before, high_before = wilson(a + c, n, level)
    product = (a + b) * (c + d) * (a + c) * (b + d)
    determinant = float(a * d - b * c)
    if determinant > 0:
        determinant = max(determinant - n / 2, 0.0)
    phi = determinant / math.sqrt(product) if product else 0.0
    down = _distance(after - low_after, high_before - before, phi)
    up = _distance(high_after - after, before - low_before, phi)
    return max(-1.0, after - before - down), min(1.0, after - before + up)


def _distance(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(one * one - 2 * phi * one * other + other * other, 0.0))


def _log_binomial(k: int, n: int, p: float) -> float:
    chosen = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return chosen + k * math.log(p) + (n - k) * math.log1p(-p)


def _solve(rising: Callable[[float], float]) -> float:
    """Where a rising function of a share crosses zero."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2
