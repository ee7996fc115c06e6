"""Exports as one zip file, for those who ask over HTTP."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from app.knowledge.catalogue import WritableCatalogue
from ingestion.exporting.export import export_shop


class Exporter:
    """Exports shops of one home."""

    def __init__(self, home: Path, catalogue: WritableCatalogue) -> None:
        self._home = home
        self._catalogue = catalogue

    async def archive(self, shop: str) -> tuple[Path, dict[str, Any]]:
        """(zip file, report). Whoever asked deletes the file. Raises what `export_shop` does."""
        place = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="xiaoer-export-"))
        try:
            report = await export_shop(shop, place / "shop", home=self._home, catalogue=self._catalogue)
            file = await asyncio.to_thread(_zipped, place / "shop", f"{place}.zip")
        finally:
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
        return file, {**report.as_json(), "folder": ""}


def _zipped(folder: Path, target: str) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return Path(target)
