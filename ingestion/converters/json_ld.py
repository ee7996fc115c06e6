"""schema.org data that a page carries for search engines: questions and answers, and products."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ingestion.converted import Block, ConvertedDocument, Grid, Heading
from ingestion.converters.html import html_to_text
from ingestion.converters.structured import Item, faq_grid, product_grid, value_of
from ingestion.text import one_line

MAX_NODES = 20_000
QUESTIONS = "questions"
_FIELDS = {
    "name": "name",
    "description": "description",
    "color": "color",
    "size": "size",
    "material": "material",
    "pattern": "pattern",
    "category": "category",
    "weight": "weight",
    "width": "width",
    "height": "height",
    "depth": "length",
}


def documents_of(texts: Sequence[str], title: str) -> list[ConvertedDocument]:
    """What the `application/ld+json` scripts of a page say of questions and products; the rest is no knowledge."""
    pairs: list[tuple[str, str]] = []
    items: list[Item] = []
    for node in _nodes(texts):
        kinds = _kinds(node)
        if kinds & {"FAQPage", "QAPage"}:
            pairs.extend(_pairs(node))
        elif "ProductGroup" in kinds:
            items.extend(_variants(node, len(items)))
        elif "Product" in kinds:
            items.append(_item(node, len(items) + 2))
    pairs = list(dict.fromkeys(pairs))
    documents = []
    if pairs:
        documents.append(ConvertedDocument(title, (faq_grid(pairs),), tabular=True, record_id=QUESTIONS))
    if items := _distinct(items):
        documents.append(ConvertedDocument(title, (product_grid(items),), tabular=True, record_id="products"))
    return documents


def without_questions(blocks: Sequence[Block], documents: Sequence[ConvertedDocument]) -> list[Block]:
    """The page's text without the sections that show the same questions: told once, they are found once."""
    asked = {
        _plain(row.cells[0])
        for document in documents
        for grid in document.blocks
        if isinstance(grid, Grid) and document.record_id == QUESTIONS
        for row in grid.rows[1:]
    }
    kept: list[Block] = []
    inside = 0
    for block in blocks:
        if isinstance(block, Heading):
            if inside and block.level <= inside:
                inside = 0
            if not inside and _plain(block.text) in asked:
                inside = block.level
        if not inside:
            kept.append(block)
    return kept


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def _nodes(texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Every object in every script, outermost first. What is no JSON is passed over: pages are often careless."""
    waiting: list[Any] = []
    for text in texts:
        try:
            waiting.append(json.loads(text.strip().removeprefix("<!--").removesuffix("-->")))
        except (ValueError, RecursionError):
            continue
    seen = 0
    while waiting and seen < MAX_NODES:
        node = waiting.pop(0)
        seen += 1
        if isinstance(node, list):
            waiting[:0] = node
        elif isinstance(node, dict):
            yield node
            if not _kinds(node) & {"FAQPage", "QAPage", "Product", "ProductGroup"}:
                waiting.extend(value for value in node.values() if isinstance(value, dict | list))


def _kinds(node: dict[str, Any]) -> set[str]:
    return {str(kind).rpartition("/")[2] for kind in _listed(node.get("@type"))}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _pairs(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for question in _listed(node.get("mainEntity")):
        if not isinstance(question, dict):
            continue
        asked = one_line(html_to_text(value_of(question, "name", "text")))
        answers = _listed(question.get("acceptedAnswer")) or _listed(question.get("suggestedAnswer"))[:1]
        answer = next((html_to_text(value_of(a, "text")) for a in answers if isinstance(a, dict)), "")
        if asked and answer:
            yield asked, answer


def _variants(group: dict[str, Any], count: int) -> Iterator[Item]:
    shared = _item(group, 0)
    shared.fields.pop("sku", None)
    handle = value_of(group, "productGroupID", "name")
    for number, variant in enumerate(_listed(group.get("hasVariant")), start=count + 2):
        if isinstance(variant, dict):
            own = _item(variant, number)
            yield Item(number, {**shared.fields, **own.fields, "handle": handle}, {**shared.extra, **own.extra})


def _item(node: dict[str, Any], row: int) -> Item:
    item = Item(row)
    item.fields["sku"] = value_of(node, "sku", "productID", "mpn")
    for name, key in _FIELDS.items():
        item.fields[key] = _text(node.get(name))
    item.fields["brand"] = _text(node.get("brand"))
    item.fields["gtin"] = value_of(node, "gtin", "gtin13", "gtin14", "gtin12", "gtin8")
    item.fields["condition"] = value_of(node, "itemCondition").rpartition("/")[2]
    _add_offer(item, node.get("offers"))
    for extra in _listed(node.get("additionalProperty")):
        if isinstance(extra, dict):
            item.extra[value_of(extra, "name")] = _text(extra)
    item.fields = {key: value for key, value in item.fields.items() if value}
    return item


def _add_offer(item: Item, offers: Any) -> None:
    offer = next((o for o in _listed(offers) if isinstance(o, dict)), {})
    if "AggregateOffer" in _kinds(offer):
        low, high = value_of(offer, "lowPrice"), value_of(offer, "highPrice")
        price = low if low == high or not high else f"{low}-{high}"
    else:
        stated = next((s for s in _listed(offer.get("priceSpecification")) if isinstance(s, dict)), {})
        price = value_of(offer, "price") or value_of(stated, "price")
        offer = {**stated, **offer}
    currency = value_of(offer, "priceCurrency")
    item.fields["price"] = f"{price} {currency}".strip() if price else ""
    item.fields["availability"] = value_of(offer, "availability").rpartition("/")[2]
    item.fields["condition"] = item.fields.get("condition") or value_of(offer, "itemCondition").rpartition("/")[2]
    if not item.fields.get("sku"):
        item.fields["sku"] = value_of(offer, "sku")


def _text(value: Any) -> str:
    """A property as text: a name, a quantity with its unit, or several with a comma between."""
    if isinstance(value, list):
        return ", ".join(text for one in value if (text := _text(one)))
    if isinstance(value, dict):
        unit = value_of(value, "unitText", "unitCode")
        if amount := value_of(value, "value"):
            return f"{amount} {_UNITS.get(unit, unit)}".strip()
        return value_of(value, "name")
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


_UNITS = {"GRM": "g", "KGM": "kg", "CMT": "cm", "MMT": "mm", "MTR": "m", "INH": "in", "LBR": "lb", "ONZ": "oz"}
"""UN/CEFACT codes that schema.org uses, as people write them."""


def _distinct(items: Sequence[Item]) -> list[Item]:
    seen: set[str] = set()
    kept = []
    for item in items:
        key = item.fields.get("sku") or item.fields.get("name", "")
        if key and key not in seen:
            seen.add(key)
            kept.append(item)
    return kept
