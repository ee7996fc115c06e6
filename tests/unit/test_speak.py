"""How a conversation goes: one turn at a time, nothing lost, nothing said twice."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import aclosing

import pytest

from app.chat.turn import Identity
from app.conversation.events import Event, EventType
from app.conversation.speak import Conversations
from app.errors import Conflict, NoKnowledge, NotFound, TooManyRequests, Unavailable, XiaoerError
from tests.edge import FakeShops, make_conversations
from tests.fakes import RETURNS_QUOTE, FakeAttendant, FakeEventLog


class Talk:
    """One conversation over fakes."""

    def __init__(self, **limits: float) -> None:
        self.log = FakeEventLog()
        self.attendant = FakeAttendant()
        self.shops = FakeShops()
        self.limits = limits
        self.conversations = self.open()
        self.id = ""

    def open(self) -> Conversations:
        return make_conversations(self.log, self.attendant, self.shops, **self.limits)

    async def begin(self) -> Talk:
        self.id = (await self.conversations.start("hill", "en")).id
        return self

    async def ask(self, text: str, client: str = "") -> dict[str, object]:
        return await (await self.conversations.say(self.id, text, client)).reply()

    def types(self) -> list[str]:
        return [event.type.value for event in self.log.events[self.id]]


@pytest.fixture
async def talk() -> Talk:
    return await Talk().begin()


async def until(condition: object, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # type: ignore[operator]  # noqa: ASYNC110 - any state, not one event
            await asyncio.sleep(0.001)


async def test_a_message_gets_its_reply_and_everything_is_in_the_log(talk: Talk) -> None:
    reply = await talk.ask("Can I return it?")
    assert reply["decision"] == "answer"
    assert reply["text"] == f"You asked: Can I return it? {RETURNS_QUOTE}"
    assert reply["citations"] == [
        {"path": "knowledge/returns.md", "locator": "Returns", "document_id": "returns", "quote": RETURNS_QUOTE}
    ]
    assert reply["handoff"] is None
    assert set(reply["timings_ms"]) == {"decide", "first_sentence", "total"}  # type: ignore[call-overload]
    assert talk.types() == [
        "conversation.started", "message.received", "decision.made", "reply.sentence", "reply.sentence",
        "reply.completed",
    ]  # fmt: skip


async def test_a_reply_that_is_ready_at_once_costs_one_commit(talk: Talk) -> None:
    await talk.ask("Can I return it?")
    assert talk.log.commits == 1


async def test_a_message_is_durable_while_the_attendant_still_thinks(talk: Talk) -> None:
    talk.attendant.sentence_gate.clear()
    telling = await talk.conversations.say(talk.id, "Can I return it?")
    async with asyncio.timeout(2):
        assert (await anext(telling.events())).type is EventType.DECIDED
    assert talk.types()[1:] == ["message.received", "decision.made", "reply.sentence"]
    assert talk.log.commits == 1
    talk.attendant.sentence_gate.set()
    await telling.reply()


async def test_the_next_turn_knows_what_was_said_before(talk: Talk) -> None:
    await talk.ask("one")
    await talk.ask("two")
    history = talk.attendant.turns[1].history
    assert [(m.role, m.decision) for m in history] == [("user", ""), ("assistant", "answer")]
    assert history[0].text == "one"


async def test_a_repeated_client_message_id_returns_the_first_reply(talk: Talk) -> None:
    first = await talk.ask("Can I return it?", "client-1")
    assert await talk.ask("Can I return it?", "client-1") == first
    assert len(talk.attendant.turns) == 1


async def test_an_id_that_another_text_was_sent_under_is_a_conflict_and_the_first_reply_stays(talk: Talk) -> None:
    first = await talk.ask("Can I return it?", "client-1")
    with pytest.raises(Conflict, match="client_message_id"):
        await talk.ask("Do you ship to Norway?", "client-1")
    assert await talk.ask("Can I return it?", "client-1") == first
    assert talk.types().count("message.received") == 1


async def test_so_it_is_while_the_first_is_still_being_answered(talk: Talk) -> None:
    talk.attendant.gate.clear()
    first = asyncio.create_task(talk.ask("Can I return it?", "client-1"))
    await until(lambda: talk.attendant.turns)
    with pytest.raises(Conflict, match="client_message_id"):
        await talk.ask("Do you ship to Norway?", "client-1")
    talk.attendant.gate.set()
    assert (await first)["decision"] == "answer"


async def test_it_does_so_after_a_restart(talk: Talk) -> None:
    first = await talk.ask("Can I return it?", "client-1")
    talk.conversations = talk.open()
    assert await talk.ask("Can I return it?", "client-1") == first
    assert len(talk.attendant.turns) == 1


async def test_it_joins_the_first_while_that_is_still_running(talk: Talk) -> None:
    talk.attendant.gate.clear()
    both = [asyncio.create_task(talk.ask("Can I return it?", "client-1")) for _ in range(2)]
    await until(lambda: talk.attendant.turns)
    talk.attendant.gate.set()
    one, other = await asyncio.gather(*both)
    assert one == other
    assert talk.types().count("message.received") == 1


async def test_messages_that_come_during_a_turn_become_one_turn(talk: Talk) -> None:
    talk.attendant.gate.clear()
    first = asyncio.create_task(talk.ask("first"))
    await until(lambda: talk.attendant.turns)
    burst = [asyncio.create_task(talk.ask(text)) for text in ("second", "third", "fourth")]
    await until(lambda: talk.types().count("message.received") == 4)
    talk.attendant.gate.set()
    replies = await asyncio.gather(first, *burst)
    assert len(talk.attendant.turns) == 2
    assert talk.attendant.turns[1].text == "second\nthird\nfourth"
    assert [m.text for m in talk.attendant.turns[1].history] == ["first", replies[0]["text"]]
    assert replies[1] == replies[2] == replies[3] != replies[0]


async def test_two_turns_of_one_conversation_never_run_at_once(talk: Talk) -> None:
    talk.attendant.pause_seconds = 0.005
    await asyncio.gather(*(talk.ask(f"message {n}") for n in range(6)))
    open_turns = most = 0
    for type_ in talk.types():
        open_turns += {"decision.made": 1, "reply.completed": -1}.get(type_, 0)
        most = max(most, open_turns)
    assert most == 1


async def test_other_conversations_do_not_wait(talk: Talk) -> None:
    talk.attendant.sentence_gate.clear()
    held = asyncio.create_task(talk.ask("held"))
    await until(lambda: "reply.sentence" in talk.types())
    other = (await talk.conversations.start("hill")).id
    telling = await asyncio.wait_for(talk.conversations.say(other, "hello"), 1)
    talk.attendant.sentence_gate.set()
    assert (await telling.reply())["decision"] == "answer"
    await held


async def test_the_log_is_complete_when_the_shopper_leaves_in_the_middle(talk: Talk) -> None:
    talk.attendant.sentence_gate.clear()
    telling = await talk.conversations.say(talk.id, "Can I return it?")
    async with aclosing(telling.events()) as events:
        async for event in events:
            if event.type is EventType.SENTENCE:
                break
    waiting = asyncio.create_task(telling.reply())
    await asyncio.sleep(0)
    waiting.cancel()
    talk.attendant.sentence_gate.set()
    await until(lambda: "reply.completed" in talk.types())


async def test_a_telling_shows_the_decision_the_sentences_and_the_end(talk: Talk) -> None:
    telling = await talk.conversations.say(talk.id, "Can I return it?", "client-1")
    told = [event async for event in telling.events()]
    assert [e.type.value for e in told] == ["decision.made", "reply.sentence", "reply.sentence", "reply.completed"]
    again = await talk.conversations.say(talk.id, "Can I return it?", "client-1")
    assert [event async for event in again.events()] == told


async def test_what_fails_before_the_decision_is_raised_and_can_be_tried_again(talk: Talk) -> None:
    with pytest.raises(Unavailable, match="index is down"):
        await talk.ask("fail first", "client-1")
    talk.attendant.failing.clear()
    assert (await talk.ask("fail first", "client-1"))["decision"] == "answer"
    assert talk.types().count("message.received") == 1
    assert talk.attendant.turns[1].history == ()


async def test_what_fails_after_the_decision_is_an_event_in_the_stream(talk: Talk) -> None:
    telling = await talk.conversations.say(talk.id, "fail later")
    told = [event async for event in telling.events()]
    assert [e.type.value for e in told] == ["decision.made", "reply.sentence", "reply.failed"]
    assert told[-1].payload["slug"] == "unavailable"
    with pytest.raises(Unavailable, match="model went away"):
        await telling.reply()


async def test_an_unexpected_error_is_a_problem_that_tells_nothing(talk: Talk) -> None:
    with pytest.raises(XiaoerError, match="turn failed") as raised:
        await talk.ask("crash")
    assert "nobody" not in str(raised.value)
    assert (await talk.ask("still here?"))["decision"] == "answer"


async def test_a_turn_that_hangs_ends_in_a_problem_and_the_conversation_goes_on() -> None:
    talk = await Talk(turn_timeout_seconds=0.02).begin()
    talk.attendant.gate.clear()
    with pytest.raises(Unavailable, match="No answer was found in time"):
        await talk.ask("hello")
    talk.attendant.gate.set()
    assert (await talk.ask("hello"))["decision"] == "answer"


async def test_without_knowledge_the_problem_says_what_to_do(talk: Talk) -> None:
    talk.shops.live = None
    with pytest.raises(NoKnowledge, match="--publish"):
        await talk.ask("hello")


async def test_a_turn_pins_the_release_that_was_live_when_it_began(talk: Talk) -> None:
    talk.attendant.gate.clear()
    asking = asyncio.create_task(talk.ask("hello"))
    await until(lambda: talk.attendant.turns)
    talk.shops.live = 1
    talk.attendant.gate.set()
    assert (await asking)["release"] == 2
    assert (await talk.ask("again"))["release"] == 1


async def test_nothing_is_shown_that_could_not_be_recorded(talk: Talk) -> None:
    talk.attendant.gate.clear()
    asking = asyncio.create_task(talk.conversations.say(talk.id, "hello"))
    await until(lambda: talk.attendant.turns)
    talk.log.down = True
    talk.attendant.gate.set()
    telling = await asking
    with pytest.raises(Unavailable, match="log is down"):
        pytest.fail(f"shown: {[event async for event in telling.events()]}")
    talk.log.down = False
    assert (await talk.ask("hello"))["decision"] == "answer"


async def test_a_message_that_cannot_be_recorded_is_refused(talk: Talk) -> None:
    talk.log.down = True
    with pytest.raises(Unavailable):
        await talk.ask("hello", "client-1")
    talk.log.down = False
    assert (await talk.ask("hello", "client-1"))["decision"] == "answer"


async def test_a_handover_is_announced_once(talk: Talk) -> None:
    first = await talk.ask("human please")
    second = await talk.ask("a human, please!")
    assert first["handoff"] == {"reason": "asked_for_human"}
    assert talk.types().count("handoff.requested") == 1
    assert "already asked a colleague" in str(second["text"])
    assert (await talk.conversations.position(talk.id))[0].value == "waiting_for_agent"


async def test_while_waiting_the_bot_still_answers_what_it_knows(talk: Talk) -> None:
    await talk.ask("human please")
    assert (await talk.ask("Can I return it?"))["decision"] == "answer"


async def test_the_button_asks_for_an_agent_once(talk: Talk) -> None:
    first = await talk.conversations.ask_for_agent(talk.id)
    second = await talk.conversations.ask_for_agent(talk.id)
    assert first["status"] == second["status"] == "waiting_for_agent"
    assert talk.types().count("handoff.requested") == 1


async def test_the_bot_is_silent_while_a_person_has_the_conversation(talk: Talk) -> None:
    await talk.conversations.join_agent(talk.id, "agent-7", "Mei")
    reply = await talk.ask("Are you there?", "client-1")
    assert (reply["text"], reply["handoff"]) == ("", {"reason": "with_agent"})
    assert talk.attendant.turns == []
    assert talk.types()[-1] == "message.received"


async def test_what_the_agent_said_is_part_of_the_history_when_the_bot_comes_back(talk: Talk) -> None:
    await talk.conversations.join_agent(talk.id, "agent-7")
    await talk.ask("Are you there?")
    await talk.conversations.say_as_agent(talk.id, "agent-7", "Yes, I am.")
    await talk.conversations.leave_agent(talk.id, "agent-7")
    await talk.ask("Can I return it?")
    assert [(m.role, m.text) for m in talk.attendant.turns[0].history] == [
        ("user", "Are you there?"), ("agent", "Yes, I am."),
    ]  # fmt: skip


async def test_an_agent_must_join_before_they_speak(talk: Talk) -> None:
    with pytest.raises(Conflict):
        await talk.conversations.say_as_agent(talk.id, "agent-7", "Hello")


async def test_a_closed_conversation_takes_no_message(talk: Talk) -> None:
    await talk.conversations.close_conversation(talk.id)
    await talk.conversations.close_conversation(talk.id)
    with pytest.raises(Conflict, match="closed"):
        await talk.ask("hello")
    assert talk.types().count("conversation.closed") == 1


async def test_feedback_is_for_a_reply_of_this_conversation(talk: Talk) -> None:
    reply = await talk.ask("hello")
    await talk.conversations.give_feedback(talk.id, str(reply["message_id"]), True, "")
    with pytest.raises(NotFound):
        await talk.conversations.give_feedback(talk.id, "m_other", False, "")


async def test_what_the_storefront_vouches_for_reaches_the_turn(talk: Talk) -> None:
    talk.id = (await talk.conversations.start("hill", "zh-CN", "/orders/1", Identity("A1", "1234"))).id
    talk.conversations = talk.open()
    await talk.ask("hello")
    assert talk.attendant.turns[0].identity == Identity("A1", "1234")
    assert talk.attendant.turns[0].locale == "zh"


async def test_an_unknown_conversation_is_not_found_and_leaves_nothing_behind(talk: Talk) -> None:
    with pytest.raises(NotFound):
        await talk.conversations.say("c_unknown", "hello")


async def test_followers_see_every_event_once_and_in_order_wherever_they_begin(talk: Talk) -> None:
    async def follow(after: int) -> list[int]:
        seen = []
        async with aclosing(await talk.conversations.follow(talk.id, after, 0.01)) as following:
            async for event in following:
                if isinstance(event, Event):
                    seen.append(event.seq)
                    if event.type is EventType.CLOSED:
                        break
        return seen

    followers = [asyncio.create_task(follow(after)) for after in (0, 1, 4)]
    for text in ("one", "two", "three"):
        await talk.ask(text)
        followers.append(asyncio.create_task(follow(2)))
    await talk.conversations.close_conversation(talk.id)
    last = talk.log.rows[talk.id].seq
    for after, seen in zip((0, 1, 4, 2, 2, 2), await asyncio.gather(*followers), strict=True):
        assert seen == list(range(after + 1, last + 1))


async def test_a_typing_sign_is_shown_and_not_kept(talk: Talk) -> None:
    async with aclosing(await talk.conversations.follow(talk.id, 1, 5)) as following:
        waiting = asyncio.create_task(anext(following))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await talk.conversations.show_typing(talk.id, "agent-7")
        assert (await asyncio.wait_for(waiting, 1)).type == "agent.typing"
    assert talk.types() == ["conversation.started"]


async def test_an_erased_conversation_has_no_words_left_in_memory_or_after_a_restart(talk: Talk) -> None:
    await talk.ask("my secret", "client-1")
    await talk.conversations.erase(talk.id)
    for conversations in (talk.conversations, talk.open()):
        with pytest.raises(Conflict):
            await conversations.say(talk.id, "hello")
        async with aclosing(await conversations.follow(talk.id)) as following:
            async for event in following:
                assert event.payload == {}
                if event.type is EventType.ERASED:
                    break


async def test_closing_the_server_lets_running_turns_finish(talk: Talk) -> None:
    talk.attendant.pause_seconds = 0.02
    asking = asyncio.create_task(talk.ask("hello"))
    await until(lambda: talk.attendant.turns)
    await talk.conversations.close()
    assert (await asking)["decision"] == "answer"
    with pytest.raises(Unavailable, match="stopping"):
        await talk.ask("one more")


async def test_closing_the_server_stops_turns_that_take_too_long_and_records_it() -> None:
    talk = await Talk(shutdown_seconds=0.01).begin()
    talk.attendant.gate.clear()
    asking = asyncio.create_task(talk.ask("hello"))
    await until(lambda: talk.attendant.turns)
    await talk.conversations.close()
    with pytest.raises(Unavailable, match="server stopped"):
        await asking
    assert talk.types()[-1] == "reply.failed"


async def test_a_server_that_stops_hangs_up_on_followers_but_not_on_replies(talk: Talk) -> None:
    talk.attendant.sentence_gate.clear()
    telling = await talk.conversations.say(talk.id, "Can I return it?")
    async with aclosing(await talk.conversations.follow(talk.id)) as following:
        assert isinstance(await anext(following), Event)
        talk.conversations.hang_up()
        async with asyncio.timeout(2):
            assert EventType.COMPLETED not in [e.type async for e in following if isinstance(e, Event)]
    talk.attendant.sentence_gate.set()
    assert [event async for event in telling.events()][-1].type is EventType.COMPLETED


async def test_beyond_capacity_a_shopper_waits_then_has_a_person_and_a_full_line_records_nothing() -> None:
    talk = await Talk(turns_at_once=1, turns_waiting=1, wait_seconds=0.05).begin()
    talk.attendant.gate.clear()
    first = asyncio.create_task(talk.ask("Can I return it?"))
    await until(lambda: talk.attendant.turns)
    second = (await talk.conversations.start("hill", "en")).id
    waiting = asyncio.create_task(talk.conversations.say(second, "And shoes?"))
    await until(lambda: EventType.RECEIVED in [e.type for e in talk.log.events[second]] or waiting.done())
    third = (await talk.conversations.start("hill", "en")).id
    with contextlib.suppress(TooManyRequests):
        await talk.conversations.say(third, "And hats?")
        pytest.fail("the line was full")
    assert [event.type for event in talk.log.events[third]] == [EventType.STARTED]
    reply = await (await waiting).reply()
    assert reply["decision"] == "handoff"
    talk.attendant.gate.set()
    assert (await first)["decision"] == "answer"
