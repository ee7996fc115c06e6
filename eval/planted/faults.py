"""Errors as models make them, one planted in a sentence: a number, date, unit, negation, condition or entity.

Each function returns what the sentence says then, or "" where it has no such thing to get wrong.
"""

# ruff: noqa: E501 (word lists read better unbroken)
from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

Fault: TypeAlias = Callable[[str, str, "Names", random.Random], str]
Names: TypeAlias = Mapping[str, Sequence[str]]
"""A name → others of its class, one of which may be put in its place."""

_NUMBER = re.compile(r"(?<![\w.:,/-])(\d{1,6}(?:\.\d{1,2})?)(?![\d:]|\.\d|[年月日号/点折]|[-/]\d|(?:st|nd|rd|th)\b)")
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_EN_DATE = re.compile(rf"\b(\d{{1,2}}) ({'|'.join(_MONTHS)})\b")
_ZH_DATE = re.compile(r"(\d{1,2})月(\d{1,2})日")
_CLOCK = re.compile(r"(?<!\d)(\d{1,2}):(\d\d)(?!\d)")
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_UNITS = {
    "天": ("小时", "周", "个月"), "个工作日": ("天", "小时", "周"), "小时": ("天", "分钟"), "分钟": ("小时", "秒"),
    "个月": ("天", "周", "年"), "年": ("个月", "天"), "元": ("%", "美元"), "%": ("元",), "kg": ("g", "斤"), "cm": ("mm", "m"),
    "ml": ("L",), "g": ("kg",),
    "working days": ("days", "weeks", "hours"), "days": ("hours", "weeks", "working days", "months"),
    "hours": ("days", "minutes", "weeks"), "months": ("days", "weeks", "years"), "years": ("months", "weeks"),
    "weeks": ("days", "months"), "minutes": ("hours", "seconds"), "£": ("$", "€"), " %": (" pounds",), "km": ("miles",),
}  # fmt: skip
_UNIT_AFTER = re.compile(
    r"(?<=\d)( ?)(个工作日|个月|小时|分钟|天|年(?!\d)|元|%|kg|cm|ml|g(?![a-z])|working days|days|hours|months|years|"
    r"weeks|minutes|km)(?![a-z])"
)
_NEGATED = (
    ("不可以", "可以"), ("不支持", "支持"), ("不能", "能"), ("不参加", "参加"), ("不超过", "超过"), ("无法", "可以"), ("不需要", "需要"),
    ("不提供", "提供"), ("不打折", "打折"), ("不收", "收"), ("没有", "有"), ("不要", "要"), ("不发", "发"), ("不会", "会"),
    ("cannot", "can"), ("can't", "can"), ("is not", "is"), ("are not", "are"), ("do not", "do"), ("does not", "does"),
    ("must not", "may"), ("will not", "will"), ("never", "always"), ("No,", "Yes,"),
)  # fmt: skip
_AFFIRMED = (
    ("可以", "不可以"), ("支持", "不支持"), ("可享", "不可享"), ("能", "不能"), ("提供", "不提供"), ("参加", "不参加"), ("需要", "不需要"),
    (" can ", " cannot "), (" may ", " may not "), (" is ", " is not "), (" are ", " are not "), (" will ", " will not "),
    ("Yes,", "No,"), (" must ", " need not "), (" takes ", " does not take "), (" have ", " do not have "),
)  # fmt: skip
_TURNED = (
    ("之前", "之后"), ("以前", "以后"), ("以上", "以下"), ("以内", "以上"), ("最多", "最少"), ("最高", "最低"), ("至少", "最多"),
    ("由我们承担", "由买家承担"), ("由买家承担", "由我们承担"), ("买家", "商家"), ("我们出", "您出"), ("免费", "收费"), ("包邮", "不包邮"),
    ("不足", "超过"), ("不满", "满"),
    ("before", "after"), ("after", "before"), ("within", "after"), ("at least", "at most"), ("up to", "at least"),
    ("or more", "or less"), ("over", "under"), ("free", "charged"), ("we pay", "you pay"), ("you pay", "we pay"),
    ("until", "from"),
)  # fmt: skip
_CONDITION_ZH = re.compile(
    r"(?:如果|若|除非|只要)[^，；。]*，|，(?:须|必须|仅限|只限|限)[^，；。]*|除[^，；。]{1,12}外，?|(?:单笔)?实付满\d+元(?=[可包开送])|"
    r"(?:签收|付款|收到|收货|激活|开票)后\d+(?:天|个月|小时)内(?:，|、)?"
)
_CONDITION_EN = re.compile(
    r",? ?(?:\bif\b|\bunless\b|\bexcept\b|\bwhen\b|\bonly (?:if|when|for)\b|\bprovided\b|\bas long as\b)[^,.;:]*(?=[,.;:]|$)",
    re.IGNORECASE,
)


