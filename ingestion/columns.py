"""The columns of product tables, in the order in which their values become attributes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.errors import BadInput
from ingestion.chunkers.product import attribute_columns
from ingestion.chunkers.shopify import is_shopify, labels_of
from ingestion.converted import Grid
from ingestion.converters import convert_file
from ingestion.headers import TableKind
from ingestion.mapping import TableRule, rule_for
from ingestion.tables import read_tables

_TABULAR = (".csv", ".tsv", ".xlsx", ".xlsm")


def columns_of(file: Path, rules: Sequence[TableRule], path: str) -> list[str]:
    """The attributes that the product tables of a file can give; none for a file that has no table."""
    if file.suffix.lower() not in _TABULAR:
        return []
    found: list[str] = []
    try:
        for document in convert_file(file).documents:
            for grid in (block for block in document.blocks if isinstance(block, Grid)):
                for table in read_tables(grid, rule_for(rules, path, grid.name)):
                    if table.header.kind is TableKind.PRODUCT:
                        shopify = is_shopify(table.header.names)
                        named = [label for label, _ in attribute_columns(table.header, table)]
                        merge_order(found, labels_of(table) if shopify else named)
    except BadInput:
        return []
    return found


def merge_order(columns: list[str], more: Sequence[str]) -> None:
    """Put further names into a list, each after the one it follows in theirs."""
    at = 0
    for name in more:
        if name in columns:
            at = columns.index(name) + 1
        else:
            columns.insert(at, name)
            at += 1
