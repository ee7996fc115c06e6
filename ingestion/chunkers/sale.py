"""Products whose rows or prices hold for a time only: which columns say so, and what holds when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

from ingestion import dates
from ingestion.headers import normal
from ingestion.validity import ALWAYS, Window, stated_window

_SALE = "活动|促销|特价|秒杀|折扣|优惠|大促|双11|双十一|618"
_ROW_FROM = frozenset({"生效日期", "生效时间", "价格生效日期", "validfrom", "effectivefrom", "pricevalidfrom"})
_ROW_UNTIL = frozenset(
    {
        "失效日期",
        "失效时间",
        "价格失效日期",
        "validto",
        "validuntil",
        "effectiveto",
        "effectiveuntil",
        "pricevaliduntil",
    }
)
_PERIOD = re.compile(
    rf"(?:{_SALE})(?:价|价格)?(?:时间|期间|日期|有效期|有效时间)|salepriceeffectivedate|"
    r"(?:sale|promo|promotion|offer|discount)(?:price)?(?:period|dates|validity|window)"
)
_FROM = re.compile(
    rf"(?:{_SALE})(?:价|价格)?(?:开始|起始|生效)(?:时间|日期)?|datesalepricestarts|"
    r"(?:sale|special|promo|promotion|offer|discount)(?:price)?(?:start|starts|startdate|startson|from|fromdate|begins)"
)
_UNTIL = re.compile(
    rf"(?:{_SALE})(?:价|价格)?(?:结束|截止|失效)(?:时间|日期)?|datesalepriceends|"
    r"(?:sale|special|promo|promotion|offer|discount)(?:price)?(?:end|ends|enddate|endson|until|to|todate|till)"
)
_PRICE = re.compile(
    rf"(?:{_SALE})(?:到手)?(?:价|价格)|折后价|(?:sale|special|promo|promotion|promotional|offer|discount|discounted)price"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """The attributes of a product row, and the window in which they are what holds."""

    attributes: dict[str, str]
    window: Window


def row_window(attributes: Mapping[str, str], zone: tzinfo) -> Standing:
    """A row without its own validity columns, and what they say. Raises ValueError for what is no date."""
    window, rest = ALWAYS, dict(attributes)
    for name in attributes:
        if (plain := normal(name)) in _ROW_FROM:
            window = Window(dates.valid_from(rest.pop(name), zone), window.ends)
        elif plain in _ROW_UNTIL:
            window = Window(window.starts, dates.valid_until(rest.pop(name), zone))
    if window.is_empty:
        raise ValueError("it ends before it starts: exchange the two dates")
    return Standing(rest, window)


def standings(attributes: Mapping[str, str], window: Window, zone: tzinfo) -> tuple[Standing, ...]:
    """What holds when, of a row that holds within `window`: the usual values, then those with the sale price.

    One and the same at all times, where no sale price or no dates stand in the row. Raises ValueError for what is no
    date: a price nobody knows the time of must not be told.
    """
    sale, columns = _sale_window(attributes, zone)
    prices = [name for name, value in attributes.items() if _PRICE.fullmatch(normal(name)) and value.strip()]
    if sale == ALWAYS or not prices:
        return (Standing(dict(attributes), window),)
    dated = sale.within(window)
    usual = {name: value for name, value in attributes.items() if name not in columns and name not in prices}
    return (Standing(usual, window), *([] if dated.is_empty else [Standing(dict(attributes), dated)]))


def _sale_window(attributes: Mapping[str, str], zone: tzinfo) -> tuple[Window, set[str]]:
    window, columns = ALWAYS, set()
    for name, value in attributes.items():
        plain = normal(name)
        if _PERIOD.fullmatch(plain):
            stated = _period(value, zone)
        elif _FROM.fullmatch(plain):
            stated = Window(starts=dates.valid_from(value, zone))
        elif _UNTIL.fullmatch(plain):
            stated = Window(ends=dates.valid_until(value, zone))
        else:
            continue
        columns.add(name)
        window = stated.within(window)
    if window.is_empty:
        raise ValueError("the sale ends before it starts: exchange the two dates")
    return window, columns


def _period(value: str, zone: tzinfo) -> Window:
    """Two dates in one cell; Google's feeds write `start/end`."""
    if not value.strip():
        return ALWAYS
    first, slash, last = value.partition("/")
    if slash and "T" in value and "/" not in last:
        return Window(dates.valid_from(first, zone), dates.valid_until(last, zone))
    if stated := stated_window(f"有效期：{value}", zone):
        return stated
    raise ValueError(f"“{value.strip()[:40]}” is no period; write it as 2026-11-01 至 2026-11-11")
