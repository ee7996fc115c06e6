"""What of a release stands at a moment: sale prices, related questions, and the day an order was placed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.knowledge.chunk import Chunk
from app.knowledge.view import KnowledgeView
from app.shop.order_date import asks_about_order, placed_at
from tests.builders import NOON, a_faq, a_product, an_order
from tests.unit.test_pipeline import Shop

START, END = NOON, NOON + timedelta(days=10)
SECOND = timedelta(seconds=1)


def prices() -> tuple[Chunk, ...]:
    usual = a_product("Clay Teapot", "TP-100", attributes={"Price": "£32"})
    sale = a_product(
        "Clay Teapot", "TP-100", attributes={"Price": "£24"}, chunk_id="sale", valid_from=START, valid_until=END
    )
    return usual, sale


def view(*chunks: Chunk) -> KnowledgeView:
    return KnowledgeView("tea", 1, chunks)


@pytest.mark.parametrize(
    ("moment", "price"), [(START - SECOND, "£32"), (START, "£24"), (END - SECOND, "£24"), (END, "£32")]
)
def test_a_sale_price_holds_from_its_first_to_before_its_last_second(moment: datetime, price: str) -> None:
    stands = view(*prices()).at(moment)
    assert stands.by_sku["tp-100"].attributes["Price"] == price
    assert [v.attributes["Price"] for v in stands.products["Clay Teapot"].variants] == [price]


def test_a_product_that_is_not_sold_yet_is_not_there() -> None:
    stands = view(a_product("New Pot", "N-1", valid_from=END), a_product()).at(START)
    assert [chunk.locator for chunk in stands.chunks.values()] == ["TP-100"]
    assert list(stands.by_sku) == ["tp-100"]


def test_a_release_that_is_the_same_at_all_times_is_held_once() -> None:
    whole = view(a_product(), a_faq(valid_until=END))
    assert whole.at(START) is whole.at(END) is whole
    dated = view(*prices())
    assert dated.at(START) is dated.at(END - SECOND)
    assert dated.at(START) is not dated.at(END)


def test_a_question_that_is_not_answered_yet_is_not_suggested() -> None:
    asked = a_faq("How long is delivery?", "Three days.", related=("Is there a winter sale?", "Do you gift wrap?"))
    future = a_faq("Is there a winter sale?", "Yes, 20 %.", chunk_id="winter", valid_from=END)
    whole = view(asked, future)
    assert whole.at(START).chunks[asked.chunk_id].related == ("Do you gift wrap?",)
    assert whole.at(END).chunks[asked.chunk_id].related == asked.related


async def test_prices_are_told_as_they_are_at_the_moment_of_the_turn() -> None:
    shop = Shop(*prices(), a_faq())
    for moment, price in ((START - SECOND, "£32"), (START, "£24"), (END, "£32")):
        assert price in (await shop.ask("how much is the Clay Teapot?", as_of=moment)).text


async def test_a_question_about_an_order_is_answered_as_of_the_day_it_was_placed() -> None:
    placed = datetime.fromisoformat(an_order().created_at)
    asked = ("Is delivery free?", "Was delivery free when I ordered this?")
    then = a_faq(asked[0], "Delivery was free that week.", asked[1], chunk_id="then", valid_until=placed + SECOND)
    now = a_faq(asked[0], "Delivery costs £3.", asked[1], chunk_id="now", valid_from=placed + SECOND)
    shop = Shop(then, now)
    said = ("My order is TC20260001, phone ending 4821", "It is on its way.")
    assert (await shop.ask(asked[1], *said)).text == "Delivery was free that week."
    assert (await shop.ask("Is delivery free?", *said)).text == "Delivery costs £3."
    stranger = ("My order is TC20260001, phone ending 1111", "I can't find it.")
    assert "that week" not in (await shop.ask(asked[1], *stranger)).text


@pytest.mark.parametrize(
    "text",
    [
        "我买的时候包邮吗",
        "这单当时有赠品吗",
        "下单时说的是满99包邮吧",
        "我已经买了，还能退差价吗",
        "was it free when I ordered?",
        "Can this order still be returned?",
        "I already bought it, do I get the gift?",
    ],
)
def test_questions_about_an_order_are_known(text: str) -> None:
    assert asks_about_order(text)


@pytest.mark.parametrize(
    "text",
    [
        "包邮吗",
        "现在下单多久发货",
        "我买过一次，现在再买有优惠吗",
        "How do I place an order?",
        "if I order again, is it free?",
        "what is the price now? I bought it last year",
    ],
)
def test_questions_about_now_are_known(text: str) -> None:
    assert not asks_about_order(text)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-11-05T10:00:00+08:00", datetime(2026, 11, 5, 2, tzinfo=UTC)),
        ("2026-11-05 10:00", datetime(2026, 11, 5, 2, tzinfo=UTC)),
        ("2026/11/05 10:00:59", datetime(2026, 11, 5, 2, 0, 59, tzinfo=UTC)),
        ("2026-11-05", datetime(2026, 11, 5, 4, tzinfo=UTC)),
        ("last week", None),
        ("", None),
    ],
)
def test_an_orders_time_is_the_shops_unless_it_says_otherwise(written: str, moment: datetime | None) -> None:
    assert placed_at(an_order(created_at=written), "Asia/Shanghai") == moment
