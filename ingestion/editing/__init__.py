"""What editors do in the console: reading the working state, changing rows, resolving conflicts, staging."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.knowledge.catalogue import WritableCatalogue
from ingestion.editing.brand import BrandEditor
from ingestion.editing.editor import Editor
from ingestion.editing.packs import Packs
from ingestion.exporting.archive import Exporter


@dataclass(frozen=True, slots=True)
class OpenEditing:
    """Implements app.knowledge.editor.Editing."""

    rows: Editor
    brand: BrandEditor
    packs: Packs
    exports: Exporter


def open_editing(home: Path, catalogue: WritableCatalogue) -> OpenEditing:
    """The editors' layer of all shops of one home."""
    brand = BrandEditor(home, catalogue)
    editor = Editor(home, catalogue, brand)
    return OpenEditing(editor, brand, Packs(editor), Exporter(home, catalogue))
