"""Verifies every conversation's chain, without opening a single message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Row, and_, select

from app.adapters.db.conversation_tables import conversations, events
from app.adapters.db.engine import Database
from app.conversation.seal import MasterKey, first_link, next_link


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain does not hold. `seq` is the first event that is wrong; 0 = the conversation's own row."""

    conversation_id: str
    seq: int
    what: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What `xiaoer audit verify` found."""

    conversations: int
    events: int
    erased: int
    breaks: tuple[Break, ...]

    @property
    def ok(self) -> bool:
        """True when every chain holds."""
        return not self.breaks

    @property
    def first_break(self) -> Break | None:
        """The first broken event, or None."""
        return self.breaks[0] if self.breaks else None


def verify_chain(database: Database, master: MasterKey | None = None) -> AuditReport:
    """Recompute every chain and compare it with its head.

    With the master key the signed heads are checked too, so that a chain somebody cut or rewrote as a
    whole is found. Safe while the server runs: it is one SELECT, hence one snapshot.
    """
    checked = seen = erased = 0
    breaks: list[Break] = []
    for conversation_id, rows in _chains(database):
        broken, length = _check(conversation_id, rows, master)
        checked, seen, erased = checked + 1, seen + length, erased + (rows[0].data_key is None)
        if broken:
            breaks.append(broken)
    return AuditReport(checked, seen, erased, tuple(breaks))


def _chains(database: Database) -> Iterator[tuple[str, list[Row[Any]]]]:
    own, chained = conversations.c, events.c
    statement = (
        select(own.id, own.head_seq, own.head_hash, own.head_proof, own.data_key)
        .add_columns(chained.conversation_id, chained.seq, chained.type, chained.time, chained.sealed, chained.hash)
        .select_from(conversations.join(events, and_(own.id == chained.conversation_id), isouter=True, full=True))
        .order_by(own.id, chained.conversation_id, chained.seq)
    )
    with database.engine.connect() as connection:
        result = connection.execution_options(yield_per=500).execute(statement)
        for key, rows in groupby(result, key=lambda row: row.id or row.conversation_id):
            yield str(key), list(rows)


def _check(conversation_id: str, rows: list[Row[Any]], master: MasterKey | None) -> tuple[Break | None, int]:
    head = rows[0]
    if head.id is None:
        return Break(conversation_id, 0, "its events are there but its own row is gone"), len(rows)
    chain = [row for row in rows if row.seq is not None]
    link = first_link(conversation_id)
    for expected, row in enumerate(chain, start=1):
        if row.seq != expected:
            return Break(conversation_id, expected, f"event {expected} is missing"), len(chain)
        link = next_link(link, row.seq, row.type, row.sealed, row.time)
        if link != row.hash:
            return Break(conversation_id, row.seq, "the event was changed after it was written"), len(chain)
    return _check_head(conversation_id, head, len(chain), link, master), len(chain)


def _check_head(
    conversation_id: str, head: Row[Any], length: int, link: bytes, master: MasterKey | None
) -> Break | None:
    if length < head.head_seq:
        return Break(conversation_id, length + 1, f"the last {head.head_seq - length} event(s) are missing")
    if length > head.head_seq or link != head.head_hash:
        return Break(conversation_id, head.head_seq, "the chain does not end where its row says")
    if master is not None and master.sign_head(conversation_id, length, link) != head.head_proof:
        return Break(conversation_id, 0, "the end of the chain is not signed by this master key")
    return None
