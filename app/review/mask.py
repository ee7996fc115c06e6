"""Takes personal data out of what people wrote, before it may become knowledge: a placeholder stands in its place.

Rules, no model: numbers by their shape and check digits, names and addresses by the words around them. What the shop
itself says in public (its hotline, its product numbers) is not personal: whoever masks passes it in as `known`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from app.chat.language import language_of
from app.review.masked_names import names_in

LABELS = {
    "name": ("姓名", "name"),
    "phone": ("电话", "phone"),
    "email": ("邮箱", "email"),
    "address": ("地址", "address"),
    "order": ("单号", "order number"),
    "id": ("证件号", "id"),
    "card": ("卡号", "card number"),
    "account": ("账号", "account"),
    "plate": ("车牌", "number plate"),
    "network": ("网络地址", "network address"),
}
PLACEHOLDER = re.compile("|".join(re.escape(f"[{label}]") for pair in LABELS.values() for label in pair))
_PLACES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_STREET = (
    r"street|st|road|rd|avenue|ave|lane|ln|drive|dr|way|close|court|ct|place|pl|square|sq|terrace|gardens|boulevard|"
    r"blvd|crescent|row|mews|parade|highway|hwy|turnpike|greens|rue|via|calle|\w*stra(?:ss|ß)e|\w*straat|\w*gatan"
)
_WORD = r"[\w'’.-]+"


@dataclass(frozen=True, slots=True)
class Found:
    """Something personal: where it stands in the text, and its kind (a key of LABELS)."""

    start: int
    end: int
    kind: str


def _of(kind: str, pattern: str, flags: int = re.IGNORECASE) -> tuple[str, re.Pattern[str]]:
    return kind, re.compile(pattern, flags)


_SHAPES = (
    _of("email", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    _of("network", r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])"),
    _of("id", r"(?<!\d)[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\d{3}[\dx](?!\d)"),
    _of("id", r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"),
    _of("card", r"(?<![a-z0-9])[a-z]{2}\d{2}(?:\s?[a-z0-9]{4}){3,7}(?:\s?[a-z0-9]{1,3})?(?![a-z0-9])"),
    _of("phone", r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?!\d)"),
    _of("phone", r"(?<!\d)0\d{2,3}[- ]?\d{7,8}(?:[-转]\d{1,5})?(?!\d)"),
    _of("phone", r"(?<![\d/-])(?:\+44\s?\(?0?\)?|0)\d{3,4}[ -]?\d{3}[ -]?\d{3,4}(?![\d/-])"),
    _of("phone", r"(?<![\d/-])(?:\+?1[ .-])?\(?[2-9]\d\d\)?[ .-]\d{3}[ .-]\d{4}(?![\d/-])"),
    _of("phone", r"(?<![\d/-])(?:\+\d{1,3}[ .-]?)?\(?\d{2,5}\)?(?:[ .-]\d{2,5}){2,4}(?![\d/-])"),
    _of("plate", rf"[{_PLACES}][A-Z][·•\s]?[A-Z0-9]{{5,6}}(?![A-Z0-9])", 0),
    _of("address", r"(?<![A-Za-z0-9])[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}(?![A-Za-z0-9])", 0),
)
"""What is personal by its shape alone."""
_TOLD = (
    _of("card", r"(?:card|卡号|银行卡|账号|账户|尾号)[^\d\n]{0,14}(\d(?:[ -]?\d){11,18})(?!\d)"),
    _of(
        "phone",
        r"(?:phone|mobile|call me on|call|tel|text me on|电话|手机|联系方式|号码)[^\d\n]{0,12}"
        r"(\+?\d(?:[ .-]?\d){6,13})",
    ),
    _of("phone", r"(?:尾号|后四位|last (?:four|4)(?: digits)?)[^\d\n]{0,8}(\d{4})(?!\d)"),
    _of("phone", r"(?<!\d)(\d{4})(?=\s?(?:结尾|是我的?(?:电话|手机)|are the last))"),
    _of(
        "order",
        r"(?:订单号?|单号|运单|快递单?|order(?: number| no\.?)?|tracking(?: number| no\.?)?|parcel)[^A-Za-z0-9\n]{0,4}"
        r"(?:is |was |号|number |no\.? )?[^A-Za-z0-9\n]{0,3}"
        r"((?=[A-Za-z_-]*\d)[A-Za-z]{0,4}[-_]?\d[\dA-Za-z-]{4,24})",
    ),
    _of(
        "account",
        r"(?:微信|wechat|v信|vx|wx|qq|支付宝|alipay|旺旺)号?\s?(?:id)?[是为:：\s]{0,3}([A-Za-z0-9][\w@.-]{4,30})",
    ),
    _of(
        "id",
        r"(?:会员号|会员卡号|身份证号?|护照号?|passport(?: number| no\.?)?|membership (?:number|no\.?)|ssn|customer id)"
        r"[^A-Za-z0-9\n]{0,6}(?:is )?([A-Za-z]{0,3}\d[\dA-Za-z-]{4,20})",
    ),
    _of(
        "address",
        r"(?:zip|zip code|postcode|post code|邮编)[^\dA-Za-z\n]{0,4}(?:code )?(?:is )?[^\dA-Za-z\n]{0,3}"
        r"(\d[\d -]{1,8}\d(?: [A-Z]{2})?)",
    ),
    _of(
        "address",
        r"(?:corner of|address(?:es)?(?: is| to)?:?|located at|meet me at|"
        r"(?:deliver|sen[dt]|ship|return|post)(?:ed)?(?: (?:it|them|this|that))? to|lives? at|arrived at)\s+"
        r"((?=[^\n]{0,60}\d)[^\n.?!]{6,90}(?:\n\s?,?\s?[A-Z0-9][^\n.?!]{2,40}){0,3})",
    ),
)
"""What the words before it make personal: group 1 is taken out."""
_ADDRESSES = (
    _of(
        "address",
        rf"(?<![\w-])\d{{1,5}}[a-z]?(?:\s\d{{1,5}})?,?\s+(?:{_WORD}\s+){{0,4}}?(?:{_STREET})\b"
        r"(?:,?\s+(?:apt|suite|unit|flat)\.?\s*\d+\w*)*",
    ),
    _of("address", r"\b(?:apt|suite|unit|flat|box|psc|room)\.?\s*#?\d+\w*"),
    _of("address", r"\b(?:dpo|apo|fpo)\s+a[aep]\s+\d{5}"),
    _of("address", r"(?<![A-Za-z])[A-Z]{2}\s\d{5}(?:-\d{4})?(?!\d)", 0),
    _of(
        "address",
        r"(?:[一-鿿]{2,7}(?:省|自治区))?(?:[一-鿿]{2,6}市)?(?:[一-鿿]{1,6}(?:区|县|市))?(?:[一-鿿]{1,7}(?:镇|乡|街道))?"
        r"[一-鿿]{1,10}?(?:路|街|大道|巷|弄|胡同|村|小区|花园|家园|公寓|新村|苑|大厦|广场|工业园|园区)[一-鿿]{0,4}?"
        r"[\dA-Za-z一二三四五六七八九十]{1,5}(?:号|弄|栋|幢|座|期|组)"
        r"(?:[一-鿿]{0,8}?[\dA-Za-z]{1,5}(?:号楼?|栋|幢|座|单元|室|楼|层|户))*(?:\d{3,4}(?!\d))?",
    ),
    _of("address", r"(?<![一-鿿\d])\d{1,4}(?:号楼|栋|幢|座)(?:[一二三四五六七八九\d]{1,2}单元)?\d{2,4}室?"),
)
_LEADS_IN = re.compile(
    r"^.*?(?:寄到|送到|发到|发往|寄往|送往|地址是|地址为|地址改成|改成|改为|改到|住在?|家在|换成|地址|我在|寄回|寄给|到|在|是)[:：]?"
)
_LONG_NUMBER = re.compile(r"(?<![\w.,-])(?=[A-Za-z]{0,4}-?\d)[A-Za-z]{0,4}[-_]?\d{3,}[\dA-Za-z]*(?:-\d+)*(?![\w-])")
_OF_GOODS = re.compile(r"(?:商品编号|货号|款号|型号|sku|item|model|产品编号)[^A-Za-z0-9]{0,4}$", re.IGNORECASE)
_DATE = re.compile(r"(?:19|20)\d\d[-./]?\d{1,2}[-./]?\d{1,2}(?:[ T]\d{1,2}:\d\d(?::\d\d)?)?|\d{1,2}:\d\d(?::\d\d)?")
_ORDER_DIGITS = 8


class Masker:
    """Masks texts. `known` says of a value whether the shop itself makes it public: that stays."""

    def __init__(self, known: Callable[[str], bool] = lambda _value: False) -> None:
        self._known = known

    def find(self, text: str) -> list[Found]:
        """What is personal, in order, without overlaps. The widest finding of a place wins."""
        dates = [match.span() for match in _DATE.finditer(text)]
        wanted = [
            found
            for found in self._candidates(text)
            if not self._known(text[found.start : found.end])
            and not (found.kind in ("phone", "order") and any(a <= found.start and found.end <= b for a, b in dates))
        ]
        chosen: list[Found] = []
        for found in sorted(wanted, key=lambda f: (f.start - f.end, f.start)):
            if all(found.end <= other.start or found.start >= other.end for other in chosen):
                chosen.append(found)
        return sorted(chosen, key=lambda f: f.start)

    def mask(self, text: str, language: str = "") -> str:
        """The text with a placeholder for each of them."""
        english = (language or language_of(text, "zh"))[:2] != "zh"
        pieces, last = [], 0
        for found in self.find(text):
            pieces += [text[last : found.start], f"[{LABELS[found.kind][english]}]"]
            last = found.end
        return "".join([*pieces, text[last:]])

    def holds(self, text: str) -> bool:
        """Whether anything personal stands in it."""
        return bool(self.find(text))

    def _candidates(self, text: str) -> Iterator[Found]:
        for kind, pattern in _SHAPES:
            for match in pattern.finditer(text):
                if kind != "phone" or sum(c.isdigit() for c in match[0]) >= 7:
                    yield Found(*match.span(), kind)
        for kind, pattern in _TOLD:
            yield from (Found(*match.span(1), kind) for match in pattern.finditer(text))
        for _, pattern in _ADDRESSES:
            for match in pattern.finditer(text):
                lead = _LEADS_IN.match(match[0])
                start = match.start() + (lead.end() if lead and lead.end() < len(match[0]) - 3 else 0)
                yield Found(start, match.end(), "address")
        yield from _numbers(text)
        yield from (Found(start, end, "name") for start, end in names_in(text, self._known))


def _numbers(text: str) -> Iterator[Found]:
    """Long numbers nobody has explained: cards by their check digit, else orders and parcels; not those of goods."""
    for match in _LONG_NUMBER.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if len(digits) < _ORDER_DIGITS or _OF_GOODS.search(text[: match.start()]):
            continue
        is_card = match[0].isdigit() and 12 < len(digits) < 20 and _checks_out(digits)
        yield Found(*match.span(), "card" if is_card else "order")
    for match in re.finditer(r"(?<!\d)\d{4}(?: \d{4}){2,3}(?: \d{1,3})?(?!\d)", text):
        yield Found(*match.span(), "card")


def _checks_out(digits: str) -> bool:
    """Luhn: what card numbers have and order numbers have by chance only."""
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + at % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def values_in(masker: Masker, texts: Iterable[str]) -> set[str]:
    """The personal values themselves, for whoever has to tell those of many people from those of one."""
    return {text[found.start : found.end] for text in texts for found in masker.find(text)}
