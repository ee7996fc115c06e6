"""Google Merchant feeds: XML (RSS or Atom), and the same fields as a table (csv, tsv, xlsx)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from app.errors import BadInput
from ingestion.converted import ConvertedDocument, ConvertedFile, Grid, Row, SkippedRow
from ingestion.converters import NotOurs
from ingestion.converters.structured import Item, product_grid
from ingestion.headers import normal
from ingestion.text import one_line

SUFFIXES = frozenset({".xml"})
MAX_ITEMS = 200_000
_KEYS = {
    "id": "sku",
    "itemgroupid": "handle",
    "title": "name",
    "description": "description",
    "brand": "brand",
    "price": "price",
    "saleprice": "sale_price",
    "salepriceeffectivedate": "sale_price_effective_date",
    "availability": "availability",
    "availabilitydate": "availability_date",
    "condition": "condition",
    "color": "color",
    "colour": "color",
    "size": "size",
    "material": "material",
    "pattern": "pattern",
    "gender": "gender",
    "agegroup": "age_group",
    "producttype": "category",
    "productweight": "weight",
    "productlength": "length",
    "productwidth": "width",
    "productheight": "height",
    "gtin": "gtin",
    "multipack": "multipack",
    "producthighlight": "highlights",
}
"""Google's field without case and underscores → ours. Links, pictures, ad and tax fields tell a shopper nothing."""
_FEED = frozenset({"id", "title", "link"})
_FEED_TOO = frozenset({"price", "availability", "imagelink", "gtin"})


def convert(path: Path) -> ConvertedFile:
    """The feed as one product table. Raises BadInput for other XML."""
    skipped: list[SkippedRow] = []
    title = path.stem
    items: list[Item] = []
    for number, element in enumerate(_elements(path), start=2):
        if number > MAX_ITEMS:
            raise BadInput(f"the feed has more than {MAX_ITEMS:,} products; split it")
        item = _item(number, element)
        if item.fields.get("name"):
            items.append(item)
        else:
            skipped.append(SkippedRow(number, "the product has no title"))
    if not items:
        raise NotOurs("no product was found: of XML, only Google Merchant feeds (RSS or Atom) are read")
    return ConvertedFile((ConvertedDocument(title, (product_grid(items),), tabular=True),), tuple(skipped))


def feed_grid(grid: Grid) -> Grid | None:
    """A table whose header is that of a feed, with columns a shopper understands; None for any other."""
    head = next((row for row in grid.rows if any(row.cells)), None)
    if head is None:
        return None
    names = [normal(cell.removeprefix("g:")) for cell in head.cells]
    if not set(names) >= _FEED or len(set(names) & _FEED_TOO) < 2:
        return None
    return product_grid([_of_row(row, names) for row in grid.rows if row.number > head.number], grid.name)


def _of_row(row: Row, names: Sequence[str]) -> Item:
    item = Item(row.number)
    for name, cell in zip(names, row.cells, strict=False):
        if name == "productdetail":
            for detail in cell.split(","):
                _, _, rest = detail.partition(":")
                label, _, value = rest.rpartition(":")
                item.extra[label.rpartition(":")[2]] = value
        elif cell and name in _KEYS:
            item.fields.setdefault(_KEYS[name], cell)
    return item


def _elements(path: Path) -> Iterator[Any]:
    """Each item or entry, freed after use: memory stays flat however long the feed is."""
    from lxml import etree  # noqa: PLC0415

    try:
        reading = etree.iterparse(
            str(path), events=("end",), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
        )
        for _, element in reading:
            if isinstance(element.tag, str) and _local(element.tag) in ("item", "entry"):
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        raise BadInput(f"the XML is damaged ({error.msg}); export it again") from None


def _item(number: int, element: Any) -> Item:
    item = Item(number)
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name = normal(_local(child.tag))
        if name == "productdetail":
            parts = {normal(_local(part.tag)): one_line(part.text or "") for part in child if isinstance(part.tag, str)}
            item.extra[parts.get("attributename", "")] = parts.get("attributevalue", "")
        elif name in _KEYS and (text := "".join(child.itertext()).strip()):
            key = _KEYS[name]
            if key == "highlights" and key in item.fields:
                item.fields[key] += f"\n{text}"
            else:
                item.fields.setdefault(key, text)
    return item


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
