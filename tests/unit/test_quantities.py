"""Numbers as shoppers say them and as tables hold them are one amount."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.chat.quantities import asked_dimensions, dimensions, quantities, unit_of_header


@pytest.mark.parametrize(
    ("said", "dimension", "amount"),
    [
        ("娃一米零八", "length", 1080),
        ("一米六五", "length", 1650),
        ("一米五的床", "length", 1500),
        ("两米宽", "length", 2000),
        ("5'6\"", "length", 1676.4),
        ("三十五斤", "mass", 17500),
        ("15 kilos", "mass", 15000),
        ("a kilo bag", "mass", 1000),
        ("三升半", "volume", 3500),
        ("两万毫安", "charge", 20000),
        ("half litre", "volume", 500),
        ("1,500 litres", "volume", 1_500_000),
        ("48 °C", "temperature", 48),
        ("rated to -20 °C", "temperature", -20),
        ("£48.00", "money", 48),
        ("十五天", "time", 15 * 1440),
        ("200×230cm", "length", 2000),
    ],
)
def test_an_amount_is_read_in_the_base_unit_of_its_kind(said: str, dimension: str, amount: float) -> None:
    first = quantities(said)[0]
    assert first.dimension == dimension
    assert first.low == pytest.approx(amount)


def test_a_range_has_two_ends_and_a_bare_number_takes_the_unit_of_its_header() -> None:
    weight = quantities("48-54kg")[0]
    assert (weight.low, weight.high) == (48_000, 54_000)
    assert quantities("50", "降噪深度(dB)")[0].dimension == "sound"
    assert quantities("199", "一口价")[0].dimension == "money"
    assert quantities("27", "Min protein %")[0].dimension == "percent"
    assert unit_of_header("Colour") == ("", 1.0)


@pytest.mark.parametrize(
    ("question", "dimension"),
    [
        ("最响到几分贝", "sound"),
        ("要配几瓦的", "power"),
        ("瓦时写的多少", "energy"),
        ("watt hours on the bank", "energy"),
        ("充满要多久", "time"),
        ("how long does it burn", "time"),
        ("hrs n dollars", "time"),
        ("一罐几颗", "count of 颗"),
        ("一盒几泡", "count of 包"),
        ("家里四口人", "count of 人"),
    ],
)
def test_a_question_asks_for_a_kind_of_number_by_its_unit(question: str, dimension: str) -> None:
    assert dimension in asked_dimensions(question)


def test_a_stated_number_is_not_asked_for() -> None:
    assert asked_dimensions("20000毫安的充电宝多重") == ()
    assert asked_dimensions("the 5 minutes one") == ()


def test_a_cell_tells_the_kinds_of_number_it_holds() -> None:
    assert {"volume", "sound"} <= dimensions("每小时350ml，睡眠档26dB")
    assert "count of 颗" in dimensions("约18颗")
    assert "time" in dimensions("7.5", "单次续航(小时)")


@given(st.text(max_size=60))
def test_any_text_is_read_without_error(text: str) -> None:
    for quantity in quantities(text):
        assert quantity.low <= quantity.high or quantity.low > quantity.high >= 0
    asked_dimensions(text)


@given(st.integers(1, 9), st.integers(10, 99))
def test_metres_said_in_chinese_are_centimetres(metres: int, rest: int) -> None:
    assert quantities(f"{metres}米{rest}")[0].low == pytest.approx(metres * 1000 + rest * 10)
