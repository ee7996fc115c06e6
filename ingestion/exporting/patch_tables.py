"""Puts changed rows into the tables they came from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from app.knowledge.chunk import Chunk, Kind
from ingestion import dates
from ingestion.chunkers.product import attribute_columns
from ingestion.chunkers.shopify import column_of, is_shopify
from ingestion.converted import Row
from ingestion.converters.html import html_to_text
from ingestion.edited_chunks import row_number
from ingestion.exporting.cells import cell_for, cell_of_several
from ingestion.exporting.changes import RowChange
from ingestion.exporting.sheets import Sheets
from ingestion.headers import Column, TableHeader, TableKind
from ingestion.mapping import TableRule, rule_for
from ingestion.tables import Table, read_tables
from ingestion.text import language_of, one_line

_NAMES: Mapping[str, Mapping[Column, str]] = {
    "zh": {
        Column.ID: "编号", Column.QUESTION: "问题", Column.SIMILAR: "相似问法", Column.ANSWER: "答案",
        Column.SECTION: "分类", Column.RELATED: "关联问题", Column.VALID_FROM: "生效日期",
        Column.VALID_UNTIL: "失效日期", Column.DISABLED: "停用",
    },
    "en": {
        Column.ID: "id", Column.QUESTION: "question", Column.SIMILAR: "similar", Column.ANSWER: "answer",
        Column.SECTION: "section", Column.RELATED: "related", Column.VALID_FROM: "valid_from",
        Column.VALID_UNTIL: "valid_to", Column.DISABLED: "disabled",
    },
}  # fmt: skip
_YES = {"zh": "是", "en": "yes"}


def header_name(column: Column, language: str) -> str:
    """How a column is headed that is added."""
    return _NAMES[language][column]


def faq_cells(chunk: Chunk, zone: tzinfo) -> dict[Column, str]:
    """The cells of an FAQ row, by what they hold."""
    return {
        Column.QUESTION: cell_for(chunk.title),
        Column.SIMILAR: cell_of_several(chunk.phrasings[1:]),
        Column.ANSWER: cell_for(chunk.text),
        Column.SECTION: chunk.section,
        Column.RELATED: cell_of_several(chunk.related),
        Column.VALID_FROM: dates.written(chunk.valid_from, zone, until=False),
        Column.VALID_UNTIL: dates.written(chunk.valid_until, zone, until=True),
    }


@dataclass(slots=True)
class _Open:
    """One table of a file, with the columns that were added to it."""

    sheet: int
    table: Table
    language: str
    added: dict[str, int] = field(default_factory=dict)

    def column(self, sheets: Sheets, known: int | None, name: str) -> int:
        """A column's place; one that is missing is added at the end of the header."""
        if known is not None:
            return known
        if name not in self.added:
            self.added[name] = len(self.table.header.names) + len(self.added)
            sheets.put(self.sheet, self.table.header_row, self.added[name], name)
        return self.added[name]


