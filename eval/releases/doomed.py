"""A process that brings children up to be killed: `python -m eval.releases.doomed`, one JSON order a line on stdin.

Importing everything takes seconds and is done once here; each order is carried out by a fork. The fork's process id is
printed when it begins, its status when it ends. With `calls` it kills itself after that many calls to the database and
the index, and so dies between any two steps; without, whoever gave the order kills it when it likes.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.adapters.db.engine import Database
from app.adapters.db.knowledge import SqlCatalogue
from app.adapters.db.migrate import upgrade
from app.adapters.index.qdrant_edge import EdgeIndex
from app.errors import Conflict
from app.knowledge.publish import Publisher
from eval.releases.quick_embedder import QuickEmbedder
from ingestion.job import ingest
from ingestion.reindex import reindex
from ingestion.sweep import sweep

SHOP = "doomed"
KEPT = 2
LATER = timedelta(hours=1)
FORCE = "Rows come and go here all the time: what the checks say of it is not the matter."


@dataclass(frozen=True, slots=True)
class Parts:
    """The real database and the real index under one home."""

    home: Path
    catalogue: Any
    index: Any
    embedder: QuickEmbedder

    @property
    def shared(self) -> dict[str, Any]:
        """What every job is given."""
        return {"home": self.home, "catalogue": self.catalogue, "index": self.index}


@asynccontextmanager
async def open_parts(home: Path) -> AsyncIterator[Parts]:
    """Open both under a folder that is there; closed in the end."""
    database = Database(f"sqlite:///{home / 'xiaoer.sqlite3'}")
    try:
        upgrade(database)
        index = EdgeIndex(home / "index")
        try:
            yield Parts(home, SqlCatalogue(database), index, QuickEmbedder(64))
        finally:
            await index.close()
    finally:
        database.close()


async def live_a_day(parts: Parts, folder: Path, *, rebuild: bool) -> None:
    """What happens to a shop in a day: ingest and publish, a rollback, publish again, sweep, now and then a rebuild."""
    await ingest(folder, SHOP, embedder=parts.embedder, publish=True, force=FORCE, **parts.shared)
    publisher = Publisher(parts.catalogue, parts.index)
    newest = await parts.catalogue.newest_built(SHOP)
    with suppress(Conflict):  # in its first days a shop has nothing to go back to
        await publisher.rollback(SHOP)
        await publisher.publish(SHOP, newest.number)
    if rebuild:
        await reindex(SHOP, embedder=parts.embedder, **parts.shared)
    await sweep(SHOP, kept=KEPT, now=datetime.now(UTC) + LATER, **parts.shared)


class Counting:
    """Passes calls on, and kills the process before the one that was to be the last. `calls` 0 only counts."""

    counted = 0

    def __init__(self, inner: Any, calls: int) -> None:
        self._inner = inner
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(found):
            return Counting(found, self._calls) if name == "edits" else found

        async def call(*args: Any, **named: Any) -> Any:
            self._count()
            result = await found(*args, **named)
            self._count()
            return result

        return call

    def _count(self) -> None:
        Counting.counted += 1
        if Counting.counted == self._calls:
            os.kill(os.getpid(), signal.SIGKILL)


async def carry_out(order: dict[str, Any]) -> int:
    """One order, in the fork. Returns how many calls it took."""
    async with open_parts(Path(order["home"])) as parts:
        calls = int(order["calls"])
        counted = Parts(parts.home, Counting(parts.catalogue, calls), Counting(parts.index, calls), parts.embedder)
        await live_a_day(counted, Path(order["folder"]), rebuild=bool(order["rebuild"]))
    return Counting.counted


def main() -> None:
    """Take orders until stdin ends."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(_in_fork(json.loads(line)))
        print(json.dumps({"pid": child}), flush=True)
        _, status = os.waitpid(child, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status)}), flush=True)


def _in_fork(order: dict[str, Any]) -> int:
    """Exit code 0 when all was done; the calls it took are left in a file for who wants to know."""
    try:
        taken = asyncio.run(carry_out(order))
        Path(order["home"], "calls").write_text(str(taken), encoding="utf-8")
    except BaseException as problem:
        print(f"{type(problem).__name__}: {problem}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    main()
