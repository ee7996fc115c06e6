"""A large shop: what a small edit costs, how fast the pointer moves, what ingestion adds to the embedder's own time.

Wall time and CPU time stand side by side: on a machine that others use too, only the second tells anything.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.adapters.db.engine import Database
from app.adapters.db.knowledge import SqlCatalogue
from app.adapters.db.migrate import upgrade
from app.adapters.index.qdrant_edge import EdgeIndex
from app.knowledge.ports import Embedder
from app.knowledge.publish import Publisher
from eval.releases.big_shop import BigShop
from eval.releases.quick_embedder import QuickEmbedder
from ingestion.building import EMBED_BATCH
from ingestion.job import ingest

SHOP = "big"


class Clocked:
    """An embedder, and what it was given and took: texts, wall seconds, CPU seconds of the process meanwhile."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self.texts: list[tuple[str, str]] = []
        self.wall = self.cpu = 0.0

    @property
    def name(self) -> str:
        """As the embedder it wraps."""
        return self._inner.name

    @property
    def size(self) -> int:
        """As the embedder it wraps."""
        return self._inner.size

    async def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Measured."""
        return await self._clocked("query", self._inner.embed_queries, texts)

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Measured."""
        return await self._clocked("passage", self._inner.embed_passages, texts)

    async def _clocked(
        self, side: str, embed: Callable[[Sequence[str]], Awaitable[NDArray[np.float32]]], texts: Sequence[str]
    ) -> NDArray[np.float32]:
        wall, cpu = time.perf_counter(), time.process_time()
        rows = await embed(texts)
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu
        self.texts += [(side, text) for text in texts]
        return rows


@dataclass(frozen=True, slots=True)
class Run:
    """One ingest: what it took in all, what of that was the embedder, and how many texts that got."""

    wall: float
    cpu: float
    embedder_wall: float
    embedder_cpu: float
    embedded: int
    points: int
    chunks: int

    @property
    def beyond_wall(self) -> float:
        """Seconds beyond the embedder."""
        return self.wall - self.embedder_wall

    @property
    def beyond_cpu(self) -> float:
        """CPU seconds beyond the embedder."""
        return self.cpu - self.embedder_cpu

    @property
    def share_embedded(self) -> float:
        """Texts embedded of all the release has."""
        return self.embedded / self.points


@dataclass(frozen=True, slots=True)
class Large:
    """A large shop, read for the first time, again with a share of its documents edited, and again as it is."""

    documents: int
    edited: int
    first: Run
    again: Run
    unchanged: Run
    moves_ms: tuple[float, ...]
    bare_moves_ms: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Throughput:
    """The whole ingest beside the bare embedder on the same texts in the same batches."""

    embedder: str
    texts: int
    ingest: Run
    bare_wall: float
    bare_cpu: float

    @property
    def share_wall(self) -> float:
        """Ingest's texts a second as a share of the bare embedder's."""
        return self.bare_wall / self.ingest.wall

    @property
    def share_cpu(self) -> float:
        """The same by CPU time."""
        return self.bare_cpu / self.ingest.cpu


@dataclass(frozen=True, slots=True)
class _Opened:
    home: Path
    catalogue: SqlCatalogue
    index: EdgeIndex

    async def read(self, folder: Path, embedder: Embedder) -> Run:
        """One ingest, measured, flushed to disk."""
        clocked = Clocked(embedder)
        wall, cpu = time.perf_counter(), time.process_time()
        report = await ingest(
            folder, SHOP, home=self.home, catalogue=self.catalogue, index=self.index, embedder=clocked, publish=True,
            force="a bench",
        )  # fmt: skip
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        release = report.live_release
        if not report.ok or release is None or release != report.release:
            raise RuntimeError(report.summary())
        points = await self.catalogue.point_count(SHOP, release)
        chunks = len(await self.catalogue.chunks(SHOP, release))
        return Run(wall, cpu, clocked.wall, clocked.cpu, len(clocked.texts), points, chunks)


async def measure_large(home: Path, documents: int, edited: float, moves: int = 10) -> Large:
    """With the quick embedder: a fifth of the documents are Markdown files, the others records of JSONL files."""
    shop = BigShop(documents // 5, documents - documents // 5)
    async with _opened(home) as opened:
        embedder = QuickEmbedder()
        await asyncio.to_thread(shop.write, home / "folder")
        first = await opened.read(home / "folder", embedder)
        changed = await asyncio.to_thread(shop.write, home / "folder", edited)
        again = await opened.read(home / "folder", embedder)
        unchanged = await opened.read(home / "folder", embedder)
        publisher = Publisher(opened.catalogue, opened.index)
        whole = await _timed(moves, lambda n: publisher.publish(SHOP, n % 2 + 1))
        bare = await _timed(moves, lambda n: opened.catalogue.publish(SHOP, n % 2 + 1))
    return Large(documents, changed, first, again, unchanged, whole, bare)


async def measure_throughput(home: Path, documents: int, embedder: Embedder) -> Throughput:
    """A first ingest, then the same texts through the embedder alone."""
    shop = BigShop(documents // 5, documents - documents // 5, seed=8)
    await asyncio.to_thread(shop.write, home / "folder")
    await embedder.embed_passages(["warm up"])
    async with _opened(home) as opened:
        run, texts = await _read_and_tell(opened, home / "folder", embedder)
    bare = Clocked(embedder)
    for start in range(0, len(texts), EMBED_BATCH):
        batch = texts[start : start + EMBED_BATCH]
        for side, embed in (("query", bare.embed_queries), ("passage", bare.embed_passages)):
            if own := [text for of, text in batch if of == side]:
                await embed(own)
    return Throughput(embedder.name, len(texts), run, bare.wall, bare.cpu)


async def _read_and_tell(opened: _Opened, folder: Path, embedder: Embedder) -> tuple[Run, list[tuple[str, str]]]:
    outer = Clocked(embedder)
    run = await opened.read(folder, outer)
    return run, outer.texts


async def _timed(times: int, move: Callable[[int], Any]) -> tuple[float, ...]:
    taken = []
    for number in range(times):
        began = time.perf_counter()
        await move(number)
        taken.append(1000 * (time.perf_counter() - began))
    return tuple(taken)


def middle(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


@asynccontextmanager
async def _opened(home: Path) -> AsyncIterator[_Opened]:
    await asyncio.to_thread(home.mkdir, parents=True, exist_ok=True)
    database = Database(f"sqlite:///{home / 'xiaoer.sqlite3'}")
    try:
        upgrade(database)
        index = EdgeIndex(home / "index")
        try:
            yield _Opened(home, SqlCatalogue(database), index)
        finally:
            await index.close()
    finally:
        database.close()
