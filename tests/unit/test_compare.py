"""Values of products held against each other: who wins, and by how much."""

from __future__ import annotations

import pytest

from app.chat.compare import Contender, chosen_by_extreme, verdicts
from app.chat.turn import Fact
from app.knowledge.view import Product
from tests.builders import a_product


def contenders(column: str, **values: str) -> list[Contender]:
    return [Contender(name, (Fact(name, column, value, "p.csv", name),)) for name, value in values.items()]


@pytest.mark.parametrize(
    ("question", "column", "values", "language", "verdict"),
    [
        ("哪个轻", "重量", {"甲": "360g", "乙": "420g"}, "zh", "甲更轻，相差 60 g。"),
        ("which is heavier", "Weight", {"A": "370 g", "B": "395 g"}, "en", "B is heavier, by 25 g."),
        ("哪个最便宜", "价格", {"甲": "69", "乙": "79", "丙": "99"}, "zh", "甲最便宜，相差 10。"),
        ("哪个静得深 差几个db", "降噪深度(dB)", {"甲": "45", "乙": "50"}, "zh", "乙降噪更深，相差 5 dB。"),
        ("which is quieter", "Noise", {"A": "28 dB", "B": "24 dB"}, "en", "B is quieter, by 4 dB."),
        ("差多少", "价格", {"甲": "378", "乙": "168"}, "zh", "相差 210。"),
        ("一样吗", "容量", {"甲": "1.5L", "乙": "1.5L"}, "zh", "两者一样。"),
    ],
)
def test_the_winner_and_the_difference_are_worked_out(
    question: str, column: str, values: dict[str, str], language: str, verdict: str
) -> None:
    assert [v.text for v in verdicts(question, contenders(column, **values), column, language)] == [verdict]


@pytest.mark.parametrize(
    "values", [{"A": "370 g"}, {"A": "370 g", "B": "one pound"}, {"A": "370 g", "B": "2 l"}, {"A": "S", "B": "M"}]
)
def test_what_cannot_be_put_in_order_has_no_winner(values: dict[str, str]) -> None:
    assert verdicts("which is heavier", contenders("Weight", **values), "Weight", "en") == []


def test_a_difference_of_different_units_is_not_worked_out() -> None:
    found = verdicts("which is lighter", contenders("Weight", A="900 g", B="1 kg"), "Weight", "en")
    assert [v.text for v in found] == ["A is lighter."]


def torch(name: str, price: str) -> Product:
    return Product(name, name, (a_product(name, name, attributes={"Price": price, "Burn time": "6 h"}),))


def test_an_extreme_that_names_the_product_chooses_it() -> None:
    torches = [torch("T1", "£22"), torch("T2", "£38")]
    chosen = chosen_by_extreme("how long does the cheapest torch last", torches)
    assert chosen is not None
    assert (chosen[0].name, chosen[1]) == ("T1", "Price")
    assert chosen_by_extreme("最贵的手电能用多久", torches) == (torches[1], "Price")


@pytest.mark.parametrize("question", ["which is the cheapest", "哪个最便宜", "cheapest torch that floats", "how heavy"])
def test_an_extreme_that_is_asked_for_or_has_a_condition_chooses_none(question: str) -> None:
    assert chosen_by_extreme(question, [torch("T1", "£22"), torch("T2", "£38")]) is None
