"""`python -m eval.bench.desk`: how soon an agent's words are on the shopper's stream, and what idle streams cost.

The real server, over loopback: conversations are handed over, claimed and followed over HTTP; the clock runs from the
agent's POST to the event's arrival at the shopper. Streams are opened from a process of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer
from rich.console import Console
from rich.table import Table

from app.settings import Settings
from eval.bench.processes import cpu_seconds, free_port, resident_megabytes, running
from eval.metrics import percentile
from eval.production import open_solvers

SHOP = "bench"
KEY = "bench-key"
MOST_P95_MS, MOST_KB = 150.0, 30.0
_UNLIMITED = {"XIAOER_ADDRESS_RATE_PER_MINUTE": "0", "XIAOER_CONVERSATION_RATE_PER_MINUTE": "0"}


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds from POST to the shopper's stream, and memory and CPU of idle streams."""

    waits_ms: list[float]
    streams: int
    kb_each: float
    cpu_share: float


def main(
    conversations: Annotated[int, typer.Option(help="Conversations that people hold at once.")] = 200,
    messages: Annotated[int, typer.Option(help="Agent messages to measure.")] = 400,
    streams: Annotated[int, typer.Option(help="Idle shopper streams.")] = 5_000,
    gate: Annotated[bool, typer.Option(help="Exit with 1 when a figure misses its bound.")] = False,
) -> None:
    """Measure and print."""
    measured = asyncio.run(_measure(conversations, messages, streams))
    table = Table(title="The desk over loopback", title_justify="left")
    for heading in ("", "figure", "bound"):
        table.add_column(heading, justify="right" if heading else "left")
    p50, p95 = (percentile(measured.waits_ms, share) or 0.0 for share in (50, 95))
    table.add_row(f"agent's message on the shopper's stream, p50 ({conversations} open)", f"{p50:.1f} ms", "")
    table.add_row("the same, p95", f"{p95:.1f} ms", f"≤ {MOST_P95_MS:.0f} ms")
    table.add_row(f"memory of an idle stream ({measured.streams})", f"{measured.kb_each:.1f} kB", f"≤ {MOST_KB:.0f} kB")
    table.add_row("CPU while they idle", f"{100 * measured.cpu_share:.1f} %", "")
    Console().print(table)
    raise typer.Exit(int(gate and (p95 > MOST_P95_MS or measured.kb_each > MOST_KB)))


async def _measure(conversations: int, messages: int, streams: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        home, port = Path(folder), free_port()
        environment = {"XIAOER_HOME": folder, "XIAOER_MODEL": "none", "XIAOER_API_KEY": KEY, **_UNLIMITED}
        shop = home / "bench-shop"
        (shop / "knowledge").mkdir(parents=True)
        (shop / "brand.yaml").write_text("name: Bench\n", encoding="utf-8")
        (shop / "knowledge" / "faq.csv").write_text("question,answer\nAre you open?,We are.\n", encoding="utf-8")
        async with open_solvers(Settings(home=home, model="none"), {SHOP: shop}):
            pass  # one row is enough: nobody is asked anything
        command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
        with running(command, port, environment, home / "server.log") as pid:
            async with _session(port) as session:
                waits = await _speak(session, conversations, messages)
                before = resident_megabytes(pid)
                kept = await _idle(session, streams)
                kb_each = 1000 * (resident_megabytes(pid) - before) / max(1, streams)
                begun, used = time.perf_counter(), cpu_seconds(pid)
                await asyncio.sleep(20)
                share = (cpu_seconds(pid) - used) / (time.perf_counter() - begun)
                for response in kept:
                    response.close()
    return Measured(waits, streams, kb_each, share)


@asynccontextmanager
async def _session(port: int) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None, sock_read=None)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=connector, timeout=timeout) as session:
        yield session


class _Shopper:
    """Follows one conversation and notes when each message of an agent's arrived."""

    def __init__(self, id_: str, token: str) -> None:
        self.id = id_
        self.headers = {"authorization": f"Bearer {token}"}
        self.arrived: dict[str, float] = {}
        self.following: asyncio.Task[None] | None = None

    async def follow(self, session: aiohttp.ClientSession) -> None:
        async with session.get(f"/v1/conversations/{self.id}/events", headers=self.headers) as response:
            async for line in response.content:
                if line.startswith(b"data: ") and b'"text":"bench ' in line:
                    text = line.partition(b'"text":"')[2].partition(b'"')[0].decode()
                    self.arrived[text] = time.perf_counter()


async def _start(session: aiohttp.ClientSession) -> _Shopper:
    async with session.post("/v1/conversations", json={"shop": SHOP}) as response:
        response.raise_for_status()
        made = await response.json()
    return _Shopper(made["id"], made["token"])


async def _post(session: aiohttp.ClientSession, path: str, body: dict[str, Any], headers: dict[str, str]) -> None:
    async with session.post(path, json=body, headers=headers) as response:
        response.raise_for_status()
        await response.read()


async def _speak(session: aiohttp.ClientSession, conversations: int, messages: int) -> list[float]:
    """Milliseconds from the agent's POST to the shopper's stream, for each message."""
    key = {"authorization": f"Bearer {KEY}"}
    shoppers = [await _start(session) for _ in range(conversations)]
    for shopper in shoppers:
        await _post(session, f"/v1/conversations/{shopper.id}/handoff", {}, shopper.headers)
        await _post(session, f"/v1/desk/conversations/{shopper.id}/claim", {}, key)
        shopper.following = asyncio.create_task(shopper.follow(session))
    await asyncio.sleep(1)
    waits = []
    for number in range(messages):
        shopper, text = shoppers[number % conversations], f"bench {number}"
        begun = time.perf_counter()
        await _post(session, f"/v1/desk/conversations/{shopper.id}/messages", {"text": text}, key)
        while text not in shopper.arrived:  # noqa: ASYNC110 - the stream's reader runs in between
            await asyncio.sleep(0.0005)
        waits.append(1000 * (shopper.arrived[text] - begun))
    for shopper in shoppers:
        if shopper.following:
            shopper.following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await shopper.following
    return waits


async def _idle(session: aiohttp.ClientSession, streams: int) -> list[aiohttp.ClientResponse]:
    """Open streams that only follow; each has said hello to its first event."""
    gate = asyncio.Semaphore(32)

    async def one() -> aiohttp.ClientResponse:
        async with gate:
            shopper = await _start(session)
            response = await session.get(f"/v1/conversations/{shopper.id}/events", headers=shopper.headers)
            await response.content.readline()
            return response

    return await asyncio.gather(*(one() for _ in range(streams)))


if __name__ == "__main__":
    typer.run(main)
