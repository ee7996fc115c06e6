"""From when until when a text counts, where it says so itself: a line of its own, front matter, a field of a record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from ingestion import dates
from ingestion.headers import Column, meanings

MOST_CHARACTERS = 90
"""A line that states a validity is short; a longer one tells of something else too."""


@dataclass(frozen=True, slots=True)
class Window:
    """The moments between `starts` (inclusive) and `ends` (exclusive), both aware; None = open."""

    starts: datetime | None = None
    ends: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no moment is in it."""
        return self.starts is not None and self.ends is not None and self.starts >= self.ends

    def within(self, outer: Window) -> Window:
        """What both allow: a section of a document counts only while the document does."""
        starts = [moment for moment in (self.starts, outer.starts) if moment]
        ends = [moment for moment in (self.ends, outer.ends) if moment]
        return Window(max(starts, default=None), min(ends, default=None))


ALWAYS = Window()

_MARKS = re.compile(r"^[\s>*_#\-•·(（\[【《]+|[\s*_)）\]】》。.;；!！]+$")
_SUBJECT = (
    r"(?:(?:本|该|此)?(?:政策|规则|规定|办法|条款|细则|说明|公告|活动|优惠|价格|页面|文档)(?:的)?)?"
    r"(?:(?:this|these|the)\s+(?:policy|policies|rules?|terms|notice|offer|promotion|prices?|document|page|section)"
    r"\s+(?:is|are)\s+)?"
)
_PERIOD_LABEL = r"(?:有效期限?|有效时间|有效日期|生效期|生效时段|validity(?:\s+period)?|valid|effective|in\s+force)"
_FROM_LABEL = (
    r"(?:生效日期|生效时间|生效日|起始日期|开始生效|valid\s+(?:from|since|as\s+of)|"
    r"effective(?:\s+(?:date|from|since|as\s+of|on))?|in\s+force\s+(?:from|since))"
)
_UNTIL_LABEL = (
    r"(?:有效期(?:限)?(?:截?至|到)|有效至|失效日期|失效时间|失效日|到期日期?|到期时间|valid\s+(?:until|till|through|to)|"
    r"effective\s+until|in\s+force\s+until|expir(?:y|ation)(?:\s+date)?|expires(?:\s+on)?)"
)
_COLON = r"\s*(?:[:：]|为|是|\bon\b)?\s*"
_BETWEEN = r"\s*(?:至|到|~|～|—+|–+|\s-+\s|\bto\b|\buntil\b|\btill\b|\bthrough\b|\band\b|(?<=\d)-(?=\d{4}\D))\s*"
_END = r"\s*(?:日?止|为止|(?:期间)?有效|结束)?"

_LINES: tuple[re.Pattern[str], ...] = tuple(
    re.compile(f"{_SUBJECT}(?:{line})", re.IGNORECASE)
    for line in (
        rf"{_PERIOD_LABEL}{_COLON}(?:从|自|from|between)?\s*(?P<a>\S.*?)\s*(?:起)?{_BETWEEN}(?P<b>\S.*?){_END}",
        rf"{_FROM_LABEL}{_COLON}(?P<a>\S.*?)\s*(?:起)?{_BETWEEN}(?P<b>\S.*?){_END}",
        rf"{_UNTIL_LABEL}{_COLON}(?P<b>\S.*?){_END}",
        rf"{_FROM_LABEL}{_COLON}(?P<a>\S.*?)\s*(?:起(?:生效|执行|施行|实施)?)?",
        r"自\s*(?P<a>\d.*?)\s*起?(?:正式)?(?:生效|施行|执行|实施)(?:[,，]?\s*(?:有效期)?至\s*(?P<b>\d.*?)\s*(?:止|失效)?)?",
        r"(?P<a>\d.*?)\s*起(?:正式)?(?:生效|施行|执行|实施)",
    )
)
_NO_YEAR = re.compile(r"(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?")
_YEAR = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})")
_DAY_ONLY = re.compile(r"(\d{1,2})\s*[日号]")


def stated_window(line: str, zone: tzinfo) -> Window | None:
    """The window that a line of its own states, such as “有效期：2026-11-01 至 2026-11-11” or “Valid until 3 May 2027”.

    None for every other line: one that tells of a validity in other words ("valid for 12 months") is text like any.
    """
    plain = _MARKS.sub("", line.replace("**", ""))
    if len(plain) > MOST_CHARACTERS or not any(character.isdigit() for character in plain):
        return None
    for pattern in _LINES:
        if match := pattern.fullmatch(plain):
            found = match.groupdict()
            try:
                return _window(found.get("a") or "", found.get("b") or "", zone)
            except ValueError:
                continue
    return None


def window_of_fields(fields: Mapping[str, str], zone: tzinfo) -> Window:
    """The window that front matter or a record's fields give. Raises ValueError for what is no date."""
    starts, ends = ALWAYS.starts, ALWAYS.ends
    for name, value in fields.items():
        columns = meanings(name)
        if Column.VALID_FROM in columns:
            starts = dates.valid_from(value, zone)
        elif Column.VALID_UNTIL in columns:
            ends = dates.valid_until(value, zone)
        elif name.strip().casefold() in _PERIOD_FIELDS:
            period = stated_window(f"有效期：{value}", zone) or stated_window(f"有效期至：{value}", zone)
            if period is None:
                raise ValueError(f"“{value.strip()[:40]}” is no period; write it as 2026-11-01 至 2026-11-11")
            starts, ends = period.starts, period.ends
    return Window(starts, ends)


_PERIOD_FIELDS = frozenset({"有效期", "有效期限", "有效时间", "valid", "validity"})


def windows_in(lines: Iterable[str], zone: tzinfo) -> Window:
    """What all lines that state a window allow together."""
    window = ALWAYS
    for line in lines:
        if stated := stated_window(line, zone):
            window = stated.within(window)
    return window


def _window(first: str, last: str, zone: tzinfo) -> Window:
    starts = dates.valid_from(first, zone) if first else None
    ends = dates.valid_until(_completed(last, first), zone) if last else None
    if starts is None and ends is None:
        raise ValueError("neither is a date")
    return Window(starts, ends)


def _completed(last: str, first: str) -> str:
    """The second date with the year, or year and month, that only the first one names."""
    year = _YEAR.match(first.strip())
    if year is None:
        return last
    if day := _DAY_ONLY.fullmatch(last.strip()):
        return f"{year[1]}-{year[2]}-{day[1]}"
    if short := _NO_YEAR.fullmatch(last.strip()):
        turns = int(short[1]) < int(year[2])
        return f"{int(year[1]) + turns}-{short[1]}-{short[2]}"
    return last
