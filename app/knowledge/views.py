"""Releases held in memory: one `KnowledgeView` a shop and release, built once, the newest few kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from app.knowledge.ports import Catalogue
from app.knowledge.view import KnowledgeView

_KEPT = 8


class Views:
    """Hands out the view of a release; two turns that want the same new one build it once."""

    def __init__(self, catalogue: Catalogue, kept: int = _KEPT) -> None:
        self._catalogue = catalogue
        self._kept = kept
        self._views: OrderedDict[tuple[str, int], asyncio.Task[KnowledgeView]] = OrderedDict()

    async def of(self, shop: str, release: int) -> KnowledgeView:
        """The view of that release. Raises Unavailable when the catalogue can't be read."""
        key = (shop, release)
        if (task := self._views.get(key)) is None or (task.done() and (task.cancelled() or task.exception())):
            task = self._views[key] = asyncio.get_running_loop().create_task(self._build(shop, release))
            while len(self._views) > self._kept:
                self._views.popitem(last=False)
        self._views.move_to_end(key)
        return await asyncio.shield(task)

    async def _build(self, shop: str, release: int) -> KnowledgeView:
        chunks = await self._catalogue.chunks(shop, release)
        return await asyncio.to_thread(KnowledgeView, shop, release, chunks)
