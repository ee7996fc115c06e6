"""Tables written anew from what a release has: where a file is no longer there, or can't be changed in place."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from app.knowledge.chunk import Chunk, Kind
from ingestion.columns import merge_order
from ingestion.edited_chunks import row_number
from ingestion.exporting.cells import cell_for
from ingestion.exporting.changes import FilePlan
from ingestion.exporting.patch_tables import faq_cells, header_name
from ingestion.exporting.sheets import csv_text
from ingestion.formulas import guarded, is_formula
from ingestion.headers import Column, meanings
from ingestion.layer import CONSOLE_FAQ

_COLUMNS = (
    Column.QUESTION, Column.SIMILAR, Column.ANSWER, Column.SECTION, Column.RELATED, Column.VALID_FROM,
    Column.VALID_UNTIL,
)  # fmt: skip
_NEEDED = (Column.QUESTION, Column.ANSWER)


def tables_of(plan: FilePlan, zone: tzinfo) -> dict[str, list[list[str]]] | None:
    """Sheet name → records with their header; None when the file holds more than FAQ rows and products."""
    kinds = {chunk.kind for chunk in plan.wanted} | {change.chunk.kind for change in plan.changes}
    if Kind.POLICY in kinds or not kinds:
        return None
    found: dict[str, list[list[str]]] = {}
    if Kind.FAQ in kinds:
        found["FAQ"] = _faq_records(plan, zone)
    if Kind.PRODUCT in kinds:
        found["Products"] = _product_records([c for c in plan.wanted if c.kind is Kind.PRODUCT], plan)
    return found


def table_bytes(path: str, sheets: dict[str, list[list[str]]]) -> bytes | None:
    """The tables in the format of the path; None where that can't hold them."""
    suffix = path.rpartition(".")[2].lower()
    if suffix in ("csv", "tsv") and len(sheets) == 1:
        [records] = sheets.values()
        safe = [[guarded(cell) for cell in record] for record in records]
        return csv_text(safe, "\t" if suffix == "tsv" else ",").encode("utf-8-sig")
    return _workbook(sheets) if suffix in ("xlsx", "xlsm") else None


def _faq_records(plan: FilePlan, zone: tzinfo) -> list[list[str]]:
    """Every row where its locator says it stands, with disabled ones marked."""
    rows = [(chunk, False) for chunk in plan.wanted if chunk.kind is Kind.FAQ]
    rows += [(c.file, True) for c in plan.changes if c.live is None and c.file and c.file.kind is Kind.FAQ]
    cells = [(chunk, disabled, faq_cells(chunk, zone)) for chunk, disabled in rows]
    chinese = sum(1 if chunk.language == "zh" else -1 for chunk, _ in rows) >= 0
    language = "zh" if chinese else "en"
    used = [c for c in _COLUMNS if c in _NEEDED or any(texts[c] for _, _, texts in cells)]
    with_id = plan.path == CONSOLE_FAQ
    header = [header_name(column, language) for column in used]
    header += [header_name(Column.ID, language)] if with_id else []
    header += [header_name(Column.DISABLED, language)] if any(disabled for _, disabled, _ in cells) else []
    records = [header]
    taken = {1}
    for chunk, disabled, texts in sorted(cells, key=lambda item: row_number(item[0])):
        number = row_number(chunk)
        if number in taken or number < 2:
            number = max(taken) + 1
        taken.add(number)
        records.extend([] for _ in range(number - len(records)))
        record = [texts[column] for column in used]
        record += [chunk.row_key] if with_id else []
        record += ["是" if language == "zh" else "yes"] if disabled else []
        records[number - 1] = record
    return records


def _product_records(chunks: Sequence[Chunk], plan: FilePlan) -> list[list[str]]:
    """A row a product, with its own values; what other files tell of it stays there."""
    own = [{n: v for n, v in chunk.attributes.items() if n not in chunk.attribute_paths} for chunk in chunks]
    columns: list[str] = []
    for attributes in own:
        merge_order(columns, list(attributes))
    handles = any(chunk.group != chunk.title for chunk in chunks)
    header = ["sku", *(["handle"] if handles else []), *columns]
    records = [header]
    for chunk, attributes in zip(chunks, own, strict=True):
        has_sku = chunk.text.startswith(f"{chunk.title}\nSKU: {chunk.locator}")
        names = any(Column.NAME in meanings(name) for name in attributes)
        sku = chunk.locator if has_sku or not names else ""
        records.append([sku, *([chunk.group] if handles else []), *(cell_for(attributes.get(c, "")) for c in columns)])
    return records


def _workbook(sheets: dict[str, list[list[str]]]) -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415

    book: Any = Workbook()
    book.remove(book.active)
    for name, records in sheets.items():
        sheet = book.create_sheet(name)
        for row, record in enumerate(records, start=1):
            for column, text in enumerate(record, start=1):
                if text:
                    cell = sheet.cell(row, column, guarded(text) if text.startswith("'") else text)
                    cell.data_type = "s"
                    cell.quotePrefix = is_formula(text)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
