"""Looks after what publishing leaves behind, inside the server: the index is its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.knowledge.jobs import Progress
from app.opened import Opened, late


class KnowledgeUpkeep:
    """Sweeps old releases and rebuilds the index. Shoppers are answered meanwhile; reports are plain JSON.

    Both raise Conflict while another job works on the shop, Unavailable when the index is down.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    async def sweep(self, shop: str, kept: int | None = None) -> Mapping[str, Any]:
        """Let go of releases older than the `kept` newest (None: as the settings say)."""
        module = await late("ingestion.sweep")
        opened = self._opened
        swept = await module.sweep(
            shop,
            home=opened.home,
            catalogue=opened.catalogue,
            index=opened.index,
            kept=opened.releases_kept if kept is None else kept,
        )
        return {"shop": shop, **asdict(swept)}

    async def reindex(self, shop: str, from_scratch: bool, progress: Progress | None = None) -> Mapping[str, Any]:
        """Write the shop's part of the index anew from the database. Raises NotFound for an unknown shop."""
        module = await late("ingestion.reindex")
        opened = self._opened
        rebuilt = await module.reindex(
            shop,
            home=opened.home,
            catalogue=opened.catalogue,
            index=opened.index,
            embedder=opened.embedder,
            progress=progress,
            from_scratch=from_scratch,
        )
        return {"shop": shop, **asdict(rebuilt)}

    async def agree(self, shop: str) -> Mapping[str, Any]:
        """Compare index and database, point for point, and change nothing."""
        module = await late("ingestion.agree")
        found = await module.agree(shop, self._opened.catalogue, self._opened.index)
        return {"shop": shop, "ok": found.ok, **asdict(found)}
