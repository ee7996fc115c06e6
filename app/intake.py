"""How knowledge comes in while a server runs. Ingestion is loaded by name, and only when it is first asked for."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.errors import BadInput
from app.knowledge.jobs import Progress
from app.opened import Opened, late

_SHOP = re.compile(r"[A-Za-z0-9\u3400-\u9fff][A-Za-z0-9\u3400-\u9fff_-]{0,63}")


class KnowledgeIntake:
    """Runs the ingestion job over what this process has open. Every report is plain JSON.

    Each raises BadInput, Conflict, NotFound or Unavailable, and then the live release is what it was.
    """

    def __init__(self, opened: Opened, fetch_allow: str = "") -> None:
        """`fetch_allow`: private networks that may be fetched from, with commas between."""
        self._opened = opened
        self._fetch_allow = fetch_allow

    async def read_folder(
        self, path: Path, shop: str, publish: bool, progress: Progress, force: str = ""
    ) -> Mapping[str, Any]:
        """A shop folder of this machine, or a part of one; `force` is why to publish what the checks object to."""
        sources = await late("ingestion.sources.shop")
        return await self._run(sources.ShopSource(path, self._fetch_allow), shop, publish, progress, force)

    async def read_again(self, shop: str, publish: bool, progress: Progress) -> Mapping[str, Any]:
        """Everything the shop's knowledge comes from: its folder, its uploads, and what is fetched for it."""
        sources = await late("ingestion.sources.shop")
        return await self._run(sources.EverySource(self._fetch_allow), shop, publish, progress)

    async def stage_edits(self, shop: str, publish: bool, progress: Progress) -> Mapping[str, Any]:
        """All that editors changed, as a release: from now on every run includes it."""
        edits = await late("ingestion.sources.edits")
        await self._opened.catalogue.edits.mark_staged(shop)
        return await self._run(edits.StagedEdits(), shop, publish, progress)

    def incoming(self, shop: str) -> Path:
        """A new folder for files that are being received. Whoever asked for it hands it to `take` or to `drop`."""
        if not _SHOP.fullmatch(shop):
            raise BadInput(f"{shop!r} is no name for a shop: use letters, digits, - and _. Nothing was kept.")
        folder = self._opened.home / "shops" / shop / "incoming" / secrets.token_hex(8)
        folder.mkdir(parents=True)
        return folder

    async def drop(self, folder: Path) -> None:
        """Throw away what was received."""
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def take(self, folder: Path, shop: str, publish: bool, progress: Progress) -> Mapping[str, Any]:
        """Files that have been received: they replace those of the same path, and nothing else."""
        uploads = await late("ingestion.sources.uploads")
        return await self._run(uploads.Upload(folder), shop, publish, progress)

    async def remove(self, paths: Sequence[str], shop: str, publish: bool, progress: Progress) -> Mapping[str, Any]:
        """Uploaded files, with what was read in them."""
        uploads = await late("ingestion.sources.uploads")
        return await self._run(uploads.Removal(paths), shop, publish, progress)

    async def uploads(self, shop: str) -> Sequence[Mapping[str, Any]]:
        """The files that were uploaded and are still there: path, size_bytes, changed_at."""
        module = await late("ingestion.sources.uploads")
        found = await asyncio.to_thread(module.uploaded_files, self._opened.home / "shops" / shop)
        return [
            {"path": file.path, "size_bytes": file.size_bytes, "changed_at": file.changed_at.isoformat()}
            for file in found
        ]

    async def tables(self, shop: str, path: str) -> Mapping[str, Any]:
        """What the tables of an uploaded file hold, and a guess where nobody knew."""
        module = await late("ingestion.map_upload")
        told: Mapping[str, Any] = await asyncio.to_thread(
            module.uploaded_tables, self._opened.home / "shops" / shop, path
        )
        return told

    async def say_what_it_holds(self, shop: str, entry: Mapping[str, Any], into: Path) -> None:
        """Put a mapping with this entry into a folder of incoming files."""
        module = await late("ingestion.map_upload")
        await asyncio.to_thread(module.say_what_it_holds, self._opened.home / "shops" / shop, entry, into)

    async def _run(
        self, source: Any, shop: str, publish: bool, progress: Progress, force: str = ""
    ) -> Mapping[str, Any]:
        job = await late("ingestion.job")
        report = await job.ingest(
            source,
            shop,
            home=self._opened.home,
            catalogue=self._opened.catalogue,
            index=self._opened.index,
            embedder=self._opened.embedder,
            publish=publish,
            progress=progress,
            gate=self._opened.gate,
            force=force,
            releases_kept=self._opened.releases_kept,
        )
        told: Mapping[str, Any] = (await late("ingestion.in_chinese")).with_chinese(report.as_json())
        return told
