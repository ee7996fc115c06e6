"""How the desk's things look on the wire: plain JSON for the page and for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from app.api.container import Container
from app.api.shopper_view import seen_by_shopper
from app.conversation.board import Case, Notice, Person
from app.conversation.brief import brief
from app.conversation.conversation import Conversation
from app.conversation.events import Event, EventType
from app.conversation.hub import Ping
from app.errors import XiaoerError
from app.shop.orders import Order, OrderBook

_PREVIEW = 90
_STAFF_ONLY = frozenset(
    {
        EventType.NOTED, EventType.TAGGED, EventType.DRAFTED, EventType.REQUEUED, EventType.TICKET, EventType.ATTACHED,
    }
)  # fmt: skip
_LOOKED_UP = 3
_LISTED = 5
"""Orders of a customer whom the shop vouches for, the newest first"""


def case_json(case: Case, conversation: Conversation | None = None) -> dict[str, Any]:
    """One row of a list, with the shopper's last words where the conversation is at hand."""
    told = asdict(case)
    told["preview"] = _preview(conversation) if conversation else ""
    return told


def person_json(person: Person) -> dict[str, Any]:
    """Somebody at the desk."""
    return asdict(person)


def event_json(event: Event) -> dict[str, Any]:
    """An event as staff see it: all of it but what only the server needs."""
    payload: Mapping[str, Any] = event.payload
    if event.type not in _STAFF_ONLY and event.type not in (EventType.STARTED, EventType.AGENT_SAID):
        seen = seen_by_shopper(event)
        extra = {"agent": payload["agent"]} if "agent" in payload else {}
        shown = {**seen[1], **extra} if seen else dict(payload)
    else:
        shown = {name: value for name, value in payload.items() if name != "token_hash"}
    return {"seq": event.seq, "type": event.type.value, "time": event.time.isoformat(), **{"data": shown}}


def notice_json(notice: Notice) -> dict[str, Any]:
    """A notice of the desk."""
    return asdict(notice)


def ping_json(ping: Ping) -> dict[str, Any]:
    """Something passing."""
    return {"shop": ping.shop, "conversation_id": ping.conversation_id, **ping.about}


async def conversation_json(
    container: Container, conversation_id: str, case: Case | None, others: Sequence[Case], language: str
) -> dict[str, Any]:
    """All that stands beside a chat: brief, shopper, orders, history, and every event."""
    conversation = await container.conversations.look(conversation_id)
    events = await container.conversations.events(conversation_id)
    told = brief(events, language)
    identity = conversation.identity
    return {
        "id": conversation_id,
        "shop": conversation.shop,
        "status": conversation.status.value,
        "agent": conversation.standing.agent,
        "seq": conversation.seq,
        "case": case_json(case, conversation) if case else None,
        "brief": told,
        "shopper": {
            "page": conversation.page,
            "locale": conversation.locale,
            "customer_id": identity.customer_id,
            "started_at": events[0].time.isoformat() if events else "",
        },
        "orders": [order_json(order) for order in await own_orders(container.orders, conversation, told["own_orders"])],
        "history": [case_json(other) for other in others],
        "events": [event_json(event) for event in events],
    }


async def own_orders(book: OrderBook | None, conversation: Conversation, own: Sequence[str]) -> list[Order]:
    """The orders of a customer whom the shop vouches for, and those the shopper has shown to own, by a look-up of the
    bot's, which takes few guesses, or by the page they came from. An agent sees no other: nobody is to be talked into
    reading out a stranger's."""
    if book is None:
        return []
    identity = conversation.identity
    texts = [message.text for message in conversation.messages.values()]
    tails = list(dict.fromkeys([*([identity.phone_last4] if identity.phone_last4 else []), *_tails(texts)]))
    found: dict[str, Order] = {}
    known = await book.of_customer(conversation.shop, identity.customer_id)
    found |= {order.order_id: order for order in known[:_LISTED]}
    pairs = [(number, tail) for number in own[:_LOOKED_UP] for tail in tails]
    if identity.order_id and identity.phone_last4:
        pairs.insert(0, (identity.order_id, identity.phone_last4))
    for number, tail in pairs:
        if number not in found:
            try:
                order = await book.find(conversation.shop, number, tail)
            except XiaoerError:
                continue
            if order is not None:
                found.setdefault(order.order_id, order)
    return list(found.values())


def _tails(texts: Sequence[str]) -> list[str]:
    """Last four digits of phones, given alone or as a whole number."""
    digits = ("".join(c if c.isdigit() else " " for c in text).split() for text in texts)
    return [part[-4:] for parts in digits for part in parts if len(part) == 4 or len(part) >= 10]


def order_json(order: Order) -> dict[str, Any]:
    """An order without what nobody needs to read: the phone's last digits."""
    told = asdict(order)
    del told["phone_last4"]
    return told


def _preview(conversation: Conversation) -> str:
    last = next(reversed(conversation.messages.values()), None)
    flat = " ".join(last.text.split()) if last else ""
    return flat if len(flat) <= _PREVIEW else flat[: _PREVIEW - 1] + "…"
