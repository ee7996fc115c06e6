"""The production pipeline as a solver: what a suite, a replay or a gate measures is what shoppers get."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.arms import Arm, brand_in
from app.attendance import Knowledge
from app.bootstrap import arbitration_of, make_model, make_pipeline, open_knowledge
from app.chat.pipeline import Pipeline
from app.chat.ports import LanguageModel
from app.chat.turn import Decision, Reply, Turn
from app.conversation.present import replay_json, replay_record
from app.errors import NoKnowledge
from app.running import find_server
from app.settings import Settings
from app.shop.brand import Brand
from app.shop_files import ShopFiles
from eval.harness import Sample, SeenPassage, SolvedSample
from eval.read_suite import moment
from eval.replay import replay
from eval.runs import fingerprint
from eval.served import ServedSolver
from eval.vector_cache import CachedEmbedder

MODEL_START_SECONDS = 600.0
"""Longest an evaluation waits for the embedded model, its download included."""
_DEPTH = 5
_LOOKED_UP = frozenset({"answer", "clarify", "handoff"})


@dataclass(frozen=True, slots=True)
class ShopSolver:
    """One shop's live release, asked through the production pipeline."""

    shop: str
    brand: Brand
    release: int
    pipeline: Pipeline
    knowledge: str = ""
    """Changes whenever what the shop knows, or its brand, does"""

    def turn(self, sample: Sample) -> Turn:
        """The sample as a turn: its history, its moment, and what the storefront vouches for."""
        return Turn(
            shop=self.shop,
            brand=self.brand,
            release=self.release,
            as_of=moment(sample.as_of, self.brand.timezone, datetime.now(UTC)),
            text=sample.question,
            history=sample.history,
            identity=sample.identity,
        )

    async def run(self, sample: Sample) -> Reply:
        """The finished turn."""
        return await self.pipeline.run(self.turn(sample))

    async def decide(self, sample: Sample) -> Decision:
        """The first half of the turn only: no model is called."""
        return await self.pipeline.decide(self.turn(sample))

    async def solve(self, sample: Sample) -> SolvedSample:
        """The reply, what was retrieved for it, and the draft that confidence may have held back."""
        reply = await self.run(sample)
        told = replay_json(reply)
        passages = tuple(SeenPassage(**passage) for passage in told["passages"])
        if len(passages) < _DEPTH and reply.decision.name in _LOOKED_UP:
            found = await self.pipeline.search(self.turn(sample))
            passages = tuple(_seen_hit(hit) for hit in found["hits"])
        return SolvedSample({"id": sample.id, **told["reply"]}, passages, told["draft"], told["grounds"])

    async def record(self, sample: Sample) -> dict[str, Any]:
        """One line of the replay format."""
        return {"id": sample.id, **replay_record(await self.run(sample))}


class PlainSolver(ShopSolver):
    """Answers only: no passages and no draft, which a gate does not look at."""

    async def solve(self, sample: Sample) -> SolvedSample:
        """The reply."""
        return SolvedSample(await self.record(sample))


@asynccontextmanager
async def open_solvers(
    settings: Settings,
    folders: Mapping[str, Path],
    console: Console | None = None,
    *,
    remember: bool = False,
    arm: Arm | None = None,
) -> AsyncIterator[dict[str, ShopSolver]]:
    """Ingest and publish these shop folders under `settings.home`, then answer from them.

    Shops already ingested there are compared, not read anew: a second run starts in seconds. `remember` keeps vectors
    of questions for the next run, which is then faster: its latencies leave out the embedding. `arm` is what is
    different from how the shops are attended.
    """
    async with open_knowledge(settings) as opened, arbitration_of(settings) as arbitration:
        embedder = CachedEmbedder(opened.embedder, settings.home / "vectors" if remember else settings.home / "none")
        knowledge = replace(opened, embedder=embedder)
        for shop, folder in folders.items():
            await _publish(knowledge, shop, folder, console)
        model = make_model(settings)
        try:
            await _wait_for(model, console)
            prompts = arm.prompts if arm else None
            pipeline = make_pipeline(settings, knowledge, model, prompts=prompts, arbiter=arbitration.arbiter)
            solvers = {shop: await _solver(knowledge, pipeline, shop) for shop in folders}
            yield {shop: replace(s, brand=brand_in(arm, s.brand, shop)) if arm else s for shop, s in solvers.items()}
        finally:
            if remember:
                embedder.save()
            await model.close()


