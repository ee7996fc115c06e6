"""A child process that serves the model, kept alive: started, watched, restarted, and gone when we are."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import aiohttp
import structlog

LOG_LIMIT_BYTES = 10_000_000
STARTED_WELL_SECONDS = 60.0
FAILED_CHECKS_ALLOWED = 3


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """Where the model is in its life, for /readyz, the console and the banner of `make demo`."""

    state: Literal["none", "fetching", "starting", "ready", "down"]
    detail: str = ""

    def __str__(self) -> str:
        joint = ": " if self.state == "down" else " "
        return f"{self.state}{joint}{self.detail}" if self.detail else self.state


@dataclass(frozen=True, slots=True)
class Pace:
    """How patiently a child is watched, in seconds."""

    start: float = 120.0
    check_every: float = 5.0
    check: float = 3.0
    first_pause: float = 0.5
    longest_pause: float = 30.0


def threads_to_use() -> int:
    """Physical cores we may use, up to four: a small model gains nothing from more, and hyper-threads cost it."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:
        allowed = os.cpu_count() or 1
    return max(1, min(4, allowed, _physical_cores() or allowed))


def _physical_cores() -> int:
    cores, package = set(), "0"
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "physical id":
                package = value.strip()
            elif key.strip() == "core id":
                cores.add((package, value.strip()))
    except OSError:
        return 0
    return len(cores)


def serve_command(weights: Path) -> list[str]:
    """What starts the server for these weights."""
    return [sys.executable, "-m", "app.adapters.llm.child", str(weights)]


class ModelProcess:
    """Supervises one child. The child prints `{"listening": URL}` once it serves, and answers GET /health.

    command      what to run; options travel in the environment, so that no key shows in a process list
    log          where its standard error goes
    """

    def __init__(
        self, command: Sequence[str], log: Path, options: Mapping[str, object] | None = None, pace: Pace | None = None
    ) -> None:
        self.key = secrets.token_urlsafe(16)
        self.url = ""
        self.status = ModelStatus("starting")
        self._command = list(command)
        self._log = log
        self._options = {**(options or {}), "key": self.key}
        self._pace = pace or Pace()
        self._child: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._logger = structlog.get_logger("model")

    def start(self) -> None:
        """Start in the background and keep it running until close()."""
        if self._watch is None:
            atexit.register(self._kill)
            self._watch = asyncio.get_running_loop().create_task(self._keep_running(), name="model-process")

    async def close(self) -> None:
        """Stop watching and end the child; closing twice is harmless."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        atexit.unregister(self._kill)
        self.status = ModelStatus("down", "stopped")

    async def _keep_running(self) -> None:
        pause = self._pace.first_pause
        while True:
            began = asyncio.get_running_loop().time()
            try:
                why = await self._run_once()
            except OSError as error:
                why = f"it could not be started ({error})"
            finally:
                self.url = ""
                await self._end_child()
            if asyncio.get_running_loop().time() - began > STARTED_WELL_SECONDS:
                pause = self._pace.first_pause
            self.status = ModelStatus("down", f"{why}; starting again in {pause:.0f} s, log: {self._log.name}")
            self._logger.warning("model.died", why=why, pause_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(self._pace.longest_pause, pause * 2)

    async def _run_once(self) -> str:
        """Run the child until it ends or stops answering; returns why."""
        self.status = ModelStatus("starting")
        self._child = await self._spawn()
        assert self._child.stdout is not None
        try:
            async with asyncio.timeout(self._pace.start):
                line = await self._child.stdout.readline()
            self.url = str(json.loads(line)["listening"])
        except (TimeoutError, ValueError, KeyError, TypeError):
            return await self._why_ended() or "it did not say where it listens"
        self.status = ModelStatus("ready")
        self._logger.info("model.started", url=self.url)
        return await self._check_until_it_fails()

    async def _check_until_it_fails(self) -> str:
        assert self._child is not None
        failed = 0
        timeout = aiohttp.ClientTimeout(total=self._pace.check)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while failed < FAILED_CHECKS_ALLOWED:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(self._child.wait()), self._pace.check_every)
                if why := await self._why_ended():
                    return why
                failed = 0 if await self._is_healthy(session) else failed + 1
        return "it stopped answering"

    async def _is_healthy(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"{self.url}/health") as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def _why_ended(self) -> str:
        if self._child is None:
            return ""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._child.wait()), 0.2)
        code = self._child.returncode
        if code is None:
            return ""
        return f"its process was ended by signal {-code}" if code < 0 else f"its process ended with code {code}"

    async def _spawn(self) -> asyncio.subprocess.Process:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        if self._log.exists() and self._log.stat().st_size > LOG_LIMIT_BYTES:
            self._log.replace(self._log.with_suffix(".old"))
        environment = {
            **os.environ,
            "OMP_WAIT_POLICY": "PASSIVE",
            "XIAOER_CHILD_PARENT": str(os.getpid()),
            "XIAOER_CHILD_OPTIONS": json.dumps(self._options),
        }
        with self._log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=environment,
            )

    async def _end_child(self) -> None:
        if self._child is None:
            return
        self._kill()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._child.wait(), 5.0)
        self._child = None

    def _kill(self) -> None:
        """SIGKILL: the child holds nothing that needs saving, and it must not outlive us."""
        if self._child is not None and self._child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._child.kill()
