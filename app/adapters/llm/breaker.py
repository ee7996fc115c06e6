"""A circuit breaker: after failures nobody waits for a part that is down, and one call at a time tries it again."""

from __future__ import annotations

import time
from collections.abc import Callable


class Breaker:
    """Opens after `failures_allowed` failures in a row; each further failure doubles the pause, up to a limit."""

    def __init__(
        self,
        failures_allowed: int = 2,
        pause_seconds: float = 3.0,
        longest_pause_seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = failures_allowed
        self._pause = pause_seconds
        self._longest = longest_pause_seconds
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0
        self._probing = False

    @property
    def closed(self) -> bool:
        """True while calls may pass: nothing is wrong, or it is time for one probe."""
        if self._failures < self._allowed:
            return True
        return not self._probing and self._clock() >= self._open_until

    def begin(self) -> bool:
        """Take leave to call. False: do not call. After True, exactly one of succeed, fail and forget must follow."""
        if not self.closed:
            return False
        self._probing = self._failures >= self._allowed
        return True

    def succeed(self) -> None:
        """The call worked: all is forgiven."""
        self._failures = 0
        self._probing = False

    def fail(self) -> None:
        """The call failed."""
        self._failures += 1
        self._probing = False
        if self._failures >= self._allowed:
            doublings = min(self._failures - self._allowed, 16)
            self._open_until = self._clock() + min(self._longest, self._pause * 2**doublings)

    def forget(self) -> None:
        """The call says nothing about the part: it was cancelled, or the request itself was wrong."""
        self._probing = False
