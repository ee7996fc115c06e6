"""What a shopper says of their own case: how much they spend, where they live, when something happened. Pure."""

# ruff: noqa: E501 (word lists read better unbroken)
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from app.chat.values import canonical, values

_MONEY = re.compile(
    r"(?P<sign>[¥￥£$€])\s?(?P<a>\d+(?:\.\d+)?)|(?<![\d.])(?P<b>\d+(?:\.\d+)?)\s?(?:元|块钱?|圆|rmb|yuan|pounds?|quid|gbp|英镑|镑)(?![a-z])",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"(?:order(?: of| is| comes to)?|basket(?: is| of| at)?|cart(?: of)?|spend(?:ing)?|spent|订单|下单|消费|买了?|凑到?|实付|总共|一共|单子)"
    r"\s?(?:了|是|共|about|around|of|is)?\s?(?P<n>\d+(?:\.\d+)?)(?![\d.]*\s?(?:天|日|号|月|件|个|盒|分|积分|days|items|points|kg|%|g\b|pcs|hours|小时|只|条|双|罐|包|:|点))",
    re.IGNORECASE,
)
_EACH = re.compile(
    r"(?P<n>[2-9]|[1-9]\d)\s?(?:件|个|盒|条|双|套|罐|包|瓶|x|items? at|of them at|pieces? at|at)\s?(?:单价|每件|每个|each|of)?\s?(?:[¥￥£$€])?\s?"
    r"(?P<each>\d+(?:\.\d+)?)\s?(?:元|块|each|一件|一个|一盒|的|pounds|quid)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    r"\d\s?(?:元|块)?\s?(?:到|至|~|-|–|\bto\b|\band\b)\s?[¥￥£$€]?\d+(?:\.\d+)?\s?(?:元|块|pounds?|quid)|[£$€]\d[\d.]* (?:to|and|-) [£$€]"
)
_DELIVERY = re.compile(
    r"运费|邮费|快递费|包邮|免邮|运送费|postage|delivery|shipping|p&p|carriage|ship\b", re.IGNORECASE
)
_HOW_MUCH = re.compile(
    r"多少|要付|得付|还要|还得|免不免|够不够|包不包|收不收|要不要|几块|总共|一共|到手|包邮吗|包邮不|免吗|"
    r"how much|what (?:do|will|would|does) (?:i|it|that)|total|pay|free|cost|charge|altogether",
    re.IGNORECASE,
)
_EXPRESS = re.compile(
    r"加急|顺丰|次日达|冷链|大件|express|next[- ]day|saturday|upgrade|kg|公斤|千克|斤|克|重量|heavy|weigh|羽绒被",
    re.IGNORECASE,
)
_LEVELS = re.compile(r"会员|[金银黑白青铂钻]卡|钻石|\bvip\b|\bclub\b|\bmembers?\b", re.IGNORECASE)
_EVENTS: tuple[tuple[Literal["delivery", "payment", "order"], re.Pattern[str]], ...] = (
    (
        "delivery",
        re.compile(
            r"签收|收到|到货|收的货|拿到|到手|收货|receiv|arriv|deliver|came\b|got it|turned up|picked up|collected",
            re.IGNORECASE,
        ),
    ),
    ("payment", re.compile(r"付款|付的|付了|支付|\bpaid\b", re.IGNORECASE)),
    ("order", re.compile(r"下单|下的单|买的|买了|订的|拍的|ordered|bought|purchased|placed", re.IGNORECASE)),
)
_ASKS_TIME = re.compile(
    r"还能|能不能|还可以|可以.{0,6}(?:吗|不|么)|来得及|来不来得及|还来|过期|截止|最晚|最后一天|哪天|到什么时候|到几号|几号|超了|超期|晚了|还算|还行|"
    r"still|can i|could i|too late|in time|last day|until when|deadline|by when|when .{0,30}(?:end|expire|latest)|am i (?:ok|late)|is it (?:ok|late)",
    re.IGNORECASE,
)
_AGO = re.compile(
    r"(?P<n>\d+)\s?(?:天|日)(?:之?前|了)|(?P<en>\d+) days? ago|(?P<weeks>\d+)\s?(?:周|星期|个星期)(?:之?前|了)|(?P<enweeks>\d+) weeks? ago"
)
_NAMED = {
    "今天": 0,
    "今日": 0,
    "昨天": -1,
    "前天": -2,
    "明天": 1,
    "后天": 2,
    "today": 0,
    "yesterday": -1,
    "tomorrow": 1,
    "大前天": -3,
}
_BARE_DAY = re.compile(
    r"(?<![\d月])(?P<a>\d{1,2})[号日](?!\d)|\bthe (?P<b>\d{1,2})(?:st|nd|rd|th)\b|\bon (?P<c>\d{1,2})(?:st|nd|rd|th)\b"
)


@dataclass(frozen=True, slots=True)
class Dates:
    """A day on which something began, what it was, and the day asked about."""

    start: date
    event: Literal["delivery", "payment", "order"]
    asked: date


