"""The channels' post in SQL: what came in, what goes out, and who has it in hands."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.adapters.db.channel_seal import PostSeal, arrival_json, arrival_of
from app.adapters.db.channel_tables import deliveries, letters, threads
from app.adapters.db.conversation_tables import conversations
from app.adapters.db.engine import Database
from app.adapters.db.upsert import APART_SECONDS
from app.channels.channel import Arrival, Envelope, Letter, LetterKind, LetterState
from app.channels.ports import LONGEST_WAIT_SECONDS, Delivery, NewLetter, Thread
from app.conversation.seal import MasterKey

LEASE_SECONDS = 30.0
"""An instance that was not heard of for so long is gone, and what it had in hands is anybody's"""
_WAITING, _DONE = "waiting", "done"
_DEAD = LetterState.DEAD.value
_DROPPED = LetterState.DROPPED.value
_ENDED = (LetterState.SENT.value, LetterState.WITHHELD.value, _DROPPED)


class SqlPostOffice:
    """Implements app.channels.ports.PostOffice on SQLite or PostgreSQL."""

    def __init__(
        self, database: Database, master: MasterKey, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._seal = PostSeal(master)
        self._clock = clock
        self._owner = secrets.token_hex(12)

    @property
    def shared(self) -> bool:
        """Whether other instances work on it too; an SQLite file belongs to one server."""
        return not self._database.url.startswith("sqlite")

    async def keep(self, channel: str, envelope: Envelope, arrival: Arrival) -> bool:
        """Keep what came in. False where it came before."""
        now = self._now()
        row = {
            "channel": channel, "delivery_id": envelope.delivery_id, "seal": envelope.seal, "thread": arrival.thread,
            "state": _WAITING, "content": self._seal.close(_row(channel, envelope.delivery_id), arrival_json(arrival)),
            "attempts": 0, "due": now, "owner": "", "leased": 0.0, "problem": "", "received": now,
        }  # fmt: skip
        try:
            await self._database.run(lambda connection: connection.execute(insert(deliveries), row))
        except IntegrityError:
            return False
        return True

    async def claim_deliveries(self, limit: int = 100) -> list[Delivery]:
        """Those that are due, oldest first; none of a thread that another instance works on."""
        now, other = self._now(), deliveries.alias()
        theirs = select(other.c.number).where(
            other.c.channel == deliveries.c.channel, other.c.thread == deliveries.c.thread,
            other.c.state == _WAITING, other.c.owner.not_in(("", self._owner)), ~self._free(other, now),
        )  # fmt: skip
        query = (
            select(deliveries)
            .where(deliveries.c.state == _WAITING, _is_due(deliveries, now), self._free(deliveries, now))
            .where(~theirs.exists())
            .order_by(deliveries.c.number)
            .limit(limit)
        )
        rows = await self._database.run(lambda connection: self._lease(connection, deliveries, query, now))
        return [
            Delivery(
                row.number,
                row.channel,
                arrival_of(self._seal.open(_row(row.channel, row.delivery_id), row.content)),
                row.attempts,
                _iso(row.received),
            )
            for row in rows
        ]

    async def settle(self, number: int, note: str = "") -> None:
        """Done with it; its words are dropped."""
        gone = {"state": _DONE, "content": None, "owner": "", "leased": 0.0, "problem": note[:200]}
        await self._set(deliveries, deliveries.c.number == number, gone)

    async def postpone(self, number: int, seconds: float, problem: str) -> None:
        """Again later."""
        later = {"due": self._now() + seconds, "owner": "", "leased": 0.0, "problem": problem[:200]}
        later["attempts"] = deliveries.c.attempts + 1
        await self._set(deliveries, deliveries.c.number == number, later)

    async def thread(self, channel: str, thread: str) -> Thread:
        """The thread, with no conversation yet where it is new."""
        query = select(threads).where(threads.c.channel == channel, threads.c.thread == thread)
        row = await self._database.run(lambda connection: connection.execute(query).one_or_none())
        return _thread(row) if row else Thread(channel, thread)

    async def thread_of(self, conversation_id: str) -> Thread | None:
        """The thread that a conversation of ours is."""
        query = select(threads).where(threads.c.conversation_id == conversation_id)
        row = await self._database.run(lambda connection: connection.execute(query).one_or_none())
        return _thread(row) if row else None

    async def bind(self, channel: str, thread: str, conversation_id: str) -> Thread:
        """That conversation is the thread's from now on."""

        def work(connection: Connection) -> None:
            of = (threads.c.channel == channel, threads.c.thread == thread)
            values = {"conversation_id": conversation_id, "told_seq": 0}
            if not connection.execute(update(threads).where(*of).values(**values)).rowcount:
                connection.execute(insert(threads), {"channel": channel, "thread": thread, **values})

        await self._database.run(work)
        return Thread(channel, thread, conversation_id)

    async def behind(self) -> list[Thread]:
        """Threads with events that no letter tells of yet."""
        query = (
            select(threads)
            .join(conversations, conversations.c.id == threads.c.conversation_id)
            .where(conversations.c.head_seq > threads.c.told_seq, conversations.c.data_key.is_not(None))
        )
        return await self._database.run(lambda connection: [_thread(row) for row in connection.execute(query)])

    async def write(self, thread: Thread, seq: int, letters_: Sequence[NewLetter]) -> bool:
        """Keep letters for all events up to `seq`. False where somebody was faster."""
        now = self._now()

        def work(connection: Connection) -> bool:
            of = (
                threads.c.channel == thread.channel, threads.c.thread == thread.thread,
                threads.c.conversation_id == thread.conversation_id, threads.c.told_seq == thread.told_seq,
            )  # fmt: skip
            if not connection.execute(update(threads).where(*of).values(told_seq=seq)).rowcount:
                return False
            if rows := [self._new(thread, letter, now) for letter in letters_]:
                connection.execute(insert(letters), rows)
            return True

        return await self._database.run(work)

    def _new(self, thread: Thread, letter: NewLetter, now: float) -> dict[str, Any]:
        id_ = "l_" + secrets.token_hex(12)
        return {
            "id": id_, "channel": thread.channel, "thread": thread.thread, "conversation_id": thread.conversation_id,
            "seq": letter.seq, "part": letter.part, "kind": letter.kind.value, "state": _WAITING,
            "content": self._seal.close(id_, letter.content), "attempts": 0, "due": now, "owner": "", "leased": 0.0,
            "problem": "", "created": now,
        }  # fmt: skip

    async def claim_letters(self, limit: int = 50) -> list[Letter]:
        """Those that are due, of each thread the first that waits."""
        now, earlier = self._now(), letters.alias()
        before = select(earlier.c.number).where(
            earlier.c.channel == letters.c.channel, earlier.c.thread == letters.c.thread,
            earlier.c.state == _WAITING, earlier.c.number < letters.c.number,
        )  # fmt: skip
        query = (
            select(letters)
            .where(letters.c.state == _WAITING, _is_due(letters, now), self._free(letters, now), ~before.exists())
            .order_by(letters.c.number)
            .limit(limit)
        )
        rows = await self._database.run(lambda connection: self._lease(connection, letters, query, now))
        return [_letter(row, self._seal.open(row.id, row.content)) for row in rows]

    async def finish(self, id_: str, state: LetterState, problem: str = "") -> None:
        """What became of a letter."""
        ended: dict[str, Any] = {"state": state.value, "owner": "", "leased": 0.0, "problem": problem[:400]}
        ended["attempts"] = letters.c.attempts + 1
        if state is not LetterState.DEAD:
            ended["content"] = None
        await self._set(letters, letters.c.id == id_, ended)

    async def delay(self, id_: str, seconds: float, problem: str) -> None:
        """Again later."""
        later = {"due": self._now() + seconds, "owner": "", "leased": 0.0, "problem": problem[:400]}
        later["attempts"] = letters.c.attempts + 1
        await self._set(letters, letters.c.id == id_, later)

    async def letters(self, channel: str = "", state: str = "", limit: int = 100) -> list[Letter]:
        """The newest letters, without their words."""
        conditions = [letters.c.channel == channel] if channel else []
        conditions += [letters.c.state == state] if state else []
        query = select(letters).where(*conditions).order_by(letters.c.number.desc()).limit(limit)
        return await self._database.run(lambda connection: [_letter(row, {}) for row in connection.execute(query)])

    async def replay(self, channel: str = "", ids: Sequence[str] = ()) -> int:
        """Dead letters are due again, and have all their attempts before them."""
        again = {"state": _WAITING, "due": self._now(), "attempts": 0, "owner": "", "leased": 0.0}
        return await self._set(letters, and_(*_dead(channel, ids), letters.c.content.is_not(None)), again)

    async def drop(self, channel: str = "", ids: Sequence[str] = ()) -> int:
        """Throw dead letters away."""
        return await self._set(letters, and_(*_dead(channel, ids)), {"state": _DROPPED, "content": None})

    async def counts(self) -> dict[str, dict[str, int]]:
        """Channel → state → letters, and "unread" → deliveries that wait."""

        return await post_counts(self._database)

    async def renew(self, numbers: Collection[int], ids: Collection[str]) -> None:
        """These deliveries and letters are still being worked on."""
        until = self._now() + LEASE_SECONDS
        for table, chosen in ((deliveries, deliveries.c.number.in_(numbers)), (letters, letters.c.id.in_(ids))):
            await self._set(table, and_(chosen, table.c.owner == self._owner), {"leased": until})

    async def take_back(self) -> None:
        """What a process that is gone had in hands is in nobody's."""
        for table in (deliveries, letters):
            await self._set(table, table.c.state == _WAITING, {"owner": "", "leased": 0.0})

    async def forget(self, conversation_id: str) -> None:
        """Destroy every word of a conversation that is still here."""

        def work(connection: Connection) -> None:
            row = connection.execute(select(threads).where(threads.c.conversation_id == conversation_id)).one_or_none()
            of = letters.c.conversation_id == conversation_id
            connection.execute(update(letters).where(of, letters.c.state.in_((_WAITING, _DEAD))).values(state=_DROPPED))
            connection.execute(update(letters).where(of).values(content=None))
            if row is not None:
                came = (deliveries.c.channel == row.channel, deliveries.c.thread == row.thread)
                connection.execute(update(deliveries).where(*came).values(state=_DONE, content=None))

        await self._database.run(work)

    async def sweep(self, before: datetime) -> int:
        """Let go of what was dealt with before that."""
        limit = before.timestamp()

        def work(connection: Connection) -> int:
            old = connection.execute(
                delete(deliveries).where(deliveries.c.state == _DONE, deliveries.c.received < limit)
            ).rowcount
            sent = delete(letters).where(letters.c.state.in_(_ENDED), letters.c.created < limit)
            return int(old + connection.execute(sent).rowcount)

        return await self._database.run(work)

    def _now(self) -> float:
        return self._clock().timestamp()

    def _free(self, table: Any, now: float) -> ColumnElement[bool]:
        return or_(table.c.owner == "", table.c.leased <= now, table.c.leased > now + LEASE_SECONDS + APART_SECONDS)

    def _lease(self, connection: Connection, table: Any, query: Any, now: float) -> list[Row[Any]]:
        """Take the rows that nobody else has taken meanwhile."""
        taken = []
        for row in connection.execute(query).all():
            mine = (table.c.number == row.number, self._free(table, now), table.c.state == _WAITING)
            values = {"owner": self._owner, "leased": now + LEASE_SECONDS}
            if connection.execute(update(table).where(*mine).values(**values)).rowcount:
                taken.append(row)
        return taken

    async def _set(self, table: Any, chosen: ColumnElement[bool], values: dict[str, Any]) -> int:
        return await self._database.run(
            lambda connection: int(connection.execute(update(table).where(chosen).values(**values)).rowcount)
        )


def _is_due(table: Any, now: float) -> ColumnElement[bool]:
    """Also when the clock was put back since: what was never tried waits for nothing."""
    return or_(table.c.attempts == 0, table.c.due <= now, table.c.due > now + LONGEST_WAIT_SECONDS)


async def post_counts(database: Database) -> dict[str, dict[str, int]]:
    """Channel → state → letters, and "unread" → deliveries that wait. Needs no key."""

    def work(connection: Connection) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        of = (letters.c.channel, letters.c.state)
        for channel, state, many in connection.execute(select(*of, func.count()).group_by(*of)):
            found.setdefault(channel, {})[state] = many
        unread = select(deliveries.c.channel, func.count()).where(deliveries.c.state == _WAITING)
        for channel, many in connection.execute(unread.group_by(deliveries.c.channel)):
            found.setdefault(channel, {})["unread"] = many
        return found

    return await database.run(work)


def _dead(channel: str, ids: Sequence[str]) -> list[ColumnElement[bool]]:
    chosen = [letters.c.state == _DEAD]
    if channel:
        chosen.append(letters.c.channel == channel)
    if ids:
        chosen.append(letters.c.id.in_(tuple(ids)))
    return chosen


def _row(channel: str, delivery_id: str) -> str:
    return f"{channel}\n{delivery_id}"


def _thread(row: Row[Any]) -> Thread:
    return Thread(row.channel, row.thread, row.conversation_id, row.told_seq)


def _letter(row: Row[Any], content: dict[str, Any]) -> Letter:
    return Letter(
        row.id, row.channel, row.thread, row.conversation_id, row.seq, LetterKind(row.kind), content,
        LetterState(row.state),
        row.attempts, row.problem, _iso(row.created), _iso(row.due),
    )  # fmt: skip


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
