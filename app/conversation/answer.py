"""Runs the turns of a conversation, one at a time: understand, decide, say, record. Gives way to a person at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.chat.turn import Answer, Decision, HandOff, Sentence, Turn
from app.conversation import lines
from app.conversation.admission import Admission
from app.conversation.conversation import Conversation, Received, Status
from app.conversation.events import Draft, EventType
from app.conversation.leases import Leases, NoLeases
from app.conversation.ports import Attendant, Brands, Releases, Witness
from app.conversation.present import decision_json, reply_json, sentence_json
from app.conversation.reception import Reception, with_text
from app.conversation.session import Overtaken, Session, Sign, TurnRun
from app.conversation.taking_turns import Turns, answered
from app.conversation.telling import for_the_agent
from app.conversation.while_read import while_read
from app.errors import Conflict, NoKnowledge, Unavailable, XiaoerError


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take. Seconds."""

    turn_timeout_seconds: float = 60.0
    turns_at_once: int = 64
    """0 = any number; more wait in line"""
    turns_waiting: int = 512
    wait_seconds: float = 10.0
    shutdown_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class _Plan:
    """What this turn says, and what is written down beside it.

    again   a person is on the way already: it is said in one line
    called  the payload of the hand-over, where this turn calls a person
    advice  what the shop itself says to those who were hurt, said before the call
    """

    decision: Decision
    drafts: tuple[Draft, ...] = ()
    again: bool = False
    called: dict[str, Any] | None = None
    advice: tuple[Sentence, ...] = ()