class TablePatch:
    """Changes rows of one file's tables."""

    def __init__(self, path: str, sheets: Sheets, rules: Sequence[TableRule], zone: tzinfo) -> None:
        self._path = path
        self._sheets = sheets
        self._zone = zone
        self._open: list[_Open] = []
        for number, grid in enumerate(sheets.grids()):
            for table in read_tables(grid, rule_for(rules, path, grid.name)):
                self._open.append(_Open(number, table, language_of(" ".join(table.header.names))))

    def apply(self, changes: Sequence[RowChange]) -> list[RowChange]:
        """Put the changes into the tables; returns those that found no place."""
        return [change for change in changes if not self._place(change)]

    def _place(self, change: RowChange) -> bool:
        if change.chunk.kind is Kind.FAQ:
            return self._place_faq(change)
        return change.chunk.kind is Kind.PRODUCT and change.file is not None and self._place_product(change)

    def _place_faq(self, change: RowChange) -> bool:
        tables = [o for o in self._open if o.table.header.kind is TableKind.FAQ]
        if change.file is None:
            return bool(tables) and change.live is not None and self._append_faq(tables[-1], change.live)
        for number in (row_number(change.file), 0):
            for opened in tables:
                if row := _faq_row(opened.table, change.file, number):
                    self._put_faq(opened, row.number, change)
                    return True
        return False

    def _put_faq(self, opened: _Open, row: int, change: RowChange) -> None:
        if change.live is None:
            self._disable(opened, row)
            return
        before = faq_cells(change.file, self._zone) if change.file else {}
        for column, text in faq_cells(change.live, self._zone).items():
            if before.get(column, "") != text:
                known = opened.table.header.columns.get(column)
                place = opened.column(self._sheets, known, header_name(column, opened.language))
                self._sheets.put(opened.sheet, row, place, text)

    def _append_faq(self, opened: _Open, live: Chunk) -> bool:
        self._put_faq(opened, self._sheets.last_row(opened.sheet) + 1, RowChange(None, live))
        return True

    def _disable(self, opened: _Open, row: int) -> None:
        known = opened.table.header.columns.get(Column.DISABLED)
        place = opened.column(self._sheets, known, header_name(Column.DISABLED, opened.language))
        self._sheets.put(opened.sheet, row, place, _YES[opened.language])

    def _place_product(self, change: RowChange) -> bool:
        assert change.file is not None
        own = change.file.path == self._path
        names = set(change.file.attributes) | set(change.live.attributes if change.live else ())
        after = change.live.attributes if change.live else {}
        if own:
            # What another file tells of the product is put into its own, unless it is to be empty.
            values = {n: after.get(n, "") for n in names if change.file.attributes.get(n, "") != after.get(n, "")}
            values = {n: v for n, v in values.items() if v or n not in change.file.attribute_paths}
            wanted = change.file.locator
        else:
            values = {n: "" for n, p in change.file.attribute_paths.items() if p == self._path and n not in after}
            wanted = next((change.file.attribute_locators.get(n, change.file.locator) for n in values), "")
        found = _product_row(self._open, wanted, change.file)
        if found is None:
            return False
        opened, row = found
        if change.live is None:
            self._disable(opened, row.number)
            return True
        order = list(after)
        for name in sorted(values, key=lambda n: order.index(n) if n in order else -1):
            self._put_value(opened, row, name, values[name])
        return True

    def _put_value(self, opened: _Open, row: Row, name: str, text: str) -> None:
        header = opened.table.header
        if is_shopify(header.names):
            number, place = column_of(opened.table, row, name)
        else:
            number, place = row.number, dict(attribute_columns(header, opened.table)).get(name)
        column = opened.column(self._sheets, place, name)
        self._sheets.put(opened.sheet, number, column, cell_for(text))


def _faq_row(table: Table, file: Chunk, number: int) -> Row | None:
    """The row that says what the chunk does; in that row number, unless it is 0."""
    question, answer = (table.header.columns[c] for c in (Column.QUESTION, Column.ANSWER))
    for row in table.rows:
        texts = [html_to_text(row.cells[i]) if i < len(row.cells) else "" for i in (question, answer)]
        if number in (0, row.number) and one_line(texts[0]) == file.title and texts[1] == file.text:
            return row
    return None


def _product_row(tables: Sequence[_Open], wanted: str, file: Chunk) -> tuple[_Open, Row] | None:
    """The row of that SKU, handle or name; of several, the one that agrees most with the chunk."""
    best: tuple[int, _Open, Row] | None = None
    for opened in tables:
        for row in opened.table.rows:
            if not _is_named(opened.table.header, row, wanted):
                continue
            agree = sum(1 for cell in row.cells if cell and cell in file.attributes.values())
            if best is None or agree > best[0]:
                best = (agree, opened, row)
    return (best[1], best[2]) if best else None


def _is_named(header: TableHeader, row: Row, wanted: str) -> bool:
    numbered = re.fullmatch(r"(.*) \((\d+)\)", wanted)
    for column in (Column.SKU, Column.HANDLE, Column.NAME):
        place = header.columns.get(column)
        text = one_line(row.cells[place]) if place is not None and place < len(row.cells) else ""
        if text and text == wanted:
            return True
        if text and numbered and text == numbered[1] and row.number == int(numbered[2]):
            return True
        if text and column is Column.SKU:
            return False
    return False
