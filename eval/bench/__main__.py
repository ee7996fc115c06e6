"""`python -m eval.bench`: CPU per turn of the real server against a stub model, beyond the embedder, and as a ratio.

Each turn is a conversation of its own over HTTP, with its token, its log and its durable writes. The questions have all
been asked before, so that the server's memory of question vectors stands in for the embedder, which is measured apart.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import aiohttp
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from app.bootstrap import make_embedder
from app.settings import Settings
from eval.bench.processes import cpu_seconds, free_port, resident_megabytes, running
from eval.metrics import percentile
from eval.production import open_solvers
from eval.read_suite import read_suite

ROOT = Path(__file__).parent.parent.parent
SHOP = "larchwood"
TARGET_MS = 8.0
UNLIMITED = {"XIAOER_ADDRESS_RATE_PER_MINUTE": "0", "XIAOER_CONVERSATION_RATE_PER_MINUTE": "0"}
AFRESH = {"XIAOER_RESULT_CACHE": "0"}
"""Every question is looked up, though all were asked before."""
_MODEL_CALLS = re.compile(r"^xiaoer_model_calls_total (\S+)", re.M)


@dataclass(frozen=True, slots=True)
class Cost:
    """What turns cost a server: CPU of its process tree, time the client waited, memory in the end."""

    turns: int
    cpu_ms: float
    p50_ms: float
    p95_ms: float
    resident_mb: float
    model_calls: float = 0.0


def main(
    turns: Annotated[int, typer.Option(help="Turns to measure.")] = 400,
    concurrency: Annotated[int, typer.Option(help="Turns at a time.")] = 2,
    gate: Annotated[bool, typer.Option(help="Exit with 1 when a turn costs more than the target.")] = False,
) -> None:
    """Measure, print, and compare with the target."""
    console = Console()
    server, floor, embedder_ms = asyncio.run(_measure(turns, concurrency))
    table = Table(title=f"CPU per turn, {turns} turns, {concurrency} at a time", title_justify="left")
    for heading in ("", "CPU ms", "p50 ms", "p95 ms", "MB", "model calls a turn"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, cost in (("Xiaoer", server), ("plain FastAPI", floor)):
        cells = (cost.cpu_ms, cost.p50_ms, cost.p95_ms, cost.resident_mb)
        table.add_row(name, *(f"{value:.1f}" for value in cells), f"{cost.model_calls:.2f}")
    console.print(table)
    console.print(
        f"Beyond the embedder: [bold]{server.cpu_ms:.1f} ms[/] a turn (target {TARGET_MS:g}), "
        f"{server.cpu_ms / floor.cpu_ms:.1f} times the plain FastAPI turn. "
        f"A question that was not asked before takes the embedder {embedder_ms:.1f} ms more."
    )
    raise typer.Exit(int(gate and server.cpu_ms > TARGET_MS))


async def _measure(turns: int, concurrency: int) -> tuple[Cost, Cost, float]:
    questions = [s.question for s in read_suite(ROOT / "eval" / "suites" / f"{SHOP}.jsonl").samples if s.answerable]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        async with open_solvers(Settings(home=home, model="none"), {SHOP: ROOT / "shops" / SHOP}):
            pass
        port = free_port()
        url = f"http://127.0.0.1:{port}/v1"
        with running([sys.executable, "-m", "eval.bench.stub_model", str(port)], port, {}, home / "stub.log"):
            server, asked = await _server(home, url, questions, turns, concurrency)
            floor = await _floor(home, url, asked, turns, concurrency)
    return server, floor, await _embedder_ms(asked)


async def _server(home: Path, model: str, questions: Sequence[str], turns: int, many: int) -> tuple[Cost, list[str]]:
    port = free_port()
    environment = {"XIAOER_HOME": str(home), "XIAOER_MODEL": model, "XIAOER_DEFAULT_SHOP": SHOP, **UNLIMITED, **AFRESH}
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
    with running(command, port, environment, home / "server.log") as pid:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            asked = await _with_model(session, questions)
            starts = [await _conversation(session) for _ in range(turns)]
            before = await _model_calls(session)

            async def turn(number: int) -> None:
                path, headers = starts[number]
                body = {"text": asked[number % len(asked)]}
                async with session.post(path, json=body, headers=headers) as response:
                    response.raise_for_status()
                    await response.read()

            cost = await _timed(pid, turn, turns, many)
            calls = (await _model_calls(session) - before) / turns
    return Cost(cost.turns, cost.cpu_ms, cost.p50_ms, cost.p95_ms, cost.resident_mb, calls), asked


async def _floor(home: Path, model: str, questions: Sequence[str], turns: int, many: int) -> Cost:
    port = free_port()
    with running([sys.executable, "-m", "eval.bench.floor", str(port), model], port, {}, home / "floor.log") as pid:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:

            async def turn(number: int) -> None:
                body = {"text": questions[number % len(questions)]}
                async with session.post("/messages", json=body) as response:
                    response.raise_for_status()
                    await response.read()

            await asyncio.gather(*(turn(n) for n in range(20)))
            cost = await _timed(pid, turn, turns, many)
    return Cost(cost.turns, cost.cpu_ms, cost.p50_ms, cost.p95_ms, cost.resident_mb, 1.0)


async def _timed(pid: int, turn: object, turns: int, many: int) -> Cost:
    assert callable(turn)
    waits: list[float] = []
    gate = asyncio.Semaphore(many)

    async def one(number: int) -> None:
        async with gate:
            started = time.perf_counter()
            await turn(number)
            waits.append(1000 * (time.perf_counter() - started))

    before = cpu_seconds(pid)
    await asyncio.gather(*(one(number) for number in range(turns)))
    cpu_ms = 1000 * (cpu_seconds(pid) - before) / turns
    return Cost(turns, cpu_ms, percentile(waits, 50) or 0.0, percentile(waits, 95) or 0.0, resident_megabytes(pid))


async def _with_model(session: aiohttp.ClientSession, questions: Sequence[str]) -> list[str]:
    """The questions for which the server asks the model; all of them when there is none. Warms the server up too."""
    found = []
    for question in questions:
        before = await _model_calls(session)
        path, headers = await _conversation(session)
        async with session.post(path, json={"text": question}, headers=headers) as response:
            await response.read()
        if await _model_calls(session) > before:
            found.append(question)
    return found or list(questions)


async def _conversation(session: aiohttp.ClientSession) -> tuple[str, dict[str, str]]:
    async with session.post("/v1/conversations", json={"shop": SHOP}) as response:
        response.raise_for_status()
        made = await response.json()
    headers = {"authorization": f"Bearer {made['token']}", "accept": "text/event-stream"}
    return f"/v1/conversations/{made['id']}/messages", headers


async def _model_calls(session: aiohttp.ClientSession) -> float:
    async with session.get("/metrics") as response:
        found = _MODEL_CALLS.search(await response.text())
    return float(found[1]) if found else 0.0


async def _embedder_ms(questions: Sequence[str]) -> float:
    """CPU of embedding one question, measured apart, one at a time as a turn does."""
    embedder = make_embedder(Settings())
    await embedder.embed_queries([questions[0]])
    before = time.process_time()
    for question in questions:
        assert np.isfinite(await embedder.embed_queries([question])).all()
    return 1000 * (time.process_time() - before) / len(questions)


if __name__ == "__main__":
    typer.run(main)
