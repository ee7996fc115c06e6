"""What `xiaoer map` does: shows what the tables of a file are read as, and proposes entries for mapping.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.errors import BadInput
from ingestion.converted import Grid
from ingestion.converters import convert_file
from ingestion.headers import TableKind
from ingestion.mapping import NAMES, TableRule, read_rules, rule_for, rules_of_text
from ingestion.propose import Proposal, as_yaml, propose
from ingestion.sources.folder import root_of
from ingestion.tables import read_tables
from ingestion.text import decode


@dataclass(frozen=True, slots=True)
class MappedTable:
    """A table as it is read now: as "faq", "product", "text" or "nothing"; `by_rule` when mapping.yaml says so.

    `proposal` is a guess for one that nobody recognised.
    """

    sheet: str
    columns: tuple[str, ...]
    row_count: int
    read_as: str
    by_rule: bool
    proposal: Proposal | None = None


@dataclass(frozen=True, slots=True)
class MappedFile:
    """The tables of a file, and where its shop keeps its mapping. `path` is how the shop knows the file."""

    path: str
    mapping_file: Path
    tables: tuple[MappedTable, ...]

    @property
    def entries(self) -> str:
        """The proposed entries as YAML; "" when there is nothing to propose."""
        proposals = [table.proposal for table in self.tables if table.proposal]
        return as_yaml(self.path, proposals) if proposals else ""


def look_at(file: Path) -> MappedFile:
    """Read the tables of a csv or xlsx file. Raises BadInput when it cannot be read or holds no table."""
    file = file.resolve()
    if not file.is_file():
        raise BadInput(f"{file} is no file; give the table that is to be mapped")
    root = root_of(file, None)
    path = file.relative_to(root).as_posix()
    rules = read_rules([root])
    tables: list[MappedTable] = []
    for document in convert_file(file).documents:
        for grid in document.blocks:
            if isinstance(grid, Grid) and document.tabular:
                tables.append(_look_at_grid(path, grid, rules))
    if not tables:
        raise BadInput(f"{file.name} holds no table of rows and columns; only csv and xlsx files are mapped")
    mapping_file = next((root / name for name in NAMES if (root / name).is_file()), root / NAMES[0])
    return MappedFile(path, mapping_file, tuple(tables))


def _look_at_grid(path: str, grid: Grid, rules: Sequence[TableRule]) -> MappedTable:
    rule = rule_for(rules, path, grid.name)
    if rule is not None and rule.kind is None:
        return MappedTable(grid.name, (), len(grid.rows), "nothing", by_rule=True)
    found = read_tables(grid, rule)
    kind = found[0].header.kind if found else TableKind.OTHER
    read_as = "text" if kind is TableKind.OTHER else kind.value
    proposal = propose(grid) if kind is TableKind.OTHER and rule is None else None
    names = found[0].header.names if found else ()
    return MappedTable(grid.name, names, len(found[0].rows) if found else 0, read_as, rule is not None, proposal)


def add_entries(mapping_file: Path, entries: str) -> None:
    """Put entries at the end of a mapping file, which keeps what it says, comments too.

    Raises BadInput when what came of it could not be read; the file then stays as it was.
    """
    before = decode(mapping_file.read_bytes()) if mapping_file.is_file() else ""
    if not before.strip():
        before = "# What tables hold that nobody recognises; see docs/editors.md\ntables:\n"
    indented = "".join(f"  {line}\n" for line in entries.splitlines())
    text = before.rstrip("\n") + "\n" + indented
    rules_of_text(text, mapping_file.name)
    fresh = mapping_file.with_name(f".{mapping_file.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(mapping_file)
