"""One instance at a time works on a conversation's turn; the others wait, and take its reply for theirs."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from app.conversation.leases import LEASE_SECONDS, Leases
from app.conversation.session import Session, TurnRun
from app.errors import Unavailable, XiaoerError

LOOK_SECONDS = 0.25


class Turns:
    """Whose turn it is, among the instances of one installation."""

    def __init__(self, leases: Leases, most_wait_seconds: float) -> None:
        self._leases = leases
        self._most_wait_seconds = most_wait_seconds
        self._me = secrets.token_hex(8)

    @asynccontextmanager
    async def held(self, session: Session) -> AsyncIterator[None]:
        """The conversation is ours: nobody else thinks about its messages, and all that others wrote has been read.

        Raises Unavailable when another instance has it for too long.
        """
        if session.writes_alone:
            yield
            return
        name = session.conversation.id
        await self._wait_for(session, name)
        renewing = asyncio.create_task(self._renew(name))
        try:
            await session.load()
            yield
        finally:
            renewing.cancel()
            with contextlib.suppress(XiaoerError):  # it lapses by itself
                await asyncio.shield(self._leases.free(name, self._me))

    async def reply_of_other(self, session: Session, run: TurnRun) -> dict[str, Any]:
        """The reply that another instance gives. Raises Unavailable when none comes."""
        until = time.monotonic() + self._most_wait_seconds
        while (told := answered(session, run)) is None:
            if time.monotonic() > until:
                raise Unavailable("Another instance began to answer and did not finish. Send the message again.")
            await session.look_again(LOOK_SECONDS)
        return told

    async def _wait_for(self, session: Session, name: str) -> None:
        until = time.monotonic() + self._most_wait_seconds
        while not await self._leases.take(name, self._me):
            if time.monotonic() > until:
                raise Unavailable("An earlier message is still being answered. This one is kept; send it again.")
            await session.look_again(LOOK_SECONDS)

    async def _renew(self, name: str) -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            with contextlib.suppress(XiaoerError):  # the next one may get through before it lapses
                await self._leases.take(name, self._me)


def answered(session: Session, run: TurnRun) -> dict[str, Any] | None:
    """The reply, where every message of the run has one already."""
    replies = session.conversation.replies
    if not all(message.message_id in replies for message in run.messages):
        return None
    return dict(replies[run.message_id])
