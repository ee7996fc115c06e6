"""What the post needs kept: who is set up, what came in, what goes out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from app.channels.channel import Arrival, Channel, Envelope, Letter, LetterKind, LetterState

LONGEST_WAIT_SECONDS = 3_600.0
"""Nothing is put off for longer: what is due later than that was put off while the clock stood elsewhere"""


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation of a channel and the one of ours that is it now. `told_seq`: its last event that was written into
    letters."""

    channel: str
    thread: str
    conversation_id: str = ""
    told_seq: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that came in and is not dealt with yet. `number` is the order of arrival."""

    number: int
    channel: str
    arrival: Arrival
    attempts: int = 0
    received_at: str = ""


@dataclass(frozen=True, slots=True)
class NewLetter:
    """A letter before it is kept. `part` tells apart those of one event."""

    seq: int
    part: int
    kind: LetterKind
    content: Mapping[str, Any]


class ChannelBook(Protocol):
    """The channels that are set up."""

    def channel(self, name: str) -> Channel | None:
        """One of them, read again when it was changed; None where there is no such one."""

    def names(self) -> list[str]:
        """All of them."""


class PostOffice(Protocol):
    """Keeps deliveries, threads and letters. What shoppers wrote is encrypted, and gone once it is dealt with."""

    @property
    def shared(self) -> bool:
        """Whether other instances work on it too."""

    async def keep(self, channel: str, envelope: Envelope, arrival: Arrival) -> bool:
        """Keep what came in, durably. False where it came before, under this id or with this seal."""

    async def claim_deliveries(self, limit: int = 100) -> list[Delivery]:
        """Those that are due and in nobody's hands, oldest first; none of a thread another instance works on."""

    async def settle(self, number: int, note: str = "") -> None:
        """Done with it; its words are dropped."""

    async def postpone(self, number: int, seconds: float, problem: str) -> None:
        """It could not be dealt with: again later."""

    async def thread(self, channel: str, thread: str) -> Thread:
        """The thread, with no conversation yet where it is new."""

    async def thread_of(self, conversation_id: str) -> Thread | None:
        """The thread that a conversation of ours is."""

    async def bind(self, channel: str, thread: str, conversation_id: str) -> Thread:
        """That conversation is the thread's from now on; nothing of it has been told."""

    async def behind(self) -> list[Thread]:
        """Threads with events that no letter tells of yet."""

    async def write(self, thread: Thread, seq: int, letters: Sequence[NewLetter]) -> bool:
        """Keep letters for all events up to `seq`, in one transaction. False where somebody was faster."""

    async def claim_letters(self, limit: int = 50) -> list[Letter]:
        """Those that are due and in nobody's hands, one of a thread: the first that is not sent yet."""

    async def finish(self, id_: str, state: LetterState, problem: str = "") -> None:
        """What became of a letter. A dead one keeps its words, to be replayed."""

    async def delay(self, id_: str, seconds: float, problem: str) -> None:
        """Sending failed: again later."""

    async def letters(self, channel: str = "", state: str = "", limit: int = 100) -> list[Letter]:
        """The newest letters, without their words."""

    async def replay(self, channel: str = "", ids: Sequence[str] = ()) -> int:
        """Dead letters are due again, all of them or those named; how many."""

    async def drop(self, channel: str = "", ids: Sequence[str] = ()) -> int:
        """Throw dead letters away, with their words; how many."""

    async def counts(self) -> dict[str, dict[str, int]]:
        """Channel → state → letters, and "unread" → deliveries that wait."""

    async def renew(self, numbers: Collection[int], ids: Collection[str]) -> None:
        """These deliveries and letters are still being worked on."""

    async def take_back(self) -> None:
        """What a process that is gone had in hands is in nobody's. Only where nobody else works here."""

    async def forget(self, conversation_id: str) -> None:
        """Destroy every word of a conversation that is still here."""

    async def sweep(self, before: datetime) -> int:
        """Let go of what was dealt with before that; how many rows."""
