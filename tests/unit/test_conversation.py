"""What a conversation is: statuses, folding, history."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.conversation.conversation import Conversation, Status, next_status
from app.conversation.events import Event, EventType
from app.errors import Conflict

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def folded(*happened: tuple[EventType, dict[str, object]]) -> Conversation:
    events = [Event("c", seq, type_, NOW, payload) for seq, (type_, payload) in enumerate(happened, start=1)]
    return Conversation("c", "hill").apply_all(events)


def received(id_: str, text: str, client: str = "") -> tuple[EventType, dict[str, object]]:
    return EventType.RECEIVED, {"message_id": id_, "text": text, "client_message_id": client}


def decided(*answers: str) -> tuple[EventType, dict[str, object]]:
    return EventType.DECIDED, {"message_id": answers[-1], "answers": list(answers)}


def completed(text: str, *answers: str) -> tuple[EventType, dict[str, object]]:
    reply = {"message_id": answers[-1], "text": text, "decision": "answer"}
    return EventType.COMPLETED, {"message_id": answers[-1], "answers": list(answers), "reply": reply}


def test_a_handover_leads_from_open_to_waiting_to_with_agent_to_closed() -> None:
    status = Status.OPEN
    for type_ in (EventType.HANDOFF, EventType.JOINED, EventType.AGENT_SAID, EventType.CLOSED):
        status = next_status(status, type_)
    assert status is Status.CLOSED


def test_a_second_handover_is_refused() -> None:
    with pytest.raises(Conflict, match="waiting_for_agent"):
        next_status(Status.WAITING, EventType.HANDOFF)


def test_nothing_can_be_said_once_it_is_closed() -> None:
    with pytest.raises(Conflict):
        next_status(Status.CLOSED, EventType.RECEIVED)


def test_an_agent_who_leaves_gives_the_conversation_back_to_the_bot() -> None:
    assert next_status(Status.WITH_AGENT, EventType.LEFT) is Status.OPEN


def test_a_message_that_came_during_a_turn_stands_after_that_turns_reply() -> None:
    conversation = folded(
        received("a", "first"), received("b", "second"), decided("a"), completed("one", "a"), decided("b"),
        completed("two", "b"),
    )  # fmt: skip
    assert [m.text for m in conversation.history(())] == ["first", "one", "second", "two"]


def test_the_messages_of_the_turn_itself_are_not_its_history() -> None:
    conversation = folded(received("a", "first"), decided("a"), completed("one", "a"), received("b", "second"))
    current = [conversation.messages["b"]]
    assert [m.text for m in conversation.history(current)] == ["first", "one"]


def test_a_message_that_was_never_answered_is_part_of_the_history() -> None:
    conversation = folded(received("a", "lost in a crash"), received("b", "second"))
    assert [m.text for m in conversation.history([conversation.messages["b"]])] == ["lost in a crash"]


def test_a_turn_that_is_run_again_does_not_see_its_own_message() -> None:
    conversation = folded(received("a", "first"), decided("a"))
    assert conversation.history([conversation.messages["a"]]) == ()


def test_only_the_last_ten_messages_are_told() -> None:
    turns = [
        part for n in range(30) for part in (received(f"m{n}", f"q{n}"), decided(f"m{n}"), completed("r", f"m{n}"))
    ]
    assert len(folded(*turns).history(())) == 10


def test_an_event_seen_twice_counts_once() -> None:
    conversation = folded(received("a", "first", "client-1"))
    conversation.apply(Event("c", 1, EventType.CLOSED, NOW, {}))
    assert conversation.status is Status.OPEN
    assert conversation.known("client-1") is not None


def test_an_erased_conversation_remembers_no_word() -> None:
    conversation = folded(
        received("a", "first", "client-1"), decided("a"), completed("one", "a"), (EventType.ERASED, {})
    )
    assert conversation.history(()) == ()
    assert conversation.known("client-1") is None
    assert conversation.status is Status.CLOSED
