"""Numbers with their units, as shoppers say them and as tables hold them, in one unit a dimension. Pure.

"一米零八", "1.08m" and "108 cm" are 1080 mm; "三升半" is 3500 ml; `5'6"` is a length. For comparing values and for
telling which column holds the kind of number that a question asks for. The values themselves are said as they stand.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_UNITS: dict[str, tuple[tuple[float, str], ...]] = {
    "mass": (
        (1, "g 克 gram grams gr"),
        (0.001, "mg 毫克"),
        (1000, "kg kgs kilo kilos kilogram kilograms 公斤 千克"),
        (500, "斤"),
        (453.592, "lb lbs 磅"),
        (28.3495, "oz ounce ounces 盎司"),
    ),
    "length": (
        (1, "mm 毫米 millimetres millimeters"),
        (10, "cm 厘米 公分 centimetres centimeters"),
        (1000, "m 米 metre metres meter meters"),
        (25.4, "in inch inches 英寸 寸"),
        (304.8, "ft foot feet 英尺"),
        (1_000_000, "km 公里 千米"),
    ),
    "volume": (
        (1, "ml 毫升"),
        (10, "cl"),
        (1000, "l 升 litre litres liter liters ltr"),
    ),
    "time": (
        (1 / 60, "秒 秒钟 s sec secs second seconds"),
        (1, "分钟 min mins minute minutes"),
        (60, "小时 个小时 钟头 个钟头 个钟 h hr hrs hour hours"),
        (1440, "天 day days"),
        (10080, "周 星期 个星期 week weeks"),
        (43200, "个月 month months"),
        (525600, "年 year years yr yrs"),
    ),
    "power": ((1, "w 瓦 watt watts"), (1000, "kw 千瓦")),
    "energy": ((1, "wh 瓦时 watt-hour watt-hours"), (1000, "kwh 度电")),
    "charge": ((1, "mah 毫安时 毫安"),),
    "voltage": ((1, "v 伏 volt volts"),),
    "temperature": ((1, "℃ °c 摄氏度 度 ° c degree degrees"),),
    "sound": ((1, "db 分贝 decibel decibels"),),
    "light": ((1, "lumen lumens lm 流明"),),
    "percent": ((1, "% percent"), (10, "成")),
    "energy_food": ((1, "kcal cal cals calorie calories 大卡 千卡 卡路里"),),
    "pixels": ((1, "像素"),),
    "memory": ((1, "gb"), (1024, "tb")),
    "momme": ((1, "姆米"),),
    "age": ((1, "岁"), (1, "周岁")),
    "money": (
        (1, "元 块 块钱 圆 ¥ ￥ £ $ € rmb cny usd gbp eur yuan dollar dollars buck bucks quid 刀"),
        (0.1, "毛 角"),
    ),
}
_BY_NAME: dict[str, tuple[str, float]] = {
    name: (dimension, factor) for dimension, rows in _UNITS.items() for factor, names in rows for name in names.split()
}
_LONGEST_FIRST = sorted(_BY_NAME, key=len, reverse=True)
_ANY_UNIT = "|".join(map(re.escape, _LONGEST_FIRST))
_CURRENCY = r"[¥￥£$€]"
_QUANTITY = re.compile(
    rf"(?P<currency>{_CURRENCY})?\s?(?<![a-z0-9.])(?P<low>-?(?<!\d-)\d+(?:\.\d+)?)"
    rf"(?:\s?(?:-|~|to|至|到)\s?{_CURRENCY}?(?P<high>\d+(?:\.\d+)?))?"
    rf"(?:\s?-?(?P<unit>{_ANY_UNIT})(?![a-z])|(?=(?:x[\d.]+)+\s?(?P<later>{_ANY_UNIT})(?![a-z]))|(?![a-wyz]|x(?!\d)))",
)
_FEET = re.compile(r"(\d)\s?(?:'|ft|foot|feet)\s?(\d{1,2})\s?(?:\"|''|in|inch(?:es)?)?(?![\d.])")
_HAN = "零〇一二两三四五六七八九十百千万"
_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_SCALES = {"十": 10, "百": 100, "千": 1000}
_HAN_METRES = re.compile(rf"([一二两\d])\s?米\s?([{_HAN}\d]{{1,3}})(?![\d{_HAN}.])")
_HAN_HALF = re.compile(rf"([{_HAN}\d]+)\s?(个)?(升|斤|公斤|米|小时|钟头|岁|年|个月|天)半")
_HALF = re.compile(r"(?<![一二三四五六七八九十])半(?=个?(?:升|斤|公斤|小时|钟头|米))")
_HAN_UNIT = re.compile(rf"(?<![第{_HAN}])([{_HAN}]{{1,8}})(?=\s?(?:{_ANY_UNIT}|码|支|片|乘|口人))")
_HAN_MORE = re.compile(rf"(?<=\d乘)([{_HAN}]{{1,8}})")
_ENGLISH = {"half": "0.5", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "eight": "8"} | {
    "ten": "10", "twelve": "12", "fifteen": "15", "twenty": "20"
}  # fmt: skip
_ENGLISH_NUMBER = re.compile(rf"\b({'|'.join(_ENGLISH)})[ -](?=(?:{_ANY_UNIT})\b)")
_KILO_ALONE = re.compile(r"(?<![\d.] )(?<![\d.])\b(?:a |one )?kilo\b")
_COUNTERS = "颗包片支粒张袋枚只层格档泡种个人"
_ASKED_COUNT = re.compile(rf"(?:(?:几|多少|好多)口?|\d口)([{_COUNTERS}])")
_HOW_LONG = re.compile(r"多久|多长时间|how long (?!is|are)|how (?:much )?time")
_HOW_WIDE = re.compile(r"多长(?!时)|多宽|多高|高度|宽度|长度|长宽|how (?:wide|tall|deep|thick)|in (?:mm|cm|inches)\b")
_COUNTED = re.compile(rf"\d\s?([{_COUNTERS}])")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_KILO = re.compile(r"(?<![a-z0-9.])(\d{1,3})k(?![a-z])")
_ASKED_ZH = re.compile(
    r"(?:几|多少|好多|几多|多大)个?(毫升|升|公斤|千克|斤|克|瓦时|瓦|毫安时?|小时|钟头?|分钟|天|年|厘米|公分|毫米|米|分贝|db|"
    r"流明|像素|姆米|岁|个?月|度|大卡|千卡|寸|成|w\b|wh\b)|(?<!\d)(瓦时|分贝|流明|姆米|毫安)"
)
_ASKED_EN = re.compile(
    r"(?<![\d.])(?<!\d )\b(watt[ -]?hours?|wh|hours?|hrs?|minutes|mins|days|weeks|months|years|litres?|liters?|ml|"
    r"grams|kilos|kg|pounds|lbs|ounces|watts?|wattage|lumens|decibels?|db|degrees|inches|centimetres|cm|feet|calories|cals|kcal|"
    r"percent|percentage|mah|dollars|bucks|quid)\b"
)
_SPOKEN = {"钟": "time", "月": "time", "个月": "time", "wattage": "power", "percentage": "percent", "度": "temperature"}


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount from `low` to `high` (the same where it is one number) in the base unit of its dimension.

    dimension  "" for a bare number
    unit       as it was written, and `number` the figures before it
    """

    dimension: str
    low: float
    high: float
    unit: str = ""
    number: str = ""
    factor: float = 1.0


