"""Service hours as shops write them: days, shifts, holidays, and when people answer next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.shop.brand import brand_of
from app.shop.hours import ServiceHours, hours_of

SHANGHAI = ZoneInfo("Asia/Shanghai")


def hours(**said: Any) -> ServiceHours:
    return hours_of(brand_of({"service_hours": {"timezone": "Asia/Shanghai", **said}}))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def test_a_shop_that_states_no_hours_counts_as_open() -> None:
    assert hours().is_open(at("2026-05-01T03:00"))
    assert not hours().stated
    assert hours().next_opening(at("2026-05-01T03:00")) is None


@pytest.mark.parametrize("key", ["fri", "friday", "Friday", "周五", "星期五", "weekdays", "工作日", "daily", "每天"])
def test_a_day_may_be_named_in_many_ways(key: str) -> None:
    assert hours(**{key: "09:00-18:00"}).is_open(at("2026-05-01T09:00"))
    assert not hours(**{key: "09:00-18:00"}).is_open(at("2026-05-01T18:00"))


@pytest.mark.parametrize("said", ["9:00-12:00, 13:00-18:00", ["09:00–12:00", "13:00–18:00"], "9-12 / 13-18"])
def test_a_day_may_have_a_lunch_break(said: object) -> None:
    shop = hours(daily=said)
    assert [shop.is_open(at(f"2026-05-01T{t}")) for t in ("11:59", "12:30", "13:00")] == [True, False, True]
    assert shop.next_opening(at("2026-05-01T12:30")) == at("2026-05-01T13:00")


def test_the_moment_counts_in_the_shops_time_zone() -> None:
    assert hours(daily="09:00-22:00").is_open(datetime(2026, 5, 1, 1, 0, tzinfo=UTC))
    assert not hours(daily="09:00-22:00").is_open(datetime(2026, 5, 1, 14, 0, tzinfo=UTC))


def test_a_late_shift_lasts_over_midnight() -> None:
    shop = hours(fri="18:00-02:00")
    assert shop.is_open(at("2026-05-02T01:59"))
    assert not shop.is_open(at("2026-05-02T02:00"))


@pytest.mark.parametrize(
    "holidays",
    [
        ["2026-10-01..2026-10-07"],
        {"2026-10-01..2026-10-07": "closed"},
        [{"date": "2026-10-01..2026-10-07"}],
        [datetime(2026, 10, 1, tzinfo=UTC).date(), *(f"2026-10-0{n}" for n in range(2, 8))],
    ],
)
def test_on_a_holiday_nobody_answers_and_the_next_opening_is_after_it(holidays: object) -> None:
    shop = hours(daily="09:00-18:00", holidays=holidays)
    assert not shop.is_open(at("2026-10-03T10:00"))
    assert shop.next_opening(at("2026-10-03T10:00")) == at("2026-10-08T09:00")


def test_a_holiday_may_have_hours_of_its_own() -> None:
    shop = hours(daily="09:00-18:00", holidays={"2026-12-24": "09:00-13:00"})
    assert [shop.is_open(at(f"2026-12-24T{t}")) for t in ("12:00", "14:00")] == [True, False]


def test_always_closed_promises_no_opening() -> None:
    assert hours(daily="closed").next_opening(at("2026-05-01T12:00")) is None


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=20) | st.integers() | st.none(), max_size=6))
def test_whatever_stands_there_is_no_error(said: dict[str, Any]) -> None:
    shop = hours_of(brand_of({"service_hours": said}))
    opening = shop.next_opening(at("2026-05-01T12:00"))
    assert opening is None or shop.is_open(opening)
