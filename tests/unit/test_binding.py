"""What a sentence says as a whole: conditions beside it, names in its places, figures of the right line."""

from __future__ import annotations

import pytest

from tests.unit.test_verify import is_accepted

FREE = "单笔实付满99元包邮，不满99元收8元运费。"
SWAP = "衣服签收后7天内可免费换1次尺码或颜色，我们承担来回运费；第二次换货运费由买家承担。"
BREW = "正山小种用90℃水，5g配150ml，15秒出汤；桂花乌龙用95℃水，散茶20秒出汤。"
FLIGHT = "In hand luggage only, never in the hold, and up to 100 Wh without asking the airline."


@pytest.mark.parametrize(
    ("said", "evidence"),
    [
        ("黑棠会员有2次不收费上门取件。", "黑棠会员每个自然年有2次免费上门取件。"),
        ("好的，烘干温度最多60℃。", "请用40℃以下水温洗，烘干温度不超过60℃。"),
        ("每个订单限用1张店铺券。", "每单限用1张店铺券。"),
        (
            "A reservation that is not used drops off after seven days.",
            "A reservation not used drops off after 7 days.",
        ),
        ("Of course: the fee is 2 per cent a month.", "The fee is 2 % a month."),
        ("Delivery takes 4–6 working days.", "Delivery takes 4 to 6 working days."),
        ("Okay, the smock can't be returned for money.", "The smock cannot be returned for money."),
    ],
)
def test_the_same_in_other_figures_and_turns_of_phrase_passes(said: str, evidence: str) -> None:
    assert is_accepted(said, evidence)


@pytest.mark.parametrize(
    ("said", "evidence"),
    [
        ("衣服可免费换1次尺码或颜色，我们承担来回运费。", SWAP),
        ("正山小种用90℃水，5g配150ml，20秒出汤。", BREW),
        ("In hand luggage only, never in the hold, and at least 100 Wh without asking the airline.", FLIGHT),
        ("Delivery is free on orders of £150 or less.", "Delivery is free on orders of £150 or more."),
        ("We write 14 days after renewal.", "We write 14 days before renewal."),
        ("Choose collection at checkout; it is charged.", "Choose collection at checkout; it is free."),
        ("护肤品、秒杀商品和清仓商品不打折。", "小家电、秒杀商品和清仓商品不打折。"),
        ("100积分抵1元，最多抵10%，青棠为20%。", "100积分抵1元，最多抵10%，黑棠为20%。"),
        ("同一商家同一款商品只能申请1次过敏退款。", "同一买家同一款商品只能申请1次过敏退款。"),
        ("保修期内来回运费由买家承担。", "保修期内来回运费由我们承担。"),
        ("No, enamel mugs are engraved for £6.", "Yes, enamel mugs are engraved for £6."),
        ("Three payments, for baskets from £60 to €800.", "Three payments, for baskets from £60 to £800."),
        ("You may fly with it if it is not clean.", "You may fly with it if it is clean."),
    ],
)
def test_a_part_that_binds_the_sentence_may_not_change(said: str, evidence: str) -> None:
    assert is_accepted(evidence, evidence)
    assert not is_accepted(said, evidence)


def test_a_condition_beside_the_told_part_must_be_told() -> None:
    evidence = "If the new size costs more, you pay the difference."
    assert not is_accepted("You pay the difference.", evidence)
    assert is_accepted("You pay the difference if the new size costs more.", evidence)


def test_the_name_of_another_product_may_not_stand_for_a_products_own() -> None:
    evidence = "云感莫代尔家居服套装（男）的价格是249元。"
    assert not is_accepted("云感莫代尔家居服套装（女）的价格是249元。", evidence)
