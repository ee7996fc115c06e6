"""What a conversation is at a moment: its events, folded. Nothing here writes or waits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.chat.turn import Identity, Message
from app.conversation.events import Event, EventType
from app.conversation.standing import Standing, Status, next_status
from app.knowledge.tokenize import words

__all__ = ["Conversation", "Episode", "Received", "Status", "next_status", "question_key"]

HISTORY_MESSAGES = 10
KEPT_MESSAGES = 4 * HISTORY_MESSAGES
PINNED_AMONG = 8
"""So many messages the attendant reads back. Where older ones named an order, they stand first among so many."""
PINNED = 3
CHANNEL_AGENT = "channel:"
"""Before a channel's name: whoever answers there, as an agent of the log"""
_NAMES_AN_ORDER = re.compile(
    r"(?<![A-Za-z0-9])(?!\d{4}-\d\d?-\d)(?=[A-Za-z_-]*\d)[A-Za-z]{0,6}[-_]?\d[\dA-Za-z-]{4,24}(?![A-Za-z0-9])"
    r"|(?<![\dA-Za-z.-])\d{4}(?![\dA-Za-z-]|\.\d)"
)
"""An order's number, or four digits that may be a phone's last: a shopper says such a thing once."""


def question_key(text: str) -> str:
    """The same for two ways of typing the same question: its words, once each, in no order."""
    return " ".join(sorted(set(words(text)))) or text.strip().casefold()