@asynccontextmanager
async def open_solver(settings: Settings, shop: str, console: Console | None = None) -> AsyncIterator[ShopSolver]:
    """A solver over what the shop has live. Raises NoKnowledge when that is nothing."""
    async with open_knowledge(settings) as knowledge, arbitration_of(settings) as arbitration:
        model = make_model(settings)
        try:
            await _wait_for(model, console)
            pipeline = make_pipeline(settings, knowledge, model, arbiter=arbitration.arbiter)
            yield await _solver(knowledge, pipeline, shop)
        finally:
            await model.close()


async def replay_suite(settings: Settings, suite_path: Path, shop: str, out_path: Path, console: Console) -> int:
    """`xiaoer replay`, over what the shop has live: through the running server where there is one.

    Returns the exit code: 0 only when every line got its reply.
    """
    async with open_asker(settings, shop, console) as solver:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bars:
            bar = bars.add_task(f"Asking {shop}", total=None)
            report = await replay(
                suite_path, out_path, solver.record, lambda done, of: bars.update(bar, completed=done, total=of)
            )
    for problem in report.problems:
        console.print(f"[red]left out[/] {escape(problem)}", highlight=False)
    console.print(f"{report.replied} replies are in {out_path}; {len(report.problems)} lines have none.")
    return int(not report.complete)


@asynccontextmanager
async def open_asker(
    settings: Settings, shop: str, console: Console | None = None
) -> AsyncIterator[ShopSolver | ServedSolver]:
    """Who answers for the shop: the server that runs on this home, or else a pipeline of our own."""
    if server := await asyncio.to_thread(find_server, settings.home):
        yield ServedSolver(server, shop, ShopFiles(settings.home)(shop))
        return
    async with open_solver(settings, shop, console) as solver:
        yield solver


async def _publish(knowledge: Knowledge, shop: str, folder: Path, console: Console | None) -> None:
    from ingestion.job import ingest  # noqa: PLC0415  loads parsers that a replay does without

    if console:
        console.print(f"Reading {shop} …", style="dim")
    report = await ingest(
        folder,
        shop,
        home=knowledge.home,
        catalogue=knowledge.catalogue,
        index=knowledge.index,
        embedder=knowledge.embedder,
        publish=True,
    )
    if report.exit_code and console:
        console.print(
            f"Not everything of {shop} could be read; see `xiaoer ingest {folder} --shop {shop}`.", style="red"
        )


async def _wait_for(model: LanguageModel, console: Console | None) -> None:
    """Start a model that is ours to start, and wait; without it an evaluation would measure something else."""
    start, wait_ready = getattr(model, "start", None), getattr(model, "wait_ready", None)
    if start is None or wait_ready is None:
        return
    start()
    if not await wait_ready(MODEL_START_SECONDS) and console:
        console.print("The embedded model did not start: answers are extractive.", style="red")


async def _solver(knowledge: Knowledge, pipeline: Pipeline, shop: str) -> ShopSolver:
    release = await knowledge.catalogue.live_release(shop)
    if release is None:
        raise NoKnowledge(f"{shop} has no live release. Publish one: xiaoer ingest FOLDER --shop {shop} --publish")
    brand = knowledge.brands(shop)
    hashes = sorted(chunk.content_hash for chunk in await knowledge.catalogue.chunks(shop, release))
    return ShopSolver(shop, brand, release, pipeline, fingerprint(*hashes, repr(brand)))


def _seen_hit(hit: Mapping[str, Any]) -> SeenPassage:
    scores = dict(hit["scores"])
    return SeenPassage(hit["path"], hit["locator"], hit["title"], hit["text"], scores.get("confidence", 0.0), scores)
