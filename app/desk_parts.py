"""Puts conversations and the desk together: the same log, board, modes and attendant. Called by bootstrap."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from app.adapters.db.attachments import SqlAttachments
from app.adapters.db.conversations import SqlEventLog
from app.adapters.db.desk import SqlCannedReplies, SqlDesk, SqlModes
from app.adapters.db.engine import Database
from app.adapters.db.leases import SqlLeases
from app.conversation.answer import Limits
from app.conversation.assist import Assistant
from app.conversation.attach import Attachments
from app.conversation.board import PRESENT_SECONDS
from app.conversation.desk import Desk
from app.conversation.hub import Hub
from app.conversation.leases import Leases, NoLeases
from app.conversation.log import EventLog
from app.conversation.ports import Attendant, Brands, Releases, Witness
from app.conversation.reception import Reception
from app.conversation.relay import Relay
from app.conversation.seal import MasterKey
from app.conversation.speak import Conversations
from app.errors import XiaoerError

SWEEP_SECONDS = 5.0
LEAP_SECONDS = 5.0
"""A clock that is put right goes no faster; one that leaps further was wrong"""


@dataclass(frozen=True)
class Counter:
    """Conversations, and the desk beside them."""

    conversations: Conversations
    log: EventLog
    desk: Desk
    watch: Watch
    assistant: Assistant
    attachments: Attachments

    async def close(self) -> None:
        """Stop watching and drafting."""
        await self.watch.stop()
        await self.desk.close_down()
        await self.assistant.close()


class Watch:
    """Looks after conversations whose person is gone.

    Who was seen when is told by the clock, which may leap. Then nobody is taken for gone until everybody who is there
    has been seen by the clock as it is now.
    """

    def __init__(
        self,
        desk: Desk,
        clock: Callable[[], datetime],
        every_seconds: float = SWEEP_SECONDS,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """`steady` seconds never leap."""
        self._desk = desk
        self._clock = clock
        self._steady = steady
        self._every_seconds = every_seconds
        self._task: asyncio.Task[None] | None = None
        self._ahead = self._ahead_of_steady()
        self._trusts_from = steady()

    def start(self) -> None:
        """Begin. Twice is harmless."""
        self._task = self._task or asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End it."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def look(self) -> None:
        """Put what the vanished had back into the queue."""
        ahead = self._ahead_of_steady()
        if abs(ahead - self._ahead) > LEAP_SECONDS:
            self._trusts_from = self._steady() + PRESENT_SECONDS
        self._ahead = ahead
        if self._steady() >= self._trusts_from:
            with contextlib.suppress(XiaoerError):  # the database is away for a moment: the next round finds them
                await self._desk.sweep()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_seconds)
            await self.look()

    def _ahead_of_steady(self) -> float:
        return self._clock().timestamp() - self._steady()


def make_counter(
    database: Database,
    master: MasterKey,
    *,
    attendant: Attendant,
    releases: Releases,
    brands: Brands,
    witness: Witness,
    limits: Limits | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    relay: Relay | None = None,
    leases: Leases | None = None,
    threshold: float = 0.7,
) -> Counter:
    """Both over that database. `threshold`: decisions of less confidence are put into the review queue."""
    board, modes = SqlDesk(database, clock), SqlModes(database)
    reception = Reception(board, modes, clock)
    log = SqlEventLog(database, master, clock, threshold)
    conversations = Conversations(
        log=log,
        attendant=attendant,
        releases=releases,
        brands=brands,
        witness=witness,
        limits=limits,
        clock=clock,
        reception=reception,
        relay=relay,
        leases=leases or (SqlLeases(database) if database.shared else NoLeases()),
    )
    hub = Hub(board, relay)
    conversations.also_hang_up(hub.hang_up)
    assistant = Assistant(conversations, attendant, reception, brands, witness)
    desk = Desk(conversations, board, board, brands, hub, assistant, SqlCannedReplies(database), modes, clock)
    attachments = Attachments(conversations, SqlAttachments(database, master), brands)
    return Counter(conversations, log, desk, Watch(desk, clock), assistant, attachments)
