"""The event log in SQL: every group of events is sealed, chained and committed in one transaction."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from app.adapters.db.conversation_tables import attachments, conversations, events
from app.adapters.db.desk_projection import DeskProjection
from app.adapters.db.engine import Database
from app.adapters.db.review_projection import ReviewProjection
from app.conversation.events import Draft, Event, EventType
from app.conversation.log import Entry, Moved
from app.conversation.seal import MasterKey, first_link, new_data_key, next_link, seal, unseal
from app.errors import Conflict, NotFound, Unavailable, XiaoerError

T = TypeVar("T")

REMEMBERED_HEADS = 4096
_ATTEMPTS = 8

_ADVANCE = (
    update(conversations)
    .where(conversations.c.id == bindparam("of_id"), conversations.c.head_seq == bindparam("from_seq"))
    .where(conversations.c.data_key.is_not(None))
    .values(
        status=bindparam("to_status"),
        updated_at=bindparam("at"),
        head_seq=bindparam("to_seq"),
        head_hash=bindparam("to_hash"),
        head_proof=bindparam("to_proof"),
    )
)
_READ = (
    select(events.c.seq, events.c.type, events.c.time, events.c.sealed)
    .where(events.c.conversation_id == bindparam("of_id"), events.c.seq > bindparam("after"))
    .order_by(events.c.seq)
)
_ROW = select(conversations).where(conversations.c.id == bindparam("of_id"))


@dataclass(frozen=True, slots=True)
class Head:
    """The end of one conversation's chain, and what is needed to add to it."""

    seq: int
    hash: bytes
    status: str
    cipher: AESGCM


