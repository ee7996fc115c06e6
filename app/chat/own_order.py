"""The orders that are the shopper's own: by number and phone tail, or because their shop has vouched for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.chat.turn import Citation, Evidence, Fact, Question, Sentence, Turn
from app.shop.orders import Order, OrderBook
from app.shop.tools.where_is_my_order import report_order

CHOICES = 5


class OwnOrders:
    """Looks orders up for the shopper of a turn, and for nobody else."""

    def __init__(self, orders: OrderBook) -> None:
        self._orders = orders

    async def find(self, question: Question, turn: Turn) -> Order | None:
        """The order that the question names, when it is the shopper's; None for "not theirs" and "not there" alike.

        A number in the message itself is meant, and not one that was named before."""
        customer = turn.identity.customer_id
        for order_id in [n for n in question.order_ids if n in question.text] or question.order_ids:
            for tail in question.phone_tails or ("",):
                if (tail or customer) and (order := await self._orders.find(turn.shop, order_id, tail, customer)):
                    return order
        return None

    async def own(self, turn: Turn) -> Sequence[Order]:
        """The newest few of the customer whom the shop vouches for; none for anybody else."""
        return (await self._orders.of_customer(turn.shop, turn.identity.customer_id))[:CHOICES]


def choice(order: Order, names: Mapping[str, str]) -> str:
    """An order to choose among others: its number, its day, what was in it."""
    items = [names.get(item.sku.casefold(), item.sku) for item in order.items[:1]]
    more = f" +{len(order.items) - 1}" if len(order.items) > 1 else ""
    return " · ".join(part for part in (order.order_id, order.created_at[:10], "".join(items) + more) if part)


def evidence_of(order: Order, language: str, names: Mapping[str, str]) -> Evidence:
    """What is told about it, a line each, resting on a value of the order."""
    said = report_order(order, language, names)
    citations = [Citation(order.path, order.order_id, order.order_id, line.value) for line in said]
    return Evidence(
        facts=tuple(
            Fact(order.order_id, line.name or "order", line.value, order.path, order.order_id)
            for line in said
            if line.value
        ),
        draft=tuple(
            Sentence(f"\n{line.text}" if at else line.text, (citation,), "fact")
            for at, (line, citation) in enumerate(zip(said, citations, strict=True))
        ),
    )
