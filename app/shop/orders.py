"""Orders as a shopper may ask about them, and the port they are looked up through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TrackingEvent:
    """One line of a parcel's story. `time` is kept as the shop wrote it."""

    time: str
    status: str
    desc: str


@dataclass(frozen=True, slots=True)
class OrderItem:
    sku: str
    qty: int
    price: str


@dataclass(frozen=True, slots=True)
class Order:
    """One order, with the fields of the contract; texts are kept as the shop wrote them."""

    order_id: str
    phone_last4: str
    customer_id: str
    status: str
    created_at: str
    shipped_at: str = ""
    carrier: str = ""
    tracking_no: str = ""
    tracking: tuple[TrackingEvent, ...] = ()
    items: tuple[OrderItem, ...] = ()
    address_city: str = ""
    path: str = "orders.jsonl"


class OrderBook(Protocol):
    """Looks orders up. Never tells "no such order" from "not yours": both are None, and take the same work."""

    async def find(self, shop: str, order_id: str, phone_last4: str, customer_id: str = "") -> Order | None:
        """The order when number and phone tail belong together, or when it is of that customer, whom the shop has
        vouched for."""

    async def of_customer(self, shop: str, customer_id: str) -> Sequence[Order]:
        """All orders of a customer whom the shop has vouched for, the newest first; none for ""."""

    def looks_like_order_number(self, shop: str, text: str) -> bool:
        """Whether the text is written like this shop's order numbers, known or not. No I/O after the first call."""