class SqlEventLog:
    """`EventLog` on SQLite or PostgreSQL."""

    def __init__(
        self,
        database: Database,
        master: MasterKey,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        threshold: float = 0.7,
    ) -> None:
        """`threshold`: decisions of less confidence are put into the review queue."""
        self._database = database
        self._master = master
        self._clock = clock
        self._project = DeskProjection(master.derive("known shoppers"))
        self._review = ReviewProjection(threshold)
        self._heads: OrderedDict[str, Head] = OrderedDict()

    @property
    def shared(self) -> bool:
        """Whether other instances write to it too; an SQLite file belongs to one server."""
        return self._database.shared

    async def create(self, conversation_id: str, shop: str, started: Draft) -> Event:
        """Open a conversation with its first event."""
        event, head = await self._together(lambda it: self._create(it, conversation_id, shop, started))
        self._remember(conversation_id, head)
        return event

    async def entry(self, conversation_id: str) -> Entry | None:
        """The conversation's row, or None when there is none."""
        return await self._run(lambda connection: _entry(connection, conversation_id))

    async def append(
        self, conversation_id: str, drafts: Sequence[Draft], status: str = "", after: int | None = None
    ) -> list[Event]:
        """Write all drafts in one transaction; see the port."""
        for _ in range(_ATTEMPTS):
            appended = await self._together(lambda it: self._append(it, conversation_id, drafts, status, after))
            if appended is not None:
                self._remember(conversation_id, appended[1])  # now that it is committed, not before
                return appended[0]
            # Another instance wrote in between: read the head again and chain to that.
            self._heads.pop(conversation_id, None)
        raise Unavailable("The conversation is being written from too many places. Nothing was lost; try again.")

    async def read(self, conversation_id: str, after: int = 0) -> list[Event]:
        """Events with seq > after, in order."""
        return await self._run(lambda connection: self._read(connection, conversation_id, after))

    async def erase(self, conversation_id: str) -> None:
        """Destroy the data key and note `subject.erased`. Doing it twice is harmless."""
        await self._run(lambda connection: self._erase(connection, conversation_id))
        self._heads.pop(conversation_id, None)
        await self._run(self._scrub)

    async def _together(self, work: Callable[[Connection], T]) -> T:
        return await self._run(work, self._database.run_together)

    async def _run(
        self, work: Callable[[Connection], T], run: Callable[[Callable[[Connection], T]], Awaitable[T]] | None = None
    ) -> T:
        try:
            return await (run or self._database.run)(work)
        except XiaoerError:
            raise
        except SQLAlchemyError as error:
            raise Unavailable(
                "The conversation store cannot be reached. What was confirmed before is kept; send the message again."
            ) from error

    def _create(self, connection: Connection, conversation_id: str, shop: str, started: Draft) -> tuple[Event, Head]:
        key = new_data_key()
        start = Head(0, first_link(conversation_id), "open", AESGCM(key))
        rows, written, head = self._chain(conversation_id, start, [started], "open")
        connection.execute(
            insert(conversations),
            {
                "id": conversation_id,
                "shop": shop,
                "status": "open",
                "created_at": rows[0]["time"],
                "updated_at": rows[0]["time"],
                "head_seq": head.seq,
                "head_hash": head.hash,
                "head_proof": self._master.sign_head(conversation_id, head.seq, head.hash),
                "data_key": self._master.wrap(key, conversation_id),
            },
        )
        connection.execute(insert(events), rows)
        self._project(connection, written, start.status)
        self._review(connection, written)
        return written[0], head

    def _append(
        self,
        connection: Connection,
        conversation_id: str,
        drafts: Sequence[Draft],
        status: str,
        after: int | None = None,
    ) -> tuple[list[Event], Head] | None:
        start = self._heads.get(conversation_id) or self._load_head(connection, conversation_id)
        if after is not None and start.seq > after:
            raise Moved("Somebody else wrote to the conversation first. Nothing was written.")
        if after is not None and start.seq < after:
            return None  # what we remember of the head is older than what the caller has read
        rows, written, head = self._chain(conversation_id, start, drafts, status or start.status)
        # The guarded update comes first: it takes the write lock, and tells whether the head is still ours.
        moved = connection.execute(
            _ADVANCE,
            {
                "of_id": conversation_id,
                "from_seq": start.seq,
                "to_status": head.status,
                "at": rows[-1]["time"],
                "to_seq": head.seq,
                "to_hash": head.hash,
                "to_proof": self._master.sign_head(conversation_id, head.seq, head.hash),
            },
        )
        if moved.rowcount != 1:
            return None
        connection.execute(insert(events), rows)
        self._project(connection, written, start.status)
        self._review(connection, written)
        return written, head

    def _chain(
        self, conversation_id: str, start: Head, drafts: Sequence[Draft], status: str
    ) -> tuple[list[dict[str, Any]], list[Event], Head]:
        rows, written, link, seq = [], [], start.hash, start.seq
        now = self._clock()
        time = now.isoformat(timespec="microseconds")
        for draft in drafts:
            seq += 1
            plain = orjson.dumps(draft.payload, default=_plain)
            sealed = seal(start.cipher, conversation_id, seq, draft.type.value, plain)
            link = next_link(link, seq, draft.type.value, sealed, time)
            rows.append(
                {
                    "conversation_id": conversation_id,
                    "seq": seq,
                    "type": draft.type.value,
                    "time": time,
                    "sealed": sealed,
                    "hash": link,
                }
            )
            written.append(Event(conversation_id, seq, draft.type, now, draft.payload))
        return rows, written, Head(seq, link, status, start.cipher)

    def _load_head(self, connection: Connection, conversation_id: str) -> Head:
        row = connection.execute(_ROW, {"of_id": conversation_id}).first()
        if row is None:
            raise NotFound("There is no such conversation. Start a new one.")
        if row.data_key is None:
            raise Conflict("This conversation was erased. Nothing can be added to it; start a new one.")
        cipher = AESGCM(self._master.unwrap(row.data_key, conversation_id))
        return Head(row.head_seq, row.head_hash, row.status, cipher)

    def _remember(self, conversation_id: str, head: Head) -> None:
        self._heads[conversation_id] = head
        self._heads.move_to_end(conversation_id)
        while len(self._heads) > REMEMBERED_HEADS:
            self._heads.popitem(last=False)

    def _read(self, connection: Connection, conversation_id: str, after: int) -> list[Event]:
        rows = connection.execute(_READ, {"of_id": conversation_id, "after": after}).all()
        if not rows:
            return []
        key = connection.execute(select(conversations.c.data_key).where(conversations.c.id == conversation_id)).scalar()
        cipher = AESGCM(self._master.unwrap(key, conversation_id)) if key is not None else None
        return [self._open(conversation_id, cipher, row) for row in rows]

    def _open(self, conversation_id: str, cipher: AESGCM | None, row: Any) -> Event:
        try:
            opened = unseal(cipher, conversation_id, row.seq, row.type, row.sealed) if cipher else b"{}"
        except InvalidTag as error:
            raise Unavailable(
                f"Event {row.seq} of the conversation was changed after it was written. Nothing was shown; "
                "run `xiaoer audit verify`."
            ) from error
        time = datetime.fromisoformat(row.time)
        return Event(conversation_id, row.seq, EventType(row.type), time, orjson.loads(opened))

    def _erase(self, connection: Connection, conversation_id: str) -> None:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
        row = connection.execute(_ROW.with_for_update(), {"of_id": conversation_id}).first()
        if row is None:
            raise NotFound("There is no such conversation. Nothing was erased.")
        if row.data_key is None:
            return
        self._heads.pop(conversation_id, None)
        if self._append(connection, conversation_id, [Draft(EventType.ERASED, {})], "closed") is None:
            raise Unavailable("The conversation was being written. Nothing was erased; try again.")
        connection.execute(delete(attachments).where(attachments.c.conversation_id == conversation_id))
        connection.execute(update(conversations).where(conversations.c.id == conversation_id).values(data_key=None))

    @staticmethod
    def _scrub(connection: Connection) -> None:
        """Empty SQLite's write-ahead log, in which old pages with the wrapped key may still stand."""
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _entry(connection: Connection, conversation_id: str) -> Entry | None:
    row = connection.execute(_ROW, {"of_id": conversation_id}).first()
    if row is None:
        return None
    return Entry(
        row.id, row.shop, row.status, row.head_seq, row.data_key is None, datetime.fromisoformat(row.updated_at)
    )


def _plain(value: object) -> object:
    """Payloads are plain JSON but for the frozen mappings and tuples our values are made of."""
    if hasattr(value, "keys"):
        return dict(value)  # type: ignore[call-overload]
    raise TypeError(f"{type(value).__name__} cannot stand in an event")
