"""The event log on a real database: durable, sealed, chained. The fake passes what does not need SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from app.adapters.db.audit import verify_chain
from app.adapters.db.conversations import SqlEventLog
from app.adapters.db.engine import Database, metadata
from app.adapters.db.migrate import upgrade
from app.conversation.events import Draft, EventType
from app.conversation.log import EventLog
from app.conversation.seal import MasterKey
from app.errors import ConfigurationError, Conflict, NotFound, Unavailable
from tests.edge import MASTER, FakeShops, make_conversations
from tests.fakes import FakeAttendant, FakeEventLog

pytestmark = pytest.mark.integration

DATABASES = ["sqlite", "postgres"]


def bytes_under(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def said(words: str) -> Draft:
    return Draft(EventType.RECEIVED, {"message_id": "m", "text": words})


STARTED = Draft(EventType.STARTED, {"shop": "hill"})


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = (
        request.getfixturevalue("postgres_url")
        if request.param == "postgres"
        else f"sqlite:///{tmp_path / 'x.sqlite3'}"
    )
    database = Database(url)
    upgrade(database)
    if request.param == "postgres":
        with database.engine.begin() as connection:
            connection.execute(text("TRUNCATE events, conversations CASCADE"))
    yield database
    database.close()


@pytest.fixture(params=["fake", "sql"])
def log(request: pytest.FixtureRequest, database: Database) -> EventLog:
    return FakeEventLog() if request.param == "fake" else SqlEventLog(database, MASTER)


async def test_events_are_read_back_in_order_from_anywhere(log: EventLog) -> None:
    await log.create("c", "hill", STARTED)
    written = await log.append("c", [said("one"), said("two")])
    written += await log.append("c", [said("三 🙂\x00\u202e")], "waiting_for_agent")
    assert [event.seq for event in written] == [2, 3, 4]
    assert await log.read("c", 1) == written
    assert [event.payload["text"] for event in await log.read("c", 3)] == ["三 🙂\x00\u202e"]
    assert await log.read("c", 4) == []
    entry = await log.entry("c")
    assert entry is not None
    assert (entry.shop, entry.status, entry.seq, entry.erased) == ("hill", "waiting_for_agent", 4, False)


async def test_an_unknown_conversation_has_no_entry_and_takes_no_event(log: EventLog) -> None:
    assert await log.entry("c") is None
    assert await log.read("c") == []
    with pytest.raises(NotFound):
        await log.append("c", [said("one")])


async def test_an_erased_conversation_keeps_its_events_but_not_their_words(log: EventLog) -> None:
    await log.create("c", "hill", STARTED)
    await log.append("c", [said("secret")])
    await log.erase("c")
    await log.erase("c")
    events = await log.read("c")
    assert [event.type for event in events] == [EventType.STARTED, EventType.RECEIVED, EventType.ERASED]
    assert all(event.payload == {} for event in events)
    with pytest.raises(Conflict):
        await log.append("c", [said("more")])


async def test_no_word_stands_in_the_database(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    upgrade(database)
    log = SqlEventLog(database, MASTER)
    await log.create("c", "hill", Draft(EventType.STARTED, {"identity": {"order_id": "ORDER-SECRET"}}))
    await log.append("c", [said("MESSAGE-SECRET")])
    stored = bytes_under(tmp_path)
    assert b"message.received" in stored
    assert b"SECRET" not in stored
    database.close()


async def test_erasing_removes_the_wrapped_key_from_every_file(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    upgrade(database)
    log = SqlEventLog(database, MASTER)
    await log.create("c", "hill", STARTED)
    wrapped = await database.run(lambda c: c.execute(text("SELECT data_key FROM conversations")).scalar())
    assert wrapped in bytes_under(tmp_path)
    await log.erase("c")
    assert wrapped not in bytes_under(tmp_path)
    database.close()


async def test_two_instances_write_one_chain(database: Database) -> None:
    one, other = SqlEventLog(database, MASTER), SqlEventLog(database, MASTER)
    await one.create("c", "hill", STARTED)
    for n in range(5):
        await one.append("c", [said(f"one {n}")])
        await other.append("c", [said(f"other {n}"), said("more")])
    assert [event.seq for event in await one.read("c")] == list(range(1, 17))
    assert verify_chain(database, MASTER).ok


async def test_conversations_of_two_instances_see_each_other(database: Database) -> None:
    attendant, shops = FakeAttendant(), FakeShops()
    one, other = (make_conversations(SqlEventLog(database, MASTER), attendant, shops) for _ in range(2))
    id_ = (await one.start("hill")).id
    for conversations, words in ((one, "a"), (other, "b"), (one, "c")):
        await (await conversations.say(id_, words)).reply()
    if database.url.startswith("sqlite"):
        # An SQLite file belongs to one server: another's memory may be behind, but no event is lost or doubled.
        assert verify_chain(database, MASTER).ok
    else:
        assert [m.text for m in attendant.turns[-1].history if m.role == "user"] == ["a", "b"]


async def test_another_master_key_is_refused(database: Database) -> None:
    await SqlEventLog(database, MASTER).create("c", "hill", STARTED)
    with pytest.raises(ConfigurationError):
        await SqlEventLog(database, MasterKey(bytes(32))).read("c")


async def filled(database: Database) -> SqlEventLog:
    log = SqlEventLog(database, MASTER)
    for name in ("c1", "c2", "c3"):
        await log.create(name, "hill", STARTED)
        await log.append(name, [said("one"), said("two")])
        await log.append(name, [said("three")])
    return log


async def test_the_audit_passes_an_honest_log_with_an_erased_person_in_it(database: Database) -> None:
    log = await filled(database)
    await log.erase("c2")
    report = verify_chain(database, MASTER)
    assert report.ok
    assert (report.conversations, report.events, report.erased) == (3, 13, 1)


async def test_an_empty_log_is_honest(database: Database) -> None:
    assert verify_chain(database, MASTER).ok


TAMPERING = {
    "a flipped byte": ("UPDATE events SET sealed = :sealed WHERE conversation_id='c2' AND seq=3", 3),
    "a changed type": ("UPDATE events SET type='agent.message' WHERE conversation_id='c2' AND seq=2", 2),
    "a changed time": ("UPDATE events SET time='2020-01-01T00:00:00+00:00' WHERE conversation_id='c2' AND seq=4", 4),
    "an event taken out": ("DELETE FROM events WHERE conversation_id='c2' AND seq=2", 2),
    "a tail cut off": ("DELETE FROM events WHERE conversation_id='c2' AND seq=4", 4),
    "all events gone": ("DELETE FROM events WHERE conversation_id='c2'", 1),
    "a head moved back with its tail": (
        "UPDATE conversations SET head_seq=3, head_hash=(SELECT hash FROM events WHERE conversation_id='c2' AND seq=3)"
        " WHERE id='c2'; DELETE FROM events WHERE conversation_id='c2' AND seq=4",
        0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERING)
async def test_the_audit_finds(database: Database, how: str) -> None:
    await filled(database)
    sql, first_broken = TAMPERING[how]
    with database.engine.begin() as connection:
        sealed = connection.execute(text("SELECT sealed FROM events WHERE conversation_id='c2' AND seq=3")).scalar_one()
        flipped = bytes(sealed)[:-1] + bytes([sealed[-1] ^ 1])
        for statement in sql.split("; "):
            connection.execute(text(statement), {"sealed": flipped} if ":sealed" in statement else {})
    report = verify_chain(database, MASTER)
    assert not report.ok
    assert report.first_break is not None
    assert (report.first_break.conversation_id, report.first_break.seq) == ("c2", first_broken)
    assert len(report.breaks) == 1


async def test_a_changed_event_is_never_shown(database: Database) -> None:
    log = await filled(database)
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE events SET sealed=(SELECT sealed FROM events WHERE conversation_id='c1' AND seq=2)"
                " WHERE conversation_id='c2' AND seq=2"
            )
        )
    with pytest.raises(Unavailable, match="audit verify"):
        await log.read("c2")


async def test_the_database_is_written_through_to_the_disk(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    upgrade(database)
    assert await database.run(lambda c: c.exec_driver_sql("PRAGMA synchronous").scalar()) == 2
    database.close()


def test_the_migration_makes_the_tables_the_code_uses(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    upgrade(database)
    database.close()
    with sqlite3.connect(tmp_path / "x.sqlite3") as connection:
        for name in ("conversations", "events"):
            columns = {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
            assert columns == set(metadata.tables[name].columns.keys())
    connection.close()
