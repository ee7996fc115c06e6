"""Products and questions that come as fields with fixed names, as the tables that the rest of ingestion knows.

A shopper sees a column's name in answers, so it is written in the language of the product itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ingestion.converted import Grid, Row
from ingestion.converters.html import html_to_text
from ingestion.text import clean, language_of, one_line

_LABELS: dict[str, tuple[str, str]] = {
    "sku": ("SKU", "SKU"),
    "handle": ("Handle", "Handle"),
    "name": ("名称", "Name"),
    "price": ("价格", "Price"),
    "sale_price": ("促销价", "Sale price"),
    "sale_price_effective_date": ("促销时间", "Sale price effective date"),
    "brand": ("品牌", "Brand"),
    "availability": ("库存状态", "Availability"),
    "availability_date": ("到货日期", "Available from"),
    "condition": ("新旧", "Condition"),
    "color": ("颜色", "Color"),
    "size": ("尺码", "Size"),
    "material": ("材质", "Material"),
    "pattern": ("图案", "Pattern"),
    "gender": ("适用性别", "Gender"),
    "age_group": ("适用年龄", "Age group"),
    "category": ("类目", "Category"),
    "weight": ("重量", "Weight"),
    "length": ("长度", "Length"),
    "width": ("宽度", "Width"),
    "height": ("高度", "Height"),
    "gtin": ("条码", "Barcode"),
    "multipack": ("件数", "Pieces in a pack"),
    "highlights": ("亮点", "Highlights"),
    "description": ("描述", "Description"),
}
_WORDS: dict[str, tuple[str, str]] = {
    "instock": ("有货", "In stock"),
    "outofstock": ("无货", "Out of stock"),
    "soldout": ("售罄", "Sold out"),
    "preorder": ("预售", "Preorder"),
    "presale": ("预售", "Preorder"),
    "backorder": ("缺货，可预订", "Backorder"),
    "limitedavailability": ("少量有货", "Limited availability"),
    "onlineonly": ("仅线上有售", "Online only"),
    "instoreonly": ("仅门店有售", "In store only"),
    "discontinued": ("已停产", "Discontinued"),
    "new": ("全新", "New"),
    "newcondition": ("全新", "New"),
    "used": ("二手", "Used"),
    "usedcondition": ("二手", "Used"),
    "refurbished": ("翻新", "Refurbished"),
    "refurbishedcondition": ("翻新", "Refurbished"),
    "male": ("男", "Male"),
    "female": ("女", "Female"),
    "unisex": ("男女通用", "Unisex"),
    "newborn": ("新生儿", "Newborn"),
    "infant": ("婴儿", "Infant"),
    "toddler": ("幼儿", "Toddler"),
    "kids": ("儿童", "Kids"),
    "adult": ("成人", "Adult"),
}
_WORDED = frozenset({"availability", "condition", "gender", "age_group"})
_PRICES = ("price", "sale_price")
_MONEY = re.compile(r"(?:([A-Z]{3})\s*)?(\d[\d,]*(?:\.\d+)?)(?:\s*([A-Z]{3}))?")


@dataclass(slots=True)
class Item:
    """One product. `fields` by the keys above, `extra` by names as the shop wrote them; `row` is its place, from 2."""

    row: int
    fields: dict[str, str] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)


def product_grid(items: Sequence[Item], name: str = "") -> Grid:
    """The products as a table that is recognised as one."""
    rows = [_labelled(item) for item in items]
    labels = list(dict.fromkeys(label for row in rows for label in row))
    order = {label: place for place, pair in enumerate(_LABELS.values()) for label in pair}
    labels.sort(key=lambda label: order.get(label.partition(" (")[0].partition("（")[0], len(order)))
    body = (Row(item.row, tuple(row.get(label, "") for label in labels)) for item, row in zip(items, rows, strict=True))
    return Grid((Row(1, tuple(labels)), *body), name)


def faq_grid(pairs: Sequence[tuple[str, str]]) -> Grid:
    """Questions and answers as a table that is recognised as one; the first pair is row 2."""
    chinese = language_of(" ".join(question for question, _ in pairs)) == "zh"
    head = ("问题", "答案") if chinese else ("Question", "Answer")
    return Grid((Row(1, head), *(Row(number, pair) for number, pair in enumerate(pairs, start=2))))


def _labelled(item: Item) -> dict[str, str]:
    said = f"{item.fields.get('name', '')} {item.fields.get('description', '')}"
    which = 0 if language_of(said) == "zh" else 1
    labelled: dict[str, str] = {}
    for key, raw in item.fields.items():
        value = html_to_text(raw) if key in ("description", "highlights") else one_line(raw)
        if not value or key not in _LABELS:
            continue
        label = _LABELS[key][which]
        if key in _WORDED:
            value = _WORDS.get(re.sub(r"[^a-z]", "", value.casefold()), (value, value))[which]
        elif key in _PRICES:
            label, value = _price(label, value, which)
        labelled[label] = value
    for name, value in item.extra.items():
        if clean(name) and clean(value):
            labelled.setdefault(one_line(name), html_to_text(value))
    return labelled


def _price(label: str, value: str, which: int) -> tuple[str, str]:
    """A price's column names the currency, so that it is never told in another one: (“Price (GBP)”, “12.50”)."""
    match = _MONEY.fullmatch(value)
    currency = (match[1] or match[3]) if match else ""
    if match is None or not currency:
        return label, value
    if which == 0 and currency in ("CNY", "RMB"):
        return f"{label}（元）", match[2]
    return f"{label} ({currency})", match[2]


def value_of(fields: Mapping[str, object], *names: str) -> str:
    """The first of these fields that holds text or a number."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
            return str(value)
    return ""
