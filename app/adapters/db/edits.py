"""The editors' layer in SQL."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, text, update

from app.adapters.db.edit_tables import edits, layered_rows
from app.adapters.db.engine import Database
from app.adapters.db.knowledge_rows import batches
from app.errors import Conflict, NotFound, OutdatedEdit
from app.knowledge.edits import Action, Edit, LayeredRow, NewEdit, Settlement

LAYER = 7_204
"""First half of the advisory locks that are taken here; the second half is the shop."""


class SqlEdits:
    """Implements app.knowledge.edits.EditStore over SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self, shop: str) -> list[LayeredRow]:
        """All rows of a shop that editors touched, with every edit, oldest first."""
        return await self._database.run(lambda connection: _rows(connection, shop))

    async def record(self, shop: str, edits: Sequence[NewEdit], author: str) -> list[Edit]:
        """Record edits as one batch, all or none. Raises OutdatedEdit when a row is not at the version seen."""

        def work(connection: Connection) -> list[Edit]:
            _one_at_a_time(connection, shop)
            return _record(connection, shop, edits, author)

        return await self._database.run(work)

    async def undo(self, shop: str, numbers: Sequence[int], author: str) -> list[Edit]:
        """Mark edits undone. Raises NotFound, or Conflict for one that is undone or history already."""

        def work(connection: Connection) -> list[Edit]:
            _one_at_a_time(connection, shop)
            found = {edit.number: edit for row in _rows(connection, shop) for edit in row.edits}
            for number in numbers:
                edit = found.get(number)
                if edit is None:
                    raise NotFound(f"There is no edit {number} of {shop}. Nothing was undone.")
                if not edit.stands:
                    why = "was undone already" if edit.undone_at else "is part of the file by now, or was dropped"
                    raise Conflict(f"Edit {number} {why}. Nothing was undone; edit the row again instead.")
            now = datetime.now(UTC)
            for batch in batches(list(numbers)):
                chosen = (edits.c.shop == shop, edits.c.number.in_(batch))
                connection.execute(update(edits).where(*chosen).values(undone_at=now, undone_by=author))
            _count_up(connection, shop, {found[number].row for number in numbers})
            return [replace(found[number], undone_at=now, undone_by=author) for number in numbers]

        return await self._database.run(work)

    async def mark_staged(self, shop: str) -> int:
        """Drafts, and drafts of undoing, become part of every build from now on. Returns how many."""

        def work(connection: Connection) -> int:
            _one_at_a_time(connection, shop)
            now, of_shop = datetime.now(UTC), (edits.c.shop == shop, edits.c.settled == "")
            drafts = connection.execute(
                update(edits)
                .where(*of_shop, edits.c.staged_at.is_(None), edits.c.undone_at.is_(None))
                .values(staged_at=now)
            )
            undone = (*of_shop, edits.c.undone_at.is_not(None), edits.c.undo_staged_at.is_(None))
            counted = connection.execute(select(func.count()).where(*undone, edits.c.staged_at.is_not(None))).scalar()
            # A draft that was undone before it was ever staged has nothing to take back.
            connection.execute(update(edits).where(*undone).values(undo_staged_at=now))
            return drafts.rowcount + int(counted or 0)

        return await self._database.run(work)

    async def settle(self, shop: str, settlements: Sequence[Settlement]) -> None:
        """Write what became of rows."""

        def work(connection: Connection) -> None:
            _one_at_a_time(connection, shop)
            for settlement in settlements:
                _settle(connection, shop, settlement)

        if settlements:
            await self._database.run(work)

    async def resolve(self, shop: str, version: int, settlement: Settlement, edit: NewEdit | None, author: str) -> None:
        """Settle one row and record the edit that the choice comes to, if it was at that version."""

        def work(connection: Connection) -> None:
            _one_at_a_time(connection, shop)
            if (stands_at := _version(connection, shop, settlement.row)) != version:
                raise OutdatedEdit(settlement.row, stands_at)
            _settle(connection, shop, settlement)
            if edit is not None:
                _record(connection, shop, [edit], author, checked=True)

        await self._database.run(work)


