"""What a conversation is at a moment: its events, folded. Nothing here writes or waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.chat.turn import Identity, Message
from app.conversation.events import Event, EventType
from app.errors import Conflict

HISTORY_MESSAGES = 10


class Status(StrEnum):
    """Who is expected to speak."""

    OPEN = "open"
    WAITING = "waiting_for_agent"
    WITH_AGENT = "with_agent"
    CLOSED = "closed"


_ANY = (Status.OPEN, Status.WAITING, Status.WITH_AGENT)
_ALLOWED_IN: Mapping[EventType, tuple[Status, ...]] = {
    EventType.RECEIVED: _ANY,
    EventType.HANDOFF: (Status.OPEN,),
    EventType.JOINED: (Status.OPEN, Status.WAITING),
    EventType.AGENT_SAID: (Status.WITH_AGENT,),
    EventType.LEFT: (Status.WITH_AGENT,),
    EventType.CLOSED: _ANY,
}
_LEADS_TO: Mapping[EventType, Status] = {
    EventType.HANDOFF: Status.WAITING,
    EventType.JOINED: Status.WITH_AGENT,
    EventType.LEFT: Status.OPEN,
    EventType.CLOSED: Status.CLOSED,
    EventType.ERASED: Status.CLOSED,
}


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
class Received:
    """A shopper message as recorded."""

    message_id: str
    seq: int
    text: str
    client_message_id: str = ""


@dataclass
class Conversation:
    """One conversation, folded from its events in order. `erased` ones have no words left."""

    id: str
    shop: str
    status: Status = Status.OPEN
    seq: int = 0
    locale: str = ""
    page: str = ""
    identity: Identity = field(default_factory=Identity)
    erased: bool = False
    messages: dict[str, Received] = field(default_factory=dict)
    """message_id → what the shopper said"""
    by_client: dict[str, str] = field(default_factory=dict)
    """client_message_id → message_id"""
    replies: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """message_id → the reply that answers it, as the shopper got it"""
    turns: dict[str, int] = field(default_factory=dict)
    """message_id of a turn → seq at which its decision stands"""
    said: list[tuple[str, Message]] = field(default_factory=list)
    """(message_id, message) in the order a reader would follow"""
    unanswered: dict[str, Received] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Take in the next event. One seen before is ignored."""
        if event.seq <= self.seq:
            return
        self.seq = event.seq
        self.status = _LEADS_TO.get(event.type, self.status)
        if event.type is EventType.ERASED:
            self._forget()
        elif not self.erased and (take := _TAKE.get(event.type)):
            take(self, event)

    def apply_all(self, events: Iterable[Event]) -> Conversation:
        """Take in several; returns itself."""
        for event in events:
            self.apply(event)
        return self

    def known(self, client_message_id: str) -> Received | None:
        """The message that was sent under this id before, if any."""
        message_id = self.by_client.get(client_message_id) if client_message_id else None
        return self.messages.get(message_id) if message_id else None

    def history(self, current: Iterable[Received]) -> tuple[Message, ...]:
        """The last messages before a turn that answers `current`, oldest first."""
        current = tuple(current)
        ids = {message.message_id for message in current}
        first = min((message.seq for message in current), default=self.seq + 1)
        told = [message for id_, message in self.said if id_ not in ids]
        told += [Message("user", m.text) for m in self.unanswered.values() if m.seq < first]
        return tuple(told[-HISTORY_MESSAGES:])

    def _started(self, event: Event) -> None:
        payload = event.payload
        self.locale, self.page = str(payload.get("locale", "")), str(payload.get("page", ""))
        self.identity = Identity(**payload.get("identity", {}))

    def _received(self, event: Event) -> None:
        payload = event.payload
        message = Received(
            payload["message_id"], event.seq, payload["text"], str(payload.get("client_message_id") or "")
        )
        self.messages[message.message_id] = self.unanswered[message.message_id] = message
        if message.client_message_id:
            self.by_client[message.client_message_id] = message.message_id

    def _decided(self, event: Event) -> None:
        self.turns[event.payload["message_id"]] = event.seq
        # Messages enter the history when their turn begins: one that arrived during the turn before
        # must not stand in front of that turn's reply.
        last = max((self.messages[id_].seq for id_ in event.payload["answers"] if id_ in self.messages), default=0)
        for message in [m for m in self.unanswered.values() if m.seq <= last]:
            del self.unanswered[message.message_id]
            self.said.append((message.message_id, Message("user", message.text)))

    def _completed(self, event: Event) -> None:
        reply = event.payload["reply"]
        for message_id in event.payload["answers"]:
            self.replies[message_id] = reply
        if reply["text"]:
            self.said.append((reply["message_id"] + "/reply", Message("assistant", reply["text"], reply["decision"])))
        del self.said[: -4 * HISTORY_MESSAGES]

    def _agent_said(self, event: Event) -> None:
        for message in tuple(self.unanswered.values()):
            self.said.append((message.message_id, Message("user", message.text)))
        self.unanswered.clear()
        self.said.append((event.payload["message_id"], Message("agent", event.payload["text"])))

    def _forget(self) -> None:
        self.erased = True
        self.locale = self.page = ""
        self.identity = Identity()
        for words in (self.messages, self.by_client, self.replies, self.turns, self.said, self.unanswered):
            words.clear()


_TAKE = {
    EventType.STARTED: Conversation._started,
    EventType.RECEIVED: Conversation._received,
    EventType.DECIDED: Conversation._decided,
    EventType.COMPLETED: Conversation._completed,
    EventType.AGENT_SAID: Conversation._agent_said,
}
