"""What editors changed in the console, as a source: nothing is read, their layer is put over the newest release."""

from __future__ import annotations

from ingestion.sources import Progress, Scope, Shelf, Source


class StagedEdits(Source):
    """A run that brings no file: it builds a release with every staged edit in it."""

    async def bring(self, shelf: Shelf, progress: Progress) -> Scope:
        """Nothing to read, and nothing that would be missed."""
        return Scope()
