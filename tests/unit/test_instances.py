"""Several instances of one installation: one turn at a time for a conversation, wherever its messages come in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.conversation.events import Event, EventType
from app.conversation.session import Sign
from app.conversation.speak import Conversations
from app.errors import Unavailable
from app.telemetry import Telemetry
from tests.edge import FakeShops, Limits
from tests.fakes import FakeAttendant, FakeEventLog, FakeLeases, FakeRelay
from tests.unit.test_speak import until


class Instance:
    """One of several over the same log, leases and wire."""

    def __init__(self, log: FakeEventLog, held: dict[str, tuple[str, float]], wire: list[FakeRelay]) -> None:
        self.attendant = FakeAttendant()
        self.relay = FakeRelay(wire)
        self.leases = FakeLeases(held)
        shops = FakeShops()
        self.conversations = Conversations(
            log=log,
            attendant=self.attendant,
            releases=shops,
            brands=shops,
            witness=Telemetry(),
            limits=Limits(turn_timeout_seconds=5),
            relay=self.relay,
            leases=self.leases,
        )

    async def ask(self, id_: str, text: str, client: str = "") -> dict[str, Any]:
        return await (await self.conversations.say(id_, text, client)).reply()


class Installation:
    def __init__(self) -> None:
        self.log = FakeEventLog()
        self.log.shared = True
        held: dict[str, tuple[str, float]] = {}
        wire: list[FakeRelay] = []
        self.one, self.other = (Instance(self.log, held, wire) for _ in range(2))
        self.id = ""

    def count(self, type_: EventType) -> int:
        return sum(event.type is type_ for event in self.log.events[self.id])


@pytest.fixture
async def both() -> Installation:
    made = Installation()
    made.id = (await made.one.conversations.start("hill", "en")).id
    return made


async def test_a_message_sent_to_two_instances_at_once_is_recorded_once_and_answered_once(both: Installation) -> None:
    replies = await asyncio.gather(
        *(instance.ask(both.id, "Can I return it?", "c1") for instance in (both.one, both.other) for _ in range(3))
    )
    assert all(reply == replies[0] for reply in replies)
    assert both.count(EventType.RECEIVED) == both.count(EventType.DECIDED) == both.count(EventType.COMPLETED) == 1


async def test_a_turn_here_waits_for_the_turn_there(both: Installation) -> None:
    both.one.attendant.gate.clear()
    first = asyncio.create_task(both.one.ask(both.id, "first"))
    await until(lambda: both.one.attendant.turns)
    second = asyncio.create_task(both.other.ask(both.id, "second"))
    await until(lambda: both.count(EventType.RECEIVED) == 2)
    await asyncio.sleep(0.05)
    assert both.other.attendant.turns == []
    both.one.attendant.gate.set()
    assert "first" in (await first)["text"]
    assert "second" in (await second)["text"]
    told = [m.text for m in both.other.attendant.turns[0].history]
    assert told[0] == "first"
    assert "first" in told[1]


async def test_a_repeat_on_another_instance_gets_the_reply_that_is_on_its_way(both: Installation) -> None:
    both.one.attendant.sentence_gate.clear()
    first = asyncio.create_task(both.one.ask(both.id, "first", "c1"))
    await until(lambda: both.count(EventType.DECIDED))
    again = asyncio.create_task(both.other.ask(both.id, "first", "c1"))
    await asyncio.sleep(0.05)
    both.one.attendant.sentence_gate.set()
    assert await first == await again
    assert both.other.attendant.turns == []


async def test_a_reply_of_one_instance_streams_to_a_reader_on_another_at_once(both: Installation) -> None:
    events = await both.other.conversations.follow(both.id, 1)
    both.one.attendant.sentence_gate.clear()
    asking = asyncio.create_task(both.one.ask(both.id, "first"))
    seen: list[str] = []
    async with asyncio.timeout(2):
        async for event in events:
            if isinstance(event, Event):
                seen.append(event.type.value)
                if event.type is EventType.SENTENCE:
                    both.one.attendant.sentence_gate.set()
                if event.type is EventType.COMPLETED:
                    break
    await events.aclose()
    await asking
    assert seen == ["message.received", "decision.made", "reply.sentence", "reply.sentence", "reply.completed"]


async def test_an_agent_who_types_on_one_instance_is_seen_on_another(both: Installation) -> None:
    await both.one.conversations.join_agent(both.id, "mei", "Mei")
    events = await both.other.conversations.follow(both.id, 2)
    following = asyncio.create_task(anext(aiter(events)))
    await asyncio.sleep(0.02)
    await both.one.conversations.show_typing(both.id, "mei", "Mei")
    async with asyncio.timeout(2):
        sign = await following
    assert isinstance(sign, Sign)
    assert sign.type == "agent.typing"
    await events.aclose()


async def test_when_an_instance_dies_in_a_turn_another_answers_once_its_lease_has_lapsed(both: Installation) -> None:
    both.one.attendant.gate.clear()
    lost = asyncio.create_task(both.one.ask(both.id, "first", "c1"))
    await until(lambda: both.one.attendant.turns)
    both.one.relay.alive = False
    holder, _ = both.one.leases.held[both.id]
    both.one.leases.held = {}  # it renews nothing any more, as a dead one
    both.other.leases.held[both.id] = (holder, asyncio.get_running_loop().time() + 0.3)
    reply = await both.other.ask(both.id, "first", "c1")
    assert "first" in reply["text"]
    # The dead one was only slow: it comes back, and says nothing twice.
    both.one.attendant.gate.set()
    assert await lost == reply
    assert both.count(EventType.COMPLETED) == both.count(EventType.DECIDED) == 1


async def test_who_waits_too_long_for_another_instance_is_told_to_send_it_again(both: Installation) -> None:
    both.other.leases.held[both.id] = ("somebody", asyncio.get_running_loop().time() + 60)
    both.other.conversations._answerer._turns._most_wait_seconds = 0.3
    with pytest.raises(Unavailable, match="is kept"):
        await both.other.ask(both.id, "first", "c1")
    both.other.leases.held.clear()
    assert "first" in (await both.other.ask(both.id, "first", "c1"))["text"]