def plain(text: str) -> str:
    """One written form: NFKC, lower case, numerals before a unit as digits, no thousands commas."""
    return _plain(text)


@lru_cache(maxsize=8192)
def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("”", '"').replace("″", '"')
    text = _THOUSANDS.sub("", text)
    text = _KILO.sub(lambda m: f"{m[1]}000", text)
    text = re.sub(r"[–—−‑]", "-", text)
    text = _KILO_ALONE.sub("1 kilo", text)
    text = _FEET.sub(lambda m: f"{int(m[1]) * 12 + int(m[2])} inches", text)
    text = _HAN_METRES.sub(_metres, text)
    text = _HAN_HALF.sub(lambda m: f"{_amount(m[1]) + 0.5:g}{m[2] or ''}{m[3]}", text)
    text = _HALF.sub("0.5", text)
    text = _HAN_UNIT.sub(lambda m: f"{_amount(m[1]):g}", text)
    text = _HAN_MORE.sub(lambda m: f"{_amount(m[1]):g}", text)
    text = re.sub(r"(?<=\d)\s?[×*乘]\s?(?=\d)", "x", text)
    return _ENGLISH_NUMBER.sub(lambda m: f"{_ENGLISH[m[1]]} ", text)


@lru_cache(maxsize=8192)
def quantities(text: str, header: str = "") -> tuple[Quantity, ...]:
    """Every number of the text with its unit; a number without one has the unit that the column's header names."""
    named = unit_of_header(header)
    found = []
    for match in _QUANTITY.finditer(_plain(text)):
        unit = match["currency"] or match["unit"] or match["later"] or ""
        dimension, factor = _BY_NAME.get(unit, named if not unit else ("", 1.0))
        low = float(match["low"])
        high = float(match["high"]) if match["high"] else low
        found.append(Quantity(dimension, low * factor, high * factor, unit, match["low"], factor))
    return tuple(found)


