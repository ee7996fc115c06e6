"""No language model at all: every answer is composed from its evidence."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from app.chat.ports import Delta, Prompt
from app.errors import ModelUnavailable


class NoModel:
    """What XIAOER_MODEL=none picks."""

    name = "none"
    available = False

    async def stream(self, prompt: Prompt, *, timeout_seconds: float) -> AsyncGenerator[Delta, None]:
        """Always raises ModelUnavailable."""
        raise ModelUnavailable("There is no language model in this installation (XIAOER_MODEL=none).")
        yield Delta()  # makes this an async generator, as the port asks

    async def close(self) -> None:
        """Nothing to close."""
