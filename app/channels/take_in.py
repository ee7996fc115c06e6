"""Works what came in: the shopper's words become turns, what people do over there becomes events of our log.

Safe to do twice: a delivery is settled only when its turn is over, and a turn is known by the message's id.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from app.channels.channel import Arrival, ChannelConfig, Happened
from app.channels.ports import ChannelBook, Delivery, PostOffice, Thread
from app.conversation.conversation import Conversation
from app.conversation.events import Draft, EventType
from app.conversation.speak import Conversations
from app.conversation.standing import Status
from app.errors import Conflict, NotFound, Unavailable, XiaoerError

TURN_ATTEMPTS = 4
"""A message that failed so often is given to a person"""
MOST_ATTEMPTS = 12
FIRST_SECONDS, MOST_SECONDS = 1.0, 60.0
JUST_TAKEN = timedelta(seconds=5)
"""What was written so soon after people took a thread may still carry its status from before"""


class PostWitness(Protocol):
    """Is told what happens to the post, for metrics and logs. Never gets a word of it."""

    def delivery_worked(self, channel: str, outcome: str, cause: BaseException | None = None) -> None:
        """A delivery was settled, or could not be dealt with now."""

    def letter_worked(self, channel: str, outcome: str, cause: BaseException | None = None) -> None:
        """A letter was sent, withheld, delayed, or given up."""


class IntakeClerk:
    """Takes deliveries out of the post, several at a time: order within a thread is kept by the conversation's lock."""

    def __init__(
        self,
        office: PostOffice,
        book: ChannelBook,
        conversations: Conversations,
        witness: PostWitness,
        message_limit: int,
        clock: Callable[[], datetime],
        tell: Callable[[Thread], object],
    ) -> None:
        self._office = office
        self._book = book
        self._conversations = conversations
        self._witness = witness
        self._limit = message_limit
        self._clock = clock
        self._tell = tell
        self._binding: dict[tuple[str, str], asyncio.Lock] = {}

    async def work(self, delivery: Delivery) -> None:
        """Deal with one. What fails is postponed, and given to a person when it fails too often."""
        channel = self._book.channel(delivery.channel)
        try:
            if channel is None:
                raise NotFound("The channel is not set up any more.")
            note = await self._deal(channel.config, delivery)
            await self._office.settle(delivery.number, note)
            self._witness.delivery_worked(delivery.channel, note or "done")
        except Exception as error:
            await self._failed(delivery, error)

    async def _failed(self, delivery: Delivery, error: Exception) -> None:
        known = isinstance(error, XiaoerError)
        self._witness.delivery_worked(delivery.channel, "failed", error)
        with contextlib.suppress(XiaoerError):  # the database is away: its lease runs out, and it is worked again
            if delivery.attempts + 1 >= MOST_ATTEMPTS or isinstance(error, NotFound):
                await self._office.settle(delivery.number, "gave up")
                return
            wait = min(MOST_SECONDS, FIRST_SECONDS * 2**delivery.attempts)
            problem = type(error).__name__ if not known else str(getattr(error, "slug", ""))
            await self._office.postpone(delivery.number, wait, problem)

    async def _deal(self, config: ChannelConfig, delivery: Delivery) -> str:
        arrival = delivery.arrival
        if arrival.happened is Happened.SAID:
            return await self._shopper_said(config, delivery)
        thread = await self._office.thread(config.name, arrival.thread)
        if not thread.conversation_id:
            return "no conversation"
        conversation = await self._conversations.look(thread.conversation_id)
        if conversation.status is Status.CLOSED:
            return "closed before"
        try:
            await self._person_did(config, arrival, conversation)
        except Conflict:
            return "overtaken"
        return ""

    async def _person_did(self, config: ChannelConfig, arrival: Arrival, conversation: Conversation) -> None:
        match arrival.happened:
            case Happened.TAKEN:
                await self._take_over(config, conversation, arrival.name)
            case Happened.PERSON_SAID:
                await self._take_over(config, conversation, arrival.name)
                if arrival.message_id not in conversation.by_agent:
                    about = {"client_message_id": arrival.message_id}
                    await self._conversations.say_as_agent(
                        conversation.id, config.agent, arrival.text, arrival.name, about
                    )
            case Happened.GIVEN_BACK:
                if conversation.standing.agent == config.agent:
                    await self._conversations.leave_agent(conversation.id, config.agent)
            case Happened.ENDED:
                await self._conversations.close_conversation(conversation.id, config.agent)
            case Happened.SAID:
                raise AssertionError("what the shopper said is no act of a person")

    async def _take_over(self, config: ChannelConfig, conversation: Conversation, name: str = "") -> None:
        """The thread is in the hands of people over there, from now on. A colleague here who has it loses it: the
        shopper has been answered."""
        holder = conversation.standing.agent
        if holder == config.agent:
            return
        about = {"agent": config.agent, "name": name or config.name}
        if holder:
            drafts = (Draft(EventType.TRANSFERRED, about | {"from": holder, "by": config.agent}),)
        else:
            drafts = (Draft(EventType.JOINED, about),)
        await self._conversations.record(conversation.id, *drafts)

    async def _shopper_said(self, config: ChannelConfig, delivery: Delivery) -> str:
        arrival = delivery.arrival
        conversation = await self._conversation(config, arrival)
        if arrival.held:
            await self._take_over(config, conversation)
        elif conversation.standing.agent == config.agent and self._was_given_back(arrival, conversation):
            await self._conversations.leave_agent(conversation.id, config.agent)
        too_long = len(arrival.text) > self._limit
        if (arrival.files or too_long) and conversation.status is Status.OPEN:
            await self._conversations.ask_for_agent(conversation.id, "policy", {"files": arrival.files})
        if not arrival.text.strip():
            return "no words"
        try:
            telling = await self._conversations.say(conversation.id, arrival.text[: self._limit], arrival.message_id)
            await telling.reply()
        except (Unavailable, XiaoerError) as error:
            if delivery.attempts + 1 < TURN_ATTEMPTS or conversation.status is not Status.OPEN:
                raise
            self._witness.delivery_worked(config.name, "handed over", error)
            await self._conversations.ask_for_agent(conversation.id, "model_down")
            return "handed over"
        return ""

    def _was_given_back(self, arrival: Arrival, conversation: Conversation) -> bool:
        """Whether the message says that the bot has the thread, and was written well after people took it."""
        if arrival.held is None:
            return False
        taken = conversation.held_since
        return arrival.at is None or taken is None or arrival.at > taken + JUST_TAKEN

    async def _conversation(self, config: ChannelConfig, arrival: Arrival) -> Conversation:
        """The thread's conversation; a new one where it has none, or where that is over."""
        key = (config.name, arrival.thread)
        lock = self._binding.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                thread = await self._office.thread(*key)
                if thread.conversation_id:
                    conversation = await self._conversations.look(thread.conversation_id)
                    answered = conversation.known(arrival.message_id) is not None
                    if answered or conversation.status is not Status.CLOSED:
                        return conversation
                    await _done(self._tell(thread))
                started = await self._conversations.start(
                    config.shop,
                    arrival.locale,
                    "",
                    arrival.identity,
                    channel=config.name,
                    staffed_there=config.has_staff,
                )
                await self._office.bind(*key, started.id)
                return await self._conversations.look(started.id)
        finally:
            if not lock.locked():
                self._binding.pop(key, None)


async def _done(work: object) -> None:
    if asyncio.iscoroutine(work):
        await work
