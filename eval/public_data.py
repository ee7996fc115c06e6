"""Public data sets that are not ours to ship: read from a folder beside the checkout, or from XIAOER_EVAL_DATA."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.errors import NotFound

BESIDE = Path(__file__).parent.parent.parent / "shared" / "data"
ANSWERED_BY_A_SHOP = frozenset({"order", "order_status", "order_checks", "shopping_list", "shopping_list_update"})
"""Intents of the off-topic set that a shop may well be asked about."""


def data_folder(name: str) -> Path:
    """The folder of one data set. Raises NotFound that tells where it was looked for."""
    base = Path(os.environ.get("XIAOER_EVAL_DATA") or BESIDE)
    if not (base / name).is_dir():
        raise NotFound(
            f"The data set {name} is not under {base}: this figure is left out. "
            "Set XIAOER_EVAL_DATA to the folder that holds the public data sets."
        )
    return base / name


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a JSON Lines file."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def as_shop_folder(name: str, home: Path, language: str) -> Path:
    """A data set's documents laid out as a shop folder under `home`, ready to be ingested."""
    folder = home / "folders" / name
    (folder / "knowledge").mkdir(parents=True, exist_ok=True)
    (folder / "brand.yaml").write_text(f"name: {name}\ndefault_language: {language}\n", encoding="utf-8")
    shutil.copyfile(data_folder(name) / "documents.jsonl", folder / "knowledge" / "documents.jsonl")
    return folder
