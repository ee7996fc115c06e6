"""Which column answers: by what is asked, by the header's words, by the unit, by the words in the cells."""

from __future__ import annotations

import pytest

from app.chat.products import Reading
from tests.builders import a_passage, a_product, a_question, a_reader, a_view

STROLLER = {
    "名称": "云朵推车",
    "一口价": "699",
    "整车重量(kg)": "5.9",
    "最大承重(kg)": "22",
    "在售状态": "缺货",
    "折叠尺寸(cm)": "54×44×22",
}
HEADPHONES = {"无线充电": "是", "蓝牙版本": "5.4", "降噪深度(dB)": "50", "补充说明": "充10分钟可听3小时；可淋雨冲洗"}
FLASK = {"Price": "£26", "Stock": "4", "Keeps hot (h)": "12", "Keeps cold (h)": "20", "Dishwasher safe": "No"}


def read(text: str, attributes: dict[str, str], name: str = "Thing") -> Reading:
    chunk = a_product(name, "T-1", attributes=attributes)
    reading = a_reader().read(a_question(text), [a_passage(chunk)], a_view(chunk))
    assert reading is not None
    return reading


@pytest.mark.parametrize(
    ("text", "attributes", "columns"),
    [
        ("多重的孩子能坐", STROLLER, {"最大承重(kg)"}),
        ("推车多重", STROLLER, {"整车重量(kg)"}),
        ("现在有没 收起来多大", STROLLER, {"在售状态", "折叠尺寸(cm)"}),
        ("多少钱 还有货不", STROLLER, {"一口价", "在售状态"}),
        ("支持无线充吗", HEADPHONES, {"无线充电"}),
        ("最多降几分贝", HEADPHONES, {"降噪深度(dB)"}),
        ("淋雨行不", HEADPHONES, {"补充说明"}),
        ("how many hours does it keep things cold", FLASK, {"Keeps cold (h)"}),
        ("is it dishwasher safe and how much is it", FLASK, {"Dishwasher safe", "Price"}),
    ],
)
def test_every_asked_thing_finds_its_own_column(text: str, attributes: dict[str, str], columns: set[str]) -> None:
    assert set(read(text, attributes).columns) == columns


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("能接音箱不", STROLLER),
        ("滤芯单买多少钱", STROLLER),
        ("过保了换块电池多少钱 配件有卖吗", STROLLER),
        ("does it contain melatonin", FLASK),
        ("what voltage does it need", FLASK),
    ],
)
def test_what_the_row_does_not_speak_of_finds_nothing(text: str, attributes: dict[str, str]) -> None:
    reading = read(text, attributes)
    assert reading.facts == ()
    assert not reading.introduces


def test_words_that_name_the_variant_are_not_what_is_asked() -> None:
    cans = [
        a_product("Cat Food", f"C-{n}", attributes={"Flavor": flavor, "Contains chicken": has, "Price": "$2"})
        for n, (flavor, has) in enumerate((("Chicken", "Yes"), ("Salmon", "No")))
    ]
    question = a_question("is there magnesium in the chicken cans")
    reading = a_reader().read(question, [a_passage(cans[0])], a_view(*cans))
    assert reading is not None
    assert [v.locator for v in reading.variants] == ["C-0"]
    assert reading.facts == ()


def test_all_prices_of_a_row_are_said_together() -> None:
    assert set(read("多少钱", {"价格": "199", "活动价": "159"}).columns) == {"价格", "活动价"}


@pytest.mark.parametrize("text", ["tell me about the Thing", "Thing", "介绍一下 Thing"])
def test_a_product_that_is_only_named_is_introduced(text: str) -> None:
    assert read(text, FLASK).introduces


def test_a_comparison_reads_what_each_part_of_it_names() -> None:
    rows = [
        a_product(name, sku, attributes={"类目": "茶", "价格": price}, section="茶")
        for name, sku, price in (("明前龙井", "A", "378"), ("雨前龙井", "B", "168"), ("桂花乌龙", "C", "39"))
    ]
    reading = a_reader().read(a_question("明前和雨前差多少钱"), [a_passage(rows[0])], a_view(*rows))
    assert reading is not None
    assert {p.name for p, _ in reading.products} == {"明前龙井", "雨前龙井"}
    assert [f.value for f in reading.facts] == ["378", "168"]


def test_a_product_is_told_by_what_its_row_says_when_its_name_was_not_said() -> None:
    bed = a_product("Cloudnest Donut Bed", "B", attributes={"Price": "$54", "For": "dogs"})
    litter = a_product("Tofu Litter", "L", attributes={"Price": "$13", "For": "cats"})
    passages = [a_passage(litter, score=0.84), a_passage(bed, score=0.83)]
    reading = a_reader().read(a_question("price of the nest"), passages, a_view(bed, litter))
    assert reading is not None
    assert [p.name for p, _ in reading.products] == ["Cloudnest Donut Bed"]
