"""`xiaoer map`: says what the tables of a file are read as, and proposes a mapping for those nobody recognises."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from app.errors import XiaoerError
from app.terminal import err, out

_READ_AS = {
    "faq": "questions and answers",
    "product": "products",
    "text": "plain text",
    "nothing": "nothing: it is left out",
}


def map_tables(
    file: Annotated[Path, typer.Argument(help="A csv or xlsx file of a shop folder.")],
    write: Annotated[bool, typer.Option("--write", help="Put the proposal into the shop's mapping.yaml.")] = False,
) -> None:
    """Show what a file's tables are read as, and propose a mapping for those that nobody recognises."""
    module = importlib.import_module("ingestion.map_file")
    try:
        seen = module.look_at(file)
        _show(seen)
        if seen.entries and write:
            module.add_entries(seen.mapping_file, seen.entries)
            out.print(f"Written to {escape(str(seen.mapping_file))}. Look it over, then ingest again.", highlight=False)
        elif seen.entries:
            out.print(f"Proposed for {escape(str(seen.mapping_file))} (--write puts it there):\n", highlight=False)
            print("tables:\n" + "".join(f"  {line}\n" for line in seen.entries.splitlines()))
    except XiaoerError as problem:
        err.print(f"[red]{escape(problem.title)}.[/red] {escape(str(problem))}", highlight=False)
        raise typer.Exit(1) from None


def _show(seen: Any) -> None:
    for table in seen.tables:
        sheet = f"sheet “{table.sheet}”, " if table.sheet else ""
        named = ", ".join(name for name in table.columns if name)
        out.print(f"{escape(seen.path)}: {escape(sheet)}{table.row_count} rows ({escape(named)})", highlight=False)
        by = ", as mapping.yaml says" if table.by_rule else ""
        out.print(f"  is read as {_READ_AS[table.read_as]}{by}", highlight=False)
        if table.proposal and not table.proposal.sure:
            out.print("  [dim]a guess from what stands in its cells: look it over[/dim]")
