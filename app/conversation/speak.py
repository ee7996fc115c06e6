"""Conversations: a shopper speaks, the attendant answers, and everything is in the log before anyone reads it."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from app.chat.turn import Identity, Turn
from app.conversation import lines
from app.conversation.answer import Answerer, Limits, received
from app.conversation.conversation import Conversation, Received, Status
from app.conversation.events import Draft, Event, EventType
from app.conversation.leases import Leases
from app.conversation.log import EventLog
from app.conversation.ports import Attendant, Brands, Releases, Witness
from app.conversation.reception import AlwaysAuto, NoDesk, Reception
from app.conversation.relay import NoRelay, Relay, topic_of
from app.conversation.session import HEARTBEAT_SECONDS, Heard, Session, Sign, TurnRun
from app.conversation.telling import Started, Telling, for_the_agent, told_before
from app.errors import Conflict, NotFound, Unavailable, XiaoerError

SESSIONS_IN_MEMORY = 2000


class Conversations:
    """All conversations of this server."""

    def __init__(
        self,
        *,
        log: EventLog,
        attendant: Attendant,
        releases: Releases,
        brands: Brands,
        witness: Witness,
        limits: Limits | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        reception: Reception | None = None,
        relay: Relay | None = None,
        leases: Leases | None = None,
    ) -> None:
        limits = limits or Limits()
        self._relay = relay or NoRelay()
        self._log = log
        self._brands = brands
        self._limits = limits
        self._reception = reception or Reception(NoDesk(), AlwaysAuto(), clock, tells_queue=False)
        self._answerer = Answerer(
            attendant=attendant,
            releases=releases,
            brands=brands,
            witness=witness,
            limits=limits,
            reception=self._reception,
            clock=clock,
            leases=leases,
        )
        self._heard: list[Heard] = []
        self._hanging_up: list[Callable[[], None]] = []
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._closing = False

    async def start(
        self,
        shop: str,
        locale: str = "",
        page: str = "",
        identity: Identity | None = None,
        *,
        conversation_id: str = "",
        token_hash: str = "",
        channel: str = "",
        staffed_there: bool = False,
    ) -> Started:
        """Begin a conversation, on a channel where one is named. Raises NotFound for a shop we do not have.

        `token_hash` is of the token that opens it, issued for a `conversation_id` of `new_conversation_id`."""
        brand = self._brands(shop)
        language = lines.language_of(locale, brand)
        conversation_id = conversation_id or new_conversation_id()
        known = asdict(identity or Identity())
        payload: dict[str, Any] = {"shop": shop, "locale": language, "page": page, "identity": known}
        if token_hash:
            payload["token_hash"] = token_hash
        if channel:
            payload |= {"channel": channel, "staffed_there": staffed_there}
        created = await self._log.create(conversation_id, shop, Draft(EventType.STARTED, payload))
        session = self._sessions[conversation_id] = Session(self._log, conversation_id, self._hear, self._relay)
        session.begin(shop, created)
        self._shrink()
        return Started(conversation_id, shop, Status.OPEN.value, language)

    async def say(self, conversation_id: str, text: str, client_message_id: str = "") -> Telling:
        """Take a message in and return once the attendant has decided on it.

        Messages that come while a turn is running wait for it and are answered together, in one turn.
        A `client_message_id` seen before gets the reply it got then, and Conflict when the text is another one.
        Raises any XiaoerError of the first half; the message is recorded by then, and sending it again under the
        same id tries again.
        """
        session = await self._session(conversation_id)
        async with session.lock:
            run = await self._take_in(session, text, client_message_id)
        await asyncio.shield(run.decided)
        return Telling(session, run)

    async def follow(
        self, conversation_id: str, after: int = 0, heartbeat_seconds: float = HEARTBEAT_SECONDS
    ) -> AsyncGenerator[Event | Sign, None]:
        """The conversation's events after that sequence number, then live: no gap and no repeat."""
        session = await self._session(conversation_id)
        return session.follow(after, heartbeat_seconds, for_ever=True)

    async def ask_for_agent(
        self, conversation_id: str, reason: str = "asked_for_human", told: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The shopper wants a person. Asking again while one is on the way changes nothing. `told` stands in the event
        for staff."""
        session = await self._session(conversation_id)
        shop = session.conversation.shop
        brand = self._brands(shop)
        language = lines.language_of(session.conversation.locale, brand)
        about: dict[str, Any] = {}
        async with session.lock:
            if session.status is Status.OPEN:
                text = lines.handoff(brand, language)
                there = session.conversation.staffed_there
                text, about = await self._reception.announce(shop, brand, language, reason, text, elsewhere=there)
                called = {"reason": reason, "text": text, "message_id": "", **about}
                await session.record(Draft(EventType.HANDOFF, called | (told or {})))
            elif session.status is Status.CLOSED:
                raise Conflict("The conversation is closed. Nothing was changed; start a new one.")
            else:
                text = lines.waiting(brand, language)
        return {"status": session.status.value, "handoff": {"reason": reason, "text": text, **about}}

    async def leave_contact(self, conversation_id: str, contact: str, message: str) -> dict[str, str]:
        """How the shopper can be reached once somebody is back; returns the ticket. A second time replaces the first.

        Raises BadInput for what is no contact, Conflict where nobody has been called."""
        session = await self._session(conversation_id)
        brand = self._brands(session.conversation.shop)
        async with session.lock:
            if session.status is not Status.WAITING:
                raise Conflict("No person has been called here. Nothing was filed; ask for one first.")
            drafts, told = self._reception.file(session.conversation, brand, contact, message)
            await session.record(*drafts)
        return told

    async def give_feedback(
        self, conversation_id: str, message_id: str, helpful: bool, comment: str, score: int | None = None
    ) -> None:
        """Keep what the shopper thought of a reply. Raises NotFound for a reply that is not of this conversation."""
        session = await self._session(conversation_id)
        if message_id and message_id not in session.conversation.turns:
            raise NotFound("There is no such reply in this conversation. Nothing was recorded.")
        rated: dict[str, Any] = {"message_id": message_id, "helpful": helpful, "comment": comment}
        await session.record(Draft(EventType.FEEDBACK, rated if score is None else rated | {"score": score}))

    async def join_agent(self, conversation_id: str, agent: str, name: str = "") -> None:
        """A person takes the conversation over. `name` is what the shopper sees. Of two who reach for it at once one
        gets Conflict."""
        session = await self._session(conversation_id)
        await session.record(Draft(EventType.JOINED, {"agent": agent, "name": name}))

    async def say_as_agent(
        self, conversation_id: str, agent: str, text: str, name: str = "", about: dict[str, Any] | None = None
    ) -> str:
        """A person says something; returns the message's id. Raises Conflict when they do not have the conversation.

        `about` is kept with it and shown to nobody but staff: which draft it was made from."""
        session = await self._session(conversation_id)
        message_id = _new_message_id()
        episode = session.conversation.episode
        shown = name or (episode.agent_name if episode else "")
        said = {"message_id": message_id, "agent": agent, "name": shown, "text": text, **(about or {})}
        if (asked := next(reversed(session.conversation.messages), "")) and "answers" not in said:
            said["answers"] = asked
        await session.record(Draft(EventType.AGENT_SAID, said))
        return message_id

    async def show_typing(self, conversation_id: str, agent: str, name: str = "") -> None:
        """Let those who follow know that a person is typing. Not kept."""
        (await self._session(conversation_id)).broadcast(Sign("agent.typing", {"agent": agent, "name": name}))

    async def leave_agent(self, conversation_id: str, agent: str) -> None:
        """The person hands the conversation back to the bot."""
        await (await self._session(conversation_id)).record(Draft(EventType.LEFT, {"agent": agent}))

    async def record(self, conversation_id: str, *drafts: Draft) -> None:
        """Write down what the desk did. Raises Conflict, and then nothing is written, for what cannot happen now."""
        await (await self._session(conversation_id)).record(*drafts)

    async def signal(self, conversation_id: str, sign: Sign) -> None:
        """Show a passing sign to those who follow the conversation, here or on another instance."""
        if session := self._sessions.get(conversation_id):
            session.signal(sign)
        self._relay.tell(topic_of(conversation_id), {"sign": sign.type, "payload": sign.payload})

    async def look(self, conversation_id: str) -> Conversation:
        """The conversation as it stands. Raises NotFound. Read it, never change it."""
        return (await self._session(conversation_id)).conversation

    async def events(self, conversation_id: str, after: int = 0) -> list[Event]:
        """Its events after that one, in order. Raises NotFound."""
        await self._session(conversation_id)
        return await self._log.read(conversation_id, after)

    async def turn_for(self, conversation_id: str, messages: Sequence[Received]) -> Turn:
        """A turn that answers these messages, for a draft: nothing of it is sent. Raises NoKnowledge."""
        return await self._answerer.turn(await self.look(conversation_id), messages)

    def also_hang_up(self, hang_up: Callable[[], None]) -> None:
        """Call this too when streams have to end."""
        self._hanging_up.append(hang_up)

    def listen(self, heard: Heard) -> None:
        """Call this with every conversation and what has just happened in it. It must not raise or wait."""
        self._heard.append(heard)

    def _hear(self, conversation: Conversation, events: Sequence[Event], ours: bool) -> None:
        for heard in self._heard:
            heard(conversation, events, ours)

    async def close_conversation(self, conversation_id: str, by: str = "shopper", outcome: str = "") -> None:
        """End it. Ending it twice is harmless."""
        session = await self._session(conversation_id)
        if session.status is not Status.CLOSED:
            await session.record(Draft(EventType.CLOSED, {"by": by, "outcome": outcome}))

    async def log_out(self, conversation_id: str) -> None:
        """The shopper leaves this browser: the conversation ends, and its token opens nothing any more."""
        session = await self._session(conversation_id)
        out = Draft(EventType.LOGGED_OUT, {})
        if session.status is Status.CLOSED:
            await session.record(out)
            return
        await session.record(Draft(EventType.CLOSED, {"by": "shopper", "outcome": ""}), out)

    async def erase(self, conversation_id: str) -> None:
        """Make every word of the conversation unreadable for ever. The chain of events still verifies."""
        session = await self._session(conversation_id)
        async with session.lock:
            if session.worker is not None:
                await asyncio.wait([session.worker])
            await self._log.erase(conversation_id)
            await session.forget()

    async def position(self, conversation_id: str) -> tuple[Status, int]:
        """Who is expected to speak, and the sequence number of the last event."""
        session = await self._session(conversation_id)
        return session.status, session.conversation.seq

    @property
    def turns_under_way(self) -> int:
        """Turns that wait or run on this instance."""
        return sum((s.current is not None) + (s.next is not None) for s in self._sessions.values())

    def hang_up(self) -> None:
        """End all streams of events: a server that waits for its readers to leave would never stop."""
        for hang_up in self._hanging_up:
            hang_up()
        for session in self._sessions.values():
            session.hang_up()

    async def close(self) -> None:
        """Let running turns finish for a while, then stop them. What was recorded stays."""
        self._closing = True
        workers = [s.worker for s in self._sessions.values() if s.worker is not None and not s.worker.done()]
        if not workers:
            return
        _, late = await asyncio.wait(workers, timeout=self._limits.shutdown_seconds)
        for worker in late:
            worker.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _session(self, conversation_id: str) -> Session:
        session = self._sessions.get(conversation_id)
        if session is None:
            session = self._sessions[conversation_id] = Session(self._log, conversation_id, self._hear, self._relay)
            self._shrink()
        self._sessions.move_to_end(conversation_id)
        async with session.lock:
            try:
                await session.load()
            except XiaoerError:
                if self._sessions.get(conversation_id) is session:
                    del self._sessions[conversation_id]
                raise
        return session

    def _shrink(self) -> None:
        while len(self._sessions) > SESSIONS_IN_MEMORY:
            idle = next((id_ for id_, session in self._sessions.items() if not session.busy), None)
            if idle is None:
                return
            del self._sessions[idle]

    async def _take_in(self, session: Session, text: str, client_message_id: str) -> TurnRun:
        conversation = session.conversation
        known = conversation.known(client_message_id)
        _need_same(known, text)
        if known is not None and known.message_id in conversation.replies:
            return told_before(conversation.turns, conversation.replies[known.message_id])
        for run in (session.current, session.next):
            if run is not None and (held := run.held(client_message_id)):
                _need_same(held, text)
                return run
        if self._closing:
            raise Unavailable("The server is stopping. The message was not taken; send it again in a moment.")
        if known is None and session.status is not Status.WITH_AGENT:
            self._answerer.admission.check()
        if known is None:
            known = await self._record_message(session, text, client_message_id)
        if session.status is Status.WITH_AGENT:
            return told_before(conversation.turns, for_the_agent(known.message_id))
        if session.next is None:
            session.next = TurnRun()
        run = session.next
        run.messages.append(known)
        if session.worker is None or session.worker.done():
            session.worker = asyncio.create_task(self._answerer.work(session))
        return run

    @staticmethod
    async def _record_message(session: Session, text: str, client_message_id: str) -> Received:
        """The message, durable; or only noted, where a turn begins with it at once: nothing is answered before
        the turn's first events are durable, and they share its commit."""
        message = Received(_new_message_id(), session.conversation.seq + 1, text, client_message_id)
        if session.writes_alone and session.status is not Status.WITH_AGENT and not (session.current or session.next):
            session.note(received(message))
            return message
        await session.record(received(message))
        conversation = session.conversation
        # The same message may have come in on another instance at the same moment: it is recorded once.
        known = conversation.messages.get(message.message_id) or conversation.known(client_message_id)
        if known is None:
            raise Unavailable("The message could not be recorded. Nothing was kept; send it again.")
        _need_same(known, text)
        return known


def _need_same(known: Received | None, text: str) -> None:
    """A repeat gets the first reply, so it has to ask the same. Raises Conflict when it does not."""
    if known is not None and known.text != text:
        raise Conflict(
            "Another message was sent under this client_message_id. The first one and its reply are kept, this one was "
            "not recorded; send it again under an id of its own."
        )


def new_conversation_id() -> str:
    """An id nobody can guess."""
    return "c_" + secrets.token_urlsafe(18)


def _new_message_id() -> str:
    return "m_" + secrets.token_urlsafe(12)
