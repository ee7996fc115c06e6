"""Shopify's product export, old and new header generation, as plain product rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingestion.converted import Row, SkippedRow
from ingestion.converters.html import html_to_text
from ingestion.headers import normal
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
        yield ShopifyRow(row.number, sku, handle, shared.get("Name", handle), {**shared, **chosen, **own})


def _attributes(names: Sequence[str], row: Row) -> Iterator[tuple[str, str]]:
    for name, cell in zip(names, row.cells, strict=False):
        value = html_to_text(cell)
        plain = normal(name)
        renamed = _RENAMED.get(plain)
        if not value or (renamed is None and _DROPPED.search(plain)):
            continue
        if renamed == SHIPPING_WEIGHT:
            if value.strip("0.") == "":
                continue
            value = f"{value.removesuffix('.0')} g"
        # A metafield's header ends with its technical name: "Fabric (product.metafields.custom.fabric)".
        yield renamed or re.sub(r"\s*\((?:product|variant)\.metafields\..*\)$", "", name), value


def _options(cells: dict[str, str], names: dict[str, str]) -> Iterator[tuple[str, str]]:
    for number in ("1", "2", "3"):
        value = cells.get(f"option{number}value", "")
        name = names.get(f"option{number}name", "")
        if value and value != "Default Title":
            yield (name if name and name != "Title" else f"Option {number}"), value
