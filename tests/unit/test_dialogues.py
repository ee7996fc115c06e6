"""Scripted dialogues: the same seed writes the same ones, and the judge sees what goes wrong."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from app.conversation.events import Event, EventType
from eval.dialogues.judge import faults_of
from eval.dialogues.script import NOBODY, Writer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORDERS = [("TL20261019000231", "4417"), ("TL20261018000874", "0926")]


def log(*happened: tuple[EventType, dict[str, Any]]) -> list[Event]:
    return [Event("c", seq, type_, NOW, payload) for seq, (type_, payload) in enumerate(happened, start=1)]


def said(id_: str, text: str) -> tuple[EventType, dict[str, Any]]:
    return EventType.RECEIVED, {"message_id": id_, "text": text}


def called(
    *answers: str, text: str = "One moment.", reason: str = "low_confidence"
) -> tuple[EventType, dict[str, Any]]:
    return EventType.HANDOFF, {"reason": reason, "text": text, "answers": list(answers)}


JOINED = (EventType.JOINED, {"agent": "a1", "name": "Mei"})
BACK = (EventType.LEFT, {"agent": "a1"})


@pytest.mark.parametrize("shop", ["tangli", "larchwood"])
def test_the_same_seed_writes_the_same_dialogues_and_another_writes_others(shop: str) -> None:
    one, again, other = (list(Writer(shop, ORDERS, seed).write(50)) for seed in (7, 7, 8))
    assert one == again != other
    assert Counter(d.kind for d in one)["calm"] == 10
    assert all(step.text for d in one for step in d.steps if step.action == "say")


def test_in_an_order_dialogue_nothing_may_be_asked_for_that_was_given() -> None:
    order = next(d for d in Writer("tangli", ORDERS, 1).write(10) if d.kind == "order")
    texts = " ".join(step.text for step in order.steps)
    assert any(number in texts and tail in texts for number, tail in ORDERS)
    assert order.steps[-1].knows_order
    assert order.steps[-1].calls == NOBODY


def test_a_question_that_was_given_back_and_is_queued_again_is_a_loop() -> None:
    events = log(said("m1", "do you sell violins"), called("m1"), JOINED, BACK, said("m2", "Do you sell violins?"))
    assert list(faults_of(events)) == []
    assert list(faults_of([*events, *log(called("m2"))])) == [("loop", "low_confidence")]
    assert list(faults_of([*events, *log(called("m2", reason="asked_for_human"))])) == []


def test_a_hand_over_without_words_is_silent() -> None:
    assert list(faults_of(log(said("m1", "hello"), called("m1", text=" ")))) == [("silent hand-over", "low_confidence")]


def test_the_bot_must_not_speak_while_a_person_has_the_conversation() -> None:
    events = log(said("m1", "hello"), called("m1"), JOINED, (EventType.SENTENCE, {"text": "Hi"}))
    assert list(faults_of(events)) == [("spoke over a person", "reply.sentence")]
