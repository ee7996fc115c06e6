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


def yes_or_no(question: str, fact: Fact, language: str) -> str:
    """ "可以，" or "Yes. " before a value that is a plain yes or no, for a question that asks for one; else ""."""
    if not YES_NO_QUESTION.search(question) or _NEGATED.search(question):
        return ""
    if _YES.match(fact.value):
        positive = True
    elif _NO.match(fact.value):
        positive = False
    else:
        return ""
    if language != "zh":
        return "Yes. " if positive else "No. "
    verb = next((v for pattern, v in _VERBS if pattern.search(question)), "是的" if positive else "不是")
    return f"{verb if positive or verb == '不是' else _NOT[verb]}，"


def says_yes_or_no(value: str) -> bool:
    """Whether a cell says yes or no."""
    return bool(_YES.match(value) or _NO.match(value))


YES_NO_QUESTION = re.compile(
    r"吗|么|不[？?]?$|没[？?]?$|冇|能不能|可不可以|可以|支持|是不是|有没有|会不会|能|得不得|"
    r"^\W*(is|are|can|could|do|does|will|has|have|would)\b|"
    r"\b(can|could|will|does|do|is|are) (i|you|it|they|the|this|that|these|those|u)\b|\bok\b|\?$",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"不能|不可以|不支持|不是.{1,12}吗|isn.t|aren.t|can.t|doesn.t|don.t|not\b", re.IGNORECASE)
_YES = re.compile(r"^(?:是|有|可以?|支持|能|yes|true|y)(?![\w\u4e00-\u9fff])", re.IGNORECASE)
_NO = re.compile(r"^(?:否|无|不可以?|不支持|不能|没有|no|false|n)(?![\w\u4e00-\u9fff])", re.IGNORECASE)
_VERBS = (
    (re.compile(r"支持"), "支持"),
    (re.compile(r"有没有|带不带|带.{0,6}(吗|么|不)|有.{0,8}(吗|么|没)"), "有"),
    (re.compile(r"能|可以|得不得|可不可"), "可以"),
)
_NOT = {"支持": "不支持", "有": "没有", "可以": "不可以", "是的": "不是"}
