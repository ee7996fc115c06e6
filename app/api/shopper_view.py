"""What of a conversation's log its shopper may see, and in which words of the contract. All else is for staff."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from app.api.problems import problem_of_event
from app.conversation.events import Event, EventType
from app.conversation.session import Sign

Payload: TypeAlias = dict[str, Any]


def seen_by_shopper(event: Event) -> tuple[str, Payload] | None:
    """The event's name and data on the wire; None for what is not the shopper's to see (notes, tags, drafts)."""
    shown = _SHOWN.get(event.type)
    return shown(event.payload) if shown else None


def shown_sign(sign: Sign) -> Payload:
    """A passing sign as the shopper sees it: people by their name, never by their account."""
    shown = dict(sign.payload)
    if "agent" in shown:
        shown["agent"] = shown.get("name", "")
    return shown


def _as(name: str, *members: str) -> Callable[[Mapping[str, Any]], tuple[str, Payload]]:
    def show(payload: Mapping[str, Any]) -> tuple[str, Payload]:
        return name, {member: payload[member] for member in members if member in payload}

    return show


def _whole(name: str, member: str = "") -> Callable[[Mapping[str, Any]], tuple[str, Payload]]:
    def show(payload: Mapping[str, Any]) -> tuple[str, Payload]:
        return name, dict(payload.get(member, {}) if member else payload)

    return show


def _joined(payload: Mapping[str, Any]) -> tuple[str, Payload]:
    name = str(payload.get("name", ""))
    return "agent.joined", {"agent": name, "name": name}


def _said(payload: Mapping[str, Any]) -> tuple[str, Payload]:
    name = str(payload.get("name", ""))
    message_id, text = payload.get("message_id", ""), payload.get("text", "")
    return "agent.message", {"message_id": message_id, "agent": name, "name": name, "text": text}


def _attached(payload: Mapping[str, Any]) -> tuple[str, Payload]:
    names = ("attachment_id", "name", "media_type", "size_bytes", "width", "height", "text", "client_message_id")
    shown = {name: payload[name] for name in names if name in payload}
    return "attachment.added", shown | ({"agent": payload.get("agent_name", "")} if payload.get("agent") else {})


def _requeued(payload: Mapping[str, Any]) -> tuple[str, Payload]:
    reason, text = payload.get("reason", ""), payload.get("text", "")
    return "handoff.requested", {"reason": reason, "text": text, "message_id": ""}


def _ticket(payload: Mapping[str, Any]) -> tuple[str, Payload]:
    return "ticket.opened", {"ticket": payload.get("ticket", ""), "text": payload.get("line", "")}


def _failed(payload: Mapping[str, Any]) -> tuple[str, Payload]:
    return "problem", problem_of_event(dict(payload))


_SHOWN: Mapping[EventType, Callable[[Mapping[str, Any]], tuple[str, Payload]]] = {
    EventType.RECEIVED: _whole("message.received"),
    EventType.ATTACHED: _attached,
    EventType.DECIDED: _as("reply.started", "message_id", "answers", "decision", "language", "release"),
    EventType.SENTENCE: _whole("reply.sentence"),
    EventType.COMPLETED: _whole("reply.completed", "reply"),
    EventType.YIELDED: _whole("reply.completed", "reply"),
    EventType.FAILED: _failed,
    EventType.HANDOFF: _as(
        "handoff.requested", "reason", "text", "message_id", "offline", "position", "opens_at", "language"
    ),
    EventType.REQUEUED: _requeued,
    EventType.TICKET: _ticket,
    EventType.JOINED: _joined,
    EventType.TRANSFERRED: _joined,
    EventType.AGENT_SAID: _said,
    EventType.LEFT: _as("agent.left", "text"),
    EventType.WITHDRAWN: _as("agent.left", "text"),
    EventType.FEEDBACK: _whole("feedback.given"),
    EventType.CLOSED: _as("conversation.closed", "by", "outcome"),
    EventType.ERASED: _whole("subject.erased"),
}
