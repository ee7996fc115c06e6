"""Sends letters: what the log says becomes letters, and letters are tried until they arrive or are given up.

Letters are read off the log behind a cursor, in the transaction that moves it: none is lost and none is written twice,
whatever stops in between. Each is sent at least once, under the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from datetime import datetime

from app.channels.channel import Channel, Letter, LetterKind, LetterState, Refused, TryLater
from app.channels.ports import LONGEST_WAIT_SECONDS, ChannelBook, PostOffice, Thread
from app.channels.take_in import PostWitness
from app.channels.tell import letters_of
from app.conversation.conversation import CHANNEL_AGENT, Conversation
from app.conversation.events import Draft, EventType
from app.conversation.ports import Brands
from app.conversation.speak import Conversations
from app.conversation.standing import Status
from app.errors import Conflict, NotFound, XiaoerError

FIRST_SECONDS, MOST_SECONDS = 2.0, 600.0
MOST_ATTEMPTS = 12
"""With the waits in between about an hour and a half"""
_WITHHELD = {
    "zh": "机器人这条回复没有发出：当时已由人工接待。",
    "en": "The bot's last reply was not sent: a person had the conversation by then.",
}


class Courier:
    """Writes letters and delivers them."""

    def __init__(
        self,
        office: PostOffice,
        book: ChannelBook,
        conversations: Conversations,
        brands: Brands,
        witness: PostWitness,
        clock: Callable[[], datetime],
        jitter: Callable[[], float] = lambda: random.uniform(0.8, 1.2),
    ) -> None:
        self._office = office
        self._book = book
        self._conversations = conversations
        self._brands = brands
        self._witness = witness
        self._clock = clock
        self._jitter = jitter

    async def write(self, thread: Thread) -> bool:
        """Letters for what the thread's channel has not been told of. False where there was nothing."""
        channel = self._book.channel(thread.channel)
        if channel is None or not thread.conversation_id:
            return False
        try:
            conversation = await self._conversations.look(thread.conversation_id)
        except NotFound:
            return False
        if conversation.seq <= thread.told_seq:
            return False
        events = await self._conversations.events(thread.conversation_id)
        brand = self._brands(conversation.shop)
        letters = letters_of(events, thread.told_seq, channel.config, brand, conversation.locale)
        return await self._office.write(thread, events[-1].seq, letters)

    async def deliver(self, letter: Letter) -> None:
        """Try one letter."""
        channel = self._book.channel(letter.channel)
        try:
            if channel is None:
                raise Refused("The channel is not set up any more. The letter is kept; set it up again and replay.")
            if letter.is_bots and await self._is_too_late(letter, channel):
                await self._withhold(letter)
                return
            await channel.send(letter)
        except Refused as error:
            await self._give_up(letter, error)
        except XiaoerError as error:
            await self._later(letter, error)
        except Exception as error:
            await self._later(letter, TryLater(f"The letter could not be sent: {type(error).__name__}."), error)
        else:
            await self._office.finish(letter.id, LetterState.SENT)
            self._witness.letter_worked(letter.channel, "sent")
            if letter.kind is LetterKind.HANDOFF and channel.config.has_staff:
                await self._is_theirs(letter, channel)

    async def _is_too_late(self, letter: Letter, channel: Channel) -> bool:
        """Whether a person has the conversation by now: here, or over there. What announces a colleague here is still
        said."""
        with contextlib.suppress(NotFound):
            conversation = await self._conversations.look(letter.conversation_id)
            if conversation.status is Status.WITH_AGENT and not self._announces(letter, conversation):
                return True
        return not await channel.may_answer(letter.thread)

    @staticmethod
    def _announces(letter: Letter, conversation: Conversation) -> bool:
        theirs = conversation.standing.agent.startswith(CHANNEL_AGENT)
        return not theirs and letter.content.get("decision", "handoff") == "handoff"

    async def _withhold(self, letter: Letter) -> None:
        await self._office.finish(letter.id, LetterState.WITHHELD)
        self._witness.letter_worked(letter.channel, "withheld")
        with contextlib.suppress(XiaoerError):
            conversation = await self._conversations.look(letter.conversation_id)
            text = _WITHHELD.get(conversation.locale, _WITHHELD["en"])
            noted = {"agent": "", "name": "Xiaoer", "text": text, "message_id": letter.content.get("message_id", "")}
            await self._conversations.record(letter.conversation_id, Draft(EventType.NOTED, noted))

    async def _is_theirs(self, letter: Letter, channel: Channel) -> None:
        """The call has reached people over there: the conversation leaves our queue, and the bot says no more."""
        with contextlib.suppress(Conflict, NotFound):
            conversation = await self._conversations.look(letter.conversation_id)
            if conversation.status is Status.WAITING:
                joined = {"agent": channel.config.agent, "name": channel.config.name}
                await self._conversations.record(letter.conversation_id, Draft(EventType.JOINED, joined))

    async def _give_up(self, letter: Letter, error: XiaoerError) -> None:
        await self._office.finish(letter.id, LetterState.DEAD, str(error))
        self._witness.letter_worked(letter.channel, "dead", error)

    async def _later(self, letter: Letter, error: XiaoerError, cause: BaseException | None = None) -> None:
        if letter.attempts + 1 >= MOST_ATTEMPTS:
            await self._give_up(letter, error)
            return
        wanted = error.after_seconds if isinstance(error, TryLater) else 0.0
        wait = min(MOST_SECONDS, FIRST_SECONDS * 2**letter.attempts) * self._jitter()
        with contextlib.suppress(asyncio.CancelledError):
            await self._office.delay(letter.id, max(wait, min(wanted, LONGEST_WAIT_SECONDS)), str(error))
        self._witness.letter_worked(letter.channel, "delayed", cause or error)
