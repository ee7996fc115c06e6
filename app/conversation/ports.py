"""What conversations need from the chat domain and from those who watch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from app.chat.turn import Decision, Reply, Sentence, Turn
from app.errors import XiaoerError
from app.shop.brand import Brand


class Attendant(Protocol):
    """Answers one turn. The chat pipeline is one; tests have a fake."""

    async def decide(self, turn: Turn) -> Decision:
        """The first half: nothing has been sent, so it may raise any XiaoerError."""

    def reply(self, turn: Turn, decision: Decision) -> AsyncIterator[Sentence]:
        """The second half: checked sentences, each ready to be sent."""

    def finish(
        self, turn: Turn, decision: Decision, sentences: Sequence[Sentence], timings_ms: dict[str, float]
    ) -> Reply:
        """The finished turn, once `reply` is exhausted."""


class Releases(Protocol):
    """Which knowledge is live."""

    async def live_release(self, shop: str) -> int | None:
        """The release the shop's pointer names, or None before the first publish."""


class Brands(Protocol):
    """The shops' brands."""

    def __call__(self, shop: str) -> Brand:
        """The brand of a shop. Raises NotFound for a shop we do not have."""


class Witness(Protocol):
    """Is told what happened, for metrics and logs. Must not raise, and never keeps text."""

    def turn_completed(self, conversation_id: str, shop: str, reply: Reply) -> None:
        """A turn ended with a reply."""

    def turn_failed(self, conversation_id: str, shop: str, error: XiaoerError, cause: BaseException) -> None:
        """A turn ended with a problem."""
