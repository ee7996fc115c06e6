"""What a channel is: a place outside from which shoppers write, and to which their replies go.

Both ways go over post that is kept first and worked afterwards: a `Delivery` is what came in, a `Letter` what goes out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from app.chat.turn import Identity
from app.conversation.conversation import CHANNEL_AGENT
from app.errors import Conflict, Unavailable


class Happened(StrEnum):
    """What a delivery tells."""

    SAID = "said"
    """the shopper wrote"""
    PERSON_SAID = "person_said"
    """a person answered them there"""
    TAKEN = "taken"
    """a person has the conversation there"""
    GIVEN_BACK = "given_back"
    """the bot may answer again"""
    ENDED = "ended"


class LetterKind(StrEnum):
    """What a letter asks the channel to do."""

    MESSAGE = "message"
    """say this to the shopper"""
    NOTE = "note"
    """tell staff, and nobody else"""
    HANDOFF = "handoff"
    """call a person"""
    RESUME = "resume"
    """the bot answers again"""
    CLOSED = "closed"


class LetterState(StrEnum):
    """What became of a letter."""

    WAITING = "waiting"
    SENT = "sent"
    WITHHELD = "withheld"
    """a person had the conversation by then, and the bot says no more"""
    DEAD = "dead"
    """given up; can be replayed"""
    DROPPED = "dropped"
    """thrown away, or its shopper was erased"""


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """A channel as somebody set it up. Nothing here has a default that is a secret.

    url       where it is reached: Chatwoot's address, or where the shop's program takes letters
    account   Chatwoot's account; inboxes: its inboxes that count, none = all of the account
    secret    signs what comes in (and what goes out, of a webhook)
    token     opens Chatwoot's API
    has_staff people answer over there: a hand-over that arrived there is theirs, not our desk's
    sources   name the sources below a reply
    """

    name: str
    kind: str
    shop: str
    url: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    account: int = 0
    inboxes: tuple[int, ...] = ()
    has_staff: bool = True
    sources: bool = True

    @property
    def agent(self) -> str:
        """Whoever answers there, as the log names them."""
        return CHANNEL_AGENT + self.name


@dataclass(frozen=True, slots=True)
class Envelope:
    """What tells a delivery apart: the id it was sent under, and its seal, which also knows one that came again under
    another id."""

    delivery_id: str
    seal: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a delivery says. `thread` is the conversation as the channel names it; `at` when it was said, there.

    held   whether people have the thread there, so that the bot must not answer; None = the message does not tell
    files  how many attachments came along, which the bot cannot read
    """

    happened: Happened
    thread: str
    message_id: str = ""
    text: str = ""
    locale: str = ""
    name: str = ""
    at: datetime | None = None
    held: bool | None = None
    files: int = 0
    identity: Identity = field(default_factory=Identity)


@dataclass(frozen=True, slots=True)
class Letter:
    """One thing to be told to a channel. `id` is the same in every attempt; `seq` the event it tells of."""

    id: str
    channel: str
    thread: str
    conversation_id: str
    seq: int
    kind: LetterKind
    content: Mapping[str, Any]
    state: LetterState = LetterState.WAITING
    attempts: int = 0
    problem: str = ""
    created_at: str = ""
    due_at: str = ""

    @property
    def is_bots(self) -> bool:
        """Whether the bot speaks: nothing of it may follow once a person has the conversation."""
        return self.kind is LetterKind.MESSAGE and self.content.get("by") == "bot"


class Refused(Conflict):
    """The channel will never take this letter: trying again is no use."""


class TryLater(Unavailable):
    """The channel did not take the letter now. `after_seconds` is what it asked for, 0 = it said nothing."""

    def __init__(self, message: str, after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


class Channel(Protocol):
    """One kind of channel, set up."""

    @property
    def config(self) -> ChannelConfig:
        """How it is set up."""

    def check(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Envelope:
        """Raises NotAllowed for what is unsigned, wrongly signed, or more than five minutes off. `headers` are in
        lower case."""

    def read(self, body: bytes) -> Arrival | None:
        """What it says; None where there is nothing to do. Raises BadInput for nonsense, Forbidden for what belongs
        to another account."""

    async def may_answer(self, thread: str) -> bool:
        """Whether the bot still has the thread there; True where the channel does not tell. Raises TryLater."""

    async def send(self, letter: Letter) -> None:
        """Deliver a letter. Raises TryLater or Refused."""

    async def try_out(self) -> str:
        """Reach it without telling a shopper anything; one line on how it went. Raises TryLater or Refused."""

    async def close(self) -> None:
        """Let go of connections."""
