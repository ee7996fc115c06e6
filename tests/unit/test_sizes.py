"""Size charts: only sizes whose own range holds a measure the shopper states."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.chat.sizes import fitting_sizes

ZH = "S:胸围88-92/建议体重42-49kg;M:胸围92-96/建议体重50-57kg;L:胸围96-100/建议体重58-65kg"
EN = "S: chest 34-36 in, height 160-168 cm; M: chest 37-39 in, height 169-176 cm; L: chest 40-42 in, height 177-185 cm"


@pytest.mark.parametrize(
    ("question", "chart", "names"),
    [
        ("我53公斤穿什么码", ZH, ["M"]),
        ("106斤选哪个码", ZH, ["M"]),
        ("胸围90能穿吗", ZH, ["S"]),
        ("I'm 60 kg", ZH, ["L"]),
        ("my chest is 38 inches", EN, ["M"]),
        ("I am 180cm tall", EN, ["L"]),
    ],
)
def test_the_size_that_holds_the_stated_measure_fits(question: str, chart: str, names: list[str]) -> None:
    assert [entry[0] for entry in fitting_sizes(question, chart)] == names


def test_the_bounds_of_a_range_belong_to_it() -> None:
    assert [entry[0] for entry in fitting_sizes("50kg", ZH)] == ["M"]
    assert [entry[0] for entry in fitting_sizes("57kg", ZH)] == ["M"]


@pytest.mark.parametrize(
    ("question", "chart"),
    [("这款什么材质", ZH), ("I weigh 200 kg", ZH), ("53公斤", "均码"), ("53公斤", "M:建议体重50-57kg"), ("53公斤", "")],
)
def test_no_measure_no_chart_or_no_fit_says_nothing(question: str, chart: str) -> None:
    assert fitting_sizes(question, chart) == []


@given(st.integers(30, 120))
def test_every_size_given_really_holds_the_weight(weight: int) -> None:
    for entry in fitting_sizes(f"体重{weight}kg", ZH):
        low, high = map(int, re.findall(r"体重(\d+)-(\d+)", entry)[0])
        assert low <= weight <= high


@given(st.text(max_size=60), st.text("SML:：;；0123456789-体重kg ", max_size=80))
def test_any_text_is_read_without_error_and_entries_stand_in_the_chart_as_they_are(question: str, chart: str) -> None:
    for entry in fitting_sizes(question, chart):
        assert entry in chart
