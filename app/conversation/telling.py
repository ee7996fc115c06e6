"""A reply on its way to whoever asked, and what a conversation begins with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from app.conversation.conversation import Received
from app.conversation.events import Event, EventType
from app.conversation.session import Session, TurnRun, is_of_turn

ENDS = (EventType.COMPLETED, EventType.FAILED, EventType.YIELDED)
"""How a turn ends"""


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
        run.watched = True
        async with aclosing(self._session.follow_together(run.decided.result() - 1)) as following:
            async for group in following:
                events = [e for e in group if isinstance(e, Event) and is_of_turn(e, run.message_id)]
                if events:
                    yield events
                    if events[-1].type in ENDS:
                        return
                if len(events) < len(group) and run.completed.done() and (error := run.completed.exception()):
                    raise error  # its end could not even be recorded


def told_before(turns: dict[str, int], reply: Any) -> TurnRun:
    """A run that is over: what a repeated message gets."""
    run = TurnRun([Received(reply["message_id"], 0, "")])
    run.decided.set_result(turns.get(reply["message_id"], 0))
    run.completed.set_result(reply)
    return run


def for_the_agent(message_id: str, reason: str = "with_agent") -> dict[str, Any]:
    """The bot is silent where a person answers: what they say comes over the events."""
    return {
        "message_id": message_id,
        "text": "",
        "decision": "handoff",
        "confidence": 0.0,
        "citations": [],
        "related_questions": [],
        "cards": [],
        "handoff": {"reason": reason},
        "release": 0,
        "language": "",
        "timings_ms": {},
    }
