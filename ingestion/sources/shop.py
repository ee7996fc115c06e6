"""Everything that a shop's knowledge comes from, read in one run and released together."""

from __future__ import annotations

from pathlib import Path

from app.errors import BadInput
from ingestion.sources import Progress, Scope, Shelf, Source
from ingestion.sources.folder import FolderSource
from ingestion.sources.uploads import KeptUploads


class EverySource(Source):
    """The folder the shop was last read from, and all that was uploaded to it."""

    async def bring(self, shelf: Shelf, progress: Progress) -> Scope:
        """All of it. Raises BadInput when the folder is gone, or when there never was anything."""
        scope = await KeptUploads().bring(shelf, progress)
        if shelf.folder:
            return await FolderSource(Path(shelf.folder)).bring(shelf, progress) | scope
        if not scope.files:
            raise BadInput("the shop was never read from a folder and nothing was uploaded to it; nothing was changed")
        return scope
