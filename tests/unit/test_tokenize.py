"""Chinese and English are cut into words that compare equal when they mean the same."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.knowledge.simplify import simplify
from app.knowledge.stem import stem
from app.knowledge.tokenize import identifiers, sparse_vector, term_id, words


def test_an_identifier_is_kept_whole_and_in_parts() -> None:
    found = words("LW-TEE-BLK-M 有货吗")
    assert {"lw-tee-blk-m", "lw", "tee", "blk", "m", "货"} <= set(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我要查订单TL20260001,谢谢", ["tl20260001"]),
        ("is LW-TEE-BLK-M or lw-tee-blk-l in stock", ["lw-tee-blk-m", "lw-tee-blk-l"]),
        ("SKU ＸＨ－１００１ 和 XH-1001", ["xh-1001"]),
        ("order 20260105123 please", ["20260105123"]),
        ("2xl 3-5 7-day 500ml A4 check-in state-of-the-art 2026-01-05 t-shirt 4K", []),
        ("", []),
    ],
)
def test_identifiers_are_told_from_sizes_ranges_dates_and_hyphenated_words(text: str, expected: list[str]) -> None:
    assert identifiers(text) == expected


@pytest.mark.parametrize("text", ["7天", "七天", "7 天", "7 days", "7-day", "７日".replace("日", "天")])
def test_a_quantity_has_one_form_however_it_is_written(text: str) -> None:
    assert words(text)[0] == "7day"


def test_chinese_numerals_become_digits_only_before_a_unit() -> None:
    assert words("十五天")[0] == "15day"
    assert words("一百二十元")[0] == "120yuan"
    assert "1day" not in words("第一天")


def test_a_number_is_the_same_with_and_without_separators_and_cents() -> None:
    assert words("¥1,299.00") == words("1299") == ["1299"]


def test_traditional_characters_find_simplified_ones() -> None:
    assert words("退貨運費誰出") == words("退货运费谁出")
    assert "退货" in words("退貨運費誰出")


@pytest.mark.parametrize(
    "forms",
    [
        ("price", "prices", "priced", "pricing"),
        ("return", "returns", "returned", "returning"),
        ("ship", "ships", "shipped", "shipping"),
        ("cancel", "canceled", "cancelled", "cancelling"),
        ("battery", "batteries"),
        ("try", "tries", "tried"),
        ("box", "boxes"),
        ("dress", "dresses"),
        ("lose", "lost", "losing"),
    ],
)
def test_the_forms_of_an_english_word_share_a_stem(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


@pytest.mark.parametrize("word", ["need", "string", "red", "bus", "this", "fee", "thing"])
def test_words_that_only_look_inflected_stay_whole(word: str) -> None:
    assert stem(word) == word


def test_stop_words_are_dropped_in_both_languages() -> None:
    assert words("请问你们的是什么吗") == []
    assert words("what is it that you do") == []


def test_full_width_and_capital_letters_do_not_matter() -> None:
    assert words("ＣＯＴＴＯＮ Cotton") == ["cotton", "cotton"]


def test_a_word_said_often_weighs_more_but_not_without_end() -> None:
    once, often = sparse_vector("cotton"), sparse_vector("cotton " * 50)
    assert once == {term_id("cotton"): 1.0}
    assert 2.0 < often[term_id("cotton")] < 2.2


def test_term_ids_never_change_because_they_are_stored() -> None:
    assert term_id("cotton") == 304255247
    assert term_id("退货") == 1566732243


def test_a_name_no_dictionary_knows_is_found_by_its_pairs() -> None:
    assert term_id("小二") in sparse_vector("小二")


@given(st.text(max_size=80))
def test_any_text_gives_words_without_spaces_and_ids_within_31_bits(text: str) -> None:
    for word in words(text):
        assert word
        assert not any(c.isspace() for c in word)
    assert all(0 <= key < 2**31 and weight > 0 for key, weight in sparse_vector(text).items())
    identifiers(text)


@given(st.text(max_size=60))
def test_the_compared_form_does_not_depend_on_unicode_composition(text: str) -> None:
    assert words(unicodedata.normalize("NFC", text)) == words(unicodedata.normalize("NFD", text))


def test_simplifying_keeps_the_length() -> None:
    assert simplify("請問退貨運費") == "请问退货运费"


def test_loading_the_dictionary_writes_nothing_and_warns_of_nothing() -> None:
    code = (
        "import json, os, sys, tempfile; from app.knowledge import tokenize\n"
        "assert 'jieba' not in sys.modules\n"
        "tokenize.warm(); print(json.dumps([tokenize.words('羊绒围巾'), os.listdir(tempfile.gettempdir())]))"
    )
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env={"TMPDIR": folder, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
    found, left = json.loads(done.stdout)
    assert found == ["羊绒", "围巾"]
    assert left == []
    assert done.stderr == ""
