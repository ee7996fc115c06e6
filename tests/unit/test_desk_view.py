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
from tests.builders import an_order
from tests.fakes import FakeOrders

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def conversation(*texts: str, identity: Identity = Identity()) -> Conversation:  # noqa: B008 - frozen
    made = Conversation("c", "tea", identity=identity)
    made.messages = {f"m{n}": Received(f"m{n}", n, text) for n, text in enumerate(texts)}
    return made


async def test_an_order_the_bot_found_for_the_shopper_is_shown() -> None:
    found = await own_orders(FakeOrders(an_order()), conversation("TC20260001", "it is 4821"), ["TC20260001"])
    assert [order.order_id for order in found] == ["TC20260001"]
    assert "phone_last4" not in order_json(found[0])


async def test_a_list_of_guesses_opens_no_order() -> None:
    book = FakeOrders(an_order())
    assert await own_orders(book, conversation("TC20260001", "4820 4821 4822 4823"), []) == []
    assert book.asked == []


async def test_the_page_of_an_order_shows_it() -> None:
    there = conversation("hello", identity=Identity("TC20260001", "4821"))
    assert len(await own_orders(FakeOrders(an_order()), there, [])) == 1


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


@pytest.mark.parametrize(("reason", "times"), [("anger", 1), ("asked_for_human", 1)])
def test_a_brief_says_once_that_somebody_is_upset(reason: str, times: int) -> None:
    happened: list[tuple[EventType, dict[str, Any]]] = [
        (EventType.RECEIVED, {"message_id": "m1", "text": "This is ridiculous, I am furious!"}),
        (EventType.HANDOFF, {"reason": reason, "text": "One moment.", "answers": ["m1"]}),
    ]
    told = brief([Event("c", n, t, NOW, p) for n, (t, p) in enumerate(happened, 1)], "en")
    assert told["emotion"] == "angry"
    assert " ".join(told["summary"]).count("upset") == times


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_brief_of_nothing_is_still_two_lines(language: str) -> None:
    assert len(brief([], language)["summary"]) == 2


def test_staff_see_notes_and_who_wrote_them() -> None:
    noted = Event("c", 3, EventType.NOTED, NOW, {"agent": "a1", "name": "Mei", "text": "Be kind."})
    assert event_json(noted)["data"] == {"agent": "a1", "name": "Mei", "text": "Be kind."}
