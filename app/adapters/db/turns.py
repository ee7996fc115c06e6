"""Finds one turn of the log by its message, for whoever has to explain it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from app.adapters.db.conversation_tables import conversations
from app.adapters.db.engine import Database
from app.conversation.events import Event, EventType
from app.conversation.log import EventLog
from app.errors import NotFound

NEWEST = 500
"""Conversations that are searched for a message whose conversation nobody names."""


class TurnFinder:
    """Reads `decision.made` and the sentences that followed it."""

    def __init__(self, database: Database, log: EventLog) -> None:
        self._database = database
        self._log = log

    async def find(self, turn: str) -> tuple[str, Event, list[Event]]:
        """(shop, decision, sentences) of `CONVERSATION/MESSAGE`, of a `CONVERSATION`'s last turn, or of a `MESSAGE` in
        one of the newest conversations. Raises NotFound."""
        conversation_id, _, message_id = turn.partition("/")
        if conversation_id.startswith("m_"):
            conversation_id, message_id = "", conversation_id
        for candidate in [conversation_id] if conversation_id else await self._newest():
            entry = await self._log.entry(candidate)
            if entry is None:
                continue
            found = _turn_of(await self._log.read(candidate), message_id)
            if found:
                return entry.shop, *found
        raise NotFound(
            f"No turn {turn!r} is in the log. Name it CONVERSATION/MESSAGE, CONVERSATION for its last turn, or a "
            f"message of the {NEWEST} newest conversations; an erased one can't be read any more."
        )

    async def _newest(self) -> list[str]:
        wanted = select(conversations.c.id).order_by(conversations.c.updated_at.desc()).limit(NEWEST)
        return await self._database.run(lambda connection: list(connection.execute(wanted).scalars()))


def _turn_of(events: Sequence[Event], message_id: str) -> tuple[Event, list[Event]] | None:
    """The last decision that answers the message (any, where none is named), and its sentences."""
    for decided in reversed([event for event in events if event.type is EventType.DECIDED]):
        answered = {decided.payload.get("message_id"), *decided.payload.get("answers", ())}
        if message_id and message_id not in answered:
            continue
        own = decided.payload.get("message_id")
        said = [e for e in events if e.type is EventType.SENTENCE and e.payload.get("message_id") == own]
        return decided, said
    return None
