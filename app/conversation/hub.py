"""Wakes those who watch the desk: what happened in conversations of this process, without any of its words."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.conversation.board import Board, Notice
from app.conversation.conversation import Conversation
from app.conversation.events import Event

MOST_PINGS = 500
POLL_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
_OVERLAP = 20
"""Ids of notices may become visible out of order where several instances write: so many are read again."""


@dataclass(frozen=True, slots=True)
class Ping:
    """Something passing: a conversation has changed, somebody types, or (`type` empty) a sign of life."""

    type: str = ""
    shop: str = ""
    conversation_id: str = ""
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class _Watcher:
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    pings: deque[Ping] = field(default_factory=lambda: deque(maxlen=MOST_PINGS))


class Hub:
    """Everybody who watches the desk on this process."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._watchers: set[_Watcher] = set()
        self._closing = False

    def hear(self, conversation: Conversation, events: Sequence[Event]) -> None:
        """Conversations tell what happened."""
        if not self._watchers:
            return
        about = {"seq": conversation.seq, "status": conversation.status.value, "type": events[-1].type.value}
        self.tell(Ping("conversation.changed", conversation.shop, conversation.id, about))

    def tell(self, ping: Ping) -> None:
        """Show it to everybody who watches right now."""
        for watcher in self._watchers:
            watcher.pings.append(ping)
            watcher.wake.set()

    def hang_up(self) -> None:
        """End all streams, so that the server can stop."""
        self._closing = True
        self.tell(Ping())

    async def watch(self, after: int | None) -> AsyncGenerator[list[Notice | Ping], None]:
        """Notices after that one (None: from now on) and pings, those that come together in one list."""
        watcher = _Watcher()
        self._watchers.add(watcher)
        first = last = await self._board.last_notice() if after is None else after
        seen: deque[int] = deque(maxlen=4 * _OVERLAP)
        quiet = 0.0
        try:
            while not self._closing:
                watcher.wake.clear()
                begin = max(first, last - _OVERLAP) if self._board.shared else last
                notices = [notice for notice in await self._board.notices(begin) if notice.id not in seen]
                seen.extend(n.id for n in notices)
                last = max([last, *(n.id for n in notices)])
                group: list[Notice | Ping] = [*notices, *watcher.pings]
                watcher.pings.clear()
                if group:
                    quiet = 0.0
                    yield group
                wait = POLL_SECONDS if self._board.shared else HEARTBEAT_SECONDS
                try:
                    async with asyncio.timeout(wait):
                        await watcher.wake.wait()
                except TimeoutError:
                    quiet += wait
                    if quiet >= HEARTBEAT_SECONDS:
                        quiet = 0.0
                        yield [Ping()]
        finally:
            self._watchers.discard(watcher)
