"""Who is expected to speak in a conversation, and what may happen there: bot → queue → person → bot or closed.

The one place that knows the rules. Everything that is written passes through `Standing.after`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.conversation.events import EventType
from app.errors import Conflict


class Status(StrEnum):
    """Who is expected to speak."""

    OPEN = "open"
    WAITING = "waiting_for_agent"
    WITH_AGENT = "with_agent"
    CLOSED = "closed"


_BOT = (Status.OPEN, Status.WAITING, Status.CLOSED)
"""Where the bot may end a turn it has begun. Never while a person has the conversation."""
_LIVING = (Status.OPEN, Status.WAITING, Status.WITH_AGENT)
_ALLOWED_IN: Mapping[EventType, tuple[Status, ...]] = {
    EventType.RECEIVED: _LIVING,
    EventType.ATTACHED: _LIVING,
    EventType.DECIDED: _BOT,
    EventType.SENTENCE: _BOT,
    EventType.COMPLETED: _BOT,
    EventType.HANDOFF: (Status.OPEN,),
    EventType.RAISED: (Status.WAITING,),
    EventType.WITHDRAWN: (Status.WAITING,),
    EventType.TICKET: (Status.OPEN, Status.WAITING),
    EventType.JOINED: (Status.OPEN, Status.WAITING),
    EventType.TRANSFERRED: (Status.WITH_AGENT,),
    EventType.REQUEUED: (Status.WITH_AGENT,),
    EventType.AGENT_SAID: (Status.WITH_AGENT,),
    EventType.LEFT: (Status.WITH_AGENT,),
    EventType.CLOSED: _LIVING,
}
_LEADS_TO: Mapping[EventType, Status] = {
    EventType.HANDOFF: Status.WAITING,
    EventType.REQUEUED: Status.WAITING,
    EventType.WITHDRAWN: Status.OPEN,
    EventType.JOINED: Status.WITH_AGENT,
    EventType.TRANSFERRED: Status.WITH_AGENT,
    EventType.LEFT: Status.OPEN,
    EventType.CLOSED: Status.CLOSED,
    EventType.ERASED: Status.CLOSED,
}
_OF_THE_HOLDER = frozenset({EventType.AGENT_SAID, EventType.LEFT, EventType.REQUEUED})


def next_status(status: Status, type_: EventType) -> Status:
    """The status after an event. Raises Conflict for one that cannot happen now."""
    allowed = _ALLOWED_IN.get(type_)
    if allowed is not None and status not in allowed:
        raise Conflict(
            f"The conversation is {status.value}, where {type_.value} cannot happen. Nothing was changed; "
            f"it can while the conversation is {' or '.join(s.value for s in allowed)}."
        )
    return _LEADS_TO.get(type_, status)


@dataclass(frozen=True, slots=True)
class Standing:
    """Status, and the id of the person who has the conversation ("" = nobody)."""

    status: Status = Status.OPEN
    agent: str = ""

    def after(self, type_: EventType, payload: Mapping[str, Any]) -> Standing:
        """The standing once that happened. Raises Conflict when it cannot: nobody speaks out of turn, and of two
        people who reach for a conversation at once only one gets it."""
        status = next_status(self.status, type_)
        of_holder = type_ in _OF_THE_HOLDER or (type_ is EventType.ATTACHED and payload.get("agent"))
        if of_holder and str(payload.get("agent", "")) != self.agent:
            raise Conflict(
                "Somebody else has this conversation. Nothing was sent or changed; look at it again, or take it over."
            )
        if type_ is EventType.TRANSFERRED and str(payload.get("from", "")) != self.agent:
            raise Conflict("Somebody else has taken this conversation meanwhile. Nothing was changed.")
        return Standing(status, self._holder(type_, payload))

    def seen(self, type_: EventType, payload: Mapping[str, Any]) -> Standing:
        """The same for an event that stands in the log: it has happened, whatever the rules say today."""
        return Standing(_LEADS_TO.get(type_, self.status), self._holder(type_, payload))

    def _holder(self, type_: EventType, payload: Mapping[str, Any]) -> str:
        if type_ in (EventType.JOINED, EventType.TRANSFERRED):
            return str(payload.get("agent", ""))
        return "" if type_ in _LEADS_TO else self.agent
