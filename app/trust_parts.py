"""Puts the shops' certificates beside the pipeline. Called by bootstrap."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.adapters.trust.files import FileTrust
from app.knowledge.ports import Catalogue

FITTED_FILES = ("intents.json", "selector.json", "confidence.json", "judge.json", "confidence-read.json")


def make_trust(
    home: Path,
    default_threshold: float,
    embedder: str,
    fitted: Path,
    changed: Callable[[str, bool, str], None] = lambda shop, on, feature: None,
) -> FileTrust:
    """The certificates that lie under home, for the fitted models in that folder."""
    return FileTrust(home, default_threshold, embedder, fitted_fingerprint(fitted), changed)


def fitted_fingerprint(folder: Path) -> str:
    """Changes whenever one of the fitted models does."""
    found = hashlib.blake2b(digest_size=5)
    for name in FITTED_FILES:
        found.update((folder / name).read_bytes())
    return found.hexdigest()


class Certificates:
    """Implements app.api.container.Certificates over those files and what is live."""

    def __init__(self, files: FileTrust, catalogue: Catalogue) -> None:
        self._files = files
        self._catalogue = catalogue

    async def report(self, shop: str) -> dict[str, Any]:
        """All of it as plain JSON."""
        live = await self._catalogue.live_release(shop)
        chunks = await self._catalogue.chunks(shop, live) if live is not None else []
        told = self._files.report(shop, frozenset(chunk.content_hash for chunk in chunks) if live else None)
        return {**told, "live": live}

    def choose(self, shop: str, alpha: float | None, by: str) -> None:
        """Set the shop's limit."""
        self._files.choose(shop, alpha, by)

    def undo(self, shop: str, by: str) -> None:
        """Take the last choice back."""
        self._files.undo(shop, by)