class Answerer:
    """Works through the messages of sessions."""

    def __init__(
        self,
        *,
        attendant: Attendant,
        releases: Releases,
        brands: Brands,
        witness: Witness,
        limits: Limits,
        reception: Reception,
        clock: Callable[[], datetime],
        leases: Leases | None = None,
    ) -> None:
        self._turns = Turns(leases or NoLeases(), limits.turn_timeout_seconds)
        self.admission = Admission(limits.turns_at_once, limits.turns_waiting, limits.wait_seconds)
        self._attendant = attendant
        self._releases = releases
        self._brands = brands
        self._witness = witness
        self._limits = limits
        self._reception = reception
        self._clock = clock

    async def work(self, session: Session) -> None:
        """Answer what waits in the session, until nothing does."""
        while session.next is not None:
            run = session.next
            try:
                async with self._turns.held(session):
                    run, session.next = session.next, None
                    session.current = run
                    if (told := answered(session, run)) is not None:
                        _resolve(session, run, told)
                        continue
                    async with asyncio.timeout(self._limits.turn_timeout_seconds):
                        await self._turn(session, run)
            except Overtaken:
                await self._follow_other(session, run)
            except asyncio.CancelledError as error:
                stopped = Unavailable("The server stopped during the turn. Send it again.")
                await self._failed(session, run, stopped, error)
                raise
            except Conflict as error:
                await self._give_way(session, run, error)
            except XiaoerError as error:
                await self._failed(session, run, error, error)
            except TimeoutError as error:
                late = Unavailable("No answer was found in time. The message is kept; send it again.")
                await self._failed(session, run, late, error)
            except Exception as error:
                broken = XiaoerError("The turn failed. The message is kept; send it again, or ask for a person.")
                await self._failed(session, run, broken, error)
            finally:
                if session.next is run:  # it never began
                    session.next = None
                session.current = None
                session.recover()

    async def _follow_other(self, session: Session, run: TurnRun) -> None:
        """Another instance took the turn over: its reply is ours."""
        session.recover()
        try:
            _resolve(session, run, await self._turns.reply_of_other(session, run))
        except XiaoerError as error:
            run.fail(error)
            session.signal(Sign())

    async def turn(self, conversation: Conversation, messages: Sequence[Received]) -> Turn:
        """The turn that answers these messages. Raises NoKnowledge before the first publish."""
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
            text="\n".join(message.text for message in messages),
            history=conversation.history(messages),
            locale=conversation.locale,
            identity=conversation.identity,
            conversation_id=conversation.id,
            message_id=messages[-1].message_id,
        )

    async def _turn(self, session: Session, run: TurnRun) -> None:
        """Wait for a place, then answer; without one a person is called."""

        def tell(position: int) -> None:
            session.signal(Sign("reply.queued", {"position": position}))

        async with self.admission.place(tell) as admitted:
            await self._answer(session, run, admitted)

    async def _answer(self, session: Session, run: TurnRun, admitted: bool) -> None:
        begun = time.perf_counter()
        turn = await self.turn(session.conversation, run.messages)
        plan = await self._plan(session, turn, admitted)
        if plan is None:
            await self._leave_to_person(session, run, "waiting")
            return
        decision = plan.decision
        timings = {"decide": _since(begun)}
        answers = [message.message_id for message in run.messages]
        session.note(Draft(EventType.DECIDED, decision_json(turn.message_id, answers, turn.release, decision, timings)))
        # Whoever waits for the decision gets the stream; what it shows is what the log has confirmed.
        run.decided.set_result(session.conversation.seq + 1)
        sentences: list[Sentence] = []
        async for sentence in self._sentences(turn, plan, run):
            timings.setdefault("first_sentence", _since(begun))
            session.note(Draft(EventType.SENTENCE, sentence_json(turn.message_id, len(sentences), sentence)))
            sentences.append(sentence)
        timings["total"] = _since(begun)
        reply = self._attendant.finish(turn, decision, tuple(sentences), timings)
        told = reply_json(reply)
        session.note(
            Draft(EventType.COMPLETED, {"message_id": turn.message_id, "answers": answers, "reply": told}),
            *plan.drafts,
            *_handover(session, plan, reply.text, turn.message_id, answers),
        )
        await session.drain()
        run.completed.set_result(told)
        self._witness.turn_completed(turn.conversation_id, turn.shop, reply)

    async def _plan(self, session: Session, turn: Turn, admitted: bool) -> _Plan | None:
        """What the turn comes to in this conversation; None where a person answers and the bot says nothing."""
        conversation = session.conversation
        taken = await self._reception.before(turn, conversation, session.status)
        if taken.silent:
            return None
        decision, advice = taken.decision, tuple[Sentence, ...]()
        if decision is None:
            decided = await self._decide(session, turn) if admitted else self._reception.cannot(turn)
            decision = await self._reception.after(decided, turn, conversation, session.status)
            if isinstance(decided, Answer) and isinstance(decision, HandOff) and decision.reason == "sensitive_topic":
                advice = decided.evidence.draft
        if not isinstance(decision, HandOff):
            return _Plan(decision, taken.drafts)
        if session.status is not Status.OPEN:
            return _Plan(decision, (*taken.drafts, *self._reception.raised(decision, conversation)), again=True)
        text, about = await self._reception.announce(
            turn.shop, turn.brand, decision.question.language, decision.reason, decision.text, turn.text,
            elsewhere=conversation.staffed_there,
        )  # fmt: skip
        return _Plan(with_text(decision, text), taken.drafts, called=about, advice=advice)

    async def _decide(self, session: Session, turn: Turn) -> Decision:
        """What the attendant decides. Where it has failed this shopper before, a person is called instead of failing
        them again: the reason is told to the witness."""
        try:
            return await self._attendant.decide(turn)
        except Exception as error:
            if session.conversation.failures == 0 or session.status is not Status.OPEN:
                raise
            known = error if isinstance(error, XiaoerError) else XiaoerError("The turn failed; a person was called.")
            self._witness.turn_failed(turn.conversation_id, turn.shop, known, error)
            return self._reception.cannot(turn)

    async def _sentences(self, turn: Turn, plan: _Plan, run: TurnRun) -> AsyncIterator[Sentence]:
        if plan.again:
            # A person is on the way already: say so in one line instead of announcing the hand-over a second time.
            yield Sentence(lines.waiting(turn.brand, plan.decision.question.language))
            return
        for sentence in plan.advice:
            yield sentence
        reply = self._attendant.reply(turn, plan.decision)
        if isinstance(plan.decision, Answer) and plan.decision.needs_model:
            reply = while_read(reply, plan.decision, run)
        async for sentence in reply:
            yield sentence

    async def _give_way(self, session: Session, run: TurnRun, error: Conflict) -> None:
        """A person took the conversation while the bot was at it: the bot says no more, and nothing is lost."""
        session.recover()
        if session.status is Status.WITH_AGENT:
            try:
                await self._leave_to_person(session, run, "with_agent")
            except XiaoerError as worse:
                await self._failed(session, run, worse, worse)
            return
        await self._failed(session, run, error, error)

    async def _leave_to_person(self, session: Session, run: TurnRun, reason: str) -> None:
        with contextlib.suppress(XiaoerError):
            await session.drain()
        reply = for_the_agent(run.message_id, reason)
        answers = [message.message_id for message in run.messages]
        told = {"message_id": run.message_id, "answers": answers, "reply": reply}
        await session.record(*self._lost(session, run), Draft(EventType.YIELDED, told))
        if not run.decided.done():
            run.decided.set_result(0)
        run.completed.set_result(reply)

    async def _failed(self, session: Session, run: TurnRun, error: XiaoerError, cause: BaseException) -> None:
        payload = {
            "message_id": run.message_id,
            "answers": [message.message_id for message in run.messages],
            "slug": error.slug,
            "status": error.status,
            "title": error.title,
            "detail": str(error),
        }
        session.recover()
        with contextlib.suppress(XiaoerError):
            await session.drain()
        lost = self._lost(session, run)
        try:
            await session.record(*lost, Draft(EventType.FAILED, payload))
        except XiaoerError as worse:
            error = worse
        run.fail(error)
        session.signal(Sign())
        self._witness.turn_failed(session.conversation.id, session.conversation.shop, error, cause)

    @staticmethod
    def _lost(session: Session, run: TurnRun) -> list[Draft]:
        """Messages of the turn that were only noted when writing failed."""
        kept = session.conversation.messages
        return [received(m) for m in run.messages if m.message_id not in kept]


def _resolve(session: Session, run: TurnRun, told: dict[str, Any]) -> None:
    """The turn ends with a reply that stands in the log."""
    if not run.decided.done():
        run.decided.set_result(session.conversation.turns.get(run.message_id, 0))
    if not run.completed.done():
        run.completed.set_result(told)
    session.signal(Sign())


def received(message: Received) -> Draft:
    """The event of a shopper's message."""
    said = {"message_id": message.message_id, "text": message.text, "client_message_id": message.client_message_id}
    return Draft(EventType.RECEIVED, said)


def _handover(session: Session, plan: _Plan, text: str, message_id: str, answers: Sequence[str]) -> tuple[Draft, ...]:
    decision = plan.decision
    if plan.called is None or not isinstance(decision, HandOff) or session.status is not Status.OPEN:
        return ()
    payload = {"reason": decision.reason, "text": text, "message_id": message_id, "answers": list(answers)}
    return (Draft(EventType.HANDOFF, payload | plan.called),)


def _since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000
