"""The column-mapping step of the console: what the tables of an uploaded file hold, and what an editor says they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from app.errors import BadInput, NotFound
from ingestion.converted import Grid
from ingestion.converters import convert_file
from ingestion.headers import Column, TableKind
from ingestion.mapping import NAMES, TableRule, read_rules, rule_for, rules_of_text
from ingestion.propose import propose
from ingestion.sources import UPLOADS, Shelf
from ingestion.tables import read_tables
from ingestion.text import decode

SAMPLE_ROWS = 3
CELL_CHARACTERS = 80


def uploaded_tables(root: Path, path: str) -> dict[str, Any]:
    """The tables of an uploaded csv or xlsx file as plain values; `root` is the shop's folder under home.

    Raises NotFound when the file is not there, BadInput when it holds no table.
    """
    place = Shelf(root).place(UPLOADS)
    rules = read_rules([place])
    tables = []
    for document in convert_file(_file(place, path)).documents:
        for grid in document.blocks:
            if isinstance(grid, Grid) and document.tabular and (told := _table(path, grid, rules)):
                tables.append(told)
    if not tables:
        raise BadInput(f"{path} holds no table of rows and columns; only csv and xlsx files are mapped.")
    return {"path": path, "tables": tables, "meanings": _MEANINGS}


def say_what_it_holds(root: Path, entry: Mapping[str, Any], into: Path) -> None:
    """Write the uploads' mapping.yaml with this entry in it into a folder; what it said of the same table is replaced.

    Raises BadInput for an entry that cannot be read, NotFound for a file that is not there.
    """
    place = Shelf(root).place(UPLOADS)
    _file(place, str(entry["files"]))
    kept = next((place / name for name in NAMES if (place / name).is_file()), None)
    raw = yaml.safe_load(decode(kept.read_bytes())) if kept else {}
    before = [one for one in (raw or {}).get("tables") or [] if not _same_table(one, entry)]
    told = {name: value for name, value in entry.items() if value not in ("", None, {})}
    text = yaml.safe_dump({"tables": [told, *before]}, allow_unicode=True, sort_keys=False)
    rules_of_text(text, NAMES[0])
    (into / (kept.name if kept else NAMES[0])).write_text(text, encoding="utf-8")


_MEANINGS = {
    TableKind.FAQ.value: [
        column.value
        for column in (
            Column.QUESTION,
            Column.ANSWER,
            Column.SIMILAR,
            Column.SECTION,
            Column.RELATED,
            Column.VALID_FROM,
            Column.VALID_UNTIL,
        )
    ],
    TableKind.PRODUCT.value: [column.value for column in (Column.SKU, Column.NAME, Column.PRICE, Column.HANDLE)],
}


def _file(place: Path, path: str) -> Path:
    file = (place / path).resolve()
    if not file.is_relative_to(place.resolve()) or not file.is_file():
        raise NotFound("There is no such uploaded file. Nothing was changed; load the list again.")
    return file


def _table(path: str, grid: Grid, rules: Sequence[TableRule]) -> dict[str, Any] | None:
    rule = rule_for(rules, f"{UPLOADS}/{path}", grid.name)
    guess = propose(grid)
    if guess is None:
        return None
    ignored = rule is not None and rule.kind is None
    found = [] if ignored else read_tables(grid, rule)
    kind = found[0].header.kind if found else TableKind.OTHER
    columns = rule.columns if rule else {column.value: name for column, name in guess.columns.items()}
    body = [row for row in grid.rows if row.number > guess.header_row and any(row.cells)]
    return {
        "sheet": grid.name,
        "header_row": guess.header_row,
        "names": list(guess.names),
        "rows": len(body),
        "sample": [[cell[:CELL_CHARACTERS] for cell in row.cells] for row in body[:SAMPLE_ROWS]],
        "read_as": "ignore" if ignored else "text" if kind is TableKind.OTHER else kind.value,
        "by_rule": rule is not None,
        "guess": "text" if guess.kind is TableKind.OTHER else guess.kind.value,
        "columns": dict(columns),
    }


def _same_table(one: object, entry: Mapping[str, Any]) -> bool:
    if not isinstance(one, Mapping):
        return False
    return one.get("files") == entry["files"] and (one.get("sheet") or "") == (entry.get("sheet") or "")
