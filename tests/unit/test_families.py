"""Rows whose names differ only by their options are one product, where no handle says so."""

from __future__ import annotations

from app.knowledge.chunk import Chunk
from ingestion.chunkers.families import family_names, without_options
from tests.builders import a_product, a_view


def names(*rows: tuple[str, dict[str, str]], section: str = "") -> list[str]:
    return family_names([(name, section, attributes) for name, attributes in rows])


def test_names_that_end_in_their_own_option_are_one_family() -> None:
    rows = [("云朵 L1 伞车 黑", {"颜色": "黑"}), ("云朵 L1 伞车 抹茶", {"颜色": "抹茶"})]
    assert names(*rows) == ["云朵 L1 伞车"] * 2
    rows = [("Cloud L1 Stroller Black", {"Colour": "Black"}), ("Cloud L1 Stroller Sage", {"Colour": "Sage"})]
    assert names(*rows) == ["Cloud L1 Stroller"] * 2


def test_an_option_with_its_unit_or_a_mark_behind_it_is_left_out_too() -> None:
    assert without_options("儿童羽绒服 100码 藏蓝", {"规格": "100", "颜色": "藏蓝"}) == "儿童羽绒服"
    assert without_options("耳机 樱粉限定", {"颜色": "樱粉"}) == "耳机"


def test_a_row_alone_keeps_its_name_and_sections_stay_apart() -> None:
    assert names(("奶瓶 黑", {"颜色": "黑"})) == ["奶瓶 黑"]
    rows = [("Mug Red", "Cups", {"Colour": "Red"}), ("Mug Blue", "Toys", {"Colour": "Blue"})]
    assert family_names(rows) == ["Mug Red", "Mug Blue"]


def test_a_number_that_tells_models_apart_stays_in_the_name() -> None:
    rows = [("禾点 10000 充电宝", {"电池容量(mAh)": "10000"}), ("禾点 20000 充电宝", {"电池容量(mAh)": "20000"})]
    assert names(*rows) == ["禾点 10000 充电宝", "禾点 20000 充电宝"]


def test_a_family_goes_by_the_name_its_rows_share_and_a_handle_is_no_name() -> None:
    def row(title: str, sku: str, group: str) -> Chunk:
        return a_product(title, sku, group=group)

    view = a_view(row("伞车 黑", "A", "伞车"), row("伞车 绿", "B", "伞车"), row("Camp Mug", "C", "camp-mug"))
    assert {product.name for product in view.products.values()} == {"伞车", "Camp Mug"}
