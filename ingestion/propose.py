"""Guesses what the tables of a file are that nobody recognised, and writes it down as mapping.yaml would have it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from ingestion.converted import Grid, Row
from ingestion.headers import PRODUCT_COLUMNS, Column, TableKind, meanings
from ingestion.tables import HEADER_SEARCH_ROWS

_HINTS: tuple[tuple[Column, str], ...] = (
    (Column.SIMILAR, r"相似|同义|扩展|其他问法|别的问法|similar|variant.*question|alternativ|paraphras"),
    (Column.ANSWER, r"答案|回答|回复|答复|解答|话术|answer|reply|response|solution"),
    (Column.QUESTION, r"问题|问句|提问|咨询|疑问|question|query|enquir|inquir|asked"),
    (Column.VALID_FROM, r"生效|开始|起始|valid.?from|start|effective"),
    (Column.VALID_UNTIL, r"失效|截止|结束|到期|valid.?(to|until)|expir|\bend"),
    (Column.SKU, r"sku|编码|编号|货号|款号|条码|型号|item.?(no|code|num)|part.?(no|num)|style.?(no|code)|article"),
    (Column.PRICE, r"价|price|msrp|rrp|cost.*customer"),
    (Column.NAME, r"宝贝|商品|产品|品名|名称|标题|product|item|name|title|description of goods"),
    (Column.SECTION, r"分类|类目|类别|categor|section|topic"),
)
_QUESTION = re.compile(
    r"[?？]\s*$|^(?:how|what|when|where|why|who|can|do|does|is|are|怎么|如何|为什么|是否|能不能)", re.IGNORECASE
)
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{2,23}")
_CURRENCY = r"(?:元|[¥￥$€£]|RMB|CNY|USD|EUR|GBP)?"
_MONEY = re.compile(rf"{_CURRENCY}\s*\d[\d,]*(?:\.\d{{1,2}})?\s*{_CURRENCY}", re.IGNORECASE)
_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a table seems to be. `sure` when its own headers say so and not only its cells."""

    sheet: str
    header_row: int
    names: tuple[str, ...]
    row_count: int
    kind: TableKind
    columns: dict[Column, str]
    sure: bool


def propose(grid: Grid) -> Proposal | None:
    """The best guess for a grid; None when it holds no table. `OTHER`: it reads best as plain text."""
    rows = [row for row in grid.rows if any(row.cells)]
    index = _header_index(rows)
    if index is None:
        return None
    names = tuple(cell.strip() for cell in rows[index].cells)
    body = rows[index + 1 : index + 1 + _LOOKED_AT]
    hinted = _by_header(names)
    found = {**_by_cells(names, body, hinted), **hinted}
    kind, columns = _decide(found)
    sure = kind is not TableKind.OTHER and _decide(hinted)[0] is kind
    named = {column: names[place] or _letter(place) for column, place in columns.items()}
    return Proposal(grid.name, rows[index].number, names, len(rows) - index - 1, kind, named, sure)


def as_yaml(path: str, proposals: Sequence[Proposal]) -> str:
    """The entries for mapping.yaml, ready to be put below `tables:`."""
    entries = []
    for proposal in proposals:
        entry: dict[str, object] = {"files": path}
        if proposal.sheet:
            entry["sheet"] = proposal.sheet
        entry["header_row"] = proposal.header_row
        entry["kind"] = "text" if proposal.kind is TableKind.OTHER else proposal.kind.value
        if proposal.columns:
            entry["columns"] = {column.value: name for column, name in proposal.columns.items()}
        entries.append(entry)
    return yaml.safe_dump(entries, allow_unicode=True, sort_keys=False)


def _header_index(rows: Sequence[Row]) -> int | None:
    """The first row that is nearly as wide as the table and has no cell that looks like a value."""
    if not rows:
        return None
    width = max(sum(1 for cell in row.cells if cell) for row in rows[:HEADER_SEARCH_ROWS])
    if width < 2:
        return None
    for index, row in enumerate(rows[:HEADER_SEARCH_ROWS]):
        filled = [cell for cell in row.cells if cell]
        if len(filled) >= max(2, 0.6 * width) and not any(_MONEY.fullmatch(c) or len(c) > 40 for c in filled):
            return index
    return None


def _by_header(names: Sequence[str]) -> dict[Column, int]:
    found: dict[Column, int] = {}
    for place, name in enumerate(names):
        known = meanings(name)
        for column in known:
            found.setdefault(column, place)
    taken = set(found.values())
    for column, pattern in _HINTS:
        for place, name in enumerate(names):
            if column not in found and place not in taken and re.search(pattern, name.casefold()):
                found[column] = place
                taken.add(place)
    return found


def _by_cells(names: Sequence[str], body: Sequence[Row], known: dict[Column, int]) -> dict[Column, int]:
    """Columns by what stands in them: questions, and codes that are all different beside a column of money."""
    found: dict[Column, int] = {}
    taken = set(known.values())
    lengths: dict[int, float] = {}
    for place in range(len(names)):
        cells = [row.cells[place] for row in body if place < len(row.cells) and row.cells[place]]
        if not cells or place in taken:
            continue
        lengths[place] = sum(map(len, cells)) / len(cells)
        if _share(_QUESTION, cells) >= 0.6:
            found.setdefault(Column.QUESTION, place)
        elif _are_codes(cells):
            found.setdefault(Column.SKU, place)
        elif all(map(_MONEY.fullmatch, cells)) and any("." in cell or not cell.isdigit() for cell in cells):
            found.setdefault(Column.PRICE, place)
    if Column.QUESTION in found or Column.QUESTION in known:
        rest = [place for place in lengths if place not in found.values()]
        if rest and Column.ANSWER not in known:
            found[Column.ANSWER] = max(rest, key=lengths.__getitem__)
    return found


def _are_codes(cells: Sequence[str]) -> bool:
    """Whether each is a short code with a digit, and none stands twice."""
    return len(set(cells)) == len(cells) and all(_CODE.fullmatch(c) and any(map(str.isdigit, c)) for c in cells)


def _share(pattern: re.Pattern[str], cells: Sequence[str]) -> float:
    return sum(1 for cell in cells if pattern.search(cell)) / len(cells)


def _decide(found: dict[Column, int]) -> tuple[TableKind, dict[Column, int]]:
    faq = {column: place for column, place in found.items() if column not in PRODUCT_COLUMNS}
    product = {column: place for column, place in found.items() if column in PRODUCT_COLUMNS}
    is_faq = Column.QUESTION in faq and Column.ANSWER in faq and faq[Column.QUESTION] != faq[Column.ANSWER]
    is_product = (Column.SKU in product or Column.NAME in product) and Column.PRICE in product
    if is_faq and not (is_product and Column.SKU in product):
        return TableKind.FAQ, faq
    if is_product:
        return TableKind.PRODUCT, product
    return TableKind.OTHER, {}


def _letter(place: int) -> str:
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
