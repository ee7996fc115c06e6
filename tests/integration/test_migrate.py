"""`xiaoer migrate`: a shop moves to PostgreSQL with nothing lost, and a move that was broken off goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import create_engine, select, text

from app.adapters.db import move as moving
from app.adapters.db.audit import verify_chain
from app.adapters.db.conversations import SqlEventLog
from app.adapters.db.engine import Database, metadata
from app.adapters.db.knowledge import SqlCatalogue
from app.adapters.db.move import Move
from app.adapters.db.staff import SqlStaffBook
from app.bootstrap import master_key
from app.conversation.events import Draft, EventType
from app.errors import BadInput, Conflict, Unavailable
from app.migrate_command import _migrate
from app.settings import Settings
from app.staff.account import Role
from app.staff.door import Door
from tests.edge import migrated_database
from tests.integration.test_catalogue_contract import build, cup, faq

pytestmark = pytest.mark.integration
TEXTS = ("三 🙂 \u202e", 'What\'s "this"; -- it?', "x" * 5_000)


@pytest.fixture
def target_url(postgres_url: str) -> str:
    """An empty database."""
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS moved WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE moved"))
    engine.dispose()
    return postgres_url.rsplit("/", 1)[0] + "/moved"


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    """A home with two shops, conversations (one erased, one with a person), staff and edits."""
    database = migrated_database(tmp_path)
    catalogue = SqlCatalogue(database)
    for shop in ("hill", "valley"):
        await catalogue.save_shop(shop, {"name": "店", "n": [1, {"a": None}]}, "/x")
        first = [faq(2, "几天？", "两天。"), *(cup(f"{shop}-{n}", f"{n}.00") for n in range(12))]
        await catalogue.publish(shop, await build(catalogue, first, shop=shop))
        await catalogue.publish(shop, await build(catalogue, [cup("new", "9.5")], (first[3].chunk_id,), shop=shop))
    await catalogue.save_vectors("e", {f"hash{n}": np.full(8, n, dtype=np.float32) for n in range(20)})
    await Door(SqlStaffBook(database)).add("mei", "Mei", Role.AGENT, "hill", "a long password 1")
    database.close()
    settings = Settings(home=tmp_path, model="none")
    database = Database(settings.database_url)
    log = SqlEventLog(database, master_key(settings))
    for n in range(30):
        id_, shop = f"c{n}", "hill" if n % 2 else "valley"
        await log.create(id_, shop, Draft(EventType.STARTED, {"shop": shop}))
        said = [Draft(EventType.RECEIVED, {"message_id": f"m{i}", "text": words}) for i, words in enumerate(TEXTS)]
        await log.append(id_, said)
        await log.append(id_, [Draft(EventType.HANDOFF, {"reason": "anger", "text": "…"})], "waiting_for_agent")
    await log.erase("c4")
    database.close()
    return tmp_path


def everything(url: str) -> dict[str, list[tuple[Any, ...]]]:
    database = Database(url)
    with database.engine.connect() as connection:
        found = {
            name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for name, table in metadata.tables.items()
            if name != "leases"
        }
    database.close()
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


async def test_everything_moves_and_reads_the_same_and_its_chains_hold(home: Path, target_url: str) -> None:
    settings = Settings(home=home, model="none")
    before = everything(settings.database_url)
    moved, broken = await _migrate(settings, target_url.replace("+psycopg", ""), [])
    assert broken == []
    assert all(one.whole for one in moved)
    assert {one.table for one in moved if one.rows} >= {"events", "conversations", "chunks", "shops", "staff_accounts"}
    assert sum(one.written for one in moved) == sum(len(rows) for rows in before.values())
    assert everything(target_url) == before == everything(settings.database_url)
    again, _ = await _migrate(settings, target_url, [])
    assert sum(one.written for one in again) == 0, "a second run writes nothing"


async def test_the_moved_database_takes_new_conversations_and_notices(home: Path, target_url: str) -> None:
    settings = Settings(home=home, model="none")
    await _migrate(settings, target_url, [])
    database = Database(target_url)
    log = SqlEventLog(database, master_key(settings))
    assert [e.payload["text"] for e in await log.read("c1", 1)][:3] == list(TEXTS)
    await log.create("fresh", "hill", Draft(EventType.STARTED, {"shop": "hill"}))
    await log.append("fresh", [Draft(EventType.HANDOFF, {"reason": "anger", "text": "…"})], "waiting_for_agent")
    assert verify_chain(database, master_key(settings)).ok
    database.close()


async def test_one_shop_moves_alone_and_leaves_what_others_have_there(home: Path, target_url: str) -> None:
    settings = Settings(home=home, model="none")
    moved, broken = await _migrate(settings, target_url, ["hill"])
    assert broken == []
    assert all(one.whole for one in moved)
    there, here = everything(target_url), everything(settings.database_url)
    assert {row[0] for row in there["shops"]} == {"hill"}
    assert len(there["conversations"]) == 15
    assert there["embeddings"] == here["embeddings"]
    assert [row[1] for row in there["staff_accounts"]] == ["mei"], "who works for that shop alone comes along"
    moved, _ = await _migrate(settings, target_url, ["valley"])
    assert all(one.whole for one in moved)
    assert everything(target_url)["events"] == here["events"]


async def test_a_move_that_breaks_off_anywhere_goes_on_where_it_was(
    home: Path, target_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=home, model="none")
    monkeypatch.setattr(moving, "BATCH_ROWS", 7)
    calls, real, breaks_at = 0, Move._write, {2, 9, 25}

    def breaking(self: Move, connection: Any, table: Any, rows: Any) -> None:
        nonlocal calls
        calls += 1
        real(self, connection, table, rows)
        if calls in breaks_at:
            raise RuntimeError("the machine went away")  # in the middle of a transaction: this batch is lost

    monkeypatch.setattr(Move, "_write", breaking)
    for _ in breaks_at:
        with pytest.raises(RuntimeError, match="went away"):
            await _migrate(settings, target_url, [])
    moved, broken = await _migrate(settings, target_url, [])
    assert broken == []
    assert all(one.whole for one in moved)
    assert 0 < sum(one.written for one in moved) < sum(one.rows for one in moved), "it began anew"
    assert everything(target_url) == everything(settings.database_url)


async def test_nothing_moves_while_a_server_runs_on_the_home(
    home: Path, target_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.migrate_command.find_server", lambda home: object())
    with pytest.raises(Conflict, match="stop it"):
        await _migrate(Settings(home=home, model="none"), target_url, [])


async def test_a_row_that_only_the_new_database_has_is_told(home: Path, target_url: str) -> None:
    settings = Settings(home=home, model="none")
    await _migrate(settings, target_url, [])
    database = Database(target_url)
    with database.engine.begin() as connection:
        connection.execute(text("INSERT INTO desk_modes VALUES ('stray', '{}', 'x', 'y')"))
    database.close()
    moved, _ = await _migrate(settings, target_url, [])
    assert [one.table for one in moved if not one.whole] == ["desk_modes"]


@pytest.mark.parametrize(
    ("to", "told"), [("nonsense", "no database address"), ("mysql://a/b", "not supported"), ("", "no database")]
)
async def test_an_address_that_cannot_be_is_refused_before_anything_moves(home: Path, to: str, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        await _migrate(Settings(home=home, model="none"), to, [])


async def test_a_database_that_cannot_be_reached_is_told_in_words(home: Path) -> None:
    with pytest.raises(Unavailable, match="run the same command again"):
        await _migrate(Settings(home=home, model="none"), "postgresql://nobody@127.0.0.1:1/nowhere", [])


async def test_a_shop_that_is_not_here_is_named_with_those_that_are(home: Path, target_url: str) -> None:
    with pytest.raises(BadInput, match="hill"):
        await _migrate(Settings(home=home, model="none"), target_url, ["nowhere"])
