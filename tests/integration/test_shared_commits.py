"""Writes that wait for the disk together share a commit, and fail alone."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import IntegrityError

from app.adapters.db.engine import Database
from app.errors import Conflict

pytestmark = pytest.mark.integration


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'shared.sqlite3'}")
    opened.run_now(lambda it: it.exec_driver_sql("CREATE TABLE kept (name TEXT PRIMARY KEY)"))
    yield opened
    opened.close()


def put(name: str) -> object:
    return lambda it: it.exec_driver_sql("INSERT INTO kept VALUES (?)", (name,))


def kept(database: Database) -> list[str]:
    return database.run_now(lambda it: [row[0] for row in it.exec_driver_sql("SELECT name FROM kept ORDER BY name")])


async def together(database: Database, *works: object) -> list[object]:
    """All of them at once, behind one that keeps the thread busy until they all wait."""
    release = asyncio.Event()
    loop = asyncio.get_running_loop()
    busy = asyncio.create_task(
        database.run(lambda _: asyncio.run_coroutine_threadsafe(release.wait(), loop).result(10))
    )
    waiting = [asyncio.create_task(database.run_together(work)) for work in works]  # type: ignore[arg-type]
    await asyncio.sleep(0.05)
    release.set()
    await busy
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_what_waits_together_is_committed_together(database: Database) -> None:
    commits: list[int] = []
    event.listen(database.engine, "commit", lambda _: commits.append(1))
    done = await together(database, *(put(f"n{n:02}") for n in range(20)))
    assert not [one for one in done if isinstance(one, BaseException)]
    assert len(kept(database)) == 20
    assert len(commits) <= 4


async def test_one_that_refuses_is_undone_alone(database: Database) -> None:
    def refuse(it: Connection) -> None:
        it.exec_driver_sql("INSERT INTO kept VALUES ('half')")
        raise Conflict("no")

    done = await together(database, put("one"), refuse, put("two"))
    assert isinstance(done[1], Conflict)
    assert kept(database) == ["one", "two"]


async def test_one_that_the_database_refuses_takes_nobody_along(database: Database) -> None:
    done = await together(database, put("one"), put("one"), put("two"))
    assert isinstance(done[1], IntegrityError)
    assert kept(database) == ["one", "two"]


async def test_a_look_sees_what_another_process_has_just_committed(database: Database, tmp_path: Path) -> None:
    query = "SELECT count(*) FROM kept WHERE name <> ?"
    assert database.look(query, ("",)) == 0
    with sqlite3.connect(tmp_path / "shared.sqlite3") as other:
        other.execute("INSERT INTO kept VALUES ('theirs')")
    assert database.look(query, ("",)) == 1


async def test_a_look_that_cannot_be_had_says_so(database: Database) -> None:
    with pytest.raises(LookupError):
        database.look("SELECT nothing FROM nowhere", ())
