"""The rounds of the post: what came in is worked, what happened is written, what is due is sent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from app.channels.ports import ChannelBook, PostOffice
from app.channels.send_out import Courier
from app.channels.take_in import IntakeClerk
from app.conversation.conversation import Conversation
from app.conversation.events import Event, EventType
from app.errors import XiaoerError

T = TypeVar("T")

ROUND_SECONDS = 5.0
SHARED_ROUND_SECONDS = 1.0
"""Where other instances put post in too"""
LOOK_BACK_SECONDS = 60.0
KEPT_DAYS = 30
"""How long the ids of what was dealt with are known again"""
TURNS_AT_ONCE, LETTERS_AT_ONCE = 32, 16
STOP_SECONDS = 10.0


class Rounds:
    """One task that looks what is to be done, and one for each thing that is."""

    def __init__(
        self,
        office: PostOffice,
        book: ChannelBook,
        clerk: IntakeClerk,
        courier: Courier,
        clock: Callable[[], datetime],
    ) -> None:
        self._office = office
        self._book = book
        self._clerk = clerk
        self._courier = courier
        self._clock = clock
        self._wake = asyncio.Event()
        self._happened: dict[str, None] = {}
        self._erased: dict[str, None] = {}
        self._task: asyncio.Task[None] | None = None
        self._deliveries: dict[asyncio.Task[None], int] = {}
        self._letters: dict[asyncio.Task[None], str] = {}
        self._looked_back: datetime | None = None

    def hear(self, conversation: Conversation, events: Sequence[Event], ours: bool) -> None:
        """Something happened in a conversation, here or on another instance: whoever is first writes the letters."""
        del ours
        if not conversation.channel and not conversation.erased:
            return
        self._happened[conversation.id] = None
        if any(event.type is EventType.ERASED for event in events):
            self._erased[conversation.id] = None
        self.wake()

    def wake(self) -> None:
        """There is something to do now."""
        self._wake.set()

    async def start(self) -> None:
        """Begin. What a process that is gone had in hands is taken up at once. Twice is harmless."""
        if self._task is None:
            if not self._office.shared:
                await self._office.take_back()
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Finish what is in hands, or leave it for the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if hands := [*self._deliveries, *self._letters]:
            _, late = await asyncio.wait(hands, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            with contextlib.suppress(XiaoerError):  # the database is away for a moment: the next round finds it all
                await self.go()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SHARED_ROUND_SECONDS if self._office.shared else ROUND_SECONDS):
                    await self._wake.wait()

    async def go(self) -> None:
        """One round."""
        await self._forget_erased()
        if not self._book.names():
            return
        if self._deliveries or self._letters:
            await self._office.renew(self._deliveries.values(), self._letters.values())
        await self._write()
        if room := TURNS_AT_ONCE - len(self._deliveries):
            for delivery in await self._office.claim_deliveries(room):
                self._in_hand(self._deliveries, delivery.number, self._clerk.work(delivery))
        if room := LETTERS_AT_ONCE - len(self._letters):
            for letter in await self._office.claim_letters(room):
                self._in_hand(self._letters, letter.id, self._courier.deliver(letter))

    async def _write(self) -> None:
        """Letters for what was heard; now and then for what nobody here heard."""
        now = self._clock()
        if self._looked_back is None or abs(now - self._looked_back) > timedelta(seconds=LOOK_BACK_SECONDS):
            self._looked_back = now
            for late in await self._office.behind():
                await self._courier.write(late)
            await self._office.sweep(now - timedelta(days=KEPT_DAYS))
        happened, self._happened = self._happened, {}
        for conversation_id in happened:
            if thread := await self._office.thread_of(conversation_id):
                await self._courier.write(thread)

    async def _forget_erased(self) -> None:
        for conversation_id in tuple(self._erased):
            await self._office.forget(conversation_id)
            self._erased.pop(conversation_id, None)

    def _in_hand(self, hands: dict[asyncio.Task[None], T], key: T, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        hands[task] = key
        task.add_done_callback(lambda done: self._out_of_hand(hands, done))

    def _out_of_hand(self, hands: dict[asyncio.Task[None], T], task: asyncio.Task[None]) -> None:
        del hands[task]
        if not task.cancelled():
            task.exception()  # read once; what broke is due again when its lease runs out
        self.wake()
