"""`xiaoer export`: the whole knowledge of a shop as files."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from app.terminal import AsJson, Shop, err, out, read_settings, run, show


def export(
    shop: Shop,
    folder: Annotated[Path, typer.Option("--out", help="A new or empty folder to write to.")],
    as_json: AsJson = False,
) -> None:
    """Write the newest release as files, in the formats they came in, with what editors changed.

    Every file is read back before it counts. Orders and drafts are no part of it. Exit code 1 when a file reads
    differently from the release, or could not be written.
    """
    report = run(_export(shop, folder.resolve()))
    if as_json:
        print(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
    else:
        rows = [
            {"file": f.path, "how": f.how, "chunks": f.chunks, "note": f.note or ("" if f.exact else "differs")}
            for f in report.files
        ]
        show(rows, False, f"Exported {shop}")
        (out if report.exact else err).print(report.summary(), highlight=False)
    raise typer.Exit(0 if report.exact else 1)


async def _export(shop: str, folder: Path) -> Any:
    from app.adapters.db.knowledge import SqlCatalogue  # noqa: PLC0415  loads SQLAlchemy
    from app.bootstrap import open_database  # noqa: PLC0415

    settings = read_settings()
    exporting = importlib.import_module("ingestion.exporting.export")
    with open_database(settings) as database:
        return await exporting.export_shop(shop, folder, home=settings.home, catalogue=SqlCatalogue(database))
