"""Money, thresholds and days worked out by code, each with the steps that are shown. Pure.

The language model never reckons. Amounts are Decimals in the shop's currency; days are calendar days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Threshold:
    """Free from `free_from` on; below it `charge` is taken. None: never free."""

    charge: Decimal
    free_from: Decimal | None


@dataclass(frozen=True, slots=True)
class Shipping:
    """What an order of `goods` is charged for delivery, and comes to in all."""

    goods: Decimal
    charge: Decimal
    total: Decimal
    is_free: bool


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day on which something can be done, and whether `asked` is in time. Negative `days_left`: too late."""

    last: date
    asked: date
    days_left: int

    @property
    def in_time(self) -> bool:
        """The last day counts."""
        return self.days_left >= 0


def shipping(goods: Decimal, threshold: Threshold) -> Shipping:
    """Free when the goods reach the threshold (it counts itself), else the charge on top."""
    is_free = threshold.free_from is not None and goods >= threshold.free_from
    charge = Decimal(0) if is_free else threshold.charge
    return Shipping(goods, charge, goods + charge, is_free)


def deadline(start: date, days: int, asked: date) -> Deadline:
    """`days` days after `start`, which itself is day zero. Raises ValueError for a negative number of days."""
    if days < 0:
        raise ValueError(f"a period has no negative length: {days} days")
    last = start + timedelta(days=days)
    return Deadline(last, asked, (last - asked).days)


def months_after(start: date, months: int) -> date:
    """The same day so many months later, or the last day of a shorter month."""
    year, month = divmod(start.month - 1 + months, 12)
    first = date(start.year + year, month + 1, 1)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return min(first + timedelta(days=start.day - 1), following - timedelta(days=1))


def stepped_discount(goods: Decimal, step: Decimal, off: Decimal, *, once: bool = False) -> Decimal:
    """What "50 off for every 300" takes off; `once` where it is given a single time. Raises ValueError for no step."""
    if step <= 0:
        raise ValueError("a step must be more than nothing")
    times = int(goods // step)
    return off * (min(times, 1) if once else times)


def after_percent(goods: Decimal, percent_off: Decimal) -> Decimal:
    """The goods less a percentage, to the cent, half a cent upwards."""
    return rounded(goods * (100 - percent_off) / 100)


def points_worth(points: int, block: int, worth: Decimal) -> Decimal:
    """What points are worth where only whole blocks count. Raises ValueError for no block."""
    if block <= 0:
        raise ValueError("a block must hold points")
    return worth * (points // block)


def rounded(amount: Decimal) -> Decimal:
    """To the cent, half a cent upwards."""
    return amount.quantize(_CENT, ROUND_HALF_UP)


def money(amount: Decimal, currency: str, language: str) -> str:
    """An amount as shoppers read it: 65元, £3.95, £16."""
    plain = rounded(amount)
    text = f"{int(plain)}" if plain == int(plain) else f"{plain:.2f}"
    if currency in ("¥", "￥", "") and language == "zh":
        return f"{text}元"
    return f"{currency or '¥'}{text}"


def day(moment: date, language: str) -> str:
    """A day as shoppers read it: 5月8日, 8 May."""
    return f"{moment.month}月{moment.day}日" if language == "zh" else f"{moment.day} {moment:%B}"
