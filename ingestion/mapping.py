"""mapping.yaml: what an editor says of tables that nobody recognises.

    tables:
      - files: 商品/*.xlsx        # path below the shop folder or its knowledge folder; * and ? as usual
        sheet: 在售               # optional
        header_row: 3            # optional, as the spreadsheet numbers it; 0 = the table has no header
        kind: product            # product, faq, text (read as plain text) or ignore
        columns: {sku: 款式编号, name: 宝贝, price: 到手价, 材质: 面料成分}

A key of `columns` is a meaning (question, answer, similar, section, related, valid_from, valid_until, sku, name, price,
handle) or the name that an attribute is to have; the value is the column's header, or its letter.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from app.errors import BadInput
from ingestion.converted import Grid, Row
from ingestion.headers import PRODUCT_COLUMNS, Column, TableHeader, TableKind, meanings, normal
from ingestion.text import decode

NAMES = ("mapping.yaml", "mapping.yml")
MAX_BYTES = 1024 * 1024
KINDS = {"product": TableKind.PRODUCT, "faq": TableKind.FAQ, "text": TableKind.OTHER, "ignore": None}
NEEDED = {TableKind.FAQ: {Column.QUESTION, Column.ANSWER}, TableKind.PRODUCT: {Column.NAME, Column.SKU, Column.HANDLE}}
_CJK = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class TableRule:
    """What one entry says. `kind` None: the table is not read at all."""

    files: str
    kind: TableKind | None
    sheet: str = ""
    header_row: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    def fits(self, path: str, sheet: str) -> bool:
        """Whether it speaks of this table."""
        shorter = path.removeprefix("knowledge/").removeprefix("@uploads/")
        named = any(fnmatch.fnmatchcase(name, self.files) for name in (path, shorter, path.rpartition("/")[2]))
        return named and (not self.sheet or self.sheet == sheet)

    def header(self, grid: Grid) -> tuple[TableHeader, int]:
        """The header as this entry has it, and its index in the grid (-1: there is none). Raises BadInput for a
        column that is not there."""
        index = self._header_index(grid)
        width = max(len(row.cells) for row in grid.rows)
        names = [cell.strip() for cell in grid.rows[index].cells] if index >= 0 else []
        names += [""] * (width - len(names))
        columns: dict[Column, int] = {}
        for wanted, given in self.columns.items():
            place = _place_of(given, names)
            if place is None:
                shown = ", ".join(name for name in names if name) or "none"
                raise BadInput(f"mapping.yaml names the column “{given}”, which is not there; the columns are: {shown}")
            if wanted in set(Column):
                columns[Column(wanted)] = place
            if wanted not in set(Column) or Column(wanted) not in meanings(names[place]):
                names[place] = _label(wanted, names)
        wanted_columns = PRODUCT_COLUMNS if self.kind is TableKind.PRODUCT else frozenset(Column) - PRODUCT_COLUMNS
        for place, name in enumerate(names):
            for meaning in meanings(name):
                if meaning in wanted_columns:
                    columns.setdefault(meaning, place)
        return TableHeader(self.kind or TableKind.OTHER, tuple(names), columns), index

    def _header_index(self, grid: Grid) -> int:
        if self.header_row == 0:
            return -1
        if self.header_row is not None:
            found = [i for i, row in enumerate(grid.rows) if row.number == self.header_row]
            if not found:
                raise BadInput(f"mapping.yaml says the header is row {self.header_row}; that row is empty")
            return found[0]
        given = [normal(name) for name in self.columns.values()]
        scores = [sum(name in {normal(cell) for cell in row.cells} for name in given) for row in grid.rows[:50]]
        return scores.index(max(scores)) if scores else -1


def apply_rule(rule: TableRule, grid: Grid) -> tuple[TableHeader, Row, list[Row]]:
    """(header, its row, the rows below it) of a grid. Raises BadInput when the table is not as the entry says."""
    header, index = rule.header(grid)
    needed = NEEDED[header.kind]
    if header.kind is TableKind.FAQ and (missing := needed - header.columns.keys()):
        raise BadInput(f"mapping.yaml says nothing of the column for {' and '.join(sorted(missing))}; name it there")
    if header.kind is TableKind.PRODUCT and not needed & header.columns.keys():
        raise BadInput("mapping.yaml says neither which column is the sku nor which is the name; name one there")
    rows = list(grid.rows)
    return header, rows[index] if index >= 0 else Row(0, ()), rows[index + 1 :]


def rule_for(rules: Iterable[TableRule], path: str, sheet: str) -> TableRule | None:
    """The first entry that speaks of a table."""
    return next((rule for rule in rules if rule.fits(path, sheet)), None)


def read_rules(folders: Iterable[Path]) -> tuple[TableRule, ...]:
    """The entries of the mapping files in these folders. Raises BadInput that names the file and the entry."""
    rules: list[TableRule] = []
    for folder in folders:
        for file in (folder / name for name in NAMES):
            if file.is_file():
                rules.extend(_rules_of(file))
    return tuple(rules)


def _rules_of(file: Path) -> list[TableRule]:
    if file.stat().st_size > MAX_BYTES:
        raise BadInput(f"{file.name} is larger than 1 MB; nothing was read")
    return rules_of_text(decode(file.read_bytes()), file.name)


def rules_of_text(text: str, name: str) -> list[TableRule]:
    """The entries of a mapping file's text; `name` is what problems call it."""
    try:
        raw = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" near line {mark.line + 1}" if mark else ""
        raise BadInput(f"{name} is not valid YAML{where}; nothing was read") from None
    tables = raw.get("tables") if isinstance(raw, dict) else None
    if raw is not None and not (isinstance(raw, dict) and isinstance(tables, list | None)):
        raise BadInput(f"{name} must hold `tables:` with a list below it; nothing was read")
    return [_rule(entry, f"{name}, entry {number}") for number, entry in enumerate(tables or [], start=1)]


