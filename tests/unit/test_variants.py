"""Which variants a shopper means: by value, by size as a number, by colour family, by "the big one"."""

from __future__ import annotations

import pytest

from app.chat.concepts import load_concepts
from app.chat.variants import meant, narrow, option_columns, says_number
from app.knowledge.chunk import Chunk
from app.knowledge.view import Product
from tests.builders import a_product, a_question, a_reader


def product(*rows: dict[str, str]) -> Product:
    chunks: tuple[Chunk, ...] = tuple(a_product("Thing", f"T-{n}", attributes=row) for n, row in enumerate(rows))
    return Product("thing", "Thing", chunks)


FLASK = product(
    {"Size": "500 ml", "Price": "26", "Keeps cold": "20 h"},
    {"Size": "750 ml", "Price": "31", "Keeps cold": "28 h"},
    {"Size": "1 L", "Price": "36", "Keeps cold": "36 h"},
)
STROLLER = product({"颜色": "黑", "价格": "399"}, {"颜色": "抹茶", "价格": "399"})
TEA = product({"规格": "50g罐装", "价格": "198"}, {"规格": "250g礼盒", "价格": "888"})
SHEETS = product({"规格": "1.5m", "颜色": "雾蓝"}, {"规格": "1.8m", "颜色": "雾蓝"})


@pytest.mark.parametrize(
    ("text", "thing", "skus"),
    [
        ("the 750 flask", FLASK, ["T-1"]),
        ("750毫升的", FLASK, ["T-1"]),
        ("the 1 litre one", FLASK, ["T-2"]),
        ("the biggest flask", FLASK, ["T-2"]),
        ("小的那个", FLASK, ["T-0"]),
        ("绿的那台", STROLLER, ["T-1"]),
        ("the green one", STROLLER, ["T-1"]),
        ("龙井那礼盒", TEA, ["T-1"]),
        ("一米五的床用哪个", SHEETS, ["T-0"]),
        ("大床款有现货不", SHEETS, ["T-1"]),
        ("big or small?", FLASK, ["T-0", "T-1", "T-2"]),
        ("does it leak", FLASK, ["T-0", "T-1", "T-2"]),
    ],
)
def test_a_variant_is_found_however_it_is_called(text: str, thing: Product, skus: list[str]) -> None:
    families = tuple(pair for c in a_reader()._concepts for pair in c.families)
    assert [v.locator for v in narrow(text, thing, families)[0]] == skus


def test_what_named_the_variant_is_told_apart_from_what_differs_with_it() -> None:
    variants, told_by = meant(a_question("cold drinks in the 750 flask"), FLASK)
    assert [v.locator for v in variants] == ["T-1"]
    assert told_by == {"Size"}


def test_prices_and_stock_differ_between_variants_but_do_not_name_them() -> None:
    assert "Price" not in option_columns(FLASK)
    assert [v.locator for v in narrow("is it 26?", FLASK)[0]] == ["T-0", "T-1", "T-2"]


def test_a_number_of_another_kind_says_no_size() -> None:
    assert not says_number("750 g", "750 ml")
    assert says_number("20k bank", "20000 mAh")


def test_colour_families_are_read_with_the_concepts() -> None:
    assert load_concepts({"color": {"ask": "a", "column": "b", "families": {"green": "sage"}}})[0].families
