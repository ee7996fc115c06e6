"""One SQL database, reached without blocking the event loop.

SQLAlchemy's synchronous Core on a small thread pool costs a fraction of the CPU of its asyncio layer,
and SQLite wants a single writer anyway: reads and writes are queued on threads we own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.exc import OperationalError

from app.errors import Unavailable

T = TypeVar("T")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def open_engine(url: str) -> Engine:
    """An engine for `sqlite:///…` (WAL, synchronous=FULL) or `postgresql+psycopg://…`."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 30})

    @event.listens_for(engine, "connect")
    def set_pragmas(connection, _record):  # type: ignore[no-untyped-def]
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


class Database:
    """Runs functions of a connection on its own threads, each in one transaction."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = open_engine(url)
        self._threads = ThreadPoolExecutor(
            max_workers=1 if url.startswith("sqlite") else 8, thread_name_prefix="database"
        )

    @property
    def shared(self) -> bool:
        """Whether other instances may use it too; an SQLite file belongs to one server."""
        return not self.url.startswith("sqlite")

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction: committed when it returns, rolled back when it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.run_now, work)

    def run_now(self, work: Callable[[Connection], T]) -> T:
        """The same, on the calling thread. Raises Unavailable when the database is down, busy, or its disk is full."""
        try:
            with self.engine.begin() as connection:
                return work(connection)
        except OperationalError as error:
            raise Unavailable(_told(str(error.orig))) from error

    def close(self) -> None:
        """Wait for what is under way, then close the connections. Closing twice is harmless."""
        self._threads.shutdown(wait=True)
        self.engine.dispose()


def _told(cause: str) -> str:
    """What an operator can do about it; the driver's own words may hold connection details."""
    if "full" in cause or "No space left" in cause or "disk I/O error" in cause:
        return (
            "The disk of the database is full, or does not take what is written. Nothing of this was kept, everything "
            "before it was. Free some space, then try again."
        )
    if "locked" in cause:
        return "The database is busy with another process. Nothing of this was kept; try again."
    return "The database cannot be reached or does not answer as it should. Nothing of this was kept; try again."
