"""Wake-ups between instances over Redis publish/subscribe: a channel a topic, subscribed to while somebody follows."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import structlog
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from app.adapters.redis.link import RedisLink
from app.conversation.relay import Hears

MOST_WAITING = 10_000
AT_ONCE = 200
SILENT_SECONDS = 0.5
DEAF_SECONDS = 1.25
"""After so long without a sign of life the connection counts as gone; who follows a person's words waits for that"""
AGAIN_SECONDS = 0.5
_PING = b"xiaoer"
log = structlog.get_logger(__name__)


class RedisRelay:
    """`Relay` for several instances. Call `start` once inside the event loop."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._me = secrets.token_hex(6)
        self._hears: dict[str, list[Hears]] = {}
        self._waiting: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(MOST_WAITING)
        self._changed = asyncio.Event()
        self._subscribed: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self.alive = False
        link.when_lost(self._is_lost)

    def start(self) -> None:
        """Begin. Twice is harmless."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(work) for work in (self._send(), self._listen())]

    async def close(self) -> None:
        """End it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks, self.alive = [], False

    def tell(self, topic: str, what: Mapping[str, Any]) -> None:
        """Tell the others; dropped when more is waiting than Redis takes."""
        with contextlib.suppress(asyncio.QueueFull):
            self._waiting.put_nowait((self._link.key("relay", topic), orjson.dumps({"from": self._me, "what": what})))

    def follow(self, topic: str, hears: Hears) -> Callable[[], None]:
        """Hear what others tell, until what is returned is called."""
        channel = self._link.key("relay", topic)
        self._hears.setdefault(channel, []).append(hears)
        self._changed.set()

        def stop() -> None:
            following = self._hears.get(channel, [])
            if hears in following:
                following.remove(hears)
            if not following:
                self._hears.pop(channel, None)
                self._changed.set()

        return stop

    async def _send(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < AT_ONCE and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            try:
                async with self._link.client.pipeline(transaction=False) as pipeline:
                    for channel, message in batch:
                        pipeline.publish(channel, message)
                    await pipeline.execute()
            except (RedisError, OSError, TimeoutError):
                await asyncio.sleep(AGAIN_SECONDS)  # the listener tells that Redis is away

    async def _listen(self) -> None:
        while True:
            pubsub = self._link.client.pubsub()
            try:
                await self._hear_all(pubsub)
            except (RedisError, OSError, TimeoutError) as problem:
                if self.alive:
                    log.warning("relay.lost", error=type(problem).__name__)
            finally:
                self._is_lost()
                with contextlib.suppress(RedisError, OSError, TimeoutError):
                    await pubsub.aclose()  # type: ignore[no-untyped-call]
            await asyncio.sleep(AGAIN_SECONDS)

    def _is_lost(self) -> None:
        """Whoever waits to hear looks now, and from now on by themselves."""
        was_alive, self.alive = self.alive, False
        for hears in [one for following in self._hears.values() for one in following] if was_alive else ():
            hears({})

    async def _hear_all(self, pubsub: PubSub) -> None:
        """Until the connection breaks. Reading and subscribing take turns: the driver's connection is no place for
        two tasks."""
        self._subscribed = set()
        await pubsub.subscribe(self._link.key("relay", "all"))
        heard_at = pinged_at = time.monotonic()
        while True:
            await self._subscribe(pubsub)
            message = await self._next(pubsub)
            now = time.monotonic()
            if message is not None:
                heard_at, self.alive = now, True
                self._pass_on(message)
            elif now - heard_at > DEAF_SECONDS:
                raise TimeoutError
            elif now - max(heard_at, pinged_at) > SILENT_SECONDS:
                pinged_at = now
                await pubsub.ping(_PING.decode())

    async def _next(self, pubsub: PubSub) -> Any:
        """The next message; None once something else is to be done first."""
        reading = asyncio.ensure_future(pubsub.get_message(timeout=SILENT_SECONDS))
        changing = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait((reading, changing), return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                return reading.result()
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                return await reading
            return None
        finally:
            changing.cancel()
            reading.cancel()

    async def _subscribe(self, pubsub: PubSub) -> None:
        self._changed.clear()
        wanted = set(self._hears)
        if fresh := wanted - self._subscribed:
            await pubsub.subscribe(*fresh)
        if gone := self._subscribed - wanted:
            await pubsub.unsubscribe(*gone)
        self._subscribed = wanted

    def _pass_on(self, message: Mapping[str, Any]) -> None:
        channel = message["channel"].decode() if message.get("channel") else ""
        following = tuple(self._hears.get(channel, ()))
        if not following:
            return
        if message["type"] == "subscribe":  # also after the connection was made anew: something may have been missed
            told: Mapping[str, Any] = {}
        elif message["type"] == "message":
            said = orjson.loads(message["data"])
            if said["from"] == self._me:
                return
            told = said["what"]
        else:
            return
        for hears in following:
            hears(told)
