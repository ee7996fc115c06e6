"""What answering takes, opened by bootstrap: a shop's knowledge, a model and the pipeline over both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from app.adapters.db.engine import Database
from app.adapters.db.knowledge import SqlCatalogue
from app.chat.pipeline import Pipeline
from app.chat.ports import LanguageModel
from app.chat.turn import Turn
from app.errors import NoKnowledge
from app.gatekeeping import SuiteGate
from app.knowledge.ports import Embedder, KnowledgeIndex
from app.shop_files import ShopFiles


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What ingestion and evaluation need: the truth, the index and the embedder."""

    home: Path
    database: Database
    catalogue: SqlCatalogue
    index: KnowledgeIndex
    embedder: Embedder
    brands: ShopFiles
    gate: SuiteGate | None = None
    releases_kept: int = 0


@dataclass(frozen=True)
class Attendance:
    """Knowledge, model and pipeline: all that answering takes, without a server around it."""

    knowledge: Knowledge
    model: LanguageModel
    pipeline: Pipeline

    async def try_release(self, shop: str, release: int) -> None:
        """Look something up in a release that is not live yet, as a shopper's question would."""
        brand = self.knowledge.brands(shop)
        await self.pipeline.search(
            Turn(shop=shop, brand=brand, release=release, as_of=datetime.now(UTC), text=brand.name)
        )

    async def turn(self, shop: str, text: str, as_of: datetime | None = None) -> Turn:
        """A turn outside any conversation. Raises NotFound or NoKnowledge."""
        brand = self.knowledge.brands(shop)
        release = await self.knowledge.catalogue.live_release(shop)
        if release is None:
            raise NoKnowledge(f"The shop {shop!r} has no live release.")
        moment = as_of or datetime.now(UTC)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(brand.timezone))
        return Turn(shop=shop, brand=brand, release=release, as_of=moment, text=text)
