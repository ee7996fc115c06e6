"""A model writes for those who read: once they have left it is stopped, and the record is whole all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from app.chat.turn import Answer, Citation, Decision, Evidence, Question, Sentence, Turn
from app.conversation.events import EventType
from app.conversation.speak import Conversations
from app.conversation.telling import Telling
from tests.edge import FakeShops, make_conversations
from tests.fakes import FakeAttendant, FakeEventLog

CITED = (Citation("knowledge/returns.md", "Returns", "returns", "Returns"),)
DRAFT = tuple(
    Sentence(text, CITED, "evidence")
    for text in ("Tents may be returned within 60 days.", "Keep the receipt.", "Postage is not refunded.")
)
SAID = ("You may return a tent within 60 days.", "Please keep the receipt.", "We do not refund postage.")


class PhrasingAttendant(FakeAttendant):
    """Says an answer in a model's words; each sentence waits for leave to be said."""

    def __init__(self) -> None:
        super().__init__()
        self.leave = asyncio.Semaphore(0)
        self.stopped = asyncio.Event()

    async def decide(self, turn: Turn) -> Decision:
        question = Question(turn.text, turn.text, "en")
        return Answer(question, Evidence(draft=DRAFT), 0.9, needs_model=True)

    async def reply(self, turn: Turn, decision: Decision) -> AsyncIterator[Sentence]:
        try:
            for text in SAID:
                await self.leave.acquire()
                yield Sentence(text, CITED, "model")
        finally:
            self.stopped.set()


class Turning:
    """One turn of one conversation."""

    def __init__(self) -> None:
        self.log, self.attendant = FakeEventLog(), PhrasingAttendant()
        self.conversations: Conversations = make_conversations(self.log, self.attendant, FakeShops())
        self.id = ""

    async def begin(self) -> Telling:
        self.id = (await self.conversations.start("hill", "en")).id
        return await self.conversations.say(self.id, "How do I return a tent?")

    def say(self, many: int) -> None:
        for _ in range(many):
            self.attendant.leave.release()

    async def reads_one_sentence(self, telling: Telling) -> None:
        """Then closes the page."""
        self.say(1)
        async with aclosing(telling.events()) as events:
            async for event in events:
                if event.type is EventType.SENTENCE:
                    return

    async def ends(self, telling: Telling) -> str:
        async with asyncio.timeout(5):
            return str((await telling.reply())["text"])


@pytest.fixture
def turning() -> Turning:
    return Turning()


async def test_when_the_reader_leaves_the_model_is_stopped_and_the_rest_is_said_in_the_shops_words(
    turning: Turning,
) -> None:
    telling = await turning.begin()
    await turning.reads_one_sentence(telling)
    turning.say(1)
    assert await turning.ends(telling) == f"{SAID[0]} {SAID[1]} {DRAFT[2].text}"
    assert turning.attendant.stopped.is_set()
    told = [event.type for event in turning.log.events[turning.id]]
    assert told.count(EventType.SENTENCE) == 3
    assert told[-1] is EventType.COMPLETED


async def test_while_somebody_reads_the_model_says_all_of_it(turning: Turning) -> None:
    telling = await turning.begin()
    turning.say(3)
    told = [event async for event in telling.events()]
    assert told[-1].payload["reply"]["text"] == " ".join(SAID)


async def test_a_second_window_that_still_follows_keeps_the_model_at_it(turning: Turning) -> None:
    telling = await turning.begin()
    async with aclosing(await turning.conversations.follow(turning.id)) as other:
        await anext(other)
        await turning.reads_one_sentence(telling)
        turning.say(2)
        assert await turning.ends(telling) == " ".join(SAID)


async def test_a_reader_who_is_back_before_the_next_sentence_has_the_models_words(turning: Turning) -> None:
    telling = await turning.begin()
    await turning.reads_one_sentence(telling)
    async with aclosing(await turning.conversations.follow(turning.id)) as back:
        await anext(back)
        turning.say(2)
        assert await turning.ends(telling) == " ".join(SAID)


async def test_who_waits_for_the_whole_reply_reads_it_too(turning: Turning) -> None:
    telling = await turning.begin()
    async with aclosing(await turning.conversations.follow(turning.id)) as other:
        await anext(other)
    turning.say(3)
    assert await turning.ends(telling) == " ".join(SAID)


async def test_an_answer_that_needs_no_model_is_said_as_it_is(turning: Turning) -> None:
    turning.attendant.decide = _plain(turning.attendant)  # type: ignore[method-assign]
    telling = await turning.begin()
    await turning.reads_one_sentence(telling)
    turning.say(2)
    assert await turning.ends(telling) == " ".join(SAID)


def _plain(attendant: PhrasingAttendant):  # type: ignore[no-untyped-def]
    decide = attendant.decide

    async def plainly(turn: Turn) -> Decision:
        decision = await decide(turn)
        assert isinstance(decision, Answer)
        return replace(decision, needs_model=False)

    return plainly
