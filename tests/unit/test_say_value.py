"""How a looked-up value is said: its own digits, and beside them only what its column or the shop states."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.chat.say_value import said
from app.chat.turn import Fact


def value(column: str, text: str) -> Fact:
    return Fact("Clay Teapot", column, text, "products.csv", "TP-100")


@pytest.mark.parametrize(
    ("column", "text", "language", "currency", "told"),
    [
        ("Price", "32.00", "en", "£", ("Price", "£32.00")),
        ("价格", "68", "zh", "¥", ("价格", "68元")),
        ("价格", "68", "en", "¥", ("价格", "¥68")),
        ("Price", "32.00", "en", "", ("Price", "32.00")),
        ("Price", "£32.00", "en", "£", ("Price", "£32.00")),
        ("Price", "from 32", "en", "£", ("Price", "from 32")),
        ("Capacity (ml)", "600", "en", "£", ("Capacity", "600 ml")),
        ("净含量（克）", "100", "zh", "¥", ("净含量", "100克")),
        ("Colour", "Brown", "en", "£", ("Colour", "Brown")),
        ("EAN", "4006381333931", "en", "£", ("EAN", "4006381333931")),
        ("Stock", "7", "en", "£", ("Stock", "7")),
    ],
)
def test_a_number_gets_the_currency_or_the_unit_it_is_in(
    column: str, text: str, language: str, currency: str, told: tuple[str, str]
) -> None:
    assert said(value(column, text), language, currency) == told


@pytest.mark.parametrize("column", ["Price (USD)", "Price ($)", "价格（美元）"])
def test_a_column_that_names_its_currency_is_never_told_in_another(column: str) -> None:
    told = " ".join(said(value(column, "32"), "en", "£"))
    assert "£" not in told
    assert "元" not in told.replace("美元", "")


@pytest.mark.parametrize("column", ["评价", "评价得分", "性价比"])
def test_a_rating_is_no_price(column: str) -> None:
    assert said(value(column, "4.8"), "zh", "¥") == (column, "4.8")


@pytest.mark.parametrize(("column", "text"), [("Weight (approx)", "320"), ("净重（约）", "320")])
def test_what_stands_in_brackets_is_not_always_a_unit(column: str, text: str) -> None:
    assert said(value(column, text), "en", "£") == (column, text)


@pytest.mark.parametrize(("column", "language", "words"), [("库存", "zh", "暂时无货"), ("Stock", "en", "out of stock")])
def test_no_stock_is_said_in_words_too(column: str, language: str, words: str) -> None:
    assert words in said(value(column, "0"), language, "£")[1]


@given(st.sampled_from(["Price", "价格", "Stock", "Capacity (ml)", "Colour"]), st.text(min_size=1, max_size=20))
def test_the_value_survives_byte_for_byte(column: str, text: str) -> None:
    for language in ("zh", "en"):
        assert text in said(value(column, text), language, "£")[1]