def _one_at_a_time(connection: Connection, shop: str) -> None:
    """Let writers of one shop's layer queue up until the transaction ends. SQLite has a single writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:layer, hashtext(:shop))"), {"layer": LAYER, "shop": shop}
        )


def _rows(connection: Connection, shop: str) -> list[LayeredRow]:
    by_row: dict[str, list[Edit]] = {}
    for found in connection.execute(select(edits).where(edits.c.shop == shop).order_by(edits.c.number)):
        by_row.setdefault(found.row, []).append(_edit(found))
    query = select(layered_rows).where(layered_rows.c.shop == shop).order_by(layered_rows.c.path, layered_rows.c.row)
    return [
        LayeredRow(
            row=found.row, key=found.row_key, kind=found.kind, path=found.path, base=found.base, theirs=found.theirs,
            gone=found.gone, version=found.version, place=found.place, edits=tuple(by_row.get(found.row, ())),
        )
        for found in connection.execute(query)
    ]  # fmt: skip


def _edit(found: Row[Any]) -> Edit:
    return Edit(
        number=found.number, row=found.row, action=Action(found.action), fields=found.fields, author=found.author,
        at=found.at, batch=found.batch, staged_at=found.staged_at, undone_at=found.undone_at,
        undone_by=found.undone_by, undo_staged_at=found.undo_staged_at, settled=found.settled,
    )  # fmt: skip


def _version(connection: Connection, shop: str, row: str) -> int:
    return _versions(connection, shop, [row]).get(row, 0)


def _versions(connection: Connection, shop: str, rows: Sequence[str]) -> dict[str, int]:
    """Row → the version it is at; rows nobody touched are left out."""
    found: dict[str, int] = {}
    for batch in batches(list(rows)):
        query = select(layered_rows.c.row, layered_rows.c.version).where(
            layered_rows.c.shop == shop, layered_rows.c.row.in_(batch)
        )
        found.update((row, version) for row, version in connection.execute(query))
    return found


def _count_up(connection: Connection, shop: str, rows: set[str]) -> None:
    for batch in batches(list(rows)):
        of_rows = (layered_rows.c.shop == shop, layered_rows.c.row.in_(batch))
        connection.execute(update(layered_rows).where(*of_rows).values(version=layered_rows.c.version + 1))


def _record(
    connection: Connection, shop: str, new: Sequence[NewEdit], author: str, *, checked: bool = False
) -> list[Edit]:
    number = connection.execute(select(func.max(edits.c.number)).where(edits.c.shop == shop)).scalar() or 0
    batch, now = uuid.uuid4().hex, datetime.now(UTC)
    versions = _versions(connection, shop, [edit.row for edit in new])
    for edit in new:
        if not checked and versions.get(edit.row, 0) != edit.version:
            raise OutdatedEdit(edit.row, versions.get(edit.row, 0))
    _count_up(connection, shop, set(versions))
    fresh = {edit.row: _new_row(shop, edit) for edit in new if edit.row not in versions}
    if fresh:
        connection.execute(insert(layered_rows), list(fresh.values()))
    recorded = [
        Edit(number + at, edit.row, edit.action, dict(edit.fields), author, now, batch)
        for at, edit in enumerate(new, start=1)
    ]
    rows = [
        {
            "shop": shop, "number": made.number, "row": edit.row, "action": edit.action.value,
            "fields": made.fields, "base_hash": str((edit.base or {}).get("content_hash", "")),
            "version": versions.get(edit.row, 0), "author": author, "batch": batch, "at": now,
            "staged_at": now if edit.staged else None, "undone_by": "", "settled": "",
        }
        for made, edit in zip(recorded, new, strict=True)
    ]  # fmt: skip
    if rows:
        connection.execute(insert(edits), rows)
    return recorded


def _new_row(shop: str, edit: NewEdit) -> Mapping[str, Any]:
    return {
        "shop": shop, "row": edit.row, "row_key": edit.key, "kind": edit.kind, "path": edit.path,
        "base": edit.base, "theirs": None, "gone": False, "version": 1, "place": edit.place,
    }  # fmt: skip


def _settle(connection: Connection, shop: str, settlement: Settlement) -> None:
    of_row = (layered_rows.c.shop == shop, layered_rows.c.row == settlement.row)
    values: dict[str, Any] = {
        "base": settlement.base, "theirs": settlement.theirs, "gone": settlement.gone,
        "version": layered_rows.c.version + 1,
    }  # fmt: skip
    connection.execute(update(layered_rows).where(*of_row).values(values))
    for number, why in settlement.settled.items():
        connection.execute(update(edits).where(edits.c.shop == shop, edits.c.number == number).values(settled=why))
