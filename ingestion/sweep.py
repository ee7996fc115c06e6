"""Lets go of releases that nobody goes back to: first in the books, then in the index, then the rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.errors import no_such_shop
from app.knowledge.catalogue import WritableCatalogue
from app.knowledge.ports import KnowledgeIndex
from ingestion.shop_files import only_one_job

STILL_PINNED = timedelta(minutes=10)
"""A release that was live until then may still be answered from: a turn is over within a minute or two."""


@dataclass(frozen=True, slots=True)
class Swept:
    """The releases that went, and how many chunks and points went with them."""

    releases: tuple[int, ...] = ()
    chunks: int = 0
    points: int = 0


async def sweep(
    shop: str,
    *,
    home: Path,
    catalogue: WritableCatalogue,
    index: KnowledgeIndex,
    kept: int,
    now: datetime | None = None,
) -> Swept:
    """Sweep one shop, keeping the `kept` newest built releases, the live one, and those live until a moment ago.

    `kept` 0 keeps all. Raises NotFound for an unknown shop, Conflict while another job works on it, Unavailable when
    the index is down.
    """
    if not await catalogue.releases(shop):
        raise no_such_shop(shop)
    with only_one_job(home, shop):
        return await sweep_held(shop, catalogue=catalogue, index=index, kept=kept, now=now)


async def sweep_held(
    shop: str, *, catalogue: WritableCatalogue, index: KnowledgeIndex, kept: int, now: datetime | None = None
) -> Swept:
    """The same for a job that holds the shop already.

    Retired releases can't be published any more, so from then on no pointer leads to what is taken away. Killed after
    any step, the next sweep finds the same garbage and goes on: rows go last, since they tell which points must go.
    """
    if not kept:
        return Swept()
    retired = await catalogue.retire(shop, kept, (now or datetime.now(UTC)) - STILL_PINNED)
    garbage = await catalogue.garbage(shop)
    if not garbage:
        return Swept(tuple(retired))
    gone = set(garbage)
    points = [point.point_id for point in await index.points(shop) if point.chunk_id in gone]
    await index.remove_points(points)
    await index.flush()
    await catalogue.drop_garbage(shop, garbage)
    return Swept(tuple(retired), len(garbage), len(points))
