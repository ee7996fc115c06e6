"""Shopify's product export, old and new header generation, as plain product rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingestion.converted import Row, SkippedRow
from ingestion.converters.html import html_to_text
from ingestion.headers import Column, is_yes, meanings, normal
from ingestion.tables import Table

SHIPPING_WEIGHT = "Shipping weight"
_RENAMED = {
    "title": "Name",
    "bodyhtml": "Description",
    "body(html)": "Description",
    "description": "Description",
    "vendor": "Brand",
    "type": "Type",
    "producttype": "Type",
    "productcategory": "Category",
    "tags": "Tags",
    "variantprice": "Price",
    "price": "Price",
    "variantcompareatprice": "Compare-at price",
    "compareatprice": "Compare-at price",
    "variantinventoryqty": "Stock",
    "inventoryquantity": "Stock",
    "variantgrams": SHIPPING_WEIGHT,
    "weightvaluegrams": SHIPPING_WEIGHT,
    "weightvalue": SHIPPING_WEIGHT,
    "variantbarcode": "Barcode",
    "barcode": "Barcode",
}
_OF_PRODUCT = frozenset({"Name", "Description", "Brand", "Type", "Category", "Tags"})
_DROPPED = re.compile(
    r"seo|google|image|status|published|giftcard|taxable|chargetax|taxcode|requiresshipping|fulfillment|inventory(?!quantity)|"
    r"variantinventory(?!qty)|costperitem|weightunit|linkedto|continueselling|handle|variantsku|^sku$|price/international|"
    r"included|option\d|collection"
)
_OPTION = re.compile(r"option(\d)(name|value)")


@dataclass(frozen=True, slots=True)
class ShopifyRow:
    """One variant: its attributes under names a shopper understands."""

    row: int
    sku: str
    handle: str
    name: str
    attributes: dict[str, str]
    disabled: bool = False


def is_shopify(names: Sequence[str]) -> bool:
    """Whether a header row is that of Shopify's product export."""
    plain = {normal(name) for name in names}
    return (
        bool(plain & {"handle", "urlhandle"})
        and "title" in plain
        and bool(plain & {"variantsku", "option1value", "option1name"})
    )


def shopify_rows(table: Table, skipped: list[SkippedRow]) -> Iterator[ShopifyRow]:
    """The variants of an export. What stands only in a product's first row is carried down; image rows are left out."""
    plain = [normal(name) for name in table.header.names]
    disabling = [normal(name) for name in table.header.names if Column.DISABLED in meanings(name)]
    shared: dict[str, str] = {}
    options: dict[str, str] = {}
    handle = status = ""
    for row in table.rows:
        cells = dict(zip(plain, row.cells, strict=False))
        named = cells.get("handle") or cells.get("urlhandle") or handle
        if named != handle:
            handle, shared, options, status = named, {}, {}, ""
        status = cells.get("status") or status
        values = dict(_attributes(table.header.names, row))
        shared.update({name: value for name, value in values.items() if name in _OF_PRODUCT})
        options.update({k: v for k, v in cells.items() if (m := _OPTION.fullmatch(k)) and m[2] == "name" and v})
        chosen = dict(_options(cells, options))
        sku = cells.get("variantsku") or cells.get("sku") or ""
        if not sku and not chosen and "Price" not in values:
            continue
        if status.casefold() in ("draft", "archived"):
            skipped.append(
                SkippedRow(row.number, f"{sku or shared.get('Name', handle)} is {status.casefold()} in the shop")
            )
            continue
        own = {name: value for name, value in values.items() if name not in _OF_PRODUCT}
        disabled = any(is_yes(cells.get(name, "")) for name in disabling)
        yield ShopifyRow(row.number, sku, handle, shared.get("Name", handle), {**shared, **chosen, **own}, disabled)


def _attributes(names: Sequence[str], row: Row) -> Iterator[tuple[str, str]]:
    for name, cell in zip(names, row.cells, strict=False):
        value = html_to_text(cell)
        plain = normal(name)
        renamed = _RENAMED.get(plain)
        dropped = _DROPPED.search(plain) or Column.DISABLED in meanings(name)
        if not value or (renamed is None and dropped):
            continue
        if renamed == SHIPPING_WEIGHT:
            if value.strip("0.") == "":
                continue
            value = f"{value.removesuffix('.0')} g"
        yield renamed or _shown(name), value


def _shown(name: str) -> str:
    """A metafield's header ends with its technical name: "Fabric (product.metafields.custom.fabric)"."""
    return re.sub(r"\s*\((?:product|variant)\.metafields\..*\)$", "", name)


def _options(cells: dict[str, str], names: dict[str, str]) -> Iterator[tuple[str, str]]:
    for number in ("1", "2", "3"):
        value = cells.get(f"option{number}value", "")
        name = names.get(f"option{number}name", "")
        if value and value != "Default Title":
            yield (name if name and name != "Title" else f"Option {number}"), value


def labels_of(table: Table) -> list[str]:
    """The attributes that variants of an export may have, in the order they come in."""
    found = []
    for name in table.header.names:
        plain = normal(name)
        if plain in _RENAMED or not (_DROPPED.search(plain) or Column.DISABLED in meanings(name)):
            found.append(_RENAMED.get(plain) or _shown(name))
    options = dict.fromkeys(
        cell
        for row in table.rows
        for name, cell in zip(table.header.names, row.cells, strict=False)
        if cell and (match := _OPTION.fullmatch(normal(name))) and match[2] == "name" and cell != "Title"
    )
    own = [label for label in found if label not in _OF_PRODUCT]
    return list(dict.fromkeys([*(label for label in found if label in _OF_PRODUCT), *options, *own]))


def column_of(table: Table, row: Row, label: str) -> tuple[int, int | None]:
    """(row number, column) of the cell that a variant's attribute was read from; no column where there is none.

    What is told of a product once stands in its first row.
    """
    plain = [normal(name) for name in table.header.names]
    first = _first_row(table, plain, row)
    for index, name in enumerate(table.header.names):
        renamed = _RENAMED.get(plain[index])
        if renamed == label or (renamed is None and not _DROPPED.search(plain[index]) and _shown(name) == label):
            return (first.number if label in _OF_PRODUCT else row.number), index
    cells = dict(zip(plain, first.cells, strict=False))
    for number in ("1", "2", "3"):
        named = cells.get(f"option{number}name", "")
        if (named or f"Option {number}") == label and f"option{number}value" in plain:
            return row.number, plain.index(f"option{number}value")
    return row.number, None


def _first_row(table: Table, plain: Sequence[str], row: Row) -> Row:
    """The first row of the product that a row belongs to."""
    column = next((plain.index(name) for name in ("handle", "urlhandle") if name in plain), None)
    first = row
    handle = ""
    for other in table.rows:
        named = other.cells[column] if column is not None and column < len(other.cells) else ""
        if named and named != handle:
            handle, first = named, other
        if other.number == row.number:
            return first
    return row