@lru_cache(maxsize=4096)
def unit_of_header(header: str) -> tuple[str, float]:
    """(dimension, factor) that a header such as "降噪深度(dB)" or "Price" gives its bare numbers; ("", 1) for none."""
    for part in re.findall(r"[（(\[]([^）)\]]*)[）)\]]", header):
        if found := _BY_NAME.get(part.strip().casefold()):
            return found
    if re.search(r"(?<!评)价(?!值|比)|^(variant )?price|price$|\bprice\b|\brrp\b", header, re.IGNORECASE):
        return "money", 1.0
    return ("percent", 1.0) if header.rstrip().endswith("%") else ("", 1.0)


@lru_cache(maxsize=4096)
def dimensions(value: str, header: str = "") -> frozenset[str]:
    """Kinds of number that a cell holds."""
    held = {q.dimension for q in quantities(value, header) if q.dimension}
    held |= {_counted(m[1]) for m in _COUNTED.finditer(value)}
    if re.search(r"[（(]\s*g\s*[/)）]|g/m|g/㎡", header, re.IGNORECASE):
        held.add("mass")
    return frozenset(held)


@lru_cache(maxsize=4096)
def asked_dimensions(text: str) -> tuple[str, ...]:
    """Kinds of number that a question asks for by their unit: "几瓦", "how many litres", "hrs?"."""
    bare = _plain(text)
    names = [m[1] or m[2] for m in _ASKED_ZH.finditer(bare)] + [m[1] for m in _ASKED_EN.finditer(bare)]
    counted = [_counted(m[1]) for m in _ASKED_COUNT.finditer(bare)]
    found = (_SPOKEN.get(n) or _dimension(n) for n in names)
    lasting = ["time"] if _HOW_LONG.search(bare) else []
    lasting += ["length"] if _HOW_WIDE.search(bare) else []
    return tuple(dict.fromkeys([*(d for d in found if d), *lasting, *counted]))


def _dimension(name: str) -> str:
    if re.fullmatch(r"watt[ -]?hours?", name):
        return "energy"
    return _BY_NAME.get(name, ("", 1.0))[0]


def _counted(character: str) -> str:
    """A kind of number of its own for things that are counted; a bag of tea is a brew."""
    return f"count of {'包' if character in '泡袋' else character}"


def _metres(match: re.Match[str]) -> str:
    """ "一米六五" and "一米零八" and "一米八": the figures after 米 are its decimals."""
    whole = match[1] if match[1].isdigit() else str(_DIGITS[match[1]])
    after = "".join(c if c.isdigit() else str(_DIGITS[c]) if c in _DIGITS else c for c in match[2])
    return f"{whole}.{after}m" if after.isdigit() else match.group()


def _amount(text: str) -> float:
    """The number that numerals state; "两万" is 20000, "三五" (said digit by digit) 35."""
    if text.isdigit():
        return float(text)
    if not any(c in _SCALES or c == "万" for c in text):
        return float("".join(str(_DIGITS.get(c, c)) for c in text))
    total = section = digit = 0
    for character in text:
        if character.isdigit():
            digit = digit * 10 + int(character)
        elif character in _DIGITS:
            digit = _DIGITS[character]
        elif character in _SCALES:
            section, digit = section + (digit or 1) * _SCALES[character], 0
        else:
            total, section, digit = (total + section + digit or 1) * 10_000, 0, 0
    return float(total + section + digit)