def _rule(entry: Any, where: str) -> TableRule:
    if not isinstance(entry, dict) or not isinstance(entry.get("files"), str):
        raise BadInput(f"{where}: `files` is missing: a path or a pattern like 商品/*.xlsx; nothing was read")
    kind = str(entry.get("kind", "")).strip().casefold()
    if kind not in KINDS:
        raise BadInput(f"{where}: `kind` must be one of {', '.join(KINDS)}; nothing was read")
    columns = entry.get("columns") or {}
    if not isinstance(columns, dict):
        raise BadInput(f"{where}: `columns` must hold `meaning: header` lines; nothing was read")
    row = entry.get("header_row")
    if row is not None and (not isinstance(row, int) or row < 0):
        raise BadInput(f"{where}: `header_row` must be a number, as the spreadsheet counts its rows; nothing was read")
    return TableRule(
        files=entry["files"].strip().removeprefix("./"),
        kind=KINDS[kind],
        sheet=str(entry.get("sheet") or "").strip(),
        header_row=row,
        columns={str(key).strip(): str(value).strip() for key, value in columns.items()},
    )


def _place_of(given: str, names: Sequence[str]) -> int | None:
    """Where a column is, by its header or by its letter."""
    for same in (lambda name: name == given, lambda name: bool(name) and normal(name) == normal(given)):
        for place, name in enumerate(names):
            if same(name):
                return place
    if re.fullmatch(r"[A-Z]{1,2}", given):
        place = 0
        for letter in given:
            place = place * 26 + ord(letter) - 64
        return place - 1 if place <= len(names) else None
    return None


_LABELS = {
    Column.PRICE: ("价格", "Price"),
    Column.NAME: ("名称", "Name"),
    Column.SKU: ("SKU", "SKU"),
    Column.HANDLE: ("Handle", "Handle"),
}


def _label(wanted: str, names: Sequence[str]) -> str:
    """What a mapped column is called from here on: a name that shoppers and our own lookups understand."""
    if wanted not in set(Column):
        return wanted
    chinese, english = _LABELS.get(Column(wanted), (wanted, wanted))
    return chinese if any(_CJK.search(name) for name in names) else english
