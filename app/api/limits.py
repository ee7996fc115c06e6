"""How often one address, conversation, account or shop may call, and how many streams they may hold open."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, TypeAlias

from app.errors import TooManyRequests

REMEMBERED = 20_000
Claim: TypeAlias = tuple[str, str]
"""What is counted, and for whom: ("address", "203.0.113.7")"""
WHO: Mapping[str, str] = {
    "address": "this address",
    "conversation": "this conversation",
    "account": "this account",
    "shop": "this shop",
    "upload": "this address with files",
}


USUAL: Mapping[str, int] = {"address": 3_000, "conversation": 600, "upload": 60}
"""Requests in a minute where nobody said otherwise"""


class RateLimits(Protocol):
    """Counts requests: in this process, or for all instances together."""

    async def take(self, *claims: Claim) -> None:
        """Count a request for each of them. Raises TooManyRequests, saying when to come back; then none is counted."""


class LocalLimits:
    """`RateLimits` in memory. `per_minute`: kind → most in a minute; one that is 0 or not named has no limit."""

    def __init__(self, per_minute: Mapping[str, int], clock: Callable[[], float] = time.monotonic) -> None:
        self._buckets = {kind: Buckets(most, clock) for kind, most in per_minute.items()}

    async def take(self, *claims: Claim) -> None:
        """Count it, or raise TooManyRequests for the longest wait among them."""
        counted = [(kind, key, self._buckets[kind]) for kind, key in claims if kind in self._buckets]
        waits = {kind: bucket.wait_seconds(key) for kind, key, bucket in counted}
        refuse(waits)
        for _, key, bucket in counted:
            bucket.take(key)


def refuse(waits: Mapping[str, float]) -> None:
    """Raises TooManyRequests where any kind has to wait; `waits` are seconds."""
    kind = max(waits, key=lambda kind: waits[kind], default="")
    if kind and (wait := math.ceil(waits[kind])) > 0:
        raise TooManyRequests(
            f"Too many requests of {WHO.get(kind, kind)}. Nothing was recorded; try again in {wait} s.",
            retry_after_seconds=wait,
        )


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
        refuse({"": 0.0, "request": self.wait_seconds(key)})
        now = self._clock()
        self._buckets[key] = (self._left(key, now) - 1, now)
        if len(self._buckets) > REMEMBERED:
            self._forget_full(now)

    def wait_seconds(self, key: str) -> float:
        """How long until the next token is there; 0 = now."""
        left = self._left(key, self._clock())
        return 0.0 if self._size <= 0 or left >= 1 else (1 - left) / self._per_second

    def _left(self, key: str, now: float) -> float:
        left, at = self._buckets.get(key, (self._size, now))
        return min(self._size, left + (now - at) * self._per_second)

    def _forget_full(self, now: float) -> None:
        """A bucket that is full again is like one we have never seen."""
        self._buckets = {
            key: (left, at)
            for key, (left, at) in self._buckets.items()
            if left + (now - at) * self._per_second < self._size
        }


class OpenStreams:
    """How many streams are open here, by claim. `most`: kind → the most at once; 0 or not named = any."""

    def __init__(self, most: Mapping[str, int], retry_after_seconds: int = 5) -> None:
        self._most = {kind: many for kind, many in most.items() if many > 0}
        self._open: Counter[Claim] = Counter()
        self._retry_after_seconds = retry_after_seconds
        self._total = 0

    @property
    def total(self) -> int:
        """All that are open."""
        return self._total

    @contextmanager
    def held(self, *claims: Claim) -> Iterator[None]:
        """One more for each, until the block ends. Raises TooManyRequests where there are as many as may be."""
        counted = [claim for claim in claims if claim[0] in self._most]
        for kind, key in counted:
            if self._open[kind, key] >= self._most[kind]:
                raise TooManyRequests(
                    f"{self._most[kind]} streams are open for {WHO.get(kind, kind)}, as many as may be. "
                    "Nothing was changed; close one, or come back later.",
                    retry_after_seconds=self._retry_after_seconds,
                )
        self._open.update(counted)
        self._total += 1
        try:
            yield
        finally:
            self._total -= 1
            self._open.subtract(counted)
            for claim in counted:
                if self._open[claim] <= 0:
                    del self._open[claim]
