"""How often one address or conversation may call."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from app.errors import TooManyRequests

REMEMBERED = 20_000


class Buckets:
    """One token bucket a key, in memory. Refills `per_minute`, holds as many at most; 0 = no limit."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = float(per_minute)
        self._per_second = per_minute / 60
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> None:
        """Take one token. Raises TooManyRequests, saying when to come back."""
        if self._size <= 0:
            return
        now = self._clock()
        left, at = self._buckets.get(key, (self._size, now))
        left = min(self._size, left + (now - at) * self._per_second)
        if left < 1:
            wait = math.ceil((1 - left) / self._per_second)
            raise TooManyRequests(f"Nothing was recorded. Try again in {wait} s.", retry_after_seconds=wait)
        self._buckets[key] = (left - 1, now)
        if len(self._buckets) > REMEMBERED:
            self._forget_full(now)

    def _forget_full(self, now: float) -> None:
        """A bucket that is full again is like one we have never seen."""
        self._buckets = {
            key: (left, at)
            for key, (left, at) in self._buckets.items()
            if left + (now - at) * self._per_second < self._size
        }
