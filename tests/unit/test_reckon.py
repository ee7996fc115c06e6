"""Answers worked out from a shop's terms and a shopper's own case, over the sample shops' own knowledge."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import pytest
import yaml

from app.chat.arithmetic import Threshold, deadline, months_after, points_worth, shipping, stepped_discount
from app.chat.premise import premise_of
from app.chat.reckon import opened, put_right, work_out
from app.chat.situation import dates_in, goods_of
from app.chat.turn import Answer, Citation, Evidence, Passage, Question, Sentence, Turn
from app.knowledge.view import KnowledgeView
from app.shop.brand import brand_of
from eval.mutations.measure import open_shop

SHOPS = Path(__file__).parents[2] / "shops"
TODAY = datetime.fromisoformat("2026-10-20T10:00:00+08:00")


@lru_cache
def view_of(shop: str) -> KnowledgeView:
    return KnowledgeView(shop, 1, open_shop(shop, SHOPS / shop).chunks)


def turn_of(shop: str, text: str, as_of: datetime = TODAY) -> Turn:
    brand = brand_of(yaml.safe_load((SHOPS / shop / "brand.yaml").read_text(encoding="utf-8")))
    return Turn(shop, brand, 1, as_of, text)


def worked(shop: str, text: str, locator: str = "", as_of: datetime = TODAY) -> str:
    """What is worked out; "" when nothing may be. `locator` names the passage that the look-up found."""
    view, language = view_of(shop), "zh" if shop == "tangli" else "en"
    passages = [Passage(c, confidence=0.9) for c in view.chunks.values() if locator and locator in c.locator][:1]
    answer = work_out(Question(text, text, language), passages, view, turn_of(shop, text, as_of), 0.5)
    return answer.evidence.draft[0].text if answer else ""


@pytest.mark.parametrize(
    ("shop", "text", "said"),
    [
        ("tangli", "我在新疆，买了50块的东西，一共要付多少？", "寄新疆：50元不满299元，运费22元，一共付72元。"),
        ("tangli", "订单88元寄到浙江运费多少", "88元不满99元，运费8元，一共付96元。"),
        ("tangli", "订单99元包邮吗", "99元已满99元，包邮，一共付99元。"),
        ("tangli", "买两件59元的寄青海，运费多少", "寄青海：118元不满199元，运费15元，一共付133元。"),
        (
            "larchwood",
            "order of £50 to the UK mainland, what do I pay for delivery?",
            "reaches £50, so delivery is free",
        ),
        (
            "larchwood",
            "I'm in Northern Ireland, order of £60, what do I pay?",
            "£60 is below £75, so delivery is £6.50; you pay £66.50",
        ),
        (
            "larchwood",
            "basket of £200 to Japan, how much is delivery?",
            "no free-delivery threshold, so delivery is £26; you pay £226",
        ),
    ],
)
def test_what_an_order_pays_is_worked_out_with_its_steps(shop: str, text: str, said: str) -> None:
    assert said in worked(shop, text)


@pytest.mark.parametrize(
    ("shop", "text"),
    [
        ("tangli", "黑棠会员，订单50元运费多少"),
        ("tangli", "寄美国，订单200元，运费多少"),
        ("tangli", "寄到纳尼亚 订单50元 运费多少"),
        ("tangli", "50到80块之间的订单 运费多少"),
        ("tangli", "我在新疆，3公斤的包裹，50元，运费多少"),
        ("tangli", "满多少包邮？"),
        ("tangli", "订单50元，顺丰运费多少"),
        ("larchwood", "order of £60 to Narnia, what does delivery cost?"),
        ("larchwood", "next day delivery on an order of £60, how much?"),
        ("larchwood", "is the jacket £60?"),
    ],
)
def test_what_the_terms_do_not_settle_is_not_worked_out(shop: str, text: str) -> None:
    assert not worked(shop, text)


@pytest.mark.parametrize(
    ("shop", "text", "locator", "said"),
    [
        (
            "tangli",
            "10月12日签收的，20号还能退吗",
            "支持几天无理由退货",
            "不行，已经过期了：10月12日起7天，最后一天是10月19日",
        ),
        ("tangli", "10月13日签收的，今天还能退吗", "支持几天无理由退货", "可以，还来得及"),
        ("tangli", "金棠会员，10月8日签收的，今天还能退吗", "支持几天无理由退货", "10月8日起15天，最后一天是10月23日"),
        (
            "tangli",
            "10月1日下单的，9号还能退吗",
            "支持几天无理由退货",
            "从签收算起7天，不是从下单算起：10月2日或之后签收的",
        ),
        ("tangli", "10月1日付款的，9号还能价保吗", "买贵了能退差价吗", "最后一天是10月8日，10月9日已过"),
        (
            "larchwood",
            "it was delivered on 1 October, can I still return it on the 29th?",
            "How long do I have to return",
            "Yes",
        ),
        (
            "larchwood",
            "it arrived on 1 September, is it too late to return it today?",
            "How long do I have to return",
            "No",
        ),
        (
            "larchwood",
            "I'm a Grove Club member, it came on 1 September, can I still return it?",
            "How long do I have",
            "60 days",
        ),
    ],
)
def test_deadlines_count_from_the_event_the_shop_names(shop: str, text: str, locator: str, said: str) -> None:
    assert said in worked(shop, text, locator)


def test_points_and_money_off_come_in_whole_steps() -> None:
    assert worked("tangli", "550积分能抵多少钱") == "550积分可抵5元（5 × 1元）。"
    assert worked("larchwood", "what are 350 points worth?") == "350 points are worth £15 (3 × £5)."
    november = datetime.fromisoformat("2026-11-02T10:00:00+08:00")
    assert "减80元，付570元" in worked("tangli", "满减活动，我买650元要付多少", as_of=november)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("满59就包邮对吧", "满多少元就包邮？"),
        ("电机保五年哈", "电机保几年？"),
        ("so I have 30 days, right?", "i have how many days?"),
        ("the 3L jacket is 30000mm right", "the 3l jacket is how many mm?"),
        ("students get 25% so how do i get it", "students get what percent how do i get it?"),
    ],
)
def test_a_claim_is_looked_up_as_the_open_question_behind_it(text: str, asked: str) -> None:
    premise = premise_of(text)
    assert premise is not None
    assert premise.asked == asked


@pytest.mark.parametrize(
    "text", ["多久能退货？", "how long do I have to return it?", "我买了两件", "I weigh 70 kg, right size?"]
)
def test_an_open_question_takes_nothing_for_granted(text: str) -> None:
    assert premise_of(text) is None


def test_a_case_with_days_is_looked_up_as_the_question_how_long() -> None:
    asked = "it was delivered on 1 October, can I still return it on the 29th?"
    question = opened(Question(asked, asked, "en", intent="order"))
    assert (question.text, question.asked_as, question.intent) == (
        "how long do i have to return something?",
        asked,
        "knowledge",
    )
    zh = "10月12日签收的，20号还能退吗"
    assert opened(Question(zh, zh, "zh")).text == "签收后多少天内还能退吗？"


def answered(claim: str, draft: str, language: str) -> list[str]:
    question = opened(Question(claim, claim, language))
    sentence = Sentence(draft, (Citation("faq.csv", "row 1", "d", draft),), "approved")
    decision = put_right(Answer(question, Evidence(draft=(sentence,)), 0.9))
    assert decision.question.text == claim
    return [s.text for s in decision.evidence.draft]


def test_a_wrong_figure_is_put_right_before_the_answer_and_a_right_one_is_not() -> None:
    seven = "You have 7 days from the day of delivery."
    assert answered("so I have 30 days, right?", seven, "en") == ["No, it's 7 days.", seven]
    assert answered("so I have 7 days, right?", seven, "en") == [seven]
    days = "签收后7天内可以无理由退货。"
    assert answered("是30天无理由退货对吧", days, "zh") == ["不是的，是7天。", days]


def test_the_arithmetic_counts_its_bounds() -> None:
    at, below = Decimal(99), Decimal("98.99")
    threshold = Threshold(Decimal(8), Decimal(99))
    assert shipping(at, threshold).is_free
    assert shipping(below, threshold).total == Decimal("106.99")
    assert deadline(date(2026, 5, 1), 7, date(2026, 5, 8)).in_time
    assert not deadline(date(2026, 5, 1), 7, date(2026, 5, 9)).in_time
    assert months_after(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert stepped_discount(Decimal(650), Decimal(300), Decimal(40)) == 80
    assert stepped_discount(Decimal(650), Decimal(300), Decimal(50), once=True) == 50
    assert points_worth(99, 100, Decimal(1)) == 0


def test_a_case_is_read_only_where_it_is_clear() -> None:
    assert goods_of("买两件59元的") == 118
    assert goods_of("order of 50") == 50
    assert goods_of("between £50 and £60") is None
    assert dates_in("签收了", date(2026, 10, 20)) is None
    dates = dates_in("delivered 3 days ago, can I return it?", date(2026, 10, 20))
    assert dates is not None
    assert dates.start == date(2026, 10, 17)
