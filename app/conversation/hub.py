"""Wakes those who watch the desk, on every instance: what happened in conversations, without any of its words."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from app.conversation.board import Board, Notice
from app.conversation.conversation import Conversation
from app.conversation.events import Event, EventType
from app.conversation.relay import DESK, NoRelay, Relay
from app.conversation.standing import Status

MOST_PINGS = 500
POLL_SECONDS = 1.0
QUIET_POLL_SECONDS = 5.0
"""Where other instances tell of most things at once"""
HEARTBEAT_SECONDS = 15.0
_BACK = frozenset({EventType.LEFT, EventType.WITHDRAWN})
"""What gives a conversation back to the bot"""
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

    def __init__(self, board: Board, relay: Relay | None = None) -> None:
        self._board = board
        self._relay = relay or NoRelay()
        self._stop_hearing: Callable[[], None] | None = None
        self._watchers: set[_Watcher] = set()
        self._closing = False

    def hear(self, conversation: Conversation, events: Sequence[Event], ours: bool) -> None:
        """Conversations tell what happened. Other instances hear of those that a person was called to."""
        about = {"seq": conversation.seq, "status": conversation.status.value, "type": events[-1].type.value}
        ping = Ping("conversation.changed", conversation.shop, conversation.id, about)
        self._show(ping)
        if ours and (conversation.status is not Status.OPEN or any(event.type in _BACK for event in events)):
            self._relay.tell(DESK, asdict(ping))

    def tell(self, ping: Ping) -> None:
        """Show it to everybody who watches right now, here and on other instances."""
        self._show(ping)
        self._relay.tell(DESK, asdict(ping))

    def _show(self, ping: Ping) -> None:
        for watcher in self._watchers:
            watcher.pings.append(ping)
            watcher.wake.set()

    def _told(self, what: Mapping[str, Any]) -> None:
        if what:
            self._show(Ping(**what))
            return
        for watcher in self._watchers:  # something may have been missed
            watcher.wake.set()

    def _enter(self, watcher: _Watcher) -> None:
        self._watchers.add(watcher)
        self._stop_hearing = self._stop_hearing or self._relay.follow(DESK, self._told)

    def _leave(self, watcher: _Watcher) -> None:
        self._watchers.discard(watcher)
        if not self._watchers and self._stop_hearing is not None:
            self._stop_hearing()
            self._stop_hearing = None

    def hang_up(self) -> None:
        """End all streams, so that the server can stop."""
        self._closing = True
        self._show(Ping())

    async def watch(self, after: int | None) -> AsyncGenerator[list[Notice | Ping], None]:
        """Notices after that one (None: from now on) and pings, those that come together in one list."""
        watcher = _Watcher()
        self._enter(watcher)
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
                wait = self._looks_every_seconds()
                try:
                    async with asyncio.timeout(wait):
                        await watcher.wake.wait()
                except TimeoutError:
                    quiet += wait
                    if quiet >= HEARTBEAT_SECONDS:
                        quiet = 0.0
                        yield [Ping()]
        finally:
            self._leave(watcher)

    def _looks_every_seconds(self) -> float:
        if not self._board.shared:
            return HEARTBEAT_SECONDS
        return QUIET_POLL_SECONDS if self._relay.alive else POLL_SECONDS
