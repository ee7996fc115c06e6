"""What can happen in a conversation. Widget, desk, audit, replay and metrics all read these events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

Payload: TypeAlias = Mapping[str, Any]


class EventType(StrEnum):
    """Names of events, as they stand in the log and on the wire."""

    STARTED = "conversation.started"
    RECEIVED = "message.received"
    ATTACHED = "attachment.added"
    DECIDED = "decision.made"
    SENTENCE = "reply.sentence"
    COMPLETED = "reply.completed"
    FAILED = "reply.failed"
    YIELDED = "reply.yielded"
    """a person took over in the middle of the bot's turn: it said no more"""
    HANDOFF = "handoff.requested"
    RAISED = "handoff.raised"
    """a more pressing reason, while somebody is on the way already"""
    REQUEUED = "handoff.requeued"
    """from a person back into the queue: they vanished, or passed it on to whoever is free"""
    WITHDRAWN = "handoff.withdrawn"
    """out of the queue, back to the bot"""
    TICKET = "ticket.opened"
    """how to reach the shopper when nobody was there"""
    JOINED = "agent.joined"
    TRANSFERRED = "agent.transferred"
    AGENT_SAID = "agent.message"
    LEFT = "agent.left"
    NOTED = "note.added"
    TAGGED = "tags.set"
    DRAFTED = "assist.drafted"
    FEEDBACK = "feedback.given"
    CLOSED = "conversation.closed"
    LOGGED_OUT = "shopper.logged_out"
    """the conversation's token is good no more"""
    ERASED = "subject.erased"


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that is about to be written. `payload` must be plain JSON."""

    type: EventType
    payload: Payload


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it stands in the log. `seq` counts from 1 in each conversation.

    After the person was erased `payload` is empty: what it said can no longer be read by anyone.
    """

    conversation_id: str
    seq: int
    type: EventType
    time: datetime
    payload: Payload
