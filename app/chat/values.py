"""The hard values in a text: numbers with their units, money, dates, times, identifiers, in one comparable form.

"7 天", "七天", "7 days" and "seven days" are one value; "7 元" is another. Both sides of a groundedness check,
what was written and what it rests on, go through `values`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

BARE = "number"
"""The dimension of a number that stands without a unit."""

_UNIT_NAMES = {
    "day": "天 日 day days",
    "workday": "个工作日 工作日 个工作天 工作天 business\x01days business\x01day working\x01days working\x01day",
    "hour": "个小时 小时 个钟头 钟头 h hr hrs hour hours",
    "minute": "分钟 min mins minute minutes",
    "second": "秒钟 秒 sec secs second seconds",
    "week": "个星期 星期 周 week weeks",
    "month": "个月 month months",
    "year": "周年 年 year years yr yrs",
    "cny": "块钱 元 块 圆 人民币 rmb cny yuan",
    "usd": "美元 美金 usd dollar dollars",
    "gbp": "英镑 gbp pound pounds quid",
    "eur": "欧元 eur euro euros",
    "percent": "% percent per\x01cent",
    "fold": "折",
    "points": "积分 分 point points pts",
    "cm": "厘米 公分 cm centimetre centimetres centimeter centimeters",
    "mm": "毫米 mm millimetre millimetres millimeter millimeters",
    "km": "公里 千米 km kilometre kilometres kilometer kilometers",
    "m": "米 m metre metres meter meters",
    "inch": "英寸 inch inches",
    "mile": "英里 mile miles",
    "kg": "公斤 千克 kg kgs kilo kilos kilogram kilograms",
    "jin": "斤",
    "g": "克 g gram grams",
    "mg": "毫克 mg",
    "lb": "磅 lb lbs",
    "oz": "盎司 oz ounce ounces",
    "ml": "毫升 ml millilitre millilitres milliliter milliliters",
    "l": "升 l litre litres liter liters",
    "degree": "摄氏度 度 ℃ °c ° degrees degree",
    "watt": "瓦 w watt watts",
    "volt": "伏 v volt volts",
    "mah": "mah 毫安时",
    "lumen": "流明 lumen lumens lm",
    "gsm": "gsm g/m2 g/m²",
    "kilowatt": "千瓦 kw",
    "hertz": "赫兹 hz",
    "times": "次 遍 回 time times",
    "age": "岁 周岁",
    "floor": "层",
    "multiple": "倍",
    "people": "人 位 people persons",
    "piece": "件 个 条 双 套 只 支 瓶 罐 盒 包 袋 张 款 片 颗 枚 台 本 把 piece pieces item items pair pairs pcs",
}
_UNIT_OF = {name.replace("\x01", " "): unit for unit, names in _UNIT_NAMES.items() for name in names.split(" ")}
_LONGEST_FIRST = sorted(_UNIT_OF, key=len, reverse=True)
_UNIT = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in _LONGEST_FIRST)
_UNIT_END = r"(?![a-z0-9])"
_CURRENCY = {"¥": "cny", "￥": "cny", "rmb": "cny", "cny": "cny", "£": "gbp", "gbp": "gbp", "$": "usd", "€": "eur"}
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"  # noqa: E501
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_HAN = "零〇一二两三四五六七八九十百千万"
_ENGLISH = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_TENS = {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_ENGLISH_NUMBER = {name: n for n, name in enumerate(_ENGLISH)} | _TENS
NUMBER_WORDS = frozenset(_ENGLISH_NUMBER)
_WORD_NUMBER = "|".join(sorted(_ENGLISH_NUMBER, key=len, reverse=True))
_WEEKDAYS = {day: n for n, day in enumerate(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], start=1)}
_HAN_WEEKDAYS = dict(zip("一二三四五六日天", (1, 2, 3, 4, 5, 6, 7, 7), strict=True))
_LOOSE_UNITS = frozenset({"piece", "people", BARE})

_HALF = r"上午|早上|凌晨|中午|下午|晚上|晚"
_PATTERN = re.compile(
    r"(?P<link>https?://[^\s，。；）)\]]+|www\.[^\s，。；）)\]]+|[\w.+-]+@[\w-]+\.[\w.-]*\w)"
    r"|(?P<phone>(?<![\d-])\d{3,5}-\d{3,4}-\d{3,4}(?!\d))"
    r"|(?P<iso>(?<!\d)(?P<iso_y>(?:19|20)\d\d)\s?[-/.年]\s?(?P<iso_m>\d{1,2})\s?[-/.月]\s?(?P<iso_d>\d{1,2})(?!\d)\s?[日号]?)"
    r"|(?P<md>(?<!\d)(?P<md_m>\d{1,2})月(?P<md_d>\d{1,2})[日号]?)"
    rf"|(?P<mdy>\b(?P<mdy_m>{_MONTH})\s?(?P<mdy_d>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s(?P<mdy_y>(?:19|20)\d\d)(?!\d))?)"
    rf"|(?P<dmy>\b(?P<dmy_d>\d{{1,2}})(?:st|nd|rd|th)?(?:\sof)?\s(?P<dmy_m>{_MONTH})(?:,?\s(?P<dmy_y>(?:19|20)\d\d)(?!\d))?)"
    r"|(?P<year>(?<![\d.])(?:19|20)\d\d年)"
    r"|(?P<month>(?<!\d)\d{1,2}月份?(?!\d))"
    rf"|(?P<clock>(?P<clock_half>{_HALF})?\s?(?<![\d:])(?P<clock_h>\d{{1,2}}):(?P<clock_m>[0-5]\d)(?!\d)"
    r"\s?(?P<clock_ap>[ap]\.?m\b\.?)?)"
    rf"|(?P<hour>(?P<hour_half>{_HALF})?\s?(?<![\d.])(?P<hour_h>\d{{1,2}})\s?(?:点整?|时(?!间))(?!\d))"
    r"|(?P<ampm>(?<![\d.:])(?P<ampm_h>\d{1,2})\s?(?P<ampm_ap>[ap]\.?m\b\.?))"
    r"|(?P<hanweek>(?:周|星期|礼拜)(?P<hanweek_d>[一二三四五六日天])(?!年))"
    r"|(?P<weekday>\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)s?\b)"
    rf"|(?P<quantity>(?P<currency>[¥￥£$€]|\b(?:rmb|cny|gbp)\s?)?(?<![a-z0-9.])(?<![a-z]-)"
    rf"(?P<low>{_NUMBER})(?:\s?(?P<low_unit>{_UNIT}){_UNIT_END})?"
    rf"(?:\s?(?:-|–|—|~|～|至|到|\bto\b)\s?(?P<high_currency>[¥￥£$€])?(?P<high>{_NUMBER}))?(?P<wan>万)?"
    rf"(?:\s?-?(?P<unit>{_UNIT}){_UNIT_END})?(?![a-z0-9]*[a-z]))"
    rf"|(?P<per>(?:/|\bper\s)\s?(?P<per_unit>{_UNIT}){_UNIT_END})"
    r"|(?P<code>(?<![a-z0-9])(?=[a-z0-9._/-]*\d)(?=[a-z0-9._/-]*[a-z])[a-z0-9]+(?:[-_./][a-z0-9]+)*)"
    rf"|(?P<word>\b(?P<word_n>{_WORD_NUMBER})(?:-(?P<word_2>one|two|three|four|five|six|seven|eight|nine))?\b"
    rf"(?:[\s-](?P<word_unit>{_UNIT}){_UNIT_END})?)",
    re.IGNORECASE,
)
_PER_CENT = re.compile(r"\bper ?cent\b")
_WORDS_BEFORE_UNIT = re.compile(
    rf"\b(?P<n>{_WORD_NUMBER})(?:-(?P<more>one|two|three|four|five|six|seven|eight|nine))?(?=[\s-](?P<unit>{_UNIT}){_UNIT_END})"
)
_HAN_NUMBER = re.compile(rf"(?<![第{_HAN}])(?P<n>[{_HAN}]{{1,9}})(?P<unit>{_UNIT})")
_HAN_SHARE = re.compile(rf"百分之(?P<n>[{_HAN}]+|\d+(?:\.\d+)?)")
_HAN_FOLD = re.compile(r"(?<![\d.])(\d)(\d)折")
_HAN_TWO_FOLD = re.compile(r"([一二三四五六七八九])([一二三四五六七八九])折")


@dataclass(frozen=True, slots=True)
class Value:
    """One mention. `unit` is a dimension ("day", "cny", "date", "code"); `amount` its canonical text.

    start, end   where it stands in `canonical(text)`
    """

    unit: str
    amount: str
    start: int = 0
    end: int = 0

    @property
    def is_loose(self) -> bool:
        """Whether the unit says little: a bare number, or "3 件" which English calls "3 shirts"."""
        return self.unit in _LOOSE_UNITS

    def same(self, other: Value) -> bool:
        """Whether both state the same value. A date may lack its year; so do loose units."""
        if self.unit == other.unit == "date":
            return self.amount[-5:] == other.amount[-5:] and (
                self.amount == other.amount or "????" in (self.amount[:4], other.amount[:4])
            )
        if self.amount != other.amount:
            return False
        return self.unit == other.unit or (self.is_loose and other.is_loose)


def canonical(text: str) -> str:
    """NFKC, one case, numerals in words before a unit as digits: the form that values are found in."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    text = _HAN_SHARE.sub(lambda m: f"{_han_amount(m['n'])}%", text)
    text = _HAN_TWO_FOLD.sub(lambda m: f"{_han_amount(m[1])}.{_han_amount(m[2])}折", text)
    text = _HAN_FOLD.sub(r"\1.\2折", text)
    text = _PER_CENT.sub("%", _WORDS_BEFORE_UNIT.sub(_word_quantity, text))
    return _HAN_NUMBER.sub(_han_quantity, text)


