"""What stands beside a chat: the shopper's own orders, and no others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.api.desk_view import event_json, order_json, own_orders
from app.chat.turn import Identity
from app.conversation.brief import brief
from app.conversation.conversation import Conversation, Received
from app.conversation.events import Event, EventType
from app.shop.orders import Order
from tests.builders import an_order

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Book:
    """One order, found by number and tail."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def find(self, shop: str, order_id: str, phone_last4: str) -> Order | None:
        self.asked.append((order_id, phone_last4))
        return an_order() if (order_id, phone_last4) == ("TC20260001", "4821") else None

    def looks_like_order_number(self, shop: str, text: str) -> bool:
        return False


def conversation(*texts: str, identity: Identity = Identity()) -> Conversation:  # noqa: B008 - frozen
    made = Conversation("c", "tea", identity=identity)
    made.messages = {f"m{n}": Received(f"m{n}", n, text) for n, text in enumerate(texts)}
    return made


async def test_an_order_the_bot_found_for_the_shopper_is_shown() -> None:
    found = await own_orders(Book(), conversation("TC20260001", "it is 4821"), ["TC20260001"])
    assert [order.order_id for order in found] == ["TC20260001"]
    assert "phone_last4" not in order_json(found[0])


async def test_a_list_of_guesses_opens_no_order() -> None:
    book = Book()
    assert await own_orders(book, conversation("TC20260001", "4820 4821 4822 4823"), []) == []
    assert book.asked == []


async def test_the_page_of_an_order_shows_it() -> None:
    there = conversation("hello", identity=Identity("TC20260001", "4821"))
    assert len(await own_orders(Book(), there, [])) == 1


def test_a_brief_of_a_bare_number_says_what_it_was_about() -> None:
    happened: list[tuple[EventType, dict[str, Any]]] = [
        (EventType.RECEIVED, {"message_id": "m1", "text": "Where is my parcel?"}),
        (EventType.RECEIVED, {"message_id": "m2", "text": "LW-20402 5519"}),
        (EventType.HANDOFF, {"reason": "tool_failed", "text": "One moment.", "answers": ["m2"]}),
    ]
    told = brief([Event("c", n, t, NOW, p) for n, (t, p) in enumerate(happened, 1)], "en")
    assert told["question"] == "Where is my parcel? / LW-20402 5519"
    assert told["orders"] == ["LW-20402"]
    assert told["own_orders"] == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_brief_of_nothing_is_still_two_lines(language: str) -> None:
    assert len(brief([], language)["summary"]) == 2


def test_staff_see_notes_and_who_wrote_them() -> None:
    noted = Event("c", 3, EventType.NOTED, NOW, {"agent": "a1", "name": "Mei", "text": "Be kind."})
    assert event_json(noted)["data"] == {"agent": "a1", "name": "Mei", "text": "Be kind."}
