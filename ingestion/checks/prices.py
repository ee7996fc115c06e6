"""Products without a price, with one that is none, or with one that jumps."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal

from app.knowledge.chunk import Chunk
from app.knowledge.finding import Finding, Severity, Words
from ingestion.checks.material import Material
from ingestion.checks.texts import quoted
from ingestion.headers import Column, meanings

CHECK = "prices"
JUMP = 4
"""A price this many times higher or lower is a slip of the finger more often than a sale."""
_AMOUNT = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def prices(material: Material) -> Iterator[Finding]:
    """Grave where the live release has a proper price. Changes are told one by one."""
    before = {c.locator.casefold(): c for c in material.before or () if c.kind.value == "product"}
    for product in material.products:
        was = before.get(product.locator.casefold())
        cells = price_cells(product)
        if not any(cells.values()):
            yield _missing(product, lost=bool(was and any(price_cells(was).values())))
            continue
        for column, cell in cells.items():
            amount = amount_of(cell)
            if cell and (amount is None or amount <= 0):
                yield _no_price(product, column, cell, was)
            elif was and amount is not None:
                yield from _changed(product, column, cell, price_cells(was).get(column, ""))


def price_cells(product: Chunk) -> Mapping[str, str]:
    """The product's price columns, as written."""
    return {name: value.strip() for name, value in product.attributes.items() if Column.PRICE in meanings(name)}


def amount_of(cell: str) -> Decimal | None:
    """The first amount in a price cell; None when there is none."""
    found = _AMOUNT.search(unicodedata.normalize("NFKC", cell))
    return Decimal(found.group().replace(",", "")) if found else None


def _missing(product: Chunk, *, lost: bool) -> Finding:
    zh, en = ("，而线上版本有价格", ", though it has one now") if lost else ("", "")
    return _finding(
        product,
        Severity.BLOCKS if lost else Severity.WARNS,
        Words(f"“{quoted(product.title, 40)}”没有价格{zh}", f"“{quoted(product.title, 40)}” has no price{en}"),
        Words(
            "填上价格；没有价格的商品，顾客问价会转人工",
            "Write the price; without one, who asks for it is handed to a person",
        ),
    )


def _no_price(product: Chunk, column: str, cell: str, was: Chunk | None) -> Finding:
    fine_before = was is not None and (amount_of(price_cells(was).get(column, "")) or 0) > 0
    return _finding(
        product,
        Severity.BLOCKS if fine_before or was is None else Severity.WARNS,
        Words(f"“{column}”是“{quoted(cell, 30)}”，不是价格", f"{column} is “{quoted(cell, 30)}”, which is no price"),
        Words("填写大于零的数字", "Write a number above zero"),
    )


def _changed(product: Chunk, column: str, now: str, was: str) -> Iterator[Finding]:
    new, old = amount_of(now), amount_of(was)
    if new is None or old is None or new == old or old <= 0:
        return
    jumps = max(new / old, old / new) >= JUMP
    zh, en = ("，相差悬殊", ", which is very far") if jumps else ("", "")
    yield _finding(
        product,
        Severity.BLOCKS if jumps else Severity.WARNS,
        Words(
            f"“{quoted(product.title, 40)}”的{column}由 {was} 变为 {now}{zh}",
            f"{column} of “{quoted(product.title, 40)}” goes from {was} to {now}{en}",
        ),
        Words("检查小数点和币种", "Look at the decimal point and the currency")
        if jumps
        else Words("确认这是有意的调价", "See that it was meant"),
    )


def _finding(product: Chunk, severity: Severity, message: Words, fix: Words) -> Finding:
    return Finding(CHECK, severity, product.path, product.locator, message, fix)