def values(text: str, *, already_canonical: bool = False) -> list[Value]:
    """Every hard value of a text, in order. A range gives both its ends, each with the unit."""
    found: list[Value] = []
    for match in _PATTERN.finditer(text if already_canonical else canonical(text)):
        pairs = _READERS[str(match.lastgroup)](match)
        found.extend(Value(unit, amount, match.start(), match.end()) for unit, amount in pairs)
    return found


def _link(match: re.Match[str]) -> list[tuple[str, str]]:
    return [("link", match.group().rstrip("./"))]


def _phone(match: re.Match[str]) -> list[tuple[str, str]]:
    return [("code", match.group().replace("-", ""))]


def _date(match: re.Match[str]) -> list[tuple[str, str]]:
    kind = str(match.lastgroup)
    named = match.groupdict()
    month = named[f"{kind}_m"]
    number = int(month) if month.isdigit() else _MONTHS.index(month[:3]) + 1
    return [("date", f"{named.get(f'{kind}_y') or '????'}-{number:02}-{int(named[f'{kind}_d']):02}")]


def _year(match: re.Match[str]) -> list[tuple[str, str]]:
    return [("year of", match.group()[:4])]


def _month(match: re.Match[str]) -> list[tuple[str, str]]:
    return [("month of", str(int(re.sub(r"\D", "", match.group()))))]


