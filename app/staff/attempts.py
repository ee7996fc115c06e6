"""Guessing passwords gets slower and slower."""

from __future__ import annotations

import math
from collections.abc import Callable

from app.errors import TooManyRequests

FREE = 5
FIRST_WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 3_600.0
FORGOTTEN_SECONDS = 24 * 3_600.0
REMEMBERED = 20_000
FREE_OF_LOGIN = 50
"""Failures of one login from everywhere: many addresses may not share the guessing, one may not lock the owner out."""


class Attempts:
    """Failures by login and address. After five each further one doubles the wait, up to an hour. In memory."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: dict[tuple[str, str], tuple[int, float]] = {}

    def allow(self, login: str, address: str) -> None:
        """Raises TooManyRequests while it is too early for another try."""
        now = self._clock()
        for key, free in self._keys(login, address):
            count, last = self._failures.get(key, (0, now))
            if count < free:
                continue
            wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(count - free, 10))
            if now - last < wait:
                left = math.ceil(wait - (now - last))
                raise TooManyRequests(
                    f"Too many tries in a row. Nothing was checked; try again in {left} s.", retry_after_seconds=left
                )

    def failed(self, login: str, address: str) -> None:
        """Note a failure."""
        now = self._clock()
        for key, _ in self._keys(login, address):
            count, last = self._failures.get(key, (0, now))
            self._failures[key] = ((count if now - last < FORGOTTEN_SECONDS else 0) + 1, now)
        if len(self._failures) > REMEMBERED:
            oldest = sorted(self._failures, key=lambda key: self._failures[key][1])[: REMEMBERED // 2]
            for key in oldest:
                del self._failures[key]

    def succeeded(self, login: str, address: str) -> None:
        """Somebody remembered in the end."""
        self._failures.pop((login, address), None)
        self._failures.pop((login, ""), None)

    @staticmethod
    def _keys(login: str, address: str) -> tuple[tuple[tuple[str, str], int], ...]:
        return (((login, address), FREE), (("", address), FREE * 4), ((login, ""), FREE_OF_LOGIN))
