"""How many turns are answered at once. Beyond that they wait in line and are told so; a line has an end."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from app.errors import TooManyRequests


class Admission:
    """A line before the attendant, first come first served. One a server; used on its event loop only."""

    def __init__(self, at_once: int = 64, waiting: int = 512, wait_seconds: float = 10.0) -> None:
        """So many turns at once, so many in line, and so long each: 0 at once = no limit."""
        self._free = at_once
        self._limited = at_once > 0
        self._at_once = max(1, at_once)
        self._most_waiting = waiting
        self._wait_seconds = wait_seconds
        self._line: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many are in line."""
        return len(self._line)

    def check(self) -> None:
        """Raises TooManyRequests when the line is full, so that a message is refused before it is recorded."""
        if self._limited and self._free <= 0 and len(self._line) >= self._most_waiting:
            seconds = max(1, math.ceil(self._wait_seconds / 2))
            raise TooManyRequests(
                "More shoppers are writing than can be answered at once. Nothing was recorded; send it again in "
                f"{seconds} s, or ask for a person.",
                retry_after_seconds=seconds,
            )

    @asynccontextmanager
    async def place(self, told: Callable[[int], None]) -> AsyncIterator[bool]:
        """True while the turn has its place; False when it waited as long as anybody should: then a person answers.

        `told` hears the place in line, once, when there is one.
        """
        admitted = await self._come_in(told) if self._limited else True
        try:
            yield admitted
        finally:
            if self._limited and admitted:
                self._leave()

    async def _come_in(self, told: Callable[[int], None]) -> bool:
        if self._free > 0:
            self._free -= 1
            return True
        turn_comes: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(turn_comes)
        told(len(self._line))
        try:
            async with asyncio.timeout(self._wait_seconds):
                await turn_comes
        except TimeoutError:
            return self._had_its_turn(turn_comes)
        except BaseException:
            if self._had_its_turn(turn_comes):
                self._leave()
            raise
        return True

    def _had_its_turn(self, turn_comes: asyncio.Future[None]) -> bool:
        """Whether the place was given in the very moment the wait ended; else it steps out of the line."""
        if turn_comes.done() and not turn_comes.cancelled():
            return True
        if turn_comes in self._line:
            self._line.remove(turn_comes)
        return False

    def _leave(self) -> None:
        """The next in line gets the place."""
        while self._line:
            next_one = self._line.popleft()
            if not next_one.done():
                next_one.set_result(None)
                return
        self._free += 1