def _clock(match: re.Match[str]) -> list[tuple[str, str]]:
    kind, named = str(match.lastgroup), match.groupdict()
    hour, minute = int(named[f"{kind}_h"]), int(named.get(f"{kind}_m") or 0)
    half = (named.get(f"{kind}_ap") or named.get(f"{kind}_half") or "").replace(".", "")
    if half in ("pm", "下午", "晚上", "晚") and hour < 12:
        hour += 12
    elif half == "am" and hour == 12:
        hour = 0
    return [("clock", f"{hour:02}:{minute:02}")]


def _weekday(match: re.Match[str]) -> list[tuple[str, str]]:
    if match["hanweek_d"]:
        return [("weekday", str(_HAN_WEEKDAYS[match["hanweek_d"]]))]
    return [("weekday", str(_WEEKDAYS[match.group()[:3]]))]


def _quantity(match: re.Match[str]) -> list[tuple[str, str]]:
    currency = _CURRENCY.get((match["currency"] or "").strip())
    last = _CURRENCY.get(match["high_currency"] or "") or currency or _unit(match["unit"] or match["low_unit"])
    first = currency or _unit(match["low_unit"] or match["unit"])
    if match["high"] is None:
        return [(first if match["low_unit"] else last, _times_wan(match["low"], match["wan"]))]
    return [(first, _times_wan(match["low"], match["wan"])), (last, _times_wan(match["high"], match["wan"]))]


