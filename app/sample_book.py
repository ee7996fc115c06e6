"""Keeps the samples that came out of the review queue beside a shop's suite. Evaluation checks them, loaded by name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.gatekeeping import REVIEWED
from app.opened import late


class FileSampleBook:
    """Implements app.review.item.SampleBook with one file a shop, which no ingest touches."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = asyncio.Lock()

    async def add(self, shop: str, sample: Mapping[str, Any]) -> None:
        """Add one, by its `id`; one of that id is replaced. Raises BadInput for what is no sample."""
        (await late("eval.read_suite")).read_sample(sample)
        async with self._lock:
            await asyncio.to_thread(self._change, shop, lambda found: found.update({str(sample["id"]): dict(sample)}))

    async def drop(self, shop: str, id_: str) -> None:
        """Take one out. One that is not there is no error."""
        async with self._lock:
            await asyncio.to_thread(self._change, shop, lambda found: found.pop(id_, None))

    async def count(self, shop: str) -> int:
        """How many there are."""
        return len(await asyncio.to_thread(self._read, shop))

    def _read(self, shop: str) -> dict[str, dict[str, Any]]:
        try:
            lines = self._path(shop).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        samples = [json.loads(line) for line in lines if line.strip()]
        return {str(sample["id"]): sample for sample in samples}

    def _change(self, shop: str, change: Callable[[dict[str, dict[str, Any]]], object]) -> None:
        found = self._read(shop)
        change(found)
        path = self._path(shop)
        if not found:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.new")
        fresh.write_text("".join(json.dumps(s, ensure_ascii=False) + "\n" for s in found.values()), encoding="utf-8")
        fresh.replace(path)

    def _path(self, shop: str) -> Path:
        return self._home / "shops" / shop / REVIEWED
