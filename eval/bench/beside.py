"""`python -m eval.bench.beside`: the server beside a plain FastAPI floor, hayhooks and a LlamaIndex chat engine.

All are started together behind one stub model; the server under test has one core, load and stub the other. Rounds are
interleaved, and what is told are medians of the rounds' ratios with their least and most: a machine that is busy slows
all of a round alike. Ours does its full work (token, durable write, masking, audit, retrieval, checks), theirs none.
"""

from __future__ import annotations

import asyncio
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer
from rich.console import Console
from rich.table import Table

from app.settings import Settings
from eval.bench.__main__ import SHOP, UNLIMITED, _conversation, _with_model
from eval.bench.processes import cpu_seconds, free_port, resident_megabytes, running
from eval.metrics import percentile
from eval.production import open_solvers
from eval.read_suite import read_suite

ROOT = Path(__file__).parent.parent.parent
PEERS = Path(__file__).parent / "peers"
PEER_PACKAGES = ("hayhooks==2.1.0", "haystack-ai==3.4.1", "llama-index-core", "llama-index-llms-openai-like")
FIRST_TOKEN_SECONDS, STREAM_SECONDS = 0.2, 2.2
LONGEST_SECONDS = 60.0
OURS, FLOOR = "Xiaoer", "plain FastAPI"


@dataclass
class Measured:
    """One server's figures, a value a round or a load."""

    name: str
    cold_start_seconds: float = 0.0
    cpu_ms: list[float] = field(default_factory=list)
    added_p95_ms: dict[int, float] = field(default_factory=dict)
    failures: dict[int, int] = field(default_factory=dict)
    resident_mb: float = 0.0


class Served:
    """A running server and how it is asked."""

    def __init__(self, name: str, pid: int, session: aiohttp.ClientSession, questions: Sequence[str]) -> None:
        self.name, self.pid, self._session, self._questions = name, pid, session, questions
        self._starts: list[tuple[str, dict[str, str]]] = []

    async def prepare(self, turns: int) -> None:
        """Conversations to speak in; peers have none."""
        if self.name == OURS:
            self._starts += [await _conversation(self._session) for _ in range(turns - len(self._starts))]

    async def turn(self, number: int) -> float:
        """One turn, read to its end; seconds to the first words of the answer."""
        path, body, headers = self._request(number)
        begun = time.perf_counter()
        first = 0.0
        async with self._session.post(path, json=body, headers=headers) as response:
            response.raise_for_status()
            async for line in response.content:
                if not first and self._holds_words(line):
                    first = time.perf_counter() - begun
        if not first:
            raise aiohttp.ClientError("no words")
        return first

    def _request(self, number: int) -> tuple[str, dict[str, Any], dict[str, str]]:
        text = self._questions[number % len(self._questions)]
        if self.name == OURS:
            path, headers = self._starts.pop()
            return path, {"text": text}, headers
        if self.name == "hayhooks":
            messages = [{"role": "user", "content": text}]
            return "/chat/completions", {"model": "shop", "messages": messages, "stream": True}, {}
        return "/messages", {"text": text}, {}

    def _holds_words(self, line: bytes) -> bool:
        if self.name == OURS:
            return line.startswith(b"event: reply.sentence")
        if self.name == "hayhooks":
            return b'"content":"' in line.replace(b": ", b":") and b'"content":""' not in line.replace(b": ", b":")
        return line.startswith(b"data: ") and line.strip() not in (b'data: ""', b"data: null")


def main(
    rounds: Annotated[int, typer.Option(help="Interleaved rounds.")] = 7,
    turns: Annotated[int, typer.Option(help="Turns a round and server.")] = 60,
    streams: Annotated[str, typer.Option(help="Paced streams at once, comma-separated.")] = "50,100,200",
    seconds: Annotated[float, typer.Option(help="How long each of these loads lasts.")] = 8.0,
    peers: Annotated[bool, typer.Option(help="Measure hayhooks and LlamaIndex too.")] = True,
    peers_home: Annotated[Path, typer.Option(help="Where their environment is made.")] = ROOT / ".venv-peers",
    out: Annotated[Path, typer.Option(help="Folder for bench.json, bench.md and bench.svg.")] = ROOT / "bench",
) -> None:
    """Measure, print, and write table, JSON and plot."""
    console = Console()
    python = _peers_python(peers_home, console) if peers else None
    loads = [int(load) for load in streams.split(",") if load]
    measured = asyncio.run(_measure(python, rounds, turns, loads, seconds))
    table = _table(measured, loads)
    out.mkdir(parents=True, exist_ok=True)
    (out / "bench.json").write_text(json.dumps([asdict(one) for one in measured], indent=2), encoding="utf-8")
    (out / "bench.md").write_text(_markdown(table), encoding="utf-8")
    (out / "bench.svg").write_text(_plot(measured), encoding="utf-8")
    shown = Table(title=f"{rounds} rounds of {turns} turns", title_justify="left")
    for heading in table[0]:
        shown.add_column(heading, justify="right" if heading else "left")
    for row in table[1:]:
        shown.add_row(*row)
    console.print(shown)
    console.print(f"Written to {out}")


