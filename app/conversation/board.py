"""What the desk knows of conversations without opening them: who waits, who has what, and who is at the desk.

No word of a shopper's stands here; those are read from the log when somebody opens the conversation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.conversation.modes import Floor

PRESENT_SECONDS = 45.0
"""An agent who was not heard of for so long is gone, and what they had goes back into the queue."""
USUAL_CAPACITY = 5


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation that a person was called to. Times are ISO texts, "" = not yet."""

    conversation_id: str
    shop: str
    status: str
    reason: str = ""
    priority: int = 0
    language: str = ""
    queued_at: str = ""
    offline: bool = False
    ticket: str = ""
    agent: str = ""
    agent_name: str = ""
    joined_at: str = ""
    wanted_agent: str = ""
    skill: str = ""
    tags: tuple[str, ...] = ()
    outcome: str = ""
    closed_at: str = ""
    updated_at: str = ""

    def urgency(self, now: datetime) -> float:
        """What the queue is ordered by: priority, and one point for every minute of waiting, so that nobody starves."""
        waited = (now - datetime.fromisoformat(self.queued_at)).total_seconds() / 60 if self.queued_at else 0.0
        return self.priority + max(0.0, waited)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the desk. `shop` "" = works for all of them; no languages or skills = takes everything."""

    agent: str
    name: str
    shop: str
    role: str = "agent"
    status: str = "online"
    """online, away (keeps what they have, gets nothing new) or offline"""
    capacity: int = USUAL_CAPACITY
    languages: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    seen_at: str = ""
    holds: int = 0

    def suits(self, case: Case) -> bool:
        """Whether the case is theirs to take: their language, their skill, and nobody else's by name."""
        if case.wanted_agent and case.wanted_agent != self.agent:
            return False
        speaks = not self.languages or not case.language or case.language in self.languages
        return speaks and (not case.skill or case.skill in self.skills)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which past conversations are looked for; "" = any."""

    status: str = ""
    agent: str = ""
    tag: str = ""
    reason: str = ""
    outcome: str = ""
    since: str = ""
    until: str = ""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that happened on the desk, for those who watch it. Names, never words."""

    id: int
    shop: str
    type: str
    conversation_id: str = ""
    agent: str = ""
    at: str = ""
    about: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CannedReply:
    """A text agents send often; `{name}`-like places are filled in when it is used."""

    id: str
    shop: str
    shortcut: str
    title: str
    zh: str
    en: str
    updated_by: str = ""
    updated_at: str = ""


class Board(Protocol):
    """The desk's view of conversations, kept in step with the log in the same transaction."""

    @property
    def shared(self) -> bool:
        """Whether other instances write to it too."""

    async def floor(self, shop: str) -> Floor:
        """The queue and the people, now."""

    async def waiting(self, shop: str) -> list[Case]:
        """The queue, most urgent first. `shop` "" = of every shop."""

    async def held(self, shop: str = "", agent: str = "") -> list[Case]:
        """What people have, or what one person has."""

    async def case(self, conversation_id: str) -> Case | None:
        """One of them."""

    async def find(self, shop: str, wanted: Wanted) -> list[Case]:
        """Past and present conversations, newest first; of those nobody was called to, what the log's row says."""

    async def of_same_shopper(self, conversation_id: str) -> list[Case]:
        """Other conversations of a shopper whom the storefront vouched for, newest first."""

    async def announce(self, shop: str, type_: str, agent: str = "", about: dict[str, str] | None = None) -> None:
        """Put a notice up that is about no conversation."""

    async def notices(self, after: int, limit: int = 200) -> list[Notice]:
        """Those with a larger id, in order."""

    async def last_notice(self) -> int:
        """The id of the newest; 0 = none yet."""


class Roster(Protocol):
    """Who is at the desk."""

    async def see(self, person: Person, now: datetime) -> Person:
        """They are here: first sight creates them, later ones keep what they have chosen."""

    async def choose(self, person: Person) -> None:
        """Another status, capacity, languages or skills."""

    async def people(self, shop: str = "") -> list[Person]:
        """Everybody who was seen lately, with how many conversations they have."""

    async def person(self, agent: str) -> Person | None:
        """One of them, however long ago."""

    async def vanished(self, now: datetime) -> list[Case]:
        """What is held by people who were not seen for too long."""


class CannedReplies(Protocol):
    """The texts agents send often."""

    async def of(self, shop: str) -> Sequence[CannedReply]:
        """The shop's, by shortcut."""

    async def put(self, reply: CannedReply) -> None:
        """Add one, or replace the one of that id."""

    async def drop(self, shop: str, id_: str) -> None:
        """Take one away. Raises NotFound."""
