"""kill -9 at random points of ingest, publish, rollback, sweep and rebuild: what is live answers, the next run ends it.

Half of the deaths come between two calls to the database or the index, the other half at a random moment from outside.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from app.knowledge.ports import IndexQuery
from app.knowledge.release import ReleaseState
from eval.releases.doomed import FORCE, KEPT, LATER, SHOP, Parts, open_parts
from ingestion.agree import agree
from ingestion.job import ingest
from ingestion.reading import Reader
from ingestion.sources import SourceFile
from ingestion.sweep import sweep

ROOT = Path(__file__).parents[2]
TOPICS = ("kettle", "blanket", "lamp", "teapot", "rucksack", "raincoat", "notebook", "pillow", "tent", "violin")


@dataclass(slots=True)
class Toll:
    """What came of it. `wrong` says in words what did not hold; it must stay empty."""

    deaths: int = 0
    survived: int = 0
    between_calls: int = 0
    unfinished_releases: int = 0
    live_as_before: int = 0
    live_as_new: int = 0
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Edition:
    """A state of the folder: rows that change, come, go and come back with its number."""

    number: int

    def write(self, folder: Path) -> None:
        """Write the folder as it is in this edition."""
        knowledge = folder / "knowledge"
        knowledge.mkdir(parents=True, exist_ok=True)
        (folder / "brand.yaml").write_text(f"name: Shop {self.number}\n", encoding="utf-8")
        rows = [f"Is the {t} back in edition {self._edition_of(n)}?,Yes it is number {n}." for n, t in self._rows()]
        (knowledge / "faq.csv").write_text("\n".join(["question,answer", *rows, ""]), encoding="utf-8")
        policy = f"# Returns\n\n## Time\n\nEdition {self.number} gives you {self.number + 7} days. Unused only.\n"
        (knowledge / "returns.md").write_text(policy, encoding="utf-8")
        prices = [f"S-{n},{t.capitalize()},{n + self.number % 3}" for n, t in enumerate(TOPICS[:4])]
        (knowledge / "products.csv").write_text("\n".join(["sku,name,price", *prices, ""]), encoding="utf-8")

    def contents(self, folder: Path) -> Counter[str]:
        """Content hashes of all that a release of this edition holds."""
        self.write(folder)
        reader = Reader(ZoneInfo("Asia/Shanghai"))
        knowledge = folder / "knowledge"
        reader.read(SourceFile(file, f"knowledge/{file.name}") for file in sorted(knowledge.iterdir()))
        return Counter(chunk.content_hash for read in reader.finish() for chunk in read.chunked.chunks)

    def _rows(self) -> Iterator[tuple[int, str]]:
        return ((n, topic) for n, topic in enumerate(TOPICS) if (n + self.number) % 5)

    def _edition_of(self, row: int) -> int:
        """Some rows say something new in every edition, most do not."""
        return self.number if row % 4 == 0 else 0


class Nursery:
    """The process that forks the doomed; its output is read line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def order(self, **order: Any) -> int:
        """Begin a life; returns its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._told()["pid"])

    def status(self) -> int:
        """Wait for its end."""
        return int(self._told()["status"])

    def _told(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told


@contextmanager
def open_nursery() -> Iterator[Nursery]:
    """A nursery for as long as the block runs."""
    command = [sys.executable, "-m", "eval.releases.doomed"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  our own module
        try:
            yield Nursery(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(60)


class Reaper:
    """Kills, looks at what is left, and has the job run again."""

    def __init__(self, nursery: Nursery, folder: Path, seed: int) -> None:
        self._nursery = nursery
        self._home = folder / "home"
        self._folder = folder / "shop"
        self._scratch = folder / "scratch"
        self._draw = random.Random(seed)
        self._calls = 0
        self._seconds = 0.0
        self._before: Counter[str] = Counter()
        self.toll = Toll()

    async def prepare(self) -> None:
        """Two editions live undisturbed, so that there is something to go back to, and the measure of a life."""
        self._home.mkdir(parents=True)
        for number in (0, 1):
            Edition(number).write(self._folder)
            began = time.perf_counter()
            self._nursery.order(home=str(self._home), folder=str(self._folder), calls=0, rebuild=True)
            if self._nursery.status():
                raise RuntimeError("the job fails even when nobody kills it")
            self._seconds = time.perf_counter() - began
        self._before = Edition(1).contents(self._scratch)
        self._calls = int((self._home / "calls").read_text(encoding="utf-8"))

    async def kill(self, number: int) -> None:
        """One death, in the edition of that number; then the look, then the next run."""
        before = self._before
        Edition(number).write(self._folder)
        rebuild = self._draw.random() < 0.3
        calls = self._draw.randint(1, self._calls) if number % 2 else 0
        child = self._nursery.order(home=str(self._home), folder=str(self._folder), calls=calls, rebuild=rebuild)
        if not calls:
            await asyncio.sleep(self._draw.uniform(0, 0.9 * self._seconds))
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        died = self._nursery.status() == -signal.SIGKILL
        self.toll.deaths += died
        self.toll.survived += not died
        self.toll.between_calls += bool(died and calls)
        async with open_parts(self._home) as parts:
            await self._look(parts, before, Edition(number).contents(self._scratch), number)
            if self._draw.random() < 0.8:  # else the next death comes upon what this one left
                await self._finish(parts, Edition(number).contents(self._scratch), number)
            self._before = await self._live(parts)

    async def _look(self, parts: Parts, before: Counter[str], new: Counter[str], number: int) -> None:
        """Right after the death: the live release is whole, it is the old or the new one, and it answers."""
        now = await self._live(parts)
        self.toll.live_as_new += now == new
        self.toll.live_as_before += now == before and now != new
        self._expect(number, now in (before, new), "the live release is neither the old nor the new one")
        live = await parts.catalogue.live_release(SHOP)
        belong, found = await parts.catalogue.point_count(SHOP, live), await parts.index.count(SHOP, live)
        self._expect(number, belong == found, f"the index holds {found} of the live release's {belong} points")
        chunks = await parts.catalogue.chunks(SHOP, live)
        wanted = self._draw.choice([chunk for chunk in chunks if chunk.phrasings])
        (vector,) = await parts.embedder.embed_queries([wanted.title])
        hits = await parts.index.search(IndexQuery(SHOP, live, dense=vector, limit=1, as_of=datetime.now(UTC)))
        self._expect(number, [h.chunk_id for h in hits] == [wanted.chunk_id], f"{wanted.title!r} is not answered")
        self.toll.unfinished_releases += any(
            r.state is ReleaseState.STAGED for r in await parts.catalogue.releases(SHOP)
        )

    async def _finish(self, parts: Parts, new: Counter[str], number: int) -> None:
        """The next run: it ends well, the new edition is live, index and database agree."""
        report = await ingest(self._folder, SHOP, embedder=parts.embedder, publish=True, force=FORCE, **parts.shared)
        await sweep(SHOP, kept=KEPT, now=datetime.now(UTC) + LATER, **parts.shared)
        self._expect(number, report.ok, f"the next run failed: {report.summary()}")
        self._expect(number, await self._live(parts) == new, "after the next run the new edition is not live")
        agreement = await agree(SHOP, parts.catalogue, parts.index)
        self._expect(number, agreement.ok, f"index and database differ: {agreement}")
        built = [r for r in await parts.catalogue.releases(SHOP) if r.state is ReleaseState.BUILT]
        self._expect(number, len(built) <= KEPT + 1, f"{len(built)} releases are kept instead of {KEPT}")
        staged = [r for r in await parts.catalogue.releases(SHOP) if r.state is ReleaseState.STAGED]
        self._expect(number, not staged, "a release was left unfinished")

    @staticmethod
    async def _live(parts: Parts) -> Counter[str]:
        live = await parts.catalogue.live_release(SHOP)
        chunks = await parts.catalogue.chunks(SHOP, live) if live else []
        return Counter(chunk.content_hash for chunk in chunks)

    def _expect(self, number: int, holds: bool, what: str) -> None:
        if not holds:
            self.toll.wrong.append(f"edition {number}: {what}")


async def kill_many(times: int, folder: Path, seed: int = 1, told: Callable[[int], None] = lambda _: None) -> Toll:
    """Kill `times` times under `folder`, which should be empty; `told` is called with how many it were so far."""
    began = time.perf_counter()
    with open_nursery() as nursery:
        reaper = Reaper(nursery, folder, seed)
        await reaper.prepare()
        for number in range(2, 2 * times + 2):
            await reaper.kill(number)
            told(reaper.toll.deaths)
            if reaper.toll.deaths == times:
                break
        reaper.toll.seconds = time.perf_counter() - began
        return reaper.toll