def _peers_python(home: Path, console: Console) -> Path:
    """The interpreter of the peers' environment, made once."""
    python = home / "bin" / "python"
    if not (home / ".ready").exists():
        console.print(f"Making {home} with {', '.join(PEER_PACKAGES)} …", style="dim")
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)  # noqa: S603
        install = [str(python), "-m", "pip", "install", "-q", "uvicorn", "fastapi", *PEER_PACKAGES]
        subprocess.run(install, check=True)  # noqa: S603
        (home / ".ready").touch()
    return python


async def _measure(
    python: Path | None, rounds: int, turns: int, loads: Sequence[int], seconds: float
) -> list[Measured]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        async with open_solvers(Settings(home=home, model="none"), {SHOP: ROOT / "shops" / SHOP}):
            pass
        stub = free_port()
        model = f"http://127.0.0.1:{stub}/v1"
        command = _pinned(1, [sys.executable, "-m", "eval.bench.stub_model", str(stub)])
        stack.enter_context(running(command, stub, {}, home / "stub.log"))
        results, ports, pids = [], {}, {}
        for name, line, environment in _servers(home, model, python):
            ports[name] = free_port()
            begun = time.perf_counter()
            whole = _pinned(0, [part.replace("PORT", str(ports[name])) for part in line])
            pids[name] = stack.enter_context(running(whole, ports[name], environment, home / f"{name}.log"))
            results.append(Measured(name, time.perf_counter() - begun))
        async with aiohttp.ClientSession() as control:
            await _rounds(results, ports, pids, rounds, turns)
            async with control.get(f"http://127.0.0.1:{stub}/pace/{FIRST_TOKEN_SECONDS}/{STREAM_SECONDS}"):
                pass
            await _loads(results, ports, pids, loads, seconds)
    return results


def _servers(home: Path, model: str, python: Path | None) -> list[tuple[str, list[str], dict[str, str]]]:
    ours = {"XIAOER_HOME": str(home), "XIAOER_MODEL": model, "XIAOER_DEFAULT_SHOP": SHOP, "XIAOER_RESULT_CACHE": "0"}
    servers = [
        (OURS, [sys.executable, "-m", "app.cli", "serve", "--port", "PORT"], ours | UNLIMITED),
        (FLOOR, [sys.executable, "-m", "eval.bench.floor", "PORT", model], {}),
    ]
    if python is not None:
        quiet = {"HAYSTACK_TELEMETRY_ENABLED": "False", "NO_PROXY": "127.0.0.1"}
        hay = [str(python), str(PEERS / "hayhooks_app.py"), "PORT", model, str(home / "hayhooks")]
        servers.append(("hayhooks", hay, quiet))
        servers.append(("LlamaIndex", [str(python), str(PEERS / "llama_index_app.py"), "PORT", model], quiet))
    return servers


def _pinned(core: int, command: list[str]) -> list[str]:
    return ["taskset", "-c", str(core), *command] if shutil.which("taskset") else command


async def _rounds(
    results: Sequence[Measured], ports: dict[str, int], pids: dict[str, int], rounds: int, turns: int
) -> None:
    """CPU of each server's process tree, server after server in each round, each time another one first."""
    async with _opened(results, ports, pids) as servers:
        for round_ in range(rounds):
            order = [(round_ + n) % len(results) for n in range(len(results))]
            for number in order:
                server = servers[number]
                await server.prepare(turns)
                before = cpu_seconds(server.pid)
                await _at_a_time(server, turns, 2)
                results[number].cpu_ms.append(1000 * (cpu_seconds(server.pid) - before) / turns)
        for result, server in zip(results, servers, strict=True):
            result.resident_mb = resident_megabytes(server.pid)


