"""Several model servers as one: a conversation stays on the replica whose prefix cache knows it, while that is well.

Rendezvous hashing: every replica draws a number for every conversation, and the highest has it. When one goes, only its
own conversations move, each to the next in its own order; when it is back they return. No router is needed, no state is
shared, and every instance of ours agrees.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from hashlib import blake2b

import structlog

from app.adapters.llm.openai_client import OpenAIModel
from app.chat.ports import Delta, Prompt
from app.errors import ModelUnavailable

log = structlog.get_logger(__name__)


class ReplicatedModel:
    """A `LanguageModel` over several servers of the same model."""

    def __init__(self, replicas: Sequence[OpenAIModel]) -> None:
        """At least one. Each has its own breaker, and its own limit of requests under way."""
        self._replicas = tuple(replicas)
        self._next = 0

    @property
    def name(self) -> str:
        """The model that is served."""
        return self._replicas[0].name

    @property
    def available(self) -> bool:
        """Whether any replica takes a request now."""
        return any(replica.available for replica in self._replicas)

    @property
    def told(self) -> str:
        """Its state for people."""
        well = sum(replica.available for replica in self._replicas)
        return f"{well} of {len(self._replicas)} replicas ready"

    def order(self, affinity: str) -> list[OpenAIModel]:
        """The replicas, in the order in which this conversation prefers them; "" = in turn."""
        if not affinity:
            self._next += 1
            first = self._next % len(self._replicas)
            return [*self._replicas[first:], *self._replicas[:first]]
        return sorted(self._replicas, key=lambda replica: _draw(affinity, replica.base_url), reverse=True)

    async def stream(self, prompt: Prompt, *, timeout_seconds: float) -> AsyncGenerator[Delta, None]:
        """Stream one completion from the first replica that takes it. One that fails before it has said anything is
        passed over; once words have come, a failure is the caller's to deal with. Raises ModelUnavailable."""
        until, problem = time.monotonic() + timeout_seconds, ModelUnavailable("No replica of the model is ready.")
        for replica in self.order(prompt.affinity):
            left = until - time.monotonic()
            if left <= 0 or not replica.available:
                continue
            said = False
            try:
                async with aclosing(replica.stream(prompt, timeout_seconds=left)) as deltas:
                    async for delta in deltas:
                        said = said or bool(delta.text)
                        yield delta
                return
            except ModelUnavailable as error:
                if said:
                    raise
                log.warning("model.passed_over", replica=replica.base_url)
                problem = error
        raise problem

    async def close(self) -> None:
        """Close the connections to all of them."""
        for replica in self._replicas:
            await replica.close()


def _draw(affinity: str, replica: str) -> bytes:
    return blake2b(f"{affinity}\n{replica}".encode(), digest_size=8).digest()
