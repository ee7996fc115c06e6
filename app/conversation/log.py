"""The port through which conversations are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.conversation.events import Draft, Event
from app.errors import Conflict


class Moved(Conflict):
    """Somebody else wrote to the conversation first. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the log knows of a conversation without opening its events."""

    conversation_id: str
    shop: str
    status: str
    seq: int
    erased: bool
    updated_at: datetime


class EventLog(Protocol):
    """Append-only, durable, one ordered list of events a conversation."""

    @property
    def shared(self) -> bool:
        """True when other processes write to it too, so that what is in memory may be behind."""

    async def create(self, conversation_id: str, shop: str, started: Draft) -> Event:
        """Open a conversation with its first event."""

    async def entry(self, conversation_id: str) -> Entry | None:
        """The conversation's row, or None when there is none."""

    async def append(
        self, conversation_id: str, drafts: Sequence[Draft], status: str = "", after: int | None = None
    ) -> list[Event]:
        """Write all drafts in one transaction, and the new status where one is given.

        With `after` only if no event follows that one: raises Moved otherwise, so that what was judged by an old
        state is judged again. Returns once they are durable. Raises NotFound for an unknown conversation, Conflict
        for an erased one, Unavailable when the database cannot be written.
        """

    async def read(self, conversation_id: str, after: int = 0) -> list[Event]:
        """Events with seq > after, in order."""

    async def erase(self, conversation_id: str) -> None:
        """Destroy the data key and note `subject.erased`. Doing it twice is harmless."""