async def _loads(
    results: Sequence[Measured], ports: dict[str, int], pids: dict[str, int], loads: Sequence[int], seconds: float
) -> None:
    """Open loop: turns begin on the clock, whether those before have ended or not."""
    async with _opened(results, ports, pids) as servers:
        for load in loads:
            for result, server in zip(results, servers, strict=True):
                turns = max(1, round(load * seconds / STREAM_SECONDS))
                await server.prepare(turns)
                waits = await _on_the_clock(server, turns, seconds / turns)
                good = [wait for wait in waits if wait is not None]
                result.failures[load] = len(waits) - len(good)
                added = [1000 * (wait - FIRST_TOKEN_SECONDS) for wait in good]
                result.added_p95_ms[load] = percentile(added, 95) or 0.0


async def _on_the_clock(server: Served, turns: int, every_seconds: float) -> list[float | None]:
    async def one(number: int) -> float | None:
        await asyncio.sleep(number * every_seconds)
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                return await server.turn(number)
        except (aiohttp.ClientError, TimeoutError):
            return None

    return await asyncio.gather(*(one(number) for number in range(turns)))


async def _at_a_time(server: Served, turns: int, many: int) -> None:
    gate = asyncio.Semaphore(many)

    async def one(number: int) -> None:
        async with gate:
            await server.turn(number)

    await asyncio.gather(*(one(number) for number in range(turns)))


class _opened:
    """The servers with a session each, and the questions for which ours asks its model."""

    def __init__(self, results: Sequence[Measured], ports: dict[str, int], pids: dict[str, int]) -> None:
        self._results, self._ports, self._pids = results, ports, pids
        self._sessions: list[aiohttp.ClientSession] = []

    async def __aenter__(self) -> list[Served]:
        for result in self._results:
            url = f"http://127.0.0.1:{self._ports[result.name]}"
            connector = aiohttp.TCPConnector(limit=0)
            self._sessions.append(aiohttp.ClientSession(url, connector=connector))
        asked = [s.question for s in read_suite(ROOT / "eval" / "suites" / f"{SHOP}.jsonl").samples if s.answerable]
        questions = await _with_model(self._sessions[0], asked)
        pairs = zip(self._results, self._sessions, strict=True)
        servers = [Served(result.name, self._pids[result.name], session, questions) for result, session in pairs]
        for server in servers[1:]:
            await _at_a_time(server, 20, 2)
        return servers

    async def __aexit__(self, *_: object) -> None:
        for session in self._sessions:
            await session.close()


def _table(measured: Sequence[Measured], loads: Sequence[int]) -> list[list[str]]:
    """Heading and rows."""
    ours = measured[0]
    added = [f"added p95 at {load}, ms (failed)" for load in loads]
    rows = [["", "CPU ms a turn", "ours/theirs", "cold start s", "resident MB", *added]]
    for one in measured:
        ratios = [mine / theirs for mine, theirs in zip(ours.cpu_ms, one.cpu_ms, strict=True) if theirs]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else ""
        paced = [f"{one.added_p95_ms.get(load, 0):,.0f} ({one.failures.get(load, 0)})" for load in loads]
        cpu = f"{statistics.median(one.cpu_ms):.1f} ({min(one.cpu_ms):.1f} to {max(one.cpu_ms):.1f})"
        started, held = f"{one.cold_start_seconds:.1f}", f"{one.resident_mb:.0f}"
        rows.append([one.name, cpu, "" if one is ours else ratio, started, held, *paced])
    return rows


def _markdown(table: Sequence[Sequence[str]]) -> str:
    head, *rows = table
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def _plot(measured: Sequence[Measured]) -> str:
    """CPU a turn as bars over a logarithmic axis, one line a server, as SVG."""
    rows = []
    for number, one in enumerate(measured):
        cpu, y = statistics.median(one.cpu_ms), 30 + 40 * number
        length = 120 * math.log10(max(1.0, 10 * cpu))
        rows.append(
            f'<text x="8" y="{y + 16}">{one.name}</text><rect x="120" y="{y}" width="{length:.0f}" height="22"/>'
        )
        rows.append(f'<text x="{128 + length:.0f}" y="{y + 16}">{cpu:.1f} ms</text>')
    height = 40 + 40 * len(measured)
    style = "text{font:14px sans-serif;fill:#222}rect{fill:#3b6ea5}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="640" height="{height}"><style>{style}</style>'
    title = '<text x="8" y="18">CPU a turn (logarithmic)</text>'
    return f"{head}{title}{''.join(rows)}</svg>\n"


if __name__ == "__main__":
    typer.run(main)
