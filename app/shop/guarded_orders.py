"""An order book that cannot be guessed open: too many wrong phone tails close an order for a while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from app.shop.orders import Order, OrderBook

WRONG_TAILS = 5
"""Wrong tails an order takes within the window before it stays shut, for the right tail too."""
WINDOW_SECONDS = 1_800.0
_REMEMBERED = 10_000


class GuardedOrders:
    """Passes look-ups on to an order book until an order has seen too many wrong tails.

    "Shut", "no such order" and "not yours" are one answer: whoever guesses learns nothing from it. Counted in this
    process, an order at a time, known or not.
    """

    def __init__(self, book: OrderBook, clock: Callable[[], float] = time.monotonic) -> None:
        self._book = book
        self._clock = clock
        self._wrong: OrderedDict[tuple[str, str], list[float]] = OrderedDict()

    async def find(self, shop: str, order_id: str, phone_last4: str, customer_id: str = "") -> Order | None:
        """The order when number and tail belong together and it is not shut; a customer's own is never shut."""
        if customer_id and (own := await self._book.find(shop, order_id, "", customer_id)):
            return own
        key = (shop, "".join(c for c in order_id.casefold() if c.isdigit()))
        recent = [at for at in self._wrong.get(key, ()) if at > self._clock() - WINDOW_SECONDS]
        if len(recent) >= WRONG_TAILS:
            return None
        order = await self._book.find(shop, order_id, phone_last4)
        if order is None and phone_last4:
            self._wrong[key] = [*recent, self._clock()]
            self._wrong.move_to_end(key)
            if len(self._wrong) > _REMEMBERED:
                self._wrong.popitem(last=False)
        return order

    async def of_customer(self, shop: str, customer_id: str) -> Sequence[Order]:
        """As the book says: nothing is guessed here, the shop has signed for it."""
        return await self._book.of_customer(shop, customer_id)

    def looks_like_order_number(self, shop: str, text: str) -> bool:
        """As the book says."""
        return self._book.looks_like_order_number(shop, text)
