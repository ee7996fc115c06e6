"""Opens what the queue only names: the words of a turn, read from the event log, and what the shop makes public."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from app.conversation.log import EventLog
from app.conversation.ports import Brands
from app.knowledge.chunk import Chunk
from app.review.exchange import Exchange, Reading, read
from app.review.item import Item
from app.review.known import PublicWords
from app.review.mask import Masker

REMEMBERED = 1_000
SHOPS = 8


class LiveKnowledge(Protocol):
    """The catalogue, as far as it is read here."""

    async def live_release(self, shop: str) -> int | None:
        """The release the shop's pointer names."""

    async def chunks(self, shop: str, release: int) -> list[Chunk]:
        """Every chunk of the release."""


class Reader:
    """Reads conversations for review. What it remembers of a person is dropped when they are erased."""

    def __init__(self, log: EventLog, knowledge: LiveKnowledge, brands: Brands) -> None:
        self._log = log
        self._knowledge = knowledge
        self._brands = brands
        self._readings: OrderedDict[str, tuple[str, Reading]] = OrderedDict()
        self._public: OrderedDict[str, tuple[int | None, PublicWords]] = OrderedDict()

    async def exchange(self, item: Item) -> Exchange:
        """What was said in a turn. Empty for a conversation that is being erased right now."""
        kept = self._readings.get(item.conversation_id)
        if kept is None or kept[0] < item.updated_at or item.message_id not in kept[1].exchanges:
            reading = read(await self._log.read(item.conversation_id))
            kept = self._readings[item.conversation_id] = (max(item.updated_at, kept[0] if kept else ""), reading)
            while len(self._readings) > REMEMBERED:
                self._readings.popitem(last=False)
        return kept[1].about(item.message_id)

    def forget(self, conversation_id: str) -> None:
        """A person was erased."""
        self._readings.pop(conversation_id, None)

    def forget_all_but(self, conversations: set[str]) -> None:
        """Those that are no longer in the queue: another instance may have erased them."""
        for gone in self._readings.keys() - conversations:
            del self._readings[gone]

    async def public(self, shop: str) -> PublicWords:
        """What the shop says in public, as of its live release."""
        release = await self._knowledge.live_release(shop)
        kept = self._public.get(shop)
        if kept is None or kept[0] != release:
            chunks = await self._knowledge.chunks(shop, release) if release is not None else []
            kept = self._public[shop] = (release, PublicWords(self._brands(shop), chunks))
            while len(self._public) > SHOPS:
                self._public.popitem(last=False)
        return kept[1]

    async def masker(self, shop: str) -> Masker:
        """Masks what is personal, and leaves what the shop says itself."""
        return Masker(await self.public(shop))
