"""Reads the dates shops write. A date without a time is a whole day in the shop's time zone."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, tzinfo

_NONE = {
    "",
    "-",
    "--",
    "—",
    "/",
    "无",
    "长期",
    "长期有效",
    "永久",
    "不限",
    "none",
    "n/a",
    "na",
    "null",
    "never",
    "forever",
}
_YMD = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?(?:[T\s]*(\d{1,2})[:：时点](\d{1,2})?分?(?::(\d{1,2}))?"
    r"(?:\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})?)?"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SLASHED = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_ENGLISH = re.compile(
    r"(?:[a-z]{3,9},?\s+)?(?:(?P<d>\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m>[a-z]{3,9})\.?|(?P<m2>[a-z]{3,9})\.?\s+(?P<d2>\d{1,2})"
    r"(?:st|nd|rd|th)?),?\s+(?P<y>\d{4})"
)
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
_DAY_FIRST_ZONES = ("Europe/", "Australia/", "Pacific/Auckland", "GB")
_MONTH_FIRST_ZONES = ("America/", "US/")
_EXCEL_EPOCH = date(1899, 12, 30)


def valid_from(text: str, zone: tzinfo) -> datetime | None:
    """The first moment a row counts; None = since ever. Raises ValueError when it is no date."""
    parsed = _parse(text, zone)
    if parsed is None or isinstance(parsed, datetime):
        return parsed
    return datetime.combine(parsed, time(), zone)


def valid_until(text: str, zone: tzinfo) -> datetime | None:
    """The first moment a row no longer counts; the end day itself counts. Raises ValueError when it is no date."""
    parsed = _parse(text, zone)
    if parsed is None:
        return None
    if not isinstance(parsed, datetime):
        return datetime.combine(parsed + timedelta(days=1), time(), zone)
    if parsed.hour == 23 and parsed.minute == 59:
        return datetime.combine(parsed.date() + timedelta(days=1), time(), parsed.tzinfo)
    return parsed


def written(moment: datetime | None, zone: tzinfo, *, until: bool) -> str:
    """A moment as an editor writes it, so that reading it gives the same moment: a day where it is one, else a time."""
    if moment is None:
        return ""
    local = moment.astimezone(zone)
    if local.time() == time():
        return (local.date() - timedelta(days=1 if until else 0)).isoformat()
    return local.replace(tzinfo=None).isoformat(" ", "seconds")


def _parse(text: str, zone: tzinfo) -> date | datetime | None:
    """A day, or a moment where a time was written, or None for the ways to say "no date"."""
    written = text.strip().lower()
    if written in _NONE:
        return None
    try:
        parsed = _read(written, zone)
    except (ValueError, OverflowError):
        parsed = None
    if parsed is None:
        raise ValueError(f"“{text.strip()[:40]}” is not a date; write it as 2026-11-01")
    return parsed


def _read(written: str, zone: tzinfo) -> date | datetime | None:
    if match := _YMD.fullmatch(written.upper().replace("T", " ")):
        return _from_parts(match, zone)
    if match := _COMPACT.fullmatch(written):
        return date(int(match[1]), int(match[2]), int(match[3]))
    if re.fullmatch(r"\d{5}(\.0+)?", written) and 30_000 <= float(written) <= 80_000:
        return _EXCEL_EPOCH + timedelta(days=int(float(written)))
    if match := _SLASHED.fullmatch(written):
        return _from_slashed(int(match[1]), int(match[2]), int(match[3]), str(zone))
    if match := _ENGLISH.fullmatch(written):
        month = _MONTHS.get((match["m"] or match["m2"])[:3])
        return date(int(match["y"]), month, int(match["d"] or match["d2"])) if month else None
    return None


def _from_parts(match: re.Match[str], zone: tzinfo) -> date | datetime:
    day = date(int(match[1]), int(match[2]), int(match[3]))
    if match[4] is None:
        return day
    moment = datetime.combine(day, time(), zone) + timedelta(
        hours=int(match[4]), minutes=int(match[5] or 0), seconds=int(match[6] or 0)
    )
    if match[7]:
        offset = "+00:00" if match[7] == "Z" else match[7]
        return datetime.fromisoformat(f"{moment.replace(tzinfo=None).isoformat()}{offset}")
    # A spreadsheet writes a plain day as midnight.
    return day if moment.time() == time() and moment.date() == day else moment


def _from_slashed(first: int, second: int, year: int, zone: str) -> date:
    if first > 12 or first == second or (second <= 12 and zone.startswith(_DAY_FIRST_ZONES)):
        return date(year, second, first)
    if second > 12 or zone.startswith(_MONTH_FIRST_ZONES):
        return date(year, first, second)
    raise ValueError("day and month cannot be told apart")
