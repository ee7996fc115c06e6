"""Hands the server the gate before a publish. Evaluation is loaded by name, and only for a shop that has a suite."""

from __future__ import annotations

import asyncio
import importlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.errors import NotFound
from app.knowledge.inspection import SuiteVerdict
from app.opened import late
from app.shop.brand import Brand

if TYPE_CHECKING:
    from app.chat.pipeline import Pipeline

SUITE = "suite.jsonl"
REVIEWED = "suite-reviewed.jsonl"
"""Samples out of the review queue: they run with the shop's own suite, and no ingest replaces them."""


class SuiteGate:
    """Implements app.knowledge.inspection.ReleaseGate with the suite that is kept beside the shop's brand.

    `pipeline` is called when a suite has to be run, not before. `suite` is used instead of the shop's own.
    """

    def __init__(
        self, home: Path, brands: Callable[[str], Brand], pipeline: Callable[[], Pipeline], suite: Path | None = None
    ) -> None:
        self._home = home
        self._brands = brands
        self._pipeline = pipeline
        self._suite = suite
        self._fared: dict[tuple[Any, ...], Any] = {}
        """How a live release fared: it is the same until the suite or the live release changes."""

    async def judge(self, shop: str, release: int, live: int | None) -> SuiteVerdict | None:
        """The verdict; None when the shop has no suite. Raises NotFound for a suite that is not where it was said."""
        files = self._files(shop)
        if not files:
            return None
        gate = await late("eval.release_gate")
        solvers = await late("eval.production")
        pipeline = await asyncio.to_thread(self._pipeline)

        def solver(number: int) -> Any:
            return solvers.PlainSolver(shop, self._brands(shop), number, pipeline)

        suite = await asyncio.to_thread(gate.read, *files)
        key = (shop, live or 0, *((path, path.stat().st_mtime_ns) for path in files))
        if live is not None and key not in self._fared:
            self._fared = {key: await gate.answers_of(suite, solver(live))}
        verdict: SuiteVerdict = gate.verdict(suite, await gate.answers_of(suite, solver(release)), self._fared.get(key))
        return verdict

    def _files(self, shop: str) -> list[Path]:
        """The suites there are. Raises NotFound for one that is not where it was said."""
        if self._suite is not None:
            if not self._suite.is_file():
                raise NotFound(f"There is no suite at {self._suite}. Nothing was published; name the file again.")
            return [self._suite]
        folder = self._home / "shops" / shop
        return [path for path in (folder / SUITE, folder / REVIEWED) if path.is_file()]


async def adopt_suite(home: Path, shop: str, suite: str) -> None:
    """Keep a suite as the shop's own: what is asked before every publish. "none" takes it away.

    Raises BadInput for one that cannot be read; the one kept before then stays.
    """
    await asyncio.to_thread(_adopt_suite, home, shop, suite)


def _adopt_suite(home: Path, shop: str, suite: str) -> None:
    kept = home / "shops" / shop / SUITE
    if suite == "none":
        kept.unlink(missing_ok=True)
        return
    importlib.import_module("eval.release_gate").read(Path(suite))
    kept.parent.mkdir(parents=True, exist_ok=True)
    fresh = kept.with_name(f"{SUITE}.new")
    shutil.copyfile(suite, fresh)
    fresh.replace(kept)
