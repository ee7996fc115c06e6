"""The embedded model: weights, process and client behind the one port. It starts in the background and never blocks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import structlog

from app.adapters.llm.fetch_bar import default_sources
from app.adapters.llm.openai_client import OpenAIModel
from app.adapters.llm.process import ModelProcess, ModelStatus, serve_command, threads_to_use
from app.adapters.llm.weights import FetchProgress, WeightsSource, fetch_weights, find_weights, pinned
from app.chat.ports import Delta, Prompt
from app.errors import ModelUnavailable


@dataclass(frozen=True, slots=True)
class EmbeddedOptions:
    """What an embedded model may use. `slots` requests run at once; further turns are answered without it."""

    size_name: str = "0.5b"
    chosen_path: str = ""
    first_token_seconds: float = 8.0
    context_tokens: int = 4096
    slots: int = 2


class EmbeddedModel:
    """A LanguageModel that fetches its weights, runs its server and speaks to it."""

    def __init__(
        self, home: Path, options: EmbeddedOptions | None = None, sources: Sequence[WeightsSource] | None = None
    ) -> None:
        self._home = home
        self._options = options or EmbeddedOptions()
        self._sources = sources
        self._status = ModelStatus("starting")
        self._process: ModelProcess | None = None
        self._client: OpenAIModel | None = None
        self._client_url = ""
        self._begin: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """Name of the pinned weights, or of the file the settings name."""
        if self._options.chosen_path:
            return Path(self._options.chosen_path).stem
        return pinned(self._options.size_name).title.split(" ")[0]

    @property
    def status(self) -> ModelStatus:
        """ "fetching 40 %", "starting", "ready", "down: why"."""
        return self._process.status if self._process is not None else self._status

    @property
    def available(self) -> bool:
        """Whether a turn may wait for it now."""
        client = self._current()
        return client is not None and client.available

    def start(self) -> None:
        """Fetch and start in the background; returns at once. Needs a running event loop."""
        if self._begin is None:
            self._begin = asyncio.get_running_loop().create_task(self._fetch_and_run(), name="model-start")

    async def wait_ready(self, timeout_seconds: float) -> bool:
        """Wait until it is ready or has failed: for commands that want it, never for a server's start."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                while self.status.state in ("fetching", "starting"):  # noqa: ASYNC110  a thread and a process move it
                    await asyncio.sleep(0.05)
        return self.status.state == "ready"

    async def stream(self, prompt: Prompt, *, timeout_seconds: float) -> AsyncGenerator[Delta, None]:
        """As the port says; raises ModelUnavailable, naming the state, while it is not ready."""
        client = self._current()
        if client is None:
            raise ModelUnavailable(f"The embedded model is not ready ({self.status}). Answer without it.")
        async with aclosing(client.stream(prompt, timeout_seconds=timeout_seconds)) as deltas:
            async for delta in deltas:
                yield delta

    async def close(self) -> None:
        """Stop the process and close the connections; closing twice is harmless."""
        if self._begin is not None:
            self._begin.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._begin
        if self._process is not None:
            await self._process.close()
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _fetch_and_run(self) -> None:
        try:
            weights = await asyncio.to_thread(self._weights)
        except ModelUnavailable as error:
            self._status = ModelStatus("down", str(error))
            structlog.get_logger("model").warning("model.unfetched", why=str(error))
            return
        options = {
            "name": self.name,
            "context_tokens": self._options.context_tokens,
            "slots": self._options.slots,
            "threads": threads_to_use(),
        }
        self._process = ModelProcess(serve_command(weights), self._home / "logs" / "model.log", options)
        self._process.start()

    def _weights(self) -> Path:
        weights, models = pinned(self._options.size_name), self._home / "models"
        if found := find_weights(weights, models, self._options.chosen_path):
            return found
        sources = default_sources() if self._sources is None else self._sources
        return fetch_weights(weights, models, sources, self._show)

    def _show(self, progress: FetchProgress) -> None:
        self._status = ModelStatus("fetching", f"{progress.percent} %")

    def _current(self) -> OpenAIModel | None:
        """A client for the process as it runs now: after a restart it listens elsewhere."""
        if self._process is None or not self._process.url:
            return None
        if self._client is None:
            self._client = OpenAIModel(
                self._process.url,
                name=self.name,
                key=self._process.key,
                first_token_seconds=self._options.first_token_seconds,
                most_at_once=self._options.slots,
            )
        elif self._client_url != self._process.url:
            self._client.move_to(self._process.url)
        self._client_url = self._process.url
        return self._client
