"""The review queue in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, or_, select, update

from app.adapters.db.engine import Database
from app.adapters.db.review_tables import review_items as items
from app.errors import Conflict, NotFound
from app.review.item import QUEUED, AskedAgain, Item, Kind, Settled, Wanted


class SqlReviewQueue:
    """Implements app.review.item.ReviewQueue on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, shop: str, wanted: Wanted, offset: int = 0, limit: int = 50) -> tuple[list[Item], int]:
        """Items of a shop, and how many there are in all."""
        conditions = (items.c.shop == shop, *_conditions(wanted))
        order = items.c.updated_at.desc() if wanted.newest_first else items.c.updated_at

        def work(connection: Connection) -> tuple[list[Item], int]:
            query = select(items).where(*conditions).order_by(order, items.c.id).offset(offset).limit(limit)
            total = connection.execute(select(func.count()).select_from(items).where(*conditions)).scalar_one()
            return [_item(row) for row in connection.execute(query)], int(total)

        return await self._database.run(work)

    async def counts(self, shop: str) -> Mapping[str, int]:
        """Open items by kind; `open` and `done` in all, of what the queue shows."""
        queued = or_(*(_is(kind) for kind in QUEUED))
        kinds = [func.sum(_one_if(and_(items.c.state == "open", _is(kind)))).label(kind.value) for kind in Kind]
        states = [func.sum(_one_if(and_(items.c.state == state, queued))).label(state) for state in ("open", "done")]
        query = select(*kinds, *states).where(items.c.shop == shop)

        def work(connection: Connection) -> Mapping[str, int]:
            row = connection.execute(query).one()
            return {name: int(value or 0) for name, value in row._mapping.items()}

        return await self._database.run(work)

    async def item(self, shop: str, id_: int) -> Item:
        """One of them. Raises NotFound."""
        return (await self._database.run(lambda connection: _chosen(connection, shop, [id_])))[0]

    async def settle(self, shop: str, ids: Collection[int], settled: Settled) -> list[Item]:
        """Write what became of open items, all or none. Raises NotFound, or Conflict for one that is done."""
        values = {
            "state": "done", "outcome": settled.outcome, "done_by": settled.by[:100], "done_at": settled.at,
            "batch": settled.batch, "row": settled.row, "sample": settled.sample, "updated_at": settled.at,
            "after_release": 0, "after_decision": "", "after_confidence": 0.0, "after_row": "", "after_at": "",
        }  # fmt: skip

        def work(connection: Connection) -> list[Item]:
            chosen = _chosen(connection, shop, ids, lock=True)
            if done := [item for item in chosen if item.state == "done"]:
                raise Conflict(
                    f"{done[0].done_by or 'Somebody'} has dealt with this already. Nothing was changed; load the list "
                    "again, or undo what was done."
                )
            connection.execute(update(items).where(items.c.id.in_([item.id for item in chosen])).values(**values))
            return _chosen(connection, shop, ids)

        return await self._database.run(work)

    async def reopen(self, shop: str, ids: Collection[int]) -> list[Item]:
        """Take that back; returns them as they were. Raises NotFound, or Conflict for one that is open."""
        values = {"state": "open", "outcome": "", "done_by": "", "done_at": "", "batch": "", "row": "", "sample": ""}

        def work(connection: Connection) -> list[Item]:
            chosen = _chosen(connection, shop, ids, lock=True)
            if any(item.state == "open" for item in chosen):
                raise Conflict("Nobody has dealt with this yet, so there is nothing to undo. Nothing was changed.")
            connection.execute(update(items).where(items.c.id.in_([item.id for item in chosen])).values(**values))
            return chosen

        return await self._database.run(work)

    async def note_again(self, shop: str, id_: int, again: AskedAgain) -> None:
        """Keep what a later release does with it."""
        values = {
            "after_release": again.release, "after_decision": again.decision[:20], "after_at": again.at,
            "after_confidence": again.confidence, "after_row": again.row[:600],
        }  # fmt: skip
        query = update(items).where(items.c.shop == shop, items.c.id == id_).values(**values)
        await self._database.run(lambda connection: connection.execute(query))

    async def answered(self, shop: str, limit: int) -> Sequence[Item]:
        """Open items that a person answered, newest first."""
        by_person = or_(_is(Kind.ANSWERED), _is(Kind.CORRECTION))
        query = select(items).where(items.c.shop == shop, items.c.state == "open", by_person)
        query = query.order_by(items.c.id.desc()).limit(limit)
        return await self._database.run(lambda connection: [_item(row) for row in connection.execute(query)])


def _one_if(condition: ColumnElement[bool]) -> Any:

    return case((condition, 1), else_=0)


def _is(kind: str) -> ColumnElement[bool]:
    return items.c.kinds.contains(f"\n{kind}\n", autoescape=True)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.kinds or not wanted.every:
        found.append(or_(*(_is(kind) for kind in wanted.kinds or QUEUED)))
    if wanted.outcomes:
        found.append(items.c.outcome.in_(wanted.outcomes))
    for column, value in ((items.c.state, wanted.state), (items.c.outcome, wanted.outcome),
                          (items.c.conversation_id, wanted.conversation), (items.c.batch, wanted.batch)):  # fmt: skip
        if value:
            found.append(column == value)
    if wanted.language:
        found.append(items.c.language.startswith(wanted.language, autoescape=True))
    if wanted.since:
        found.append(items.c.updated_at >= wanted.since)
    return found


def _chosen(connection: Connection, shop: str, ids: Collection[int], *, lock: bool = False) -> list[Item]:
    query = select(items).where(items.c.shop == shop, items.c.id.in_(list(ids))).order_by(items.c.id)
    found = [_item(row) for row in connection.execute(query.with_for_update() if lock else query)]
    if len(found) < len(set(ids)) or not found:
        raise NotFound(
            "There is no such item in the queue: its conversation may have been erased. Nothing was changed."
        )
    return found


def _item(row: Row[Any]) -> Item:
    values = dict(row._mapping)
    return Item(**{**values, "kinds": tuple(kind for kind in values["kinds"].split("\n") if kind)})
