"""Conversations: a shopper speaks, the attendant answers, and everything is in the log before anyone reads it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from app.chat.turn import Decision, HandOff, Identity, Sentence, Turn
from app.conversation import lines
from app.conversation.conversation import Received, Status
from app.conversation.events import Draft, Event, EventType
from app.conversation.log import EventLog
from app.conversation.ports import Attendant, Brands, Releases, Witness
from app.conversation.present import decision_json, reply_json, sentence_json
from app.conversation.session import HEARTBEAT_SECONDS, Session, Sign, TurnRun, is_of_turn
from app.errors import Conflict, NoKnowledge, NotFound, Unavailable, XiaoerError

SESSIONS_IN_MEMORY = 2000
_ENDS = (EventType.COMPLETED, EventType.FAILED)


@dataclass(frozen=True, slots=True)
class Started:
    """A conversation that has just begun."""

    id: str
    shop: str
    status: str
    language: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take. Seconds."""

    turn_timeout_seconds: float = 60.0
    shutdown_seconds: float = 20.0


class Telling:
    """A reply on its way. The decision has been made: from here on a failure is part of the stream."""

    def __init__(self, session: Session, run: TurnRun) -> None:
        self._session = session
        self._run = run

    @property
    def message_id(self) -> str:
        """The id that the reply carries."""
        return self._run.message_id

    async def reply(self) -> dict[str, Any]:
        """The whole reply, once it is complete and durable. Raises what ended it early."""
        return await asyncio.shield(self._run.completed)

    async def events(self) -> AsyncGenerator[Event, None]:
        """decision.made, reply.sentence …, then reply.completed or reply.failed."""
        async with aclosing(self.bursts()) as bursts:
            async for burst in bursts:
                for event in burst:
                    yield event

    async def bursts(self) -> AsyncGenerator[list[Event], None]:
        """The same events, those that became durable together in one list. The last list ends with the end."""
        run = self._run
        if run.completed.done() and not run.completed.exception() and run.decided.result() == 0:
            return
        async with aclosing(self._session.follow_together(run.decided.result() - 1)) as following:
            async for group in following:
                events = [e for e in group if isinstance(e, Event) and is_of_turn(e, run.message_id)]
                if events:
                    yield events
                    if events[-1].type in _ENDS:
                        return
                if len(events) < len(group) and run.completed.done() and (error := run.completed.exception()):
                    raise error  # its end could not even be recorded


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
        limits: Limits = Limits(),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._log = log
        self._attendant = attendant
        self._releases = releases
        self._brands = brands
        self._witness = witness
        self._limits = limits
        self._clock = clock
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._closing = False

    async def start(self, shop: str, locale: str = "", page: str = "", identity: Identity | None = None) -> Started:
        """Begin a conversation. Raises NotFound for a shop we do not have."""
        brand = self._brands(shop)
        language = lines.language_of(locale, brand)
        conversation_id = "c_" + secrets.token_urlsafe(18)
        payload = {"shop": shop, "locale": language, "page": page, "identity": asdict(identity or Identity())}
        created = await self._log.create(conversation_id, shop, Draft(EventType.STARTED, payload))
        session = self._sessions[conversation_id] = Session(self._log, conversation_id)
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

    async def ask_for_agent(self, conversation_id: str, reason: str = "asked_for_human") -> dict[str, Any]:
        """The shopper wants a person. Asking again while one is on the way changes nothing."""
        session = await self._session(conversation_id)
        brand = self._brands(session.conversation.shop)
        language = lines.language_of(session.conversation.locale, brand)
        async with session.lock:
            if session.status is Status.OPEN:
                text = lines.handoff(brand, language)
                await session.record(Draft(EventType.HANDOFF, {"reason": reason, "text": text, "message_id": ""}))
            elif session.status is Status.CLOSED:
                raise Conflict("The conversation is closed. Nothing was changed; start a new one.")
            else:
                text = lines.waiting(brand, language)
        return {"status": session.status.value, "handoff": {"reason": reason, "text": text}}

    async def give_feedback(self, conversation_id: str, message_id: str, helpful: bool, comment: str) -> None:
        """Keep what the shopper thought of a reply. Raises NotFound for a reply that is not of this conversation."""
        session = await self._session(conversation_id)
        if message_id and message_id not in session.conversation.turns:
            raise NotFound("There is no such reply in this conversation. Nothing was recorded.")
        await session.record(
            Draft(EventType.FEEDBACK, {"message_id": message_id, "helpful": helpful, "comment": comment})
        )

    async def join_agent(self, conversation_id: str, agent: str, name: str = "") -> None:
        """A person takes the conversation over. `name` is what the shopper sees."""
        session = await self._session(conversation_id)
        await session.record(Draft(EventType.JOINED, {"agent": agent, "name": name}))

    async def say_as_agent(self, conversation_id: str, agent: str, text: str) -> str:
        """A person says something; returns the message's id. Raises Conflict when they have not joined."""
        session = await self._session(conversation_id)
        message_id = _new_message_id()
        await session.record(Draft(EventType.AGENT_SAID, {"message_id": message_id, "agent": agent, "text": text}))
        return message_id

    async def show_typing(self, conversation_id: str, agent: str) -> None:
        """Let those who follow know that a person is typing. Not kept."""
        (await self._session(conversation_id)).signal(Sign("agent.typing", {"agent": agent}))

    async def leave_agent(self, conversation_id: str, agent: str) -> None:
        """The person hands the conversation back to the bot."""
        await (await self._session(conversation_id)).record(Draft(EventType.LEFT, {"agent": agent}))

    async def close_conversation(self, conversation_id: str, by: str = "shopper") -> None:
        """End it. Ending it twice is harmless."""
        session = await self._session(conversation_id)
        if session.status is not Status.CLOSED:
            await session.record(Draft(EventType.CLOSED, {"by": by}))

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

    def hang_up(self) -> None:
        """End all streams of events: a server that waits for its readers to leave would never stop."""
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
            session = self._sessions[conversation_id] = Session(self._log, conversation_id)
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
            return _told(conversation.turns, conversation.replies[known.message_id])
        for run in (session.current, session.next):
            if run is not None and (held := run.held(client_message_id)):
                _need_same(held, text)
                return run
        if self._closing:
            raise Unavailable("The server is stopping. The message was not taken; send it again in a moment.")
        if known is None:
            known = await self._record_message(session, text, client_message_id)
        if session.status is Status.WITH_AGENT:
            return _told(conversation.turns, _for_the_agent(known))
        if session.next is None:
            session.next = TurnRun()
        run = session.next
        run.messages.append(known)
        if session.worker is None or session.worker.done():
            session.worker = asyncio.create_task(self._work(session))
        return run

    @staticmethod
    async def _record_message(session: Session, text: str, client_message_id: str) -> Received:
        """The message, durable; or only noted, where a turn begins with it at once: nothing is answered before
        the turn's first events are durable, and they share its commit."""
        message = Received(_new_message_id(), session.conversation.seq + 1, text, client_message_id)
        if session.writes_alone and session.status is not Status.WITH_AGENT and not (session.current or session.next):
            session.note(_received(message))
            return message
        await session.record(_received(message))
        return session.conversation.messages[message.message_id]

    async def _work(self, session: Session) -> None:
        while session.next is not None:
            run, session.next = session.next, None
            session.current = run
            try:
                async with asyncio.timeout(self._limits.turn_timeout_seconds):
                    await self._turn(session, run)
            except asyncio.CancelledError as error:
                await self._failed(
                    session, run, Unavailable("The server stopped during the turn. Send it again."), error
                )
                raise
            except XiaoerError as error:
                await self._failed(session, run, error, error)
            except TimeoutError as error:
                late = Unavailable("No answer was found in time. The message is kept; send it again.")
                await self._failed(session, run, late, error)
            except Exception as error:
                broken = XiaoerError("The turn failed. The message is kept; send it again, or ask for a person.")
                await self._failed(session, run, broken, error)
            finally:
                session.current = None
                session.recover()

    async def _turn(self, session: Session, run: TurnRun) -> None:
        begun = time.perf_counter()
        turn = await self._pin(session, run)
        decision = await self._attendant.decide(turn)
        timings = {"decide": _since(begun)}
        answers = [message.message_id for message in run.messages]
        again = isinstance(decision, HandOff) and session.status is not Status.OPEN
        session.note(Draft(EventType.DECIDED, decision_json(turn.message_id, answers, turn.release, decision, timings)))
        # Whoever waits for the decision gets the stream; what it shows is what the log has confirmed.
        run.decided.set_result(session.conversation.seq + 1)
        sentences: list[Sentence] = []
        async for sentence in self._sentences(turn, decision, again):
            timings.setdefault("first_sentence", _since(begun))
            session.note(Draft(EventType.SENTENCE, sentence_json(turn.message_id, len(sentences), sentence)))
            sentences.append(sentence)
        timings["total"] = _since(begun)
        reply = self._attendant.finish(turn, decision, tuple(sentences), timings)
        told = reply_json(reply)
        session.note(
            Draft(EventType.COMPLETED, {"message_id": turn.message_id, "answers": answers, "reply": told}),
            *_handover(session, decision, reply.text, turn.message_id),
        )
        await session.drain()
        run.completed.set_result(told)
        self._witness.turn_completed(turn.conversation_id, turn.shop, reply)

    async def _pin(self, session: Session, run: TurnRun) -> Turn:
        conversation = session.conversation
        release = await self._releases.live_release(conversation.shop)
        if release is None:
            raise NoKnowledge(
                f"Shop {conversation.shop!r} has published no knowledge yet. The message is kept; "
                "publish a release with `xiaoer ingest … --publish`, then send it again."
            )
        return Turn(
            shop=conversation.shop,
            brand=self._brands(conversation.shop),
            release=release,
            as_of=self._clock(),
            text="\n".join(message.text for message in run.messages),
            history=conversation.history(run.messages),
            locale=conversation.locale,
            identity=conversation.identity,
            conversation_id=conversation.id,
            message_id=run.message_id,
        )

    async def _sentences(self, turn: Turn, decision: Decision, again: bool) -> AsyncIterator[Sentence]:
        if again:
            # A person is on the way already: say so in one line instead of announcing the hand-over a second time.
            yield Sentence(lines.waiting(turn.brand, decision.question.language))
            return
        async for sentence in self._attendant.reply(turn, decision):
            yield sentence

    async def _failed(self, session: Session, run: TurnRun, error: XiaoerError, cause: BaseException) -> None:
        payload = {
            "message_id": run.message_id,
            "answers": [message.message_id for message in run.messages],
            "slug": error.slug,
            "status": error.status,
            "title": error.title,
            "detail": str(error),
        }
        kept = session.conversation.messages
        lost = [_received(m) for m in run.messages if session.has_failed and m.message_id not in kept]
        session.recover()
        try:
            await session.record(*lost, Draft(EventType.FAILED, payload))
        except XiaoerError as worse:
            error = worse
        run.fail(error)
        session.signal(Sign())
        self._witness.turn_failed(session.conversation.id, session.conversation.shop, error, cause)


