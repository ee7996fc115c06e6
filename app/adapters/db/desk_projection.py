"""Keeps the desk's view of a conversation in step with its log: written in the transaction that writes the events."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from app.adapters.db.conversation_tables import conversations
from app.adapters.db.desk_tables import cases, notices
from app.conversation.events import Event, EventType
from app.conversation.standing import Status

ON_THE_DESK = frozenset(
    {
        EventType.STARTED, EventType.HANDOFF, EventType.RAISED, EventType.REQUEUED, EventType.WITHDRAWN,
        EventType.TICKET, EventType.JOINED, EventType.TRANSFERRED, EventType.LEFT, EventType.TAGGED, EventType.NOTED,
        EventType.CLOSED, EventType.FEEDBACK, EventType.ERASED,
    }
)  # fmt: skip
IN_HANDS = frozenset(
    {EventType.RECEIVED, EventType.ATTACHED, EventType.AGENT_SAID, EventType.DRAFTED, EventType.YIELDED}
)
"""On the desk too once a person has been called: those who work elsewhere than this process see it by its notice."""
_NOBODY = {"agent": "", "agent_name": "", "joined_at": ""}


class DeskProjection:
    """Writes cases and notices. Ordinary turns cost nothing: they are not the desk's."""

    def __init__(self, shopper_key: bytes) -> None:
        self._shopper_key = shopper_key

    def __call__(self, connection: Connection, events: list[Event], status: str) -> None:
        """Take in events that were just written to a conversation that had that status before."""
        called = status in (Status.WAITING.value, Status.WITH_AGENT.value)
        for event in events:
            if event.type in ON_THE_DESK or (called and event.type in IN_HANDS):
                self._take(connection, event)

    def _take(self, connection: Connection, event: Event) -> None:
        at = event.time.isoformat(timespec="microseconds")
        payload = event.payload
        if event.type is EventType.STARTED:
            self._started(connection, event, at)
            return
        if event.type is EventType.ERASED:
            connection.execute(delete(cases).where(cases.c.conversation_id == event.conversation_id))
        elif event.type in IN_HANDS:
            pass
        elif (changes := _changes(event.type, payload, at)) is not None:
            self._put(connection, event, changes | {"updated_at": at})
        shop = connection.execute(
            select(conversations.c.shop).where(conversations.c.id == event.conversation_id)
        ).scalar_one()
        agent = str(payload.get("agent") or payload.get("by") or "")[:64]
        about = {name: str(payload[name]) for name in ("reason", "outcome", "name", "from") if payload.get(name)}
        about["seq"] = str(event.seq)
        row = {"shop": shop, "type": event.type.value, "conversation_id": event.conversation_id, "agent": agent}
        connection.execute(insert(notices), row | {"at": at, "about": orjson.dumps(about).decode()})

    def _started(self, connection: Connection, event: Event, at: str) -> None:
        """A shopper the storefront vouches for is known again."""
        identity = event.payload.get("identity") or {}
        named = str(identity.get("customer_id") or "")
        if not named:
            return
        shop = str(event.payload.get("shop", ""))
        shopper = hmac.new(self._shopper_key, f"{shop}\n{named}".encode(), hashlib.sha256).hexdigest()
        row = {"conversation_id": event.conversation_id, "shop": shop, "status": Status.OPEN.value}
        connection.execute(insert(cases), row | {"shopper": shopper, "updated_at": at})

    @staticmethod
    def _put(connection: Connection, event: Event, changes: dict[str, Any]) -> None:
        done = connection.execute(
            update(cases).where(cases.c.conversation_id == event.conversation_id).values(**changes)
        )
        if done.rowcount:
            return
        found = connection.execute(
            select(conversations.c.shop, conversations.c.status).where(conversations.c.id == event.conversation_id)
        ).one()
        row = {"conversation_id": event.conversation_id, "shop": found.shop, "status": found.status}
        connection.execute(insert(cases), row | changes)


def _changes(type_: EventType, payload: Mapping[str, Any], at: str) -> dict[str, Any] | None:
    """What an event changes in the case; None where it changes nothing there."""
    match type_:
        case EventType.HANDOFF:
            return {
                "status": Status.WAITING.value, "queued_at": at, "reason": str(payload.get("reason", ""))[:40],
                "priority": int(payload.get("priority", 0)), "language": str(payload.get("language", ""))[:10],
                "offline": bool(payload.get("offline")), "ticket": "", "outcome": "", "skill": "", "wanted_agent": "",
                **_NOBODY,
            }  # fmt: skip
        case EventType.RAISED:
            return {"reason": str(payload.get("reason", ""))[:40], "priority": int(payload.get("priority", 0))}
        case EventType.REQUEUED:
            return {
                "status": Status.WAITING.value, "reason": str(payload.get("reason", ""))[:40], "offline": False,
                "priority": int(payload.get("priority", 25)), "skill": str(payload.get("skill", ""))[:40],
                "wanted_agent": str(payload.get("wanted_agent", ""))[:64], **_NOBODY,
            }  # fmt: skip
        case EventType.JOINED | EventType.TRANSFERRED:
            agent, name = str(payload.get("agent", ""))[:64], str(payload.get("name", ""))[:100]
            joined = {"agent": agent, "agent_name": name, "joined_at": at, "wanted_agent": ""}
            return {"status": Status.WITH_AGENT.value, **joined}
        case EventType.WITHDRAWN | EventType.LEFT:
            return {"status": Status.OPEN.value, **_NOBODY}
        case EventType.TICKET:
            return {"ticket": str(payload.get("ticket", ""))[:20]}
        case EventType.TAGGED:
            return {"tags": "\n".join(str(tag) for tag in payload.get("tags", ()))}
        case EventType.CLOSED:
            return {"status": Status.CLOSED.value, "closed_at": at, "outcome": str(payload.get("outcome", ""))[:40]}
    return None
