"""Leases in the database that the log is in: for several instances without Redis, or while it is away."""

from __future__ import annotations

from sqlalchemy import Connection, Float, bindparam, delete, or_

from app.adapters.db.engine import Database
from app.adapters.db.lease_tables import leases
from app.adapters.db.upsert import clock_of, insert_of
from app.conversation.leases import LEASE_SECONDS


class SqlLeases:
    """`Leases` on SQLite or PostgreSQL, by the database's clock."""

    def __init__(self, database: Database) -> None:
        self._database = database
        now = clock_of(database)
        term = bindparam("for_seconds", type_=Float)
        row = insert_of(database)(leases).values(
            name=bindparam("of_name"), holder=bindparam("to_holder"), until=now + term
        )
        self._take = row.on_conflict_do_update(
            index_elements=[leases.c.name],
            set_={"holder": row.excluded.holder, "until": row.excluded.until},
            # One that has twice its term left was taken while the clock stood elsewhere, and might be held for hours.
            where=or_(leases.c.holder == row.excluded.holder, leases.c.until < now, leases.c.until > now + 2 * term),
        ).returning(leases.c.name)
        self._free = delete(leases).where(leases.c.name == bindparam("of_name"), leases.c.holder == bindparam("by"))

    async def take(self, name: str, holder: str, seconds: float = LEASE_SECONDS) -> bool:
        """Hold it for so long from now."""

        def work(connection: Connection) -> bool:
            told = {"of_name": name, "to_holder": holder, "for_seconds": seconds}
            return connection.execute(self._take, told).first() is not None

        return await self._database.run(work)

    async def free(self, name: str, holder: str) -> None:
        """Give it back."""
        await self._database.run(lambda connection: connection.execute(self._free, {"of_name": name, "by": holder}))
