"""Guessing passwords gets slower and slower."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from app.errors import TooManyRequests

FREE = 5
FREE_OF_ADDRESS = 20
FREE_OF_LOGIN = 50
"""Failures of one login from everywhere: many addresses may not share the guessing, one may not lock the owner out."""
FIRST_WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 3_600.0
FORGOTTEN_SECONDS = 24 * 3_600.0
REMEMBERED = 20_000


class Attempts:
    """Tries by login and address. After five wrong ones each further one doubles the wait, up to an hour. In memory."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[tuple[str, str], tuple[int, float]] = {}

    def begin(self, login: str, address: str) -> None:
        """A try, counted as wrong until it `succeeded`: a thousand at the same moment are a thousand tries.

        Raises TooManyRequests while it is too early for another; that one is not counted.
        """
        now = self._clock()
        kept = [(key, *self._known(key, now)) for key, _ in _keys(login, address)]
        for (_, count, last), (_, free) in zip(kept, _keys(login, address), strict=True):
            wait = FIRST_WAIT_SECONDS * 2.0 ** min(count - free, 10) if count >= free else 0.0
            left = min(LONGEST_WAIT_SECONDS, wait) - (now - last)
            if wait and left > 0:
                raise TooManyRequests(
                    f"Too many tries in a row. Nothing was checked; try again in {math.ceil(left)} s.",
                    retry_after_seconds=math.ceil(left),
                )
        for key, count, _ in kept:
            self._failures[key] = (count + 1, now)
        if len(self._failures) > REMEMBERED:
            oldest = sorted(self._failures, key=lambda key: self._failures[key][1])[: REMEMBERED // 2]
            for key in oldest:
                del self._failures[key]

    def succeeded(self, login: str, address: str) -> None:
        """The try was right: what this address got wrong with this login before is forgiven."""
        own, *shared = (key for key, _ in _keys(login, address))
        self._failures.pop(own, None)
        for key in shared:
            count, last = self._failures.get(key, (0, 0.0))
            if count > 1:
                self._failures[key] = (count - 1, last)
            else:
                self._failures.pop(key, None)

    def _known(self, key: tuple[str, str], now: float) -> tuple[int, float]:
        count, last = self._failures.get(key, (0, now))
        return (count, last) if now - last < FORGOTTEN_SECONDS else (0, now)


def _keys(login: str, address: str) -> tuple[tuple[tuple[str, str], int], ...]:
    return (((login, address), FREE), (("", address), FREE_OF_ADDRESS), ((login, ""), FREE_OF_LOGIN))
