"""One SQL database, reached without blocking the event loop.

SQLAlchemy's synchronous Core on a small thread pool costs a fraction of the CPU of its asyncio layer,
and SQLite wants a single writer anyway: reads and writes are queued on threads we own. A commit waits for the disk,
some ten milliseconds on a common one, so that what queues up while one is under way shares the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.exc import OperationalError, SQLAlchemyError

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


PATIENCE_SECONDS = 30.0
"""How long a command waits for another process that has the SQLite file locked. A server's shoppers cannot."""
_MOST_TOGETHER = 64


def open_engine(url: str, patience_seconds: float = PATIENCE_SECONDS) -> Engine:
    """An engine for `sqlite:///…` (WAL, synchronous=FULL) or `postgresql+psycopg://…`."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": patience_seconds})

    @event.listens_for(engine, "connect")
    def set_pragmas(connection, _record):  # type: ignore[no-untyped-def]
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


@dataclass(eq=False, slots=True)
class _Waiting:
    """Work that waits for a commit it may share, and what came of it."""

    work: Callable[[Connection], Any]
    done: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def tell(self) -> None:
        """Hand over what came of it; on the event loop."""
        if self.done.cancelled():
            return
        if self.error is not None:
            self.done.set_exception(self.error)
        else:
            self.done.set_result(self.result)


class Database:
    """Runs functions of a connection on its own threads, each in one transaction."""

    def __init__(self, url: str, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.url = url
        self.engine = open_engine(url, patience_seconds)
        self._waiting: deque[_Waiting] = deque()
        self._window: sqlite3.Connection | None = None
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

    async def run_together(self, work: Callable[[Connection], T]) -> T:
        """The same, sharing the commit with others that wait: each alone may fail, and then only it is undone.

        `work` may be run twice, so it must do nothing but to the database, and no PRAGMA that wants to be alone.
        """
        if self.shared:
            return await self.run(work)  # the server gathers commits itself
        loop = asyncio.get_running_loop()
        one = _Waiting(work, loop.create_future())
        self._waiting.append(one)
        self._threads.submit(self._commit_together, loop)
        return await one.done  # type: ignore[no-any-return]

    def look(self, query: str, parameters: Sequence[Any]) -> Any:
        """The first column of one row, read here and now: for what is asked in every turn and stands in memory anyway.

        SQLite's readers wait for nobody. Raises LookupError where that cannot be done: then `run` it.
        """
        if self.shared:
            raise LookupError("Not on a server.")
        try:
            if self._window is None:
                path = quote(self.engine.url.database or "")
                self._window = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0, check_same_thread=False)
            rows = self._window.execute(query, parameters).fetchall()  # all: an open statement would see no newer state
        except sqlite3.Error as error:
            raise LookupError(str(error)) from error
        return rows[0][0] if rows else None

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
        if self._window is not None:
            self._window.close()
            self._window = None
        self.engine.dispose()

    def _commit_together(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do all that waits in one transaction. Where that fails as a whole, each in its own."""
        group = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_TOGETHER))]
        if not group:
            return  # those before took it along
        if len(group) == 1 or not self._done_together(group):
            for one in group:
                try:
                    one.result, one.error = self.run_now(one.work), None
                except BaseException as error:
                    one.error = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_tell, group)

    def _done_together(self, group: Sequence[_Waiting]) -> bool:
        try:
            with self.engine.begin() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                for one in group:
                    _attempt(connection, one)
        except SQLAlchemyError:
            return False
        return True


def _attempt(connection: Connection, one: _Waiting) -> None:
    """One part of a shared transaction: undone alone when it fails by its own fault."""
    connection.exec_driver_sql("SAVEPOINT part")
    try:
        one.result = one.work(connection)
    except SQLAlchemyError:
        raise  # the database itself may have undone everything: each is tried alone
    except Exception as error:
        one.error = error
        connection.exec_driver_sql("ROLLBACK TO part")
    connection.exec_driver_sql("RELEASE part")


def _tell(group: Sequence[_Waiting]) -> None:
    for one in group:
        one.tell()


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
