"""One Redis, asked with little patience: what it does for us can be done worse without it, and never is waited for."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.errors import ConfigurationError, Unavailable

T = TypeVar("T")

PATIENCE_SECONDS = 0.5
REST_SECONDS = 1.0
"""So long nobody asks again after a failure"""
log = structlog.get_logger(__name__)


class RedisLink:
    """The connections of this instance. `prefix` keeps installations apart that share a Redis."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "xiaoer",
        clock: Callable[[], float] = time.monotonic,
        most_connections: int = 64,
    ) -> None:
        if urlsplit(url).scheme not in ("redis", "rediss", "unix"):
            raise ConfigurationError(
                "XIAOER_REDIS is no redis:// or rediss:// address. Nothing was started; correct it."
            )
        self.prefix = prefix
        self._clock = clock
        self._lost_at: float | None = None
        self._asks_at = 0.0
        self._told_of_loss: list[Callable[[], None]] = []
        # Retries are ours: one that waits inside the driver would hold a turn up.
        self.client: Redis = Redis.from_url(
            url,
            socket_timeout=PATIENCE_SECONDS,
            socket_connect_timeout=PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 1),
            max_connections=most_connections,
        )

    @property
    def alive(self) -> bool:
        """Whether it answered when it was last asked."""
        return self._lost_at is None

    @property
    def told(self) -> str:
        """Its state for people."""
        if self._lost_at is None:
            return "connected"
        away = self._clock() - self._lost_at
        return (
            f"away for {away:.0f} s: limits count an instance, events reach other instances within a second or two, "
            "answers are not shared; nothing is lost"
        )

    def key(self, *parts: str) -> str:
        """A key of this installation."""
        return ":".join((self.prefix, *parts))

    def when_lost(self, hears: Callable[[], None]) -> None:
        """Call this, from the event loop, whenever it is found to be away."""
        self._told_of_loss.append(hears)

    async def ask(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """What Redis answers. Raises Unavailable at once while it has just failed, else within `PATIENCE_SECONDS`."""
        if self._lost_at is not None and self._clock() < self._asks_at:
            raise Unavailable("Redis is away. Do without it.")
        try:
            answer = await work(self.client)
        except (RedisError, OSError, TimeoutError) as problem:
            self._lost(problem)
            raise Unavailable("Redis does not answer. Do without it.") from problem
        self._found()
        return answer

    def _lost(self, problem: BaseException) -> None:
        now = self._clock()
        self._asks_at = now + REST_SECONDS
        if self._lost_at is None:
            self._lost_at = now
            log.warning("redis.lost", error=type(problem).__name__)
            for hears in self._told_of_loss:
                hears()

    def _found(self) -> None:
        if self._lost_at is not None:
            log.info("redis.back", away_seconds=round(self._clock() - self._lost_at, 1))
            self._lost_at = None

    async def close(self) -> None:
        """Close the connections. Twice is harmless."""
        await self.client.aclose()
