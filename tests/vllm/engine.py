"""A real vLLM of the tests' own: started on a port of its own, asked about itself, stopped, killed, started again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.chat.ports import Prompt
from app.doctor_model import read_metrics

START_SECONDS = 1_500.0
"""On an idle core it takes one minute, on a busy one many"""
MODEL = "smollm2"
LONGEST_TOKENS = 4_096
AT_ONCE = 2
"""Few, so that a handful of requests is already an overload"""
DRAIN_SECONDS = 120
BLOCK_TOKENS = 32
"""Its cache keeps prompts in pieces of this size: on a GPU 16, on a CPU a multiple of 32"""
RUNNING, WAITING = "vllm:num_requests_running", "vllm:num_requests_waiting"
_FLAGS = {
    "--served-model-name": MODEL,
    "--dtype": "float32",
    "--max-model-len": str(LONGEST_TOKENS),
    "--max-num-seqs": str(AT_ONCE),
    "--block-size": str(BLOCK_TOKENS),
    "--shutdown-timeout": str(DRAIN_SECONDS),
    "--generation-config": "vllm",
    "--host": "127.0.0.1",
}
_ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_NO_USAGE_STATS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "HF_HUB_OFFLINE": "1",
}


class RealEngine:
    """One `vllm serve` at an address that it keeps across restarts."""

    def __init__(self, home: Path, log: Path) -> None:
        """`home` is the environment that `make test-vllm` builds, with the checkpoint in `model`."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self._port = int(listener.getsockname()[1])
        self.key = secrets.token_hex(8)
        self.root = f"http://127.0.0.1:{self._port}"
        self.url = f"{self.root}/v1"
        self.started_in_seconds = 0.0
        self._home, self._log = home.resolve(), log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it, and return once it answers."""
        begun = time.monotonic()
        binaries = self._home / "bin"
        flags = [word for flag in _FLAGS.items() for word in flag]
        command = [str(binaries / "vllm"), "serve", str(self._home / "model"), *flags, "--port", str(self._port)]
        environment = {**os.environ, **_ENVIRONMENT, "VLLM_API_KEY": self.key}
        environment["PATH"] = f"{binaries}{os.pathsep}{environment.get('PATH', '')}"
        with self._log.open("ab") as log:
            # A session of its own: the whole engine can be killed at once, as when a machine goes.
            self._process = subprocess.Popen(
                [*command, "--enforce-eager", "--enable-prompt-tokens-details"],
                stdout=log, stderr=log, env=environment, start_new_session=True, cwd=self._log.parent,
            )  # fmt: skip
        while not self.answers:
            if self._process.poll() is not None or time.monotonic() - begun > START_SECONDS:
                self.kill()
                pytest.fail(f"vLLM did not start: {self._log.read_text(errors='replace')[-3_000:]}")
            time.sleep(0.25)
        self.started_in_seconds = time.monotonic() - begun

    def ensure(self) -> None:
        """Start it, unless it runs."""
        if self._process is None or self._process.poll() is not None or not self.answers:
            self.kill()
            self.start()

    @property
    def answers(self) -> bool:
        """Whether it is there and well."""
        try:
            return self._get("/health") is not None
        except OSError:
            return False

    def stop(self) -> None:
        """Ask it to go; it may finish what it writes."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    async def gone(self, seconds: float) -> bool:
        """Whether it has ended by then."""
        assert self._process is not None
        until = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < until:  # noqa: ASYNC110  no event for another's end
            await asyncio.sleep(0.05)
        return self._process.poll() is not None

    def kill(self) -> None:
        """End all of its processes at once, without a word."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def kill_core(self) -> None:
        """Kill the process that computes; the one that speaks HTTP is left to notice."""
        assert self._process is not None
        children = psutil.Process(self._process.pid).children(recursive=True)
        next(child for child in children if "EngineCore" in " ".join(child.cmdline())).kill()

    def metrics(self) -> dict[str, float]:
        """Each of its metrics, summed over its labels."""
        return read_metrics(self.metrics_text())[0]

    def metrics_text(self) -> str:
        """As Prometheus reads them."""
        return self._get("/metrics").decode()

    def running(self) -> float:
        """Its gauge of requests that it computes now."""
        return self.metrics()[RUNNING]

    def finished(self) -> float:
        """Requests that it has brought to an end of its own; those that were broken off are not among them."""
        return self.metrics()["vllm:request_success"]

    def tokens_of(self, messages: Sequence[tuple[str, str]]) -> int:
        """Tokens of a prompt, as it counts them."""
        told = [{"role": role, "content": content} for role, content in messages]
        answers = messages[-1][0] == "user"
        return int(self._post("/tokenize", {"messages": told, "add_generation_prompt": answers})["count"])

    def whole_text(self, prompt: Prompt) -> str:
        """What it answers to the prompt when asked for all of it at once."""
        told = [{"role": role, "content": content} for role, content in prompt.messages]
        body = {"messages": told, "max_tokens": prompt.max_tokens, "temperature": prompt.temperature}
        return str(self._post("/v1/chat/completions", body)["choices"][0]["message"]["content"])

    async def until(self, holds: Callable[[], bool], seconds: float) -> float:
        """Wait until that holds; returns how many seconds it took. Fails when it does not."""
        begun = time.monotonic()
        while not await asyncio.to_thread(holds):
            assert time.monotonic() - begun < seconds, f"not within {seconds:.0f} s: {self._state()}"
            await asyncio.sleep(0.02)
        return time.monotonic() - begun

    async def idle(self, seconds: float = 300.0) -> None:
        """Wait until it computes nothing, and nothing waits."""
        await self.until(lambda: (m := self.metrics())[RUNNING] + m[WAITING] == 0, seconds)

    def _state(self) -> dict[str, float]:
        return {name: value for name, value in self.metrics().items() if "num_requests" in name}

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        data = json.dumps({"model": MODEL, **body}).encode()
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.key}"}
        request = urllib.request.Request(self.root + path, data, headers)
        with urllib.request.urlopen(request, timeout=600) as response:
            return dict(json.loads(response.read()))

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.root + path, timeout=60) as response:
            return bytes(response.read())
