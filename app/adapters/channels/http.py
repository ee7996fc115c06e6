"""One way to post to a channel: no redirect is followed, answers are read up to a limit, failures are sorted."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from app.channels.channel import Refused, TryLater

SECONDS = 10.0
MOST_ANSWER_BYTES = 64_000
TRY_AGAIN = frozenset({401, 403, 408, 409, 423, 425, 429})
"""Client errors that pass: a token that is being changed, a queue that is full. All others never will."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back: its status, and its JSON where it was an object."""

    status: int
    body: dict[str, Any]
    after_seconds: float = 0.0

    @property
    def told(self) -> str:
        """The other side's own words about what is wrong, cut short."""
        for key in ("error", "message", "detail", "errors"):
            if value := self.body.get(key):
                return str(value)[:200]
        return ""


class Line:
    """A connection to one channel."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._session: aiohttp.ClientSession | None = None

    async def call(self, method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> Answered:
        """The answer, whatever its status. Raises TryLater when there was none."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(trust_env=True)
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._session.request(method, url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                raw = await response.content.read(MOST_ANSWER_BYTES)
                return Answered(response.status, _object(raw), _seconds(response.headers.get("retry-after", "")))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise TryLater(f"It did not answer within {self._seconds:.0f} s ({type(error).__name__}).") from error

    async def deliver(self, method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> Answered:
        """The answer, when it is a good one. Raises TryLater or Refused for any other."""
        answered = await self.call(method, url, headers, body)
        if 200 <= answered.status < 300:
            return answered
        told = f"It answered {answered.status}{f': {answered.told}' if answered.told else ''}."
        if answered.status >= 500 or answered.status in TRY_AGAIN:
            raise TryLater(told, answered.after_seconds)
        raise Refused(told)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()


def _object(raw: bytes) -> dict[str, Any]:
    with contextlib.suppress(orjson.JSONDecodeError):
        found = orjson.loads(raw)
        if isinstance(found, dict):
            return found
    return {}


def _seconds(header: str) -> float:
    return float(header) if header.isascii() and header.isdigit() and len(header) < 6 else 0.0
