"""What the server hands to ingestion, and how it gets at it: by name, and only when it is first asked for."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from app.knowledge.catalogue import WritableCatalogue
    from app.knowledge.inspection import ReleaseGate
    from app.knowledge.ports import Embedder, KnowledgeIndex


class Opened(Protocol):
    """What the process has open: the truth, the index and the embedder."""

    @property
    def home(self) -> Path:
        """Where all data lives."""

    @property
    def catalogue(self) -> WritableCatalogue:
        """The truth."""

    @property
    def index(self) -> KnowledgeIndex:
        """Where it is searched."""

    @property
    def embedder(self) -> Embedder:
        """What it is embedded with."""

    @property
    def gate(self) -> ReleaseGate | None:
        """What runs the shop's suite before a publish."""

    @property
    def releases_kept(self) -> int:
        """How many built releases are kept; 0 = all."""


async def late(name: str) -> Any:
    """The module of that name. Its first import may take seconds, so it is not done on the loop."""
    return await asyncio.to_thread(importlib.import_module, name)
