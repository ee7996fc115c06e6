"""Opens the editors' layer while a server runs. Its modules are loaded by name, when it is first asked for."""

from __future__ import annotations

from typing import cast

from app.knowledge.editor import Editing
from app.opened import Opened, late


class LateEditing:
    """The editors' layer over what this process has open."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._editing: Editing | None = None

    async def __call__(self) -> Editing:
        """The layer, made once."""
        if self._editing is None:
            module = await late("ingestion.editing")
            self._editing = cast(Editing, module.open_editing(self._opened.home, self._opened.catalogue))
        return self._editing
