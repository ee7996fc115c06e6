"""What runs as long as a server does: models, conversations, channels, what instances share. Made by bootstrap."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.adapters.llm.embedded import EmbeddedModel
from app.adapters.trust.files import FileTrust
from app.arbitration_parts import Arbitration
from app.channel_parts import Mailroom
from app.chat.pipeline import Pipeline
from app.chat.ports import LanguageModel
from app.conversation.ports import Attendant
from app.desk_parts import Counter
from app.sharing_parts import Sharing

if TYPE_CHECKING:
    from app.adapters.traces import TurnTraces


@dataclass(frozen=True)
class Answering:
    """Who answers shoppers.

    model      the shop's own; `others` are those of comparisons
    pipeline   the shop's own; `attendant` deals conversations between it and those of comparisons
    """

    model: LanguageModel
    pipeline: Pipeline
    attendant: Attendant
    trust: FileTrust
    others: Sequence[LanguageModel] = ()

    def start(self) -> None:
        """Start an embedded model. It comes when it comes, and turns go without it until then."""
        if isinstance(self.model, EmbeddedModel):
            self.model.start()

    async def close(self) -> None:
        """Keep what was seen, and let go of the models."""
        self.trust.close()
        for model in (self.model, *self.others):
            await model.close()


@dataclass(frozen=True)
class Works:
    """All of it. What brings messages in ends first, and the models last: what is under way may still need them.

    `arbitration` is closed by who opened it.
    """

    answering: Answering
    arbitration: Arbitration
    sharing: Sharing
    counter: Counter
    mailroom: Mailroom
    traces: TurnTraces | None = None

    async def start(self) -> None:
        """Begin, with the application. Nothing here holds it up."""
        self.sharing.start()
        self.counter.watch.start()
        await self.mailroom.post.start()
        self.answering.start()

    async def close(self) -> None:
        """End, with the application."""
        await self.mailroom.close()
        await self.counter.close()
        await self.sharing.close()
        if self.traces is not None:
            await asyncio.to_thread(self.traces.close)
        await self.answering.close()
