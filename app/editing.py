"""Opens the editors' layer while a server runs. Its modules are loaded by name, when it is first asked for."""

from __future__ import annotations

import asyncio
import importlib
from typing import cast

from app.intake import Opened
from app.knowledge.editor import Editing


class LateEditing:
    """The editors' layer over what this process has open."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._editing: Editing | None = None

    async def __call__(self) -> Editing:
        """The layer, made once."""
        if self._editing is None:
            module = await asyncio.to_thread(importlib.import_module, "ingestion.editing")
            self._editing = cast(Editing, module.open_editing(self._opened.home, self._opened.catalogue))
        return self._editing
