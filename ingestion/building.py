"""Brings the index in line with the catalogue: embeds what is new, writes points, and checks the counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from app.errors import Unavailable
from app.knowledge.catalogue import ChunkVersion, Leftover, WritableCatalogue
from app.knowledge.ports import FOREVER, Embedder, IndexPoint, KnowledgeIndex, PointSpan, Vector
from ingestion.chunkers import hash_of
from ingestion.points import PointText, SidedText, index_points, point_id, point_texts
from ingestion.sources import Progress

EMBED_BATCH = 64
UPSERT_BATCH = 500


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild wrote, and how many points it found that belonged to nothing."""

    chunks: int
    points: int
    stray: int


class Builder:
    """Writes the index of one shop."""

    def __init__(
        self, shop: str, catalogue: WritableCatalogue, index: KnowledgeIndex, embedder: Embedder, progress: Progress
    ) -> None:
        self._shop = shop
        self._catalogue = catalogue
        self._index = index
        self._embedder = embedder
        self._progress = progress

    async def write(
        self,
        versions: Sequence[ChunkVersion],
        texts: dict[str, list[PointText]],
        *,
        written: int = 0,
        total: int | None = None,
    ) -> None:
        """Embed and upsert the points of these chunks. Vectors are remembered as they come: a rerun embeds the rest.

        `written` of `total` chunks were written before, for the progress.
        """
        wanted = dict.fromkeys((t.side, t.text) for version in versions for t in texts[version.chunk.chunk_id])
        vectors = await self._embed(list(wanted))
        points: list[IndexPoint] = []
        for number, version in enumerate(versions, start=1):
            points.extend(index_points(self._shop, version, texts[version.chunk.chunk_id], vectors))
            if len(points) >= UPSERT_BATCH or number == len(versions):
                await self._index.upsert(points)
                points = []
                self._progress("index", written + number, total or len(versions))

    async def close(self, chunk_ids: Iterable[str], number: int) -> None:
        """Let the points of chunks end before release `number`."""
        if ids := list(chunk_ids):
            await self._index.close_chunks(self._shop, ids, number)

    async def check(self, number: int) -> None:
        """Make sure that the index holds a release in full, rebuilding it from the catalogue if it does not.

        Raises Unavailable when even that does not help; the release then stays unpublished.
        """
        await self._index.flush()
        expected = await self._catalogue.point_count(self._shop, number)
        if await self._index.count(self._shop, number) == expected:
            return
        await self.rebuild()
        if (found := await self._index.count(self._shop, number)) != expected:
            raise Unavailable(
                f"the index holds {found} points of release {number} where {expected} belong, even after a rebuild; "
                "the live release stays. Look at the index's log, then ingest again"
            )

    async def rebuild(self) -> Rebuilt:
        """Write every point of every release anew from the catalogue, then drop those that do not belong.

        Nothing that belongs is ever taken away, so the live release answers meanwhile; it is written first, for an
        index that has lost it.
        """
        versions, live = await self._catalogue.versions(self._shop), await self._catalogue.live_release(self._shop)
        versions.sort(key=lambda v: live is None or not v.from_release <= live < v.to_release)
        texts = texts_of_versions(versions)
        urgent = sum(1 for v in versions if live is not None and v.from_release <= live < v.to_release)
        await self.write(versions[:urgent], texts, total=len(versions))
        await self.write(versions[urgent:], texts, total=len(versions), written=urgent)
        belong = {point_id(self._shop, v, text) for v in versions for text in texts[v.chunk.chunk_id]}
        stray = await self._drop(lambda point: point.point_id not in belong)
        await self._index.flush()
        return Rebuilt(len(versions), len(belong), stray)

    async def undo(self, leftover: Leftover) -> None:
        """Take back what a run that was killed wrote: its points go, the ones it closed are open again."""
        added = set(leftover.added)
        await self._drop(lambda point: point.chunk_id in added)
        reopened = [replace(version, to_release=FOREVER) for version in leftover.closed]
        await self.write(reopened, texts_of_versions(await self._open_before(leftover)))
        await self._index.flush()
        await self._catalogue.abandon(self._shop, leftover.number)

    async def _drop(self, unwanted: Callable[[PointSpan], bool]) -> int:
        points = [point.point_id for point in await self._index.points(self._shop) if unwanted(point)]
        await self._index.remove_points(points)
        return len(points)

    async def _open_before(self, leftover: Leftover) -> list[ChunkVersion]:
        """The chunks that were open before the unfinished release: texts of variants depend on their whole group."""
        versions = await self._catalogue.versions(self._shop)
        return [v for v in versions if v.from_release < leftover.number <= v.to_release]

    async def _embed(self, texts: list[SidedText]) -> dict[SidedText, Vector]:
        model = self._embedder.name
        hashes = {sided: hash_of("\n".join(sided)) for sided in texts}
        cached = await self._catalogue.vectors(model, list(hashes.values()))
        cached = {h: vector for h, vector in cached.items() if len(vector) == self._embedder.size}
        missing = [sided for sided in texts if hashes[sided] not in cached]
        # Texts of like length together: padding a batch to its longest text is what costs.
        missing.sort(key=lambda sided: (sided[0], len(sided[1])))
        done = len(texts) - len(missing)
        for start in range(0, len(missing), EMBED_BATCH):
            batch = missing[start : start + EMBED_BATCH]
            fresh = {hashes[sided]: row for sided, row in (await self._rows(batch)).items()}
            await self._catalogue.save_vectors(model, fresh)
            cached.update(fresh)
            self._progress("embed", done + start + len(batch), len(texts))
        return {sided: cached[hashes[sided]] for sided in texts}

    async def _rows(self, batch: Sequence[SidedText]) -> dict[SidedText, Vector]:
        rows: dict[SidedText, Vector] = {}
        for side, embed in (("query", self._embedder.embed_queries), ("passage", self._embedder.embed_passages)):
            if own := [sided for sided in batch if sided[0] == side]:
                rows.update(zip(own, await embed([text for _, text in own]), strict=True))
        return rows


def texts_of_versions(versions: Sequence[ChunkVersion]) -> dict[str, list[PointText]]:
    """Texts of chunks of several releases: each chunk is seen among those it began with."""
    texts: dict[str, list[PointText]] = {}
    for number in sorted({version.from_release for version in versions}):
        then = [v.chunk for v in versions if v.from_release <= number < v.to_release]
        for chunk_id, found in point_texts(then).items():
            texts.setdefault(chunk_id, found)
    return texts
