"""kill -9 in the middle of a turn: what was confirmed is there, and the conversation goes on."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.adapters.db.audit import verify_chain
from app.adapters.db.engine import Database
from tests.edge import MASTER
from tests.integration.serving import Shopper

pytestmark = pytest.mark.integration


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def server(home: Path, pause_seconds: float) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    command = [sys.executable, "-m", "tests.integration.killable", str(home), str(port), str(pause_seconds)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                httpx.get(f"{url}/healthz")
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield process, url
    finally:
        process.kill()
        process.wait()


async def test_a_server_killed_during_a_turn_loses_nothing_and_the_turn_can_be_run_again(tmp_path: Path) -> None:
    with server(tmp_path, pause_seconds=30) as (process, url):
        async with httpx.AsyncClient(base_url=url, timeout=40) as client:
            shopper = await Shopper.begin(client)
            asking = asyncio.create_task(shopper.say("Can I return it?", "client-1"))
            assert (await shopper.follow(until="message.received"))[-1][2]["text"] == "Can I return it?"
            process.send_signal(signal.SIGKILL)
            with pytest.raises(httpx.TransportError):
                await asking
    started = shopper.started
    with server(tmp_path, pause_seconds=0) as (_, url):
        async with httpx.AsyncClient(base_url=url, timeout=20) as client:
            shopper = Shopper(client, started)
            assert [name for _, name, _ in await shopper.follow(until="message.received")] == ["message.received"]
            reply = await shopper.say("Can I return it?", "client-1")
            assert reply.json()["decision"] == "answer"
            assert (await shopper.say("And shoes?", "client-2")).status_code == 200
            told = [name for _, name, _ in await shopper.follow(most=10)]
            assert told.count("message.received") == 2
            assert told.count("reply.completed") == 2
    database = Database(f"sqlite:///{tmp_path / 'xiaoer.sqlite3'}")
    assert verify_chain(database, MASTER).ok
    database.close()


async def test_replies_that_were_confirmed_before_a_kill_are_all_there(tmp_path: Path) -> None:
    with server(tmp_path, pause_seconds=0) as (process, url):
        async with httpx.AsyncClient(base_url=url, timeout=20) as client:
            shoppers = [await Shopper.begin(client) for _ in range(4)]
            confirmed: list[tuple[int, int, object]] = []

            async def talk(which: int) -> None:
                for n in range(1000):
                    reply = await shoppers[which].say(f"message {n}", f"client-{n}")
                    confirmed.append((which, n, reply.json()))

            talking = [asyncio.create_task(talk(which)) for which in range(4)]
            while len(confirmed) < 30:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            await asyncio.gather(*talking, return_exceptions=True)
    with server(tmp_path, pause_seconds=0) as (_, url):
        async with httpx.AsyncClient(base_url=url, timeout=20) as client:
            for which, n, reply in confirmed:
                again = await Shopper(client, shoppers[which].started).say(f"message {n}", f"client-{n}")
                assert again.json() == reply
