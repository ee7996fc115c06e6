"""Phone tails can't be guessed through the order tool."""

from __future__ import annotations

from app.shop.guarded_orders import WINDOW_SECONDS, WRONG_TAILS, GuardedOrders
from tests.builders import an_order
from tests.fakes import FakeOrders


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_after_too_many_wrong_tails_even_the_right_one_finds_nothing_until_the_window_has_passed() -> None:
    order, clock = an_order(), _Clock()
    book = FakeOrders(order)
    orders = GuardedOrders(book, clock)
    number, tail = order.order_id, order.phone_last4
    for guess in range(WRONG_TAILS):
        assert await orders.find("tea", number, f"{guess:04}") is None
    assert await orders.find("tea", number, tail) is None
    assert await orders.find("coffee", number, tail) is order
    clock.now = WINDOW_SECONDS + 1
    assert await orders.find("tea", number, tail) is order


async def test_a_mistyped_tail_or_two_costs_nothing() -> None:
    order = an_order()
    book = FakeOrders(order)
    orders = GuardedOrders(book, _Clock())
    assert await orders.find("tea", order.order_id, "0000") is None
    assert await orders.find("tea", order.order_id, order.phone_last4) is order
    assert orders.looks_like_order_number("tea", order.order_id)


async def test_guesses_of_strangers_never_shut_an_order_for_the_customer_the_shop_vouches_for() -> None:
    order = an_order()
    orders = GuardedOrders(FakeOrders(order), _Clock())
    for guess in range(WRONG_TAILS + 1):
        assert await orders.find("tea", order.order_id, f"{guess:04}", "somebody-else") is None
    assert await orders.find("tea", order.order_id, "", order.customer_id) is order
    assert await orders.of_customer("tea", order.customer_id) == [order]