def _need_same(known: Received | None, text: str) -> None:
    """A repeat gets the first reply, so it has to ask the same. Raises Conflict when it does not."""
    if known is not None and known.text != text:
        raise Conflict(
            "Another message was sent under this client_message_id. The first one and its reply are kept, this one was "
            "not recorded; send it again under an id of its own."
        )


def _received(message: Received) -> Draft:
    said = {"message_id": message.message_id, "text": message.text, "client_message_id": message.client_message_id}
    return Draft(EventType.RECEIVED, said)


def _handover(session: Session, decision: Decision, text: str, message_id: str) -> tuple[Draft, ...]:
    if not isinstance(decision, HandOff) or session.status is not Status.OPEN:
        return ()
    return (Draft(EventType.HANDOFF, {"reason": decision.reason, "text": text, "message_id": message_id}),)


def _told(turns: dict[str, int], reply: Any) -> TurnRun:
    """A run that is over: what a repeated message gets."""
    run = TurnRun([Received(reply["message_id"], 0, "")])
    run.decided.set_result(turns.get(reply["message_id"], 0))
    run.completed.set_result(reply)
    return run


def _for_the_agent(message: Received) -> dict[str, Any]:
    """The bot is silent while a person has the conversation: their answer comes over the events."""
    return {
        "message_id": message.message_id,
        "text": "",
        "decision": "handoff",
        "confidence": 0.0,
        "citations": [],
        "related_questions": [],
        "cards": [],
        "handoff": {"reason": "with_agent"},
        "release": 0,
        "language": "",
        "timings_ms": {},
    }


def _new_message_id() -> str:
    return "m_" + secrets.token_urlsafe(12)


def _since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000
