"""When people answer: the shop's service hours with its holidays, as `service_hours` of brand.yaml states them.

service_hours:
  timezone: Asia/Shanghai
  mon: "09:00-12:00, 13:00-18:00"      # or monday, 周一; weekdays, weekend, daily
  sun: closed
  holidays:
    2026-10-01..2026-10-07: closed
    2026-12-24: "09:00-13:00"
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.shop.brand import Brand

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ZH_DAYS = "一二三四五六日"
_GROUPS = {
    "weekdays": range(5), "weekday": range(5), "工作日": range(5), "weekend": range(5, 7), "weekends": range(5, 7),
    "周末": range(5, 7), "daily": range(7), "everyday": range(7), "every day": range(7), "每天": range(7),
    "hours": range(7), "open": range(7),
}  # fmt: skip
_SPAN = re.compile(r"(\d{1,2})[:：]?(\d{2})?\s*(?:-|–|—|~|～|至|到|to)\s*(\d{1,2})[:：]?(\d{2})?")
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_LOOK_AHEAD_DAYS = 60

Span = tuple[int, int]
"""Minutes of the day: opens, closes; a shift over midnight closes after 24 × 60."""


@dataclass(frozen=True, slots=True)
class ServiceHours:
    """When people answer. A shop that states no hours makes no promise: it counts as always open."""

    zone: ZoneInfo
    week: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)
    holidays: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)

    @property
    def stated(self) -> bool:
        """Whether the shop says anything about its hours."""
        return bool(self.week)

    def is_open(self, at: datetime) -> bool:
        """Whether people answer at that moment (any time zone)."""
        if not self.stated:
            return True
        return any(opens <= at < closes for opens, closes in self._spans(at.astimezone(self.zone).date()))

    def next_opening(self, at: datetime) -> datetime | None:
        """When they answer next, in the shop's time zone; None when open now, or when nothing says when."""
        if self.is_open(at):
            return None
        today = at.astimezone(self.zone).date()
        for day in (today + timedelta(days=n) for n in range(_LOOK_AHEAD_DAYS)):
            later = [opens for opens, _ in self._of_day(day) if opens > at]
            if later:
                return min(later)
        return None

    def _spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """Those of the day, and of the evening before where it lasts over midnight."""
        yield from self._of_day(day - timedelta(days=1))
        yield from self._of_day(day)

    def _of_day(self, day: date) -> list[tuple[datetime, datetime]]:
        spans = self.holidays.get(day, self.week.get(day.weekday(), ()))
        return [(self._at(day, opens), self._at(day, closes)) for opens, closes in spans]

    def _at(self, day: date, minutes: int) -> datetime:
        extra, minutes = divmod(minutes, 24 * 60)
        return datetime.combine(day + timedelta(days=extra), time(minutes // 60, minutes % 60), self.zone)


def hours_of(brand: Brand) -> ServiceHours:
    """The hours a brand states. What cannot be read is left out; nothing is an error."""
    raw = brand.service_hours
    week: dict[int, tuple[Span, ...]] = {}
    for key, value in raw.items():
        for day in _days(str(key)):
            week[day] = _spans_in(value)
    return ServiceHours(_zone(brand.timezone), week, _holidays(raw.get("holidays") or raw.get("节假日")))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _days(key: str) -> Sequence[int]:
    word = key.strip().lower()
    if word in _GROUPS:
        return _GROUPS[word]
    if word[:3] in _DAYS:
        return (_DAYS.index(word[:3]),)
    if word.startswith(("周", "星期")) and word[-1] in f"{_ZH_DAYS}天":
        return (6 if word[-1] == "天" else _ZH_DAYS.index(word[-1]),)
    return ()


def _spans_in(value: Any) -> tuple[Span, ...]:
    """The spans of a day: a text with one or more of them, or a list; anything else is closed."""
    text = " ".join(str(part) for part in value) if isinstance(value, (list, tuple)) else str(value)
    spans = []
    for h1, m1, h2, m2 in _SPAN.findall(text):
        opens, closes = int(h1) * 60 + int(m1 or 0), int(h2) * 60 + int(m2 or 0)
        if opens < 24 * 60 and closes <= 24 * 60 and opens != closes:
            spans.append((opens, closes if closes > opens else closes + 24 * 60))
    if not spans and re.search(r"24\s*(h|小时)|always|全天", text, re.IGNORECASE):
        return ((0, 24 * 60),)
    return tuple(spans)


def _holidays(raw: Any) -> dict[date, tuple[Span, ...]]:
    """Dates, `first..last` ranges and mappings of either to hours. Without hours a holiday is closed."""
    if raw is None:
        return {}
    pairs: list[tuple[Any, Any]] = []
    if isinstance(raw, Mapping):
        pairs = list(raw.items())
    for item in raw if isinstance(raw, (list, tuple)) else []:
        if isinstance(item, Mapping):
            named = item.get("date") or item.get("日期")
            pairs += [(named, item.get("hours", "closed"))] if named else list(item.items())
        else:
            pairs.append((item, "closed"))
    return {day: _spans_in(hours) for dates, hours in pairs for day in _dates(str(dates))}


def _dates(text: str) -> list[date]:
    found = []
    for year, month, day in _DATE.findall(text)[:2]:
        try:
            found.append(datetime(int(year), int(month), int(day), tzinfo=UTC).date())
        except ValueError:
            continue
    if len(found) < 2:
        return found
    first, last = sorted(found)
    return [first + timedelta(days=n) for n in range(min((last - first).days, 366) + 1)]