@dataclass(frozen=True, slots=True)
class Episode:
    """One hand-over: from the call for a person to the hand-back.

    offline   nobody was there: the shopper was asked for a message and a contact
    ticket    its number, once the shopper has left one
    message_id  the message whose turn called for a person; "" = the shopper's button, or a person came by themselves
    """

    reason: str
    since: datetime
    message_id: str = ""
    offline: bool = False
    ticket: str = ""
    agent_name: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """A shopper message as recorded."""

    message_id: str
    seq: int
    text: str
    client_message_id: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along. `media_type` is what its bytes are, not what it was said to be."""

    attachment_id: str
    name: str
    media_type: str
    size_bytes: int


@dataclass
class Conversation:
    """One conversation, folded from its events in order. `erased` ones have no words left."""

    id: str
    shop: str
    standing: Standing = field(default_factory=Standing)
    seq: int = 0
    locale: str = ""
    page: str = ""
    identity: Identity = field(default_factory=Identity)
    channel: str = ""
    """the channel the shopper writes from; "" = our own window"""
    staffed_there: bool = False
    """people answer on that channel, whose queue and presence our desk does not know"""
    held_since: datetime | None = None
    """when the person who has it took it"""
    erased: bool = False
    attachments: dict[str, Attachment] = field(default_factory=dict)
    attachment_by_client: dict[str, str] = field(default_factory=dict)
    token_hash: str = ""
    """of the one token that opens it; "" = begun by a program that needs none"""
    logged_out: bool = False
    messages: dict[str, Received] = field(default_factory=dict)
    """message_id → what the shopper said"""
    by_client: dict[str, str] = field(default_factory=dict)
    """client_message_id → message_id"""
    replies: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """message_id → the reply that answers it, as the shopper got it"""
    by_agent: dict[str, str] = field(default_factory=dict)
    """client_message_id of an agent's message → its message_id"""
    turns: dict[str, int] = field(default_factory=dict)
    """message_id of a turn → seq at which its decision stands"""
    said: list[tuple[str, Message]] = field(default_factory=list)
    """(message_id, message) in the order a reader would follow"""
    unanswered: dict[str, Received] = field(default_factory=dict)
    failures: int = 0
    """turns in a row that ended in a problem"""
    episode: Episode | None = None
    """the hand-over under way"""
    settled: set[str] = field(default_factory=set)
    """keys of the questions that a person has had and given back"""
    in_hands: set[str] = field(default_factory=set)
    """keys of those that brought the conversation to a person, or came while it was there"""
    pinned: list[Message] = field(default_factory=list)
    """the last shopper messages that named an order or a phone tail"""

    @property
    def is_held_there(self) -> bool:
        """Whether people on its channel have it, who work with tools of their own."""
        return bool(self.channel) and self.standing.agent == CHANNEL_AGENT + self.channel

    @property
    def status(self) -> Status:
        """Who is expected to speak."""
        return self.standing.status

    def apply(self, event: Event) -> None:
        """Take in the next event. One seen before is ignored."""
        if event.seq <= self.seq:
            return
        self.seq = event.seq
        self.standing = self.standing.seen(event.type, event.payload)
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
        recent = tuple(told[-HISTORY_MESSAGES:])
        for many in range(len(self.pinned) + 1):
            last = recent[-(PINNED_AMONG - many) :]
            older = [message for message in self.pinned if message not in last]
            if len(older) <= many:  # one that is put in front may push another out: then that goes in front too
                return (*older, *last) if older else recent
        return recent

    def _started(self, event: Event) -> None:
        payload = event.payload
        self.locale, self.page = str(payload.get("locale", "")), str(payload.get("page", ""))
        self.identity = Identity(**payload.get("identity", {}))
        self.channel, self.staffed_there = str(payload.get("channel", "")), bool(payload.get("staffed_there"))
        self.token_hash = str(payload.get("token_hash", ""))

    def _attached(self, event: Event) -> None:
        told = event.payload
        attachment = Attachment(*(told[name] for name in Attachment.__dataclass_fields__))
        self.attachments[attachment.attachment_id] = attachment
        if sent := told.get("client_message_id"):
            self.attachment_by_client[str(sent)] = attachment.attachment_id

    def _logged_out(self, event: Event) -> None:
        del event
        self.logged_out = True

    def _received(self, event: Event) -> None:
        payload = event.payload
        message = Received(
            payload["message_id"], event.seq, payload["text"], str(payload.get("client_message_id") or "")
        )
        self.messages[message.message_id] = self.unanswered[message.message_id] = message
        if message.client_message_id:
            self.by_client[message.client_message_id] = message.message_id
        if self.status in (Status.WAITING, Status.WITH_AGENT):
            self.in_hands.add(question_key(message.text))
        if _NAMES_AN_ORDER.search(message.text):
            named = Message("user", message.text)
            self.pinned = [*(m for m in self.pinned if m != named), named][-PINNED:]

    def _decided(self, event: Event) -> None:
        self.turns[event.payload["message_id"]] = event.seq
        # Messages enter the history when their turn begins: one that arrived during the turn before
        # must not stand in front of that turn's reply.
        last = max((self.messages[id_].seq for id_ in event.payload["answers"] if id_ in self.messages), default=0)
        for message in [m for m in self.unanswered.values() if m.seq <= last]:
            del self.unanswered[message.message_id]
            self.said.append((message.message_id, Message("user", message.text)))

    def _failed(self, event: Event) -> None:
        del event
        self.failures += 1

    def _completed(self, event: Event) -> None:
        self.failures = 0
        reply = event.payload["reply"]
        for message_id in event.payload["answers"]:
            self.replies[message_id] = reply
        if reply["text"]:
            self.said.append((reply["message_id"] + "/reply", Message("assistant", reply["text"], reply["decision"])))
        del self.said[:-KEPT_MESSAGES]

    def _called(self, event: Event) -> None:
        payload = event.payload
        told = str(payload.get("message_id", ""))
        self.episode = Episode(
            str(payload.get("reason", "")),
            event.time,
            told,
            bool(payload.get("offline")),
            str(payload.get("ticket", "")),
        )
        ids = payload.get("answers") or [told]
        self.in_hands |= {question_key(self.messages[id_].text) for id_ in ids if id_ in self.messages}

    def _raised(self, event: Event) -> None:
        if self.episode is not None:
            self.episode = replace(self.episode, reason=str(event.payload.get("reason", "")))

    def _requeued(self, event: Event) -> None:
        old = self.episode
        since = old.since if old else event.time
        self.episode = Episode(str(event.payload.get("reason", "")), since, old.message_id if old else "")

    def _joined(self, event: Event) -> None:
        episode = self.episode or Episode("", event.time)
        self.episode = replace(episode, agent_name=str(event.payload.get("name", "")))
        self.held_since = event.time

    def _ticketed(self, event: Event) -> None:
        if self.episode is not None:
            self.episode = replace(self.episode, ticket=str(event.payload.get("ticket", "")))

    def _given_back(self, event: Event) -> None:
        del event
        self.settled |= self.in_hands
        self.in_hands.clear()
        self.episode = None

    def _agent_said(self, event: Event) -> None:
        for message in tuple(self.unanswered.values()):
            self.said.append((message.message_id, Message("user", message.text)))
        self.unanswered.clear()
        if sent := event.payload.get("client_message_id"):
            self.by_agent[str(sent)] = event.payload["message_id"]
        self.said.append((event.payload["message_id"], Message("agent", event.payload["text"])))
        del self.said[:-KEPT_MESSAGES]

    def _yielded(self, event: Event) -> None:
        """The person reads what the bot left unanswered; the shopper may send it again under the same id."""
        for message_id in event.payload["answers"]:
            self.replies[message_id] = event.payload["reply"]

    def _forget(self) -> None:
        self.erased = True
        self.locale = self.page = ""
        self.identity = Identity()
        self.episode = None
        for kept in (self.messages, self.by_client, self.replies, self.turns, self.by_agent, self.unanswered):
            kept.clear()
        self.attachments.clear()
        self.attachment_by_client.clear()
        self.said.clear()
        self.pinned.clear()
        self.settled.clear()
        self.in_hands.clear()


_TAKE = {
    EventType.STARTED: Conversation._started,
    EventType.RECEIVED: Conversation._received,
    EventType.DECIDED: Conversation._decided,
    EventType.COMPLETED: Conversation._completed,
    EventType.FAILED: Conversation._failed,
    EventType.YIELDED: Conversation._yielded,
    EventType.HANDOFF: Conversation._called,
    EventType.RAISED: Conversation._raised,
    EventType.REQUEUED: Conversation._requeued,
    EventType.TICKET: Conversation._ticketed,
    EventType.JOINED: Conversation._joined,
    EventType.TRANSFERRED: Conversation._joined,
    EventType.LEFT: Conversation._given_back,
    EventType.WITHDRAWN: Conversation._given_back,
    EventType.AGENT_SAID: Conversation._agent_said,
    EventType.LOGGED_OUT: Conversation._logged_out,
    EventType.ATTACHED: Conversation._attached,
}
