"""Puts turns into the review queue in the transaction that writes their events; an erasure takes them out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from app.adapters.db.conversation_tables import conversations
from app.adapters.db.review_tables import review_items
from app.conversation.events import Event, EventType
from app.review.item import Kind

_UNSURE = ("answer", "clarify", "handoff")
_REOPENS = (Kind.THUMBS_DOWN, Kind.CORRECTION)
"""What makes an item worth another look though somebody has dealt with it."""


class ReviewProjection:
    """Writes items. A turn that went well costs nothing: it is in no queue."""

    def __init__(self, threshold: float = 0.7) -> None:
        """`threshold`: confidence from which an answer is sent."""
        self._threshold = threshold

    def __call__(self, connection: Connection, events: list[Event]) -> None:
        """Take in events that were just written."""
        for event in events:
            if event.type is EventType.ERASED:
                of_person = review_items.c.conversation_id == event.conversation_id
                connection.execute(delete(review_items).where(of_person))
            elif event.type is EventType.FEEDBACK and event.payload.get("helpful"):
                _take_back(connection, event)
            elif found := self._found(event):
                _put(connection, event, *found)

    def _found(self, event: Event) -> tuple[Kind, str, dict[str, Any]] | None:
        """Why the event is worth looking at, the message it is about, and what is known of it."""
        payload = event.payload
        about = str(payload.get("message_id") or "") or f"@{event.seq}"
        match event.type:
            case EventType.DECIDED if self._is_unsure(payload):
                return Kind.LOW_CONFIDENCE, about, _of_decision(payload)
            case EventType.HANDOFF:
                told = {"reason": payload.get("reason"), "language": payload.get("language"), "decision": "handoff"}
                return Kind.HANDOFF, about, told
            case EventType.FEEDBACK:
                return Kind.THUMBS_DOWN, about, {}
            case EventType.AGENT_SAID if payload.get("draft") and payload.get("edited"):
                return Kind.CORRECTION, str(payload["draft"]), {}
            case EventType.AGENT_SAID if payload.get("answers"):
                return Kind.ANSWERED, str(payload["answers"]), {}
        return None

    def _is_unsure(self, payload: Mapping[str, Any]) -> bool:
        confidence = float(payload.get("confidence") or 0.0)
        unsure = payload.get("decision") in _UNSURE and 0.0 < confidence < self._threshold
        return unsure or payload.get("reason") == "low_confidence"


def _of_decision(payload: Mapping[str, Any]) -> dict[str, Any]:
    names = ("reason", "decision", "confidence", "language", "release")
    return {name: payload[name] for name in names if payload.get(name)}


def _put(connection: Connection, event: Event, kind: Kind, message_id: str, about: Mapping[str, Any]) -> None:
    """A new item, or one more reason for the one of that turn."""
    at = event.time.isoformat(timespec="microseconds")
    of_turn = (review_items.c.conversation_id == event.conversation_id, review_items.c.message_id == message_id[:64])
    known = connection.execute(select(review_items).where(*of_turn)).first()
    told = {name: _fitting(name, value) for name, value in about.items() if value}
    if known is None:
        shop = select(conversations.c.shop).where(conversations.c.id == event.conversation_id)
        row = {"conversation_id": event.conversation_id, "message_id": message_id[:64], "at": at, "updated_at": at}
        row |= {"shop": connection.execute(shop).scalar_one(), "kinds": f"\n{kind}\n"}
        connection.execute(insert(review_items), row | told)
        return
    kinds = known.kinds if f"\n{kind}\n" in known.kinds else f"{known.kinds}{kind}\n"
    changes: dict[str, Any] = {"kinds": kinds, "updated_at": at, **told}
    if kind in _REOPENS and known.state == "done" and kinds != known.kinds:
        changes |= {"state": "open", "outcome": "", "done_by": "", "done_at": ""}
    connection.execute(update(review_items).where(*of_turn).values(**changes))


def _fitting(name: str, value: Any) -> Any:
    return value if name in ("confidence", "release") else str(value)[: {"reason": 40, "language": 10}.get(name, 20)]


def _take_back(connection: Connection, event: Event) -> None:
    """The shopper found it helpful after all: that reason is gone, and with the last one the item."""
    message_id = str(event.payload.get("message_id") or "")
    of_turn = (review_items.c.conversation_id == event.conversation_id, review_items.c.message_id == message_id)
    known = connection.execute(select(review_items).where(*of_turn, review_items.c.state == "open")).first()
    if known is None or f"\n{Kind.THUMBS_DOWN}\n" not in known.kinds:
        return
    kinds = known.kinds.replace(f"\n{Kind.THUMBS_DOWN}\n", "\n")
    if kinds.strip():
        connection.execute(update(review_items).where(*of_turn).values(kinds=kinds))
    else:
        connection.execute(delete(review_items).where(*of_turn))
