"""A brand.yaml as shops write it: what is missing falls back, what is unknown is kept, nothing is an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.shop.brand import Brand, brand_of


def test_an_empty_file_gives_a_brand_that_speaks_both_languages() -> None:
    brand = brand_of({}, "tea")
    assert (brand.name, brand.languages, brand.default_language) == ("tea", ("zh", "en"), "zh")
    assert brand.timezone == "Asia/Shanghai"


def test_the_first_language_is_the_default_and_names_the_assistant() -> None:
    assert brand_of({"languages": ["en-GB", "zh"]}).default_language == "en"
    assert brand_of({"languages": ["en-GB", "zh"]}).assistant_name == "Xiaoer"
    assert brand_of({"languages": "zh"}).assistant_name == "小二"


def test_a_language_we_do_not_speak_falls_back_to_english() -> None:
    assert brand_of({"default_language": "fr"}).default_language == "en"


def test_a_bare_text_counts_for_both_languages() -> None:
    assert dict(brand_of({"greeting": "Hi"}).greeting) == {"zh": "Hi", "en": "Hi"}


def test_one_forbidden_word_need_not_be_a_list() -> None:
    assert brand_of({"forbidden_words": "cheapest"}).forbidden_words == ("cheapest",)


def test_unknown_keys_are_kept_as_notes() -> None:
    assert dict(brand_of({"signature": "Ann", "name": "Tea"}).notes) == {"signature": "Ann"}


def test_the_time_zone_is_the_one_of_the_service_hours() -> None:
    assert brand_of({"service_hours": {"timezone": "Europe/London"}}).timezone == "Europe/London"


@pytest.mark.parametrize("wrong", [None, 7, [], "text", {"a": None}, [None, 3]])
@pytest.mark.parametrize(
    "key",
    ["name", "languages", "default_language", "forbidden_words", "greeting", "handoff", "service_hours", "contact"],
)
def test_a_value_of_the_wrong_shape_is_no_error(key: str, wrong: object) -> None:
    assert isinstance(brand_of({key: wrong}, "tea"), Brand)


@given(st.dictionaries(st.sampled_from(sorted(Brand.__dataclass_fields__)), st.text() | st.integers() | st.none()))
def test_any_mapping_makes_a_brand_with_a_language_we_speak(raw: dict[str, object]) -> None:
    brand = brand_of(raw, "tea")
    assert brand.default_language in ("zh", "en")
    assert brand.languages
    assert brand.assistant_name


def test_the_currency_is_the_brands_own_else_that_of_its_time_zone_else_unknown() -> None:
    assert brand_of({"currency": "€", "service_hours": {"timezone": "Europe/London"}}).currency == "€"
    assert brand_of({"service_hours": {"timezone": "Europe/London"}}).currency == "£"
    assert brand_of({}).currency == "¥"
    assert brand_of({"service_hours": {"timezone": "Antarctica/Troll"}}).currency == ""
