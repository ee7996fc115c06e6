"""How a looked-up value is said: a price with its currency, a number with the unit its column names, no stock as such.

The value itself stays byte for byte; only what a reader needs beside it is added.
"""

from __future__ import annotations

import re

from app.chat.turn import Fact

_NUMBER = re.compile(r"^\d[\d,]*(?:\.\d+)?$")
_PRICE = re.compile(r"(?<!评)价(?!值|比)|^price|price$|\bprice\b|\bcost\b|\brrp\b", re.IGNORECASE)
_STOCK = re.compile(r"库存|现货|^stock|\bstock$|inventory|^qty", re.IGNORECASE)
_UNIT = re.compile(r"^(?P<name>.*?)\s*[（(]\s*(?P<unit>[A-Za-z%°℃/²³0-9·\u4e00-\u9fff]{1,12})\s*[）)]$")
_CURRENCY = re.compile(
    r"[（(]\s*(?:usd|gbp|eur|cny|rmb|hkd|jpy|aud|cad|[美欧港日]?元|英镑|港币|人民币|[£$€¥￥])\s*[）)]", re.IGNORECASE
)
"""A column that names its currency is in that one, whatever the shop's own is."""
_NO_UNIT = re.compile(r"^(?:约|大?约|左右|approx|about|total|max|min|avg|新|旧|new|old)$", re.IGNORECASE)
_SOLD_OUT = {"zh": "0（暂时无货）", "en": "0 (out of stock, sold out for now)"}


def said(fact: Fact, language: str, currency: str) -> tuple[str, str]:
    """(column, value) as they are said in that language; the value stands in it unchanged."""
    name, value = fact.name, fact.value
    if not _NUMBER.match(value):
        return name, value
    if _STOCK.search(name) and float(value.replace(",", "")) == 0:
        return name, _SOLD_OUT["zh" if language == "zh" else "en"]
    if _PRICE.search(name) and currency and not _CURRENCY.search(name):
        return name, f"{value}元" if currency == "¥" and language == "zh" else f"{currency}{value}"
    if (unit := _UNIT.match(name)) and not _NO_UNIT.match(unit["unit"]):
        return unit["name"], f"{value} {unit['unit']}" if unit["unit"].isascii() else f"{value}{unit['unit']}"
    return name, value
