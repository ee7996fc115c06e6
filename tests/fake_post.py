"""A working PostOffice in dicts. It may be handed to a second "instance" by `other()`, which shares what is kept."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from app.channels.channel import Arrival, Envelope, Letter, LetterState
from app.channels.ports import LONGEST_WAIT_SECONDS, Delivery, NewLetter, Thread

LEASE_SECONDS = 30.0


@dataclass
class Row:
    """Something in the post, with who has it in hands."""

    number: int
    thread: tuple[str, str]
    about: Any
    due: float
    at: float
    state: str = "waiting"
    owner: str = ""
    leased: float = 0.0
    attempts: int = 0
    problem: str = ""


@dataclass
class Kept:
    """What all instances share."""

    deliveries: dict[int, Row] = field(default_factory=dict)
    letters: dict[str, Row] = field(default_factory=dict)
    known: set[tuple[str, str]] = field(default_factory=set)
    threads: dict[tuple[str, str], Thread] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: itertools.count(1))


class FakePostOffice:
    """Implements app.channels.ports.PostOffice. Heads of conversations, for `behind`, are in `heads`."""

    shared = False

    def __init__(self, clock: Callable[[], datetime], kept: Kept | None = None, owner: str = "one") -> None:
        self._clock = clock
        self._kept = kept or Kept()
        self._owner = owner
        self.heads: dict[str, int] = {}

    def other(self) -> FakePostOffice:
        return FakePostOffice(self._clock, self._kept, "two")

    async def keep(self, channel: str, envelope: Envelope, arrival: Arrival) -> bool:
        marks = {(channel, "id " + envelope.delivery_id), (channel, "seal " + envelope.seal)}
        if marks & self._kept.known:
            return False
        self._kept.known |= marks
        number, now = next(self._kept.numbers), self._now()
        self._kept.deliveries[number] = Row(number, (channel, arrival.thread), arrival, now, now)
        return True

    async def claim_deliveries(self, limit: int = 100) -> list[Delivery]:
        now = self._now()
        waiting = [row for row in self._kept.deliveries.values() if row.state == "waiting"]
        theirs = {row.thread for row in waiting if row.owner != self._owner and not self._is_free(row)}
        free = [row for row in waiting if _is_due(row, now) and self._is_free(row) and row.thread not in theirs]
        return [
            Delivery(row.number, row.thread[0], row.about, row.attempts, _iso(row.at))
            for row in self._take(free[:limit])
        ]

    async def settle(self, number: int, note: str = "") -> None:
        row = self._kept.deliveries[number]
        row.state, row.about, row.owner, row.problem = "done", None, "", note

    async def postpone(self, number: int, seconds: float, problem: str) -> None:
        self._later(self._kept.deliveries[number], seconds, problem)

    async def thread(self, channel: str, thread: str) -> Thread:
        return self._kept.threads.get((channel, thread), Thread(channel, thread))

    async def thread_of(self, conversation_id: str) -> Thread | None:
        return next((t for t in self._kept.threads.values() if t.conversation_id == conversation_id), None)

    async def bind(self, channel: str, thread: str, conversation_id: str) -> Thread:
        bound = self._kept.threads[channel, thread] = Thread(channel, thread, conversation_id)
        return bound

    async def behind(self) -> list[Thread]:
        return [t for t in self._kept.threads.values() if self.heads.get(t.conversation_id, 0) > t.told_seq]

    async def write(self, thread: Thread, seq: int, letters: Sequence[NewLetter]) -> bool:
        if self._kept.threads.get((thread.channel, thread.thread)) != thread:
            return False
        self._kept.threads[thread.channel, thread.thread] = replace(thread, told_seq=seq)
        for letter in letters:
            number, now = next(self._kept.numbers), self._now()
            id_ = f"l_{number}"
            made = Letter(
                id_, thread.channel, thread.thread, thread.conversation_id, letter.seq, letter.kind, letter.content
            )
            self._kept.letters[id_] = Row(number, (thread.channel, thread.thread), made, now, now)
        return True

    async def claim_letters(self, limit: int = 50) -> list[Letter]:
        first: dict[tuple[str, str], Row] = {}
        for row in self._kept.letters.values():
            if row.state == "waiting":
                first.setdefault(row.thread, row)
        free = [row for row in first.values() if _is_due(row, self._now()) and self._is_free(row)]
        return [self._told(row) for row in self._take(free[:limit])]

    async def finish(self, id_: str, state: LetterState, problem: str = "") -> None:
        row = self._kept.letters[id_]
        row.state, row.owner, row.problem = state.value, "", problem
        row.attempts += 1
        if state is not LetterState.DEAD:
            row.about = replace(row.about, content={})

    async def delay(self, id_: str, seconds: float, problem: str) -> None:
        self._later(self._kept.letters[id_], seconds, problem)

    async def letters(self, channel: str = "", state: str = "", limit: int = 100) -> list[Letter]:
        rows = [
            row
            for row in reversed(self._kept.letters.values())
            if channel in ("", row.thread[0]) and state in ("", row.state)
        ]
        return [replace(self._told(row), content={}) for row in rows[:limit]]

    async def replay(self, channel: str = "", ids: Sequence[str] = ()) -> int:
        chosen = [row for row in self._dead(channel, ids) if row.about.content]
        for row in chosen:
            row.state, row.due, row.attempts = "waiting", self._now(), 0
        return len(chosen)

    async def drop(self, channel: str = "", ids: Sequence[str] = ()) -> int:
        chosen = self._dead(channel, ids)
        for row in chosen:
            row.state, row.about = "dropped", replace(row.about, content={})
        return len(chosen)

    async def counts(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for row in self._kept.letters.values():
            of = found.setdefault(row.thread[0], {})
            of[row.state] = of.get(row.state, 0) + 1
        for row in self._kept.deliveries.values():
            if row.state == "waiting":
                of = found.setdefault(row.thread[0], {})
                of["unread"] = of.get("unread", 0) + 1
        return found

    async def renew(self, numbers: Collection[int], ids: Collection[str]) -> None:
        held = [self._kept.deliveries[n] for n in numbers] + [self._kept.letters[i] for i in ids]
        for row in held:
            if row.owner == self._owner:
                row.leased = self._now() + LEASE_SECONDS

    async def take_back(self) -> None:
        for row in (*self._kept.deliveries.values(), *self._kept.letters.values()):
            row.owner = ""

    async def forget(self, conversation_id: str) -> None:
        for row in self._kept.letters.values():
            if row.about.conversation_id == conversation_id:
                row.about = replace(row.about, content={})
                row.state = "dropped" if row.state in ("waiting", "dead") else row.state
        bound = await self.thread_of(conversation_id)
        for row in self._kept.deliveries.values():
            if bound and row.thread == (bound.channel, bound.thread):
                row.state, row.about = "done", None

    async def sweep(self, before: datetime) -> int:
        limit, kept = before.timestamp(), self._kept
        old = [n for n, row in kept.deliveries.items() if row.state == "done" and row.at < limit]
        sent = [i for i, row in kept.letters.items() if row.state not in ("waiting", "dead") and row.at < limit]
        for number in old:
            del kept.deliveries[number]
        for id_ in sent:
            del kept.letters[id_]
        return len(old) + len(sent)

    def _now(self) -> float:
        return self._clock().timestamp()

    def _is_free(self, row: Row) -> bool:
        return not row.owner or not self._now() < row.leased <= self._now() + LEASE_SECONDS + 300

    def _take(self, rows: list[Row]) -> list[Row]:
        for row in rows:
            row.owner, row.leased = self._owner, self._now() + LEASE_SECONDS
        return rows

    def _later(self, row: Row, seconds: float, problem: str) -> None:
        row.due, row.owner, row.problem = self._now() + seconds, "", problem
        row.attempts += 1

    def _dead(self, channel: str, ids: Sequence[str]) -> list[Row]:
        dead = [row for row in self._kept.letters.values() if row.state == "dead"]
        return [r for r in dead if channel in ("", r.thread[0]) and (not ids or r.about.id in ids)]

    @staticmethod
    def _told(row: Row) -> Letter:
        return replace(
            row.about,
            state=LetterState(row.state),
            attempts=row.attempts,
            problem=row.problem,
            created_at=_iso(row.at),
            due_at=_iso(row.due),
        )


def _is_due(row: Row, now: float) -> bool:
    return not row.attempts or not now < row.due <= now + LONGEST_WAIT_SECONDS


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
