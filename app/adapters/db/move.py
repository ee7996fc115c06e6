"""Copies what a database holds into another one, row by row, and proves that it is the same.

Every batch of rows is compared with what stands in the target, and only what differs is written: a move that was broken
off goes on where it was, and one that is done again writes nothing.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Table, func, inspect, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DataError, DBAPIError, OperationalError

from app.adapters import db
from app.adapters.db.engine import Database, metadata
from app.errors import BadInput, Conflict

BATCH_ROWS = 400
_PASSING = frozenset({"leases", "jobs"})
"""What says nothing once the servers are down"""
_CONTENT = frozenset({"embeddings"})
"""What stands under a hash of what it was made of: of no shop, and the same in every database"""
_NUMBERED = frozenset({"desk_notices"})
"""Ids that each database gives out itself: rows of one shop may not overwrite another's there"""
Tell: TypeAlias = Callable[[str, int, int], None]
"""Called with a table, how many of its rows are done, and of how many"""


@dataclass(frozen=True, slots=True)
class TableMoved:
    """What became of one table. `written` of `rows` were new or different; `read_back` are the same in the target."""

    table: str
    rows: int
    written: int
    read_back: int
    in_target: int

    @property
    def whole(self) -> bool:
        """Whether every row is there, and no other."""
        return self.rows == self.read_back == self.in_target


class Move:
    """One move. `shops` empty = everything, also accounts of staff and the cache of embeddings."""

    def __init__(self, source: Database, target: Database, shops: Sequence[str] = (), tell: Tell | None = None) -> None:
        self._source = source
        self._target = target
        self._shops = tuple(shops)
        self._tell = tell or (lambda table, done, total: None)
        self._insert = sqlite_insert if target.engine.dialect.name == "sqlite" else postgres_insert

    def run(self) -> list[TableMoved]:
        """Copy, then read everything back. Raises Conflict where the source was written to meanwhile, BadInput for a
        row that the target does not take."""
        tables = self.tables()
        written = {table.name: self._copy(table) for table in tables}
        self._set_counters(tables)
        moved = []
        for table in tables:
            rows = self._count(self._source, table)
            differing = sum(len(fresh) for _, fresh in self._differing(table))
            if differing:
                raise Conflict(
                    f"{differing} row(s) of {table.name} changed while they were being moved. What was moved is kept; "
                    "stop every server on the old database and run the same command again."
                )
            there = self._count(self._target, table)
            in_target = min(there, rows) if self._shops and table.name in _CONTENT else there
            moved.append(TableMoved(table.name, rows, written[table.name], rows, in_target))
        return moved

    def tables(self) -> list[Table]:
        """Those that are moved, the ones that others refer to first. Raises Conflict for a table nobody knows."""
        for module in pkgutil.iter_modules(db.__path__, f"{db.__name__}."):
            if not module.ispkg:
                importlib.import_module(module.name)  # each table is declared beside what uses it
        there = set(inspect(self._source.engine).get_table_names()) - {"alembic_version"}
        if unknown := there - set(metadata.tables):
            raise Conflict(
                f"The database has tables of another version: {', '.join(sorted(unknown))}. Nothing was moved."
            )
        wanted = [table for table in metadata.sorted_tables if table.name in there - _PASSING]
        return [table for table in wanted if not self._shops or self._moves_alone(table)]

    def _moves_alone(self, table: Table) -> bool:
        """Whether single shops' part of it can be moved."""
        return table.name in _CONTENT or (self._of_shops(table) is not None and table.name not in _NUMBERED)

    def _copy(self, table: Table) -> int:
        total, done, written = self._count(self._source, table), 0, 0
        self._tell(table.name, 0, total)
        for read, fresh in self._differing(table):
            if fresh:
                with self._target.engine.begin() as connection:
                    self._write(connection, table, fresh)
            done, written = done + read, written + len(fresh)
            self._tell(table.name, done, total)
        return written

    def _write(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        keys = [column.name for column in table.primary_key]
        others = [column.name for column in table.columns if column.name not in keys]
        statement = self._insert(table)
        if others:
            fresh = {name: statement.excluded[name] for name in others}
            statement = statement.on_conflict_do_update(index_elements=keys, set_=fresh)
        else:
            statement = statement.on_conflict_do_nothing()
        try:
            connection.execute(statement, [dict(row) for row in rows])
        except OperationalError:
            raise
        except (DataError, DBAPIError, ValueError) as problem:
            first = {name: rows[0][name] for name in keys}
            raise BadInput(
                f"The new database does not take a row of {table.name} among the {len(rows)} from {first} on "
                f"({type(getattr(problem, 'orig', problem)).__name__}). Everything before them was moved; correct or "
                "remove it in the old database and run the same command again."
            ) from problem

    def _differing(self, table: Table) -> Iterator[tuple[int, list[Mapping[str, Any]]]]:
        """Batch by batch: how many rows were read, and those that are not the same in the target."""
        keys = list(table.primary_key)
        last: tuple[Any, ...] | None = None
        while True:
            wanted = select(table).order_by(*keys).limit(BATCH_ROWS)
            if (own := self._of_shops(table)) is not None:
                wanted = wanted.where(own)
            if last is not None:
                wanted = wanted.where(tuple_(*keys) > tuple_(*last))
            with self._source.engine.connect() as connection:
                rows = [dict(row) for row in connection.execute(wanted).mappings()]
            if not rows:
                return
            names = [key.name for key in keys]
            last = tuple(rows[-1][name] for name in names)
            have = self._have(table, [tuple(row[name] for name in names) for row in rows])
            yield len(rows), [row for row in rows if have.get(tuple(row[name] for name in names)) != row]

    def _have(self, table: Table, wanted: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], Mapping[str, Any]]:
        keys = list(table.primary_key)
        there = keys[0].in_([key[0] for key in wanted]) if len(keys) == 1 else tuple_(*keys).in_(wanted)
        with self._target.engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(select(table).where(there)).mappings()]
        return {tuple(row[key.name] for key in keys): row for row in rows}

    def _count(self, database: Database, table: Table) -> int:
        counted = select(func.count()).select_from(table)
        if (own := self._of_shops(table)) is not None:
            counted = counted.where(own)
        with database.engine.connect() as connection:
            return int(connection.execute(counted).scalar_one())

    def _of_shops(self, table: Table) -> ColumnElement[bool] | None:
        """Which rows belong to the shops that are moved; None = all of them are, or the table knows no shop."""
        if not self._shops:
            return None
        if table.name == "shops":
            return table.c.name.in_(self._shops)
        if "shop" in table.c:
            return table.c.shop.in_(self._shops)
        if "conversation_id" in table.c:
            conversations = metadata.tables["conversations"]
            own = select(conversations.c.id).where(conversations.c.shop.in_(self._shops))
            return table.c.conversation_id.in_(own)
        return None

    def _set_counters(self, tables: Sequence[Table]) -> None:
        """Ids that the database gives out go on after those that were moved."""
        if self._target.engine.dialect.name != "postgresql":
            return
        with self._target.engine.begin() as connection:
            for table in tables:
                column = table.autoincrement_column
                if column is None:
                    continue
                sequence = connection.execute(
                    text("SELECT pg_get_serial_sequence(:name, :column)"), {"name": table.name, "column": column.name}
                ).scalar()
                if sequence:
                    newest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
                    connection.execute(select(func.setval(sequence, newest, False)))
