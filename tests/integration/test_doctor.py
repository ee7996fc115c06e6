"""`xiaoer doctor` on installations that are well and on some that are not."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import text

from app.adapters.db.conversation_tables import conversations
from app.adapters.db.engine import Database
from app.adapters.db.knowledge import SqlCatalogue
from app.adapters.db.migrate import upgrade
from app.adapters.index.qdrant_edge import EdgeIndex
from app.bootstrap import make_index, master_key, open_database
from app.conversation.seal import new_data_key
from app.doctor import LOOKS, examine
from app.doctor_index import look_at_index
from app.settings import Settings
from tests.fault_proxy import proxied

pytestmark = pytest.mark.integration


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


async def looked_at(settings: Settings) -> tuple[int, dict[str, dict[str, Any]]]:
    told = StringIO()
    code = await examine(settings, Console(file=told), as_json=True)
    return code, {finding["part"]: finding for finding in json.loads(told.getvalue())}


def settings_of(home: Path, **more: Any) -> Settings:
    return Settings(**{"home": home, "model": "none", "port": 0, **more})


async def test_a_new_installation_is_well_and_told_what_comes_next(tmp_path: Path) -> None:
    code, found = await looked_at(settings_of(tmp_path / "new"))
    assert code == 0, found
    assert set(found) == set(LOOKS)
    assert found["shops"]["state"] == "warn"
    assert "xiaoer ingest" in found["shops"]["advice"]
    assert "384" in found["embedder"]["seen"]


async def test_looking_changes_no_database(tmp_path: Path) -> None:
    await looked_at(settings_of(tmp_path))
    assert not (tmp_path / "xiaoer.sqlite3").exists()


async def test_a_port_that_is_taken_is_a_failure_with_a_way_out(tmp_path: Path, taken_port: int) -> None:
    code, found = await looked_at(settings_of(tmp_path, port=taken_port))
    assert (code, found["port"]["state"]) == (1, "fail")
    assert "XIAOER_PORT" in found["port"]["advice"]


async def test_an_index_that_another_process_has_is_a_failure_that_names_it(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path / "index")
    try:
        code, found = await looked_at(settings_of(tmp_path))
    finally:
        await index.close()
    assert (code, found["index"]["state"]) == (1, "fail")
    assert str(os.getpid()) in found["index"]["advice"]


@pytest.mark.parametrize("mode", ["refuse", "hang", "error", "garbage"])
async def test_a_qdrant_server_that_is_dead_is_a_failure_within_two_seconds(mode: str, tmp_path: Path) -> None:
    async with proxied(1, mode) as proxy:
        settings = settings_of(tmp_path, index=f"http://127.0.0.1:{proxy.port}")
        index = make_index(settings)
        begun = time.perf_counter()
        state, seen, advice = await look_at_index(index, settings.index, {})
        took = time.perf_counter() - begun
        await index.close()
        assert (state, seen) == ("fail", f"{settings.index} cannot be used")
        assert took < 3
        assert re.search(r"Start it, or correct XIAOER_INDEX|See whether XIAOER_INDEX names a Qdrant", advice)
        if mode == "refuse":
            code, found = await looked_at(settings)
            assert (code, found["index"]["advice"]) == (1, advice)


@asynccontextmanager
async def answering(*answers: tuple[int, str]) -> AsyncIterator[str]:
    """The URL of a server that says these, one a request, and the last of them from then on."""
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        code, body = left.pop(0) if len(left) > 1 else left[0]
        head = f"HTTP/1.1 {code} Said\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + body.encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def greeting(version: str) -> tuple[int, str]:
    return 200, json.dumps({"title": "qdrant - vector search engine", "version": version})


NO_COLLECTION = 200, json.dumps({"result": {"exists": False}, "status": "ok", "time": 0.0})


@pytest.mark.parametrize(
    ("answers", "state", "told"),
    [
        ([greeting("1.17.0"), NO_COLLECTION], "ok", "Qdrant 1.17.0 at http://127.0.0.1"),
        ([greeting("1.9.7"), NO_COLLECTION], "warn", "Upgrade Qdrant to 1.17"),
        ([greeting("1.17.0"), (401, "no key")], "fail", "Check XIAOER_INDEX_KEY"),
        ([(200, "<html>Back soon</html>")], "fail", "is no Qdrant server"),
        ([(200, '{"title": "another"}')], "fail", "Start it, or correct XIAOER_INDEX"),
    ],
)
async def test_what_answers_in_place_of_a_qdrant_server_is_told(
    answers: list[tuple[int, str]], state: str, told: str, tmp_path: Path
) -> None:
    async with answering(*answers) as url:
        index = make_index(settings_of(tmp_path, index=url))
        found = await look_at_index(index, url, {})
        await index.close()
    assert found[0] == state, found
    assert told in found[1] + found[2]


async def test_a_model_that_does_not_answer_is_a_warning_since_shoppers_are_still_answered(tmp_path: Path) -> None:
    code, found = await looked_at(settings_of(tmp_path, model="http://127.0.0.1:1/v1"))
    assert (code, found["model"]["state"]) == (0, "warn")
    code, found = await looked_at(settings_of(tmp_path, model="embedded"))
    assert (code, found["model"]["state"]) == (0, "warn")
    assert "xiaoer model fetch" in found["model"]["advice"]


async def test_weights_that_are_named_and_are_none_are_a_failure(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_text("not a model")
    code, found = await looked_at(settings_of(tmp_path, model="embedded", model_path=str(tmp_path / "model.gguf")))
    assert (code, found["model"]["state"]) == (1, "fail")


async def test_a_database_of_a_newer_version_is_a_failure_and_an_older_one_is_upgraded_later(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with open_database(settings):
        pass
    assert (await looked_at(settings))[1]["database"]["state"] == "ok"
    for revision, state in (("0001_knowledge", "warn"), ("9999_later", "fail")):
        database = Database(settings.database_url)
        with database.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})
        database.close()
        assert (await looked_at(settings))[1]["database"]["state"] == state


async def test_a_master_key_that_opens_no_conversation_is_a_failure(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert (await looked_at(settings))[1]["keys"]["state"] == "ok"
    assert not (tmp_path / "master-key").exists()
    row = {"shop": "hill", "status": "open", "created_at": "", "updated_at": "", "head_seq": 0, "head_hash": b""}
    with open_database(settings) as database, database.engine.begin() as connection:
        wrapped = master_key(settings).wrap(new_data_key(), "c_1")
        connection.execute(conversations.insert().values(id="c_1", head_proof=b"", data_key=wrapped, **row))
    assert (await looked_at(settings))[1]["keys"] == {
        "part": "keys", "state": "ok", "seen": "the master key opens what is kept", "advice": ""
    }  # fmt: skip
    for wrong, why in (("abc", "base64"), (base64.b64encode(bytes(32)).decode(), "does not open the conversations")):
        code, found = await looked_at(settings_of(tmp_path, master_key=wrong))
        assert (code, found["keys"]["state"]) == (1, "fail")
        assert why in found["keys"]["advice"]


async def test_a_part_that_breaks_does_not_keep_the_others_from_being_looked_at(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    code, found = await looked_at(settings_of(tmp_path / "home"))
    assert code == 1
    assert found["home"]["state"] == "fail"
    assert found["embedder"]["state"] == "ok"


async def test_a_shop_without_a_live_release_is_named(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    database = Database(settings.database_url)
    upgrade(database)
    catalogue = SqlCatalogue(database)
    await catalogue.save_shop("hill", {"name": "Hill"}, str(tmp_path))
    await catalogue.stage("hill", added=[], closed=set(), read_documents=[], embedder="fake", note="")
    database.close()
    code, found = await looked_at(settings)
    assert (code, found["shops"]["state"]) == (0, "warn")
    assert "hill (not live)" in found["shops"]["seen"]
