"""Phone tails can't be guessed through the order tool."""

from __future__ import annotations

from app.shop.guarded_orders import WINDOW_SECONDS, WRONG_TAILS, GuardedOrders
from app.shop.orders import Order
from tests.builders import an_order


class _Book:
    def __init__(self) -> None:
        self.order = an_order()

    async def find(self, shop: str, order_id: str, phone_last4: str) -> Order | None:
        known = (self.order.order_id, self.order.phone_last4)
        return self.order if (order_id, phone_last4) == known else None

    def looks_like_order_number(self, shop: str, text: str) -> bool:
        return text == self.order.order_id


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_after_too_many_wrong_tails_even_the_right_one_finds_nothing_until_the_window_has_passed() -> None:
    book, clock = _Book(), _Clock()
    orders = GuardedOrders(book, clock)
    number, tail = book.order.order_id, book.order.phone_last4
    for guess in range(WRONG_TAILS):
        assert await orders.find("tea", number, f"{guess:04}") is None
    assert await orders.find("tea", number, tail) is None
    assert await orders.find("coffee", number, tail) is book.order
    clock.now = WINDOW_SECONDS + 1
    assert await orders.find("tea", number, tail) is book.order


async def test_a_mistyped_tail_or_two_costs_nothing() -> None:
    book = _Book()
    orders = GuardedOrders(book, _Clock())
    assert await orders.find("tea", book.order.order_id, "0000") is None
    assert await orders.find("tea", book.order.order_id, book.order.phone_last4) is book.order
    assert orders.looks_like_order_number("tea", book.order.order_id)
