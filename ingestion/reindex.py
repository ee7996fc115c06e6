"""Rebuilds a shop's part of the index from the database. Shoppers are answered meanwhile."""

from __future__ import annotations

from pathlib import Path

from app.errors import no_such_shop
from app.knowledge.catalogue import WritableCatalogue
from app.knowledge.ports import Embedder, KnowledgeIndex
from ingestion.building import Builder, Rebuilt
from ingestion.shop_files import only_one_job
from ingestion.sources import Progress


async def reindex(
    shop: str,
    *,
    home: Path,
    catalogue: WritableCatalogue,
    index: KnowledgeIndex,
    embedder: Embedder,
    progress: Progress | None = None,
    from_scratch: bool = False,
) -> Rebuilt:
    """Write every point of every release anew, drop what belongs to nothing, and read the releases back.

    Vectors come out of the database's cache; only what is not there is embedded. `from_scratch` drops the shop's
    points first: for another length of vectors, at the price that the shop can't answer until it is done.

    Raises NotFound for an unknown shop, Conflict while another job works on it, Unavailable when the index stays short.
    """
    if not await catalogue.releases(shop):
        raise no_such_shop(shop)
    with only_one_job(home, shop):
        builder = Builder(shop, catalogue, index, embedder, progress or (lambda *_: None))
        if from_scratch:
            await index.remove_shop(shop)
        if leftover := await catalogue.staged(shop):
            await builder.undo(leftover)
        rebuilt = await builder.rebuild()
        if newest := await catalogue.newest_built(shop):
            await builder.check(newest.number)
        return rebuilt