def number(text: str, source: str, names: Names, chance: random.Random) -> str:
    """Another number, half the time one that stands elsewhere in the same passage."""
    found = list(_NUMBER.finditer(text))
    if not found:
        return ""
    match = chance.choice(found)
    old = float(match[1])
    there = [n for n in _NUMBER.findall(source) if float(n) != old and n not in text]
    made = [old * 2, old + 1, old + 5, old * 10, max(1.0, old // 2) if old > 3 else old + 2]
    new = chance.choice(there) if there and chance.random() < 0.5 else _written(chance.choice(made), match[1])
    return "" if float(new) == old else text[: match.start()] + new + text[match.end() :]


def date(text: str, source: str, names: Names, chance: random.Random) -> str:
    """Another day, month, time of day or weekday."""
    changes: list[tuple[re.Match[str], str]] = []
    for match in _EN_DATE.finditer(text):
        other_month = chance.choice([m for m in _MONTHS if m != match[2]])
        changes.append((match, f"{_other(int(match[1]), 28, chance)} {match[2]}"))
        changes.append((match, f"{match[1]} {other_month}"))
    for match in _ZH_DATE.finditer(text):
        changes.append((match, f"{match[1]}月{_other(int(match[2]), 28, chance)}日"))
        changes.append((match, f"{_other(int(match[1]), 12, chance)}月{match[2]}日"))
    changes += [(m, f"{_other(int(m[1]), 22, chance)}:{m[2]}") for m in _CLOCK.finditer(text)]
    for match in re.finditer("|".join(_DAYS), text):
        changes.append((match, chance.choice([day for day in _DAYS if day not in text])))
    if not changes:
        return ""
    match, new = chance.choice(changes)
    return text[: match.start()] + new + text[match.end() :]


def unit(text: str, source: str, names: Names, chance: random.Random) -> str:
    """The same figure in another unit: hours for days, dollars for pounds."""
    found = [m for m in _UNIT_AFTER.finditer(text) if m[2] in _UNITS]
    pounds = list(re.finditer("£(?=\\d)", text))
    if not found and not pounds:
        return ""
    if pounds and (not found or chance.random() < 0.5):
        match = chance.choice(pounds)
        return text[: match.start()] + chance.choice(_UNITS["£"]) + text[match.end() :]
    match = chance.choice(found)
    return text[: match.start(2)] + chance.choice(_UNITS[match[2]]) + text[match.end() :]


def negation(text: str, source: str, names: Names, chance: random.Random) -> str:
    """Yes for no, or no for yes."""
    denied = [(old, new) for old, new in _NEGATED if old in text]
    said = [] if denied else [(old, new) for old, new in _AFFIRMED if _stands(old, text)]
    if not denied and not said:
        return ""
    old, new = chance.choice(denied[:2] or said[:2])
    return text.replace(old, new, 1)


def condition(text: str, source: str, names: Names, chance: random.Random) -> str:
    """A condition left out or turned round: before for after, at most for at least, who pays."""
    turned = [text.replace(old, new, 1) for old, new in _TURNED if _has_word(old, text) and not _has_word(new, text)]
    pattern = _CONDITION_ZH if re.search("[\u4e00-\u9fff]", text) else _CONDITION_EN
    left = [text[: m.start()] + text[m.end() :] for m in pattern.finditer(text) if len(text) - len(m.group()) >= 10]
    options = turned + [t.strip().lstrip(",，").strip() for t in left]
    return chance.choice(options) if options else ""


def entity(text: str, source: str, names: Names, chance: random.Random) -> str:
    """The name of another thing of its class: another product, region, membership level, service."""
    found = [name for name in names if _has_word(name, text)]
    found = [name for name in found if not any(name != other and name in other for other in found)]
    if not found:
        return ""
    name = chance.choice(found)
    others = [o for o in names[name] if o not in text and o not in source and name not in o and o not in name]
    return text.replace(name, chance.choice(others), 1) if others else ""


FAULTS: Mapping[str, Fault] = {
    "number": number,
    "date": date,
    "unit": unit,
    "negation": negation,
    "condition": condition,
    "entity": entity,
}


def _written(value: float, like: str) -> str:
    return f"{value:.2f}" if "." in like else f"{round(value)}"


def _other(value: int, most: int, chance: random.Random) -> int:
    return chance.choice([n for n in (value + 1, value + 2, value - 1, value - 3, value + 5) if 1 <= n <= most])


def _stands(words: str, text: str) -> bool:
    return words in text and not re.search(rf"(?:不|没|无|可){re.escape(words)}|{re.escape(words)}(?:not|n't)", text)


def _has_word(words: str, text: str) -> bool:
    if words.isascii():
        return bool(re.search(rf"(?<![\w]){re.escape(words)}(?![\w])", text))
    return words in text