def goods_of(text: str) -> Decimal | None:
    """What the shopper spends; None when the message says nothing of it or several sums."""
    folded = canonical(text)
    if _BETWEEN.search(folded):
        return None
    if each := _EACH.search(folded):
        return Decimal(each["n"]) * Decimal(each["each"])
    found = [Decimal(m["a"] or m["b"]) for m in _MONEY.finditer(folded)] or [
        Decimal(m["n"]) for m in _BARE.finditer(folded)
    ]
    return found[0] if len(set(found)) == 1 else None


def asks_delivery_cost(text: str, *, names_place: bool) -> bool:
    """Whether it asks what is to be paid with delivery, at the standard rate."""
    if _EXPRESS.search(text) or not _HOW_MUCH.search(text):
        return False
    return bool(_DELIVERY.search(text)) or names_place


def names_level(text: str, levels: Iterable[str]) -> bool:
    """Whether membership comes into it, by the shop's names of its levels or in general."""
    return bool(_LEVELS.search(text)) or any(level in text for level in levels)


def asks_deadline(text: str) -> bool:
    """Whether it asks if something is still in time, or until when."""
    return bool(_ASKS_TIME.search(text))


def deadline_question(text: str, language: str) -> str:
    """The open question behind "delivered on the 1st, can I still return it?": how long it can be done."""
    plain = canonical(text)
    for pattern in (_WHOLE_DATE, _BARE_DAY, _AGO, _NAMED_DAY):
        plain = pattern.sub(" ", plain)
    plain = re.sub(r"\s+", " ", _CASE_OF.sub(" ", plain)).strip(" ,，.。?？!！")
    lead = "多少天内可以？" if language == "zh" else "how long do i have to"
    if language == "zh":
        return (
            f"{_EVENT_ZH.sub(lambda m: m[1] + '后多少天内', plain, count=1)}？"
            if _EVENT_ZH.search(plain)
            else f"{plain}，{lead}"
        )
    act = next(
        (word for word in ("return", "send it back", "exchange", "refund", "price match", "claim") if word in plain), ""
    )
    return f"{lead} {act.replace('send it back', 'return')} something?" if act else f"{plain} {lead}"


_WHOLE_DATE = re.compile(
    r"\d{1,2}月\d{1,2}[日号]|\b\d{1,2}(?:st|nd|rd|th)?(?: of)? (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b(?: \d{4})?|"
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* \d{1,2}(?:st|nd|rd|th)?\b|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}"
)
_NAMED_DAY = re.compile(
    "大前天|今天|今日|昨天|前天|明天|后天|\\btoday\\b|\\byesterday\\b|\\btomorrow\\b|现在|\\bon\\b(?= )"
)
_CASE_OF = re.compile(r"我是|i'?m an?|(?<=[\u4e00-\u9fff])会员")
_EVENT_ZH = re.compile(r"(签收|收到|到货|付款|下单|买)(?:的|了|货|单)*[，, ]*")


def place_in(text: str, places: Iterable[str]) -> str:
    """The longest of these places that the message names, "" for none."""
    folded = text.casefold()
    named = [
        p
        for p in places
        if (p.casefold() in folded if not p.isascii() else re.search(rf"\b{re.escape(p.casefold())}\b", folded))
    ]
    return max(named, key=len, default="")


def dates_in(text: str, today: date) -> Dates | None:
    """When it began and which day is asked about, which is today where only one is named."""
    folded = canonical(text)
    found = sorted(_days(folded, today), key=lambda pair: pair[0])
    events = [(match.start(), name) for name, pattern in _EVENTS for match in pattern.finditer(folded)]
    if not found or not events or len(found) > 2:
        return None
    start_at, start = found[0]
    event = min(events, key=lambda e: abs(e[0] - start_at))[1]
    if any(name == "delivery" for _, name in events) and event == "order" and len(found) == 1:
        return None  # "bought it on the 3rd, it came today": two events, one date too few to be sure
    asked = found[1][1] if len(found) == 2 else today
    if start > asked and start.replace(year=start.year - 1) <= asked and start > today:
        start = start.replace(year=start.year - 1)
    return Dates(start, event, asked) if start <= asked else None


def _days(folded: str, today: date) -> list[tuple[int, date]]:
    """(where, day) of every day named."""
    found: list[tuple[int, date]] = []
    month = today.month
    for value in values(folded, already_canonical=True):
        if value.unit == "date":
            year = int(value.amount[:4]) if value.amount[:4].isdigit() else today.year
            try:
                found.append((value.start, date(year, int(value.amount[5:7]), int(value.amount[8:10]))))
            except ValueError:
                return []
            month = found[-1][1].month
    for match in _BARE_DAY.finditer(folded):
        number = int(match["a"] or match["b"] or match["c"])
        if 1 <= number <= 31 and not any(abs(at - match.start()) < 6 for at, _ in found):
            try:
                found.append((match.start(), date(today.year, month, number)))
            except ValueError:
                return []
    for name, shift in _NAMED.items():
        at = folded.find(name)
        if at >= 0 and not (name == "前天" and "大前天" in folded):
            found.append((at, today + timedelta(days=shift)))
    for match in _AGO.finditer(folded):
        days = int(match["n"] or match["en"] or 0) or 7 * int(match["weeks"] or match["enweeks"] or 0)
        found.append((match.start(), today - timedelta(days=days)))
    return found
