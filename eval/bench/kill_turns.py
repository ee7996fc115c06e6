"""`python -m eval.bench.kill_turns --points 1000`: kill -9 at random moments of turns; nothing confirmed may be lost.

Shoppers talk to the real server, each message under an id of its own, until the process is killed after a random
time. It is started again on the same home and every message is sent again under its id. Then: each reply that was
confirmed is there as it was, each id was recorded and answered exactly once, in the order they were sent, and the chain
verifies.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import orjson
import typer
from rich.console import Console
from rich.progress import track

from app.adapters.db.audit import verify_chain
from app.adapters.db.engine import Database
from app.adapters.keys import load_or_make_key
from app.conversation.seal import MasterKey
from app.settings import Settings
from eval.bench.__main__ import ROOT, SHOP, UNLIMITED
from eval.bench.processes import free_port, running
from eval.production import open_solvers
from eval.read_suite import read_suite


@dataclass
class Shopper:
    """One conversation: what was sent, and what was confirmed."""

    path: str
    headers: dict[str, str]
    sent: list[tuple[str, str]] = field(default_factory=list)
    """(client_message_id, text)"""
    confirmed: dict[str, str] = field(default_factory=dict)
    """client_message_id → message_id of the reply"""


def main(
    points: Annotated[int, typer.Option(help="How often the server is killed.")] = 20,
    shoppers: Annotated[int, typer.Option(help="Conversations at once.")] = 4,
    longest: Annotated[float, typer.Option(help="Seconds until the kill, at most.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the random moments.")] = 6,
) -> None:
    """Kill, look, and say what was found. Exit code 1 when anything was lost or doubled."""
    faults = asyncio.run(_kill(points, shoppers, longest, random.Random(seed)))
    console = Console()
    for fault in faults[:20]:
        console.print(f"  {fault}", markup=False)
    console.print(f"{points} kills in the middle of turns: [bold]{len(faults)}[/] faults")
    raise typer.Exit(int(bool(faults)))


async def _kill(points: int, shoppers: int, longest: float, chance: random.Random) -> list[str]:
    questions = [s.question for s in read_suite(ROOT / "eval" / "suites" / f"{SHOP}.jsonl").samples if s.answerable]
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        async with open_solvers(Settings(home=home, model="none"), {SHOP: ROOT / "shops" / SHOP}):
            pass
        for point in track(range(points), "Killing", console=Console(stderr=True)):
            faults += await _point(home, point, shoppers, longest, chance, questions)
        database = Database(f"sqlite:///{home / 'xiaoer.sqlite3'}")
        if not verify_chain(database, MasterKey(load_or_make_key(home / "master-key"))).ok:
            faults.append("the chain does not verify")
        database.close()
    return faults


async def _point(
    home: Path, point: int, many: int, longest: float, chance: random.Random, questions: list[str]
) -> list[str]:
    environment = {"XIAOER_HOME": str(home), "XIAOER_MODEL": "none", "XIAOER_DEFAULT_SHOP": SHOP, **UNLIMITED}
    port = free_port()
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with running(command, port, environment, home / "killed.log") as pid:
        async with aiohttp.ClientSession(url) as session:
            talking = [await _begin(session) for _ in range(many)]
            tasks = [asyncio.create_task(_talk(session, one, point, questions, chance)) for one in talking]
            await asyncio.sleep(chance.uniform(0, longest))
            os.kill(pid, signal.SIGKILL)
            await asyncio.gather(*tasks, return_exceptions=True)
    while _is_alive(pid):  # noqa: ASYNC110  there is no event for another process's end
        await asyncio.sleep(0.05)
    with running(command, port, environment, home / "again.log"):
        async with aiohttp.ClientSession(url) as session:
            return [fault for one in talking for fault in await _faults(session, one)]


async def _begin(session: aiohttp.ClientSession) -> Shopper:
    async with session.post("/v1/conversations", json={"shop": SHOP}) as response:
        made = await response.json()
    return Shopper(f"/v1/conversations/{made['id']}", {"authorization": f"Bearer {made['token']}"})


async def _talk(
    session: aiohttp.ClientSession, one: Shopper, point: int, questions: list[str], chance: random.Random
) -> None:
    with suppress(aiohttp.ClientError, OSError):
        for number in range(1_000):
            one.sent.append((f"p{point}-{number}", chance.choice(questions)))
            reply = await _say(session, one, *one.sent[-1])
            one.confirmed[one.sent[-1][0]] = reply["message_id"]


async def _say(session: aiohttp.ClientSession, one: Shopper, client_id: str, text: str) -> Any:
    body = {"text": text, "client_message_id": client_id}
    async with session.post(f"{one.path}/messages", json=body, headers=one.headers) as response:
        response.raise_for_status()
        return await response.json()


async def _faults(session: aiohttp.ClientSession, one: Shopper) -> list[str]:
    """What is missing or twice there, once all was sent again."""
    found = []
    for client_id, text in one.sent:
        try:
            reply = await _say(session, one, client_id, text)
        except aiohttp.ClientResponseError as error:
            found.append(f"{client_id}: sent again, answered {error.status}")
            continue
        if one.confirmed.get(client_id, reply["message_id"]) != reply["message_id"]:
            found.append(f"{client_id}: confirmed with one reply, there with another")
    received = await _received(session, one)
    if received != [text for _, text in one.sent]:
        found.append(f"{one.path}: sent {len(one.sent)} messages, the log has {len(received)} or another order")
    return found


async def _received(session: aiohttp.ClientSession, one: Shopper) -> list[str]:
    """The shopper's messages as the log has them."""
    async with session.post(f"{one.path}/close", headers=one.headers) as response:
        response.raise_for_status()
    texts = []
    async with session.get(f"{one.path}/events", headers=one.headers) as response:
        event = ""
        async for line in response.content:
            if line.startswith(b"event: "):
                event = line[7:].strip().decode()
            elif line.startswith(b"data: ") and event == "message.received":
                texts.append(str(orjson.loads(line[6:])["text"]))
    return texts


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    typer.run(main)