def _code(match: re.Match[str]) -> list[tuple[str, str]]:
    return [("code", match.group())]


def _per(match: re.Match[str]) -> list[tuple[str, str]]:
    return [("per", _unit(match["per_unit"]))]


def _word(match: re.Match[str]) -> list[tuple[str, str]]:
    number = _ENGLISH_NUMBER[match["word_n"]] + _ENGLISH_NUMBER.get(match["word_2"] or "", 0)
    unit = _unit(match["word_unit"])
    if number == 1 and unit in _LOOSE_UNITS:  # "one of our colleagues", "this one": no count
        return []
    return [(unit, str(number))]


_READERS: dict[str, Callable[[re.Match[str]], list[tuple[str, str]]]] = {
    **{"link": _link, "phone": _phone, "year": _year, "month": _month, "quantity": _quantity, "code": _code},
    **dict.fromkeys(("iso", "md", "mdy", "dmy"), _date),
    **dict.fromkeys(("clock", "hour", "ampm"), _clock),
    **dict.fromkeys(("hanweek", "weekday"), _weekday),
    **{"per": _per, "word": _word},
}


def _unit(name: str | None) -> str:
    return _UNIT_OF.get(re.sub(r"\s+", " ", name.strip()), BARE) if name else BARE


def _times_wan(number: str, wan: str | None) -> str:
    amount = Decimal(number.replace(",", "")) * (10_000 if wan else 1)
    text = format(amount.normalize(), "f")
    return text if text != "-0" else "0"


def _word_quantity(match: re.Match[str]) -> str:
    """ "seven days" → "7 days"; "one item" stays, as in `_word`."""
    number = _ENGLISH_NUMBER[match["n"]] + _ENGLISH_NUMBER.get(match["more"] or "", 0)
    return match.group() if number == 1 and _unit(match["unit"]) in _LOOSE_UNITS else str(number)


def _han_quantity(match: re.Match[str]) -> str:
    """ "十五天" → "15天"; "一个", "一件" stay: there 一 is an article more than a number."""
    amount = _han_amount(match["n"])
    if amount is None or (match["n"] == "一" and _UNIT_OF[match["unit"]] in (*_LOOSE_UNITS, "points")):
        return match.group()
    return f"{amount}{match['unit']}"


def _han_amount(text: str) -> int | None:
    """The number that Chinese numerals state, or None for "千万", "百" and other words that are no number."""
    if text.isdigit() or "." in text:
        return int(Decimal(text))
    digits = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
    scales = {"十": 10, "百": 100, "千": 1000}
    total = section = digit = 0
    for character in text:
        if character in digits:
            digit = digits[character]
        elif character in scales:
            if digit == 0 and character != "十":
                return None
            section, digit = section + (digit or 1) * scales[character], 0
        else:
            total, section, digit = (total + section + digit) * 10_000, 0, 0
    return (total + section + digit) or None
