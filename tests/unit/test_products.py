"""Product questions read off the rows: which product, which variant, which attribute, and what is not recorded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.chat.products import Reading, facts_of, meant_variants, says_value, skus_in, without_names
from app.chat.turn import Message
from app.knowledge.chunk import Chunk
from tests.builders import a_faq, a_passage, a_product, a_question, a_reader, a_view


def tee(sku: str, colour: str, size: str, price: str = "£20") -> Chunk:
    attributes = {"Colour": colour, "Size": size, "Price": price, "Material": "Wool"}
    return a_product("Fell Tee", sku, attributes=attributes)


TEES = (tee("FT-RM", "Red", "M"), tee("FT-RL", "Red", "L"), tee("FT-BM", "Blue", "M", "£22"))
POT = a_product("Clay Teapot", "TP-100", attributes={"Price": "£32", "Capacity": "600 ml", "Care": ""})
KETTLE = a_product("Camp Kettle", "CK-7", attributes={"Price": "£41", "Capacity": "900 ml"})
ZH = a_product("茉莉花茶", "MT-1", attributes={"价格": "68元", "净含量": "100克", "保质期": "18个月"})
VIEW = a_view(*TEES, POT, KETTLE, ZH, a_faq())


def read(text: str, *chunks: Chunk, history: tuple[Message, ...] = (), **scores: float) -> Reading | None:
    signals = {"depends": 1.0 if history else 0.0}
    question = a_question(text, history=history, signals=signals)
    return a_reader().read(question, [a_passage(chunk, **scores) for chunk in chunks or (POT,)], VIEW)


def facts(reading: Reading | None) -> list[tuple[str, str, str]]:
    assert reading is not None
    return [(fact.locator, fact.name, fact.value) for fact in reading.facts]


def test_an_asked_value_is_looked_up_in_its_column() -> None:
    assert facts(read("how much is the Clay Teapot?")) == [("TP-100", "Price", "£32")]
    assert facts(read("how much water does it hold")) == [("TP-100", "Capacity", "600 ml")]


def test_a_chinese_question_finds_the_chinese_column() -> None:
    assert facts(read("茉莉花茶多少钱", ZH)) == [("MT-1", "价格", "68元")]
    assert facts(read("这个保质期多久", ZH)) == [("MT-1", "保质期", "18个月")]


def test_an_attribute_the_shop_has_not_recorded_is_missing_not_guessed() -> None:
    reading = read("what voltage does the Clay Teapot need")
    assert reading is not None
    assert reading.missing
    assert reading.facts == ()


def test_an_empty_cell_is_no_value() -> None:
    reading = read("can the Clay Teapot go in the dishwasher")
    assert reading is not None
    assert reading.missing


def test_a_question_for_no_attribute_misses_none() -> None:
    reading = read("tell me about the Clay Teapot")
    assert reading is not None
    assert not reading.missing
    assert reading.concepts == ()


def test_words_of_the_products_own_name_ask_for_nothing() -> None:
    blanket = a_product("Wool Blanket", "WB-1", attributes={"Price": "£60"})
    view = a_view(blanket)
    reading = a_reader().read(a_question("how much is the wool blanket"), [a_passage(blanket)], view)
    assert reading is not None
    assert reading.concepts == ("price",)
    assert "wool" not in without_names("the wool blanket", [view.product_of(blanket)]).casefold()


def test_no_product_in_sight_is_no_reading() -> None:
    assert read("how long is delivery", a_faq()) is None


def test_a_named_sku_decides_the_product_whatever_was_retrieved() -> None:
    reading = read("how much is ck-7?", POT)
    assert reading is not None
    assert [product.name for product, _ in reading.products] == ["Camp Kettle"]
    assert facts(reading) == [("CK-7", "Price", "£41")]


def test_a_comparison_reads_both_products() -> None:
    reading = read("which holds more, Clay Teapot or Camp Kettle?", POT, KETTLE)
    assert reading is not None
    assert reading.compares
    assert {value for _, _, value in facts(reading)} == {"600 ml", "900 ml"}


def test_without_a_comparison_only_the_best_product_is_read() -> None:
    reading = read("how much does it hold", POT, KETTLE)
    assert reading is not None
    assert len(reading.products) == 1


def test_a_named_option_narrows_the_variants() -> None:
    product = VIEW.product_of(TEES[0])
    assert [v.locator for v in meant_variants(a_question("the red one in M"), product)] == ["FT-RM"]
    assert [v.locator for v in meant_variants(a_question("in blue?"), product)] == ["FT-BM"]
    assert meant_variants(a_question("is it warm?"), product) == TEES


def test_a_variant_named_earlier_still_stands_for_a_question_that_leans_on_it() -> None:
    history = (Message("user", "do you have the blue Fell Tee"), Message("assistant", "Yes."))
    assert facts(read("how much is it", TEES[0], history=history)) == [("FT-BM", "Price", "£22")]


@pytest.mark.parametrize("text", ["and in blue?", "what about the blue one", "blue too?"])
def test_of_another_variant_the_same_is_asked_as_before(text: str) -> None:
    history = (Message("user", "how much is the red Fell Tee"), Message("assistant", "£20."))
    assert facts(read(text, TEES[2], history=history)) == [("FT-BM", "Price", "£22")]


def test_what_the_message_asks_itself_is_not_taken_from_before() -> None:
    history = (Message("user", "how much is the red Fell Tee"), Message("assistant", "£20."))
    assert facts(read("what is the blue one made of", TEES[2], history=history)) == [("FT-BM", "Material", "Wool")]
    alone = read("and in blue?", TEES[2])
    assert alone is not None
    assert not alone.concepts


def test_a_fact_is_cited_where_its_value_stands_then_to_the_products_own_row() -> None:
    pot = a_product(
        attributes={"Capacity": "600 ml"},
        attribute_paths={"Capacity": "specs.xlsx"},
        attribute_locators={"Capacity": "clay-teapot"},
    )
    fact = facts_of([pot], ["Capacity"])[0]
    assert [(c.path, c.locator) for c in fact.citations] == [("specs.xlsx", "clay-teapot"), ("products.csv", "TP-100")]
    assert fact.citations[0].quote == "600 ml"


@pytest.mark.parametrize(
    ("text", "value", "says"),
    [
        ("do you have M?", "M", True),
        ("I'm looking for one", "M", False),
        ("m码有吗", "M", True),
        ("size l please", "L", True),
        ("XL", "L", False),
        ("xl", "XL", False),
        ("size 42", "42", True),
        ("size 42.5", "42.5", True),
        ("EU 142", "42", False),
        ("the navy one", "Navy", True),
        ("navyblue", "Navy", False),
        ("红色的有吗", "红色", True),
        ("深蓝的", "深蓝色", True),
        ("我红了", "红色", False),
        ("藏青（秋冬）", "藏青（限量）", True),
    ],
)
def test_an_option_value_is_said_as_a_size_a_word_or_chinese_characters(text: str, value: str, says: bool) -> None:
    assert says_value(text, value) is says


@given(st.text("abcdXLMxlm 红蓝色()（）.-0123456789", max_size=30), st.text("abcXLM红蓝色()（）.09", max_size=8))
def test_what_is_said_is_literally_in_the_text(text: str, value: str) -> None:
    if says_value(text, value) and value.isascii():
        assert value.casefold() in text.casefold()


@given(st.text("abcdefg红蓝绿灰", min_size=3, max_size=8))
def test_a_value_alone_says_itself(value: str) -> None:
    assert says_value(value, value)


@pytest.mark.parametrize("text", ["FT-RM", "is ft-rm in stock?", "ft-rm."])
def test_a_sku_is_found_in_any_case_and_with_punctuation_after_it(text: str) -> None:
    assert skus_in(text, VIEW) == ["ft-rm"]


def test_what_only_looks_like_a_sku_is_none() -> None:
    assert skus_in("FT-XXL and tc20260001", VIEW) == []
