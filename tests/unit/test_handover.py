"""The hand-over: reasoned, announced, honest about hours and queue, never in circles, and the bot never in between."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.api.shopper_view import seen_by_shopper
from app.conversation import lines
from app.conversation.contact import contact_in, new_ticket
from app.conversation.conversation import question_key
from app.conversation.events import Draft, Event, EventType
from app.conversation.modes import Floor, Mode, ModeRules, Rule, rules_json, rules_of
from app.conversation.reception import Reception
from app.conversation.speak import Conversations
from app.conversation.standing import Standing, Status
from app.errors import BadInput, Conflict, XiaoerError
from app.shop.brand import Brand, brand_of
from app.telemetry import Telemetry
from tests.fakes import FakeAttendant, FakeEventLog

WORKDAY = datetime(2026, 5, 4, 10, tzinfo=UTC)
NIGHT = datetime(2026, 5, 4, 23, tzinfo=UTC)
BRAND = brand_of(
    {"name": "Hill", "default_language": "en", "service_hours": {"timezone": "UTC", "daily": "09:00-17:00"}}
)
BOT = (EventType.DECIDED, EventType.SENTENCE, EventType.COMPLETED)


class Shop:
    """A shop whose brand, desk, modes and clock a test turns as it likes."""

    def __init__(self) -> None:
        self.now = WORKDAY
        self.desk = Floor(waiting=0, present=1, free=3)
        self.rules = ModeRules()
        self.log = FakeEventLog()
        self.attendant = FakeAttendant()
        self.conversations = self.open()
        self.id = ""

    def open(self) -> Conversations:
        reception = Reception(self, self, lambda: self.now)
        return Conversations(
            log=self.log, attendant=self.attendant, releases=self, brands=self, witness=Telemetry(),
            clock=lambda: self.now, reception=reception,
        )  # fmt: skip

    def __call__(self, shop: str) -> Brand:
        return BRAND

    async def floor(self, shop: str) -> Floor:
        return self.desk

    async def of(self, shop: str) -> ModeRules:
        return self.rules

    async def choose(self, shop: str, rules: ModeRules) -> None:
        self.rules = rules

    async def live_release(self, shop: str) -> int:
        return 1

    async def begin(self) -> Shop:
        self.id = (await self.conversations.start("hill", "en")).id
        return self

    async def ask(self, text: str) -> dict[str, Any]:
        return await (await self.conversations.say(self.id, text)).reply()

    @property
    def events(self) -> list[Event]:
        return self.log.events[self.id]

    def types(self) -> list[str]:
        return [event.type.value for event in self.events]

    async def status(self) -> str:
        return (await self.conversations.position(self.id))[0].value


@pytest.fixture
async def shop() -> Shop:
    return await Shop().begin()


async def test_a_hand_over_says_the_place_in_the_queue(shop: Shop) -> None:
    shop.desk = Floor(waiting=2, present=1)
    reply = await shop.ask("a human please")
    assert reply["text"] == "I am calling a colleague. You are number 3 in the queue."
    assert shop.events[-1].payload["position"] == 3


async def test_it_says_so_when_nobody_is_at_the_desk(shop: Shop) -> None:
    shop.desk = Floor()
    assert "Nobody is at the desk this minute" in (await shop.ask("a human please"))["text"]


async def test_out_of_hours_it_says_when_people_are_back_and_takes_a_message_with_a_contact(shop: Shop) -> None:
    shop.now = NIGHT
    reply = await shop.ask("a human please")
    assert reply["text"].startswith("Our colleagues are not here right now. They are back tomorrow at 09:00.")
    assert shop.events[-1].payload["offline"] is True
    told = await shop.ask("My kettle leaks, write to ann@example.com")
    ticket = shop.events[-1].payload
    assert ticket["contact"] == "ann@example.com"
    assert ticket["ticket"] in told["text"]
    assert await shop.status() == "waiting_for_agent"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("unsure", "I am not sure about this, so I won't guess. "),
        ("angry", "I'm sorry this has been frustrating. "),
    ],
)
async def test_out_of_hours_it_says_why_a_person_is_needed_before_that_nobody_is_there(
    shop: Shop, words: str, why: str
) -> None:
    shop.now = NIGHT
    assert (await shop.ask(words))["text"].startswith(f"{why}Our colleagues are not here right now.")


async def test_what_names_no_contact_is_still_answered_while_waiting_at_night(shop: Shop) -> None:
    shop.now = NIGHT
    await shop.ask("a human please")
    assert (await shop.ask("Can I return it?"))["decision"] == "answer"


async def test_the_form_opens_a_ticket_and_refuses_what_is_no_contact(shop: Shop) -> None:
    shop.now = NIGHT
    await shop.conversations.ask_for_agent(shop.id)
    with pytest.raises(BadInput, match="no e-mail"):
        await shop.conversations.leave_contact(shop.id, "call me", "It leaks")
    told = await shop.conversations.leave_contact(shop.id, "13812345678", "It leaks")
    assert told["ticket"].startswith("T-")
    assert shop.types()[-1] == "ticket.opened"


async def test_a_question_that_a_colleague_gave_back_is_not_queued_again(shop: Shop) -> None:
    await shop.ask("unsure about this one")
    await shop.conversations.join_agent(shop.id, "a1", "Mei")
    await shop.conversations.leave_agent(shop.id, "a1")
    reply = await shop.ask("this one, about unsure?")
    assert (reply["decision"], reply["handoff"]) == ("clarify", None)
    assert "A colleague has just dealt with this" in reply["text"]
    assert await shop.status() == "open"


async def test_another_question_and_an_outspoken_wish_are_queued_again(shop: Shop) -> None:
    for text in ("unsure about this one", "unsure about something else", "a human please", "a human please"):
        await shop.ask(text)
        assert await shop.status() == "waiting_for_agent", text
        await shop.conversations.join_agent(shop.id, "a1", "Mei")
        await shop.conversations.leave_agent(shop.id, "a1")


async def test_the_same_question_a_third_time_calls_a_person(shop: Shop) -> None:
    for _ in range(2):
        assert (await shop.ask("Can I return the blue kettle?"))["decision"] == "answer"
    reply = await shop.ask("can I return the blue kettle")
    assert reply["handoff"] == {"reason": "repeated_question"}


async def test_a_second_time_is_enough_when_the_shopper_says_that_it_was_no_answer(shop: Shop) -> None:
    await shop.ask("Can I return the blue kettle?")
    reply = await shop.ask("You didn't answer: can I return the blue kettle?")
    assert reply["handoff"] == {"reason": "repeated_question"}


async def test_asking_back_the_same_twice_in_a_row_calls_a_person(shop: Shop) -> None:
    assert (await shop.ask("which"))["decision"] == "clarify"
    assert (await shop.ask("which one"))["handoff"] == {"reason": "low_confidence"}


async def test_a_person_who_takes_over_in_the_middle_of_a_reply_silences_the_bot(shop: Shop) -> None:
    shop.attendant.sentence_gate.clear()
    telling = await shop.conversations.say(shop.id, "Can I return it?")
    await shop.conversations.join_agent(shop.id, "a1", "Mei")
    shop.attendant.sentence_gate.set()
    reply = await telling.reply()
    assert reply["handoff"] == {"reason": "with_agent"}
    types = shop.types()
    assert types.index("agent.joined") < types.index("reply.yielded")
    assert not {"reply.sentence", "reply.completed"} & set(types[types.index("agent.joined") :])
    assert types.count("message.received") == 1


async def test_it_does_so_when_another_instance_let_the_person_in(shop: Shop) -> None:
    shop.log.shared = True
    other = shop.open()
    shop.attendant.gate.clear()
    asking = asyncio.create_task(shop.ask("Can I return it?"))
    while not shop.attendant.turns:  # noqa: ASYNC110 - the fake has no event for it
        await asyncio.sleep(0)
    await other.join_agent(shop.id, "a1", "Mei")
    shop.attendant.gate.set()
    assert (await asking)["handoff"] == {"reason": "with_agent"}
    assert "decision.made" not in shop.types()
    assert shop.types().count("message.received") == 1


@pytest.mark.parametrize(
    "text",
    [
        "I burnt my hand on the kettle", "用了这个面霜以后脸上起红疹了", "the insoles gave me a rash", "被水壶烫伤了",
        "I got carbon monoxide poisoning from your stove", "my son was injured by the tent pole",
    ],
)  # fmt: skip
async def test_who_was_hurt_gets_the_shops_own_advice_and_a_person(shop: Shop, text: str) -> None:
    reply = await shop.ask(text)
    assert reply["handoff"] == {"reason": "sensitive_topic"}
    assert await shop.status() == "waiting_for_agent"
    assert reply["citations"] == []
    assert reply["text"].startswith("A colleague should look at this in person.")


@pytest.mark.parametrize(
    "text",
    [
        "Does the kettle burn if it is empty?", "敏感肌用会过敏吗", "How is it cut?", "Is the burn time three hours?",
        "用了会不会过敏", "Is the wood burned or stained?", "Can I get burned if I touch it?", "I cut the order short",
        "孩子喝了会拉肚子吗", "how long has the gas burned",
    ],
)  # fmt: skip
async def test_a_question_about_safety_in_general_is_answered(shop: Shop, text: str) -> None:
    assert (await shop.ask(text))["decision"] == "answer"


@pytest.mark.parametrize("trouble", ["fail first", "crash"])
async def test_a_bot_that_fails_a_shopper_twice_calls_a_person(shop: Shop, trouble: str) -> None:
    with pytest.raises(XiaoerError):
        await shop.ask(f"{trouble}, please")
    reply = await shop.ask(f"{trouble}, again")
    assert reply["handoff"] == {"reason": "model_down"}
    assert reply["text"].startswith("I can't answer properly at the moment.")
    assert await shop.status() == "waiting_for_agent"


async def test_a_failure_that_was_followed_by_an_answer_is_forgotten(shop: Shop) -> None:
    with pytest.raises(XiaoerError):
        await shop.ask("crash one")
    assert (await shop.ask("Can I return it?"))["decision"] == "answer"
    with pytest.raises(XiaoerError):
        await shop.ask("crash two")


async def test_who_becomes_angry_while_waiting_is_seen_sooner(shop: Shop) -> None:
    await shop.ask("unsure about this")
    reply = await shop.ask("angry now, a human")
    assert "already asked a colleague" in reply["text"]
    assert shop.events[-1].type is EventType.RAISED
    assert shop.events[-1].payload == {"reason": "anger", "priority": 30}
    await shop.ask("angry now, a human")
    assert shop.types().count("handoff.raised") == 1


async def test_of_two_people_who_reach_for_a_conversation_one_gets_it(shop: Shop) -> None:
    shop.log.shared = True
    await shop.ask("a human please")
    other = shop.open()
    joined = await asyncio.gather(
        shop.conversations.join_agent(shop.id, "a1", "Mei"),
        other.join_agent(shop.id, "a2", "Tom"),
        return_exceptions=True,
    )
    assert sorted(type(result) for result in joined if result is not None) == [Conflict]
    assert shop.types().count("agent.joined") == 1


async def test_nobody_speaks_in_a_conversation_that_another_person_has(shop: Shop) -> None:
    await shop.conversations.join_agent(shop.id, "a1", "Mei")
    with pytest.raises(Conflict, match="Somebody else"):
        await shop.conversations.say_as_agent(shop.id, "a2", "Hello")


async def test_an_order_number_is_remembered_however_long_the_conversation_gets(shop: Shop) -> None:
    await shop.ask("My order is TL20260001, phone 4821")
    for n in range(30):
        await shop.ask(f"Question number {'abcdefghijklmnopqrstuvwxyzABCDEF'[n]}?")
    history = shop.attendant.turns[-1].history
    assert history[0].text == "My order is TL20260001, phone 4821"
    assert len(history) == 8


async def test_number_and_phone_tail_are_both_remembered_when_they_came_one_after_the_other(shop: Shop) -> None:
    for n in range(12):
        if n == 1:
            await shop.ask("LW-20402")
            await shop.ask("5519")
        await shop.ask(f"Question {'abcdefghijkl'[n]}?")
        if n > 1:
            said = [message.text for message in shop.attendant.turns[-1].history[-8:]]
            assert {"LW-20402", "5519"} <= set(said), n


@pytest.mark.parametrize(
    ("text", "contact"),
    [
        ("call me: 138 1234 5678 thanks", "138 1234 5678"), ("+44 7700 900123", "+44 7700 900123"),
        ("ann.b@example.co.uk.", "ann.b@example.co.uk"), ("加微信：tangli_88", "微信：tangli_88"),
        ("my order is 20260001234", ""), ("TL20260001, 4821", ""), ("I do not know", ""),
        ("01539 720000", "01539 720000"),
    ],
)  # fmt: skip
def test_a_contact_is_told_from_an_order_number(text: str, contact: str) -> None:
    assert contact_in(text) == contact


def test_a_ticket_number_can_be_read_out() -> None:
    assert not set(new_ticket()[2:]) & set("01OIL")


async def test_in_assist_a_person_answers_every_message_and_the_bot_says_only_that(shop: Shop) -> None:
    shop.rules = ModeRules(Mode.ASSIST)
    first = await shop.ask("Can I return it?")
    assert first["handoff"] == {"reason": "policy"}
    assert (await shop.ask("Hello?"))["handoff"] == {"reason": "waiting"}
    assert shop.attendant.turns == []


async def test_human_first_answers_by_itself_only_while_nobody_is_free(shop: Shop) -> None:
    shop.rules = ModeRules(Mode.HUMAN_FIRST)
    shop.desk = Floor(present=1, free=0)
    assert (await shop.ask("Can I return it?"))["decision"] == "answer"
    shop.desk = Floor(present=1, free=1)
    assert (await shop.ask("And the box?"))["handoff"] == {"reason": "policy"}


async def test_a_rule_may_name_the_category(shop: Shop) -> None:
    shop.rules = ModeRules(rules=(Rule(Mode.ASSIST, category="knowledge"),))
    assert (await shop.ask("Can I return it?"))["handoff"] == {"reason": "policy"}


def test_the_first_rule_that_fits_decides() -> None:
    rules = rules_of(
        {
            "mode": "auto",
            "rules": [
                {"mode": "assist", "queue_at_least": 5},
                {"mode": "human_first", "schedule": {"daily": "09:00-12:00"}},
                {"mode": "off", "service_hours": False},
            ],
        }
    )
    modes = [rules.at(now, BRAND, Floor(waiting=n)) for now, n in ((WORKDAY, 5), (WORKDAY, 4), (NIGHT, 0))]
    assert modes == [Mode.ASSIST, Mode.HUMAN_FIRST, Mode.OFF]
    assert rules_of(rules_json(rules)) == rules


@pytest.mark.parametrize(
    "raw",
    [
        {"mode": "sometimes"}, {"rules": [{"mode": "auto", "schedule": {"daily": "whenever"}}]}, {"rules": ["auto"]},
        {"rules": "auto"}, {"rules": [{"mode": "auto", "queue_at_least": -1}]},
    ],
)  # fmt: skip
def test_rules_that_make_no_sense_are_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        rules_of(raw)


def test_a_brand_without_a_greeting_still_says_hello_in_the_shoppers_language() -> None:
    assert lines.greeting(BRAND, "zh") == "您好，我是Hill的Xiaoer。商品、订单、配送和售后的问题都可以问我。"
    assert lines.greeting(brand_of({"greeting": {"zh": "您好"}}), "en").startswith("Hello, I'm 小二")
    assert lines.greeting(brand_of({"greeting": {"zh": "您好"}}), "zh") == "您好"


ACTIONS = st.sampled_from(
    ["unsure a", "unsure b", "a human please", "which", "hello there", "Can I return it?", "button", "join", "join 2",
     "speak", "back", "transfer", "vanish", "withdraw", "night", "day", "late join", "assist", "auto"]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ACTIONS, max_size=30))
def test_no_sequence_of_events_goes_round_hands_over_silently_or_lets_the_bot_speak_over_a_person(
    actions: list[str],
) -> None:
    asyncio.run(_played(actions))


async def _played(actions: list[str]) -> None:
    shop = await Shop().begin()
    wishes = 0
    for action in actions:
        wishes += action in ("button", "a human please")
        try:
            await _act(shop, action)
        except Conflict:
            continue
    _nothing_went_wrong(shop.events, wishes, len(actions))


async def _act(shop: Shop, action: str) -> None:
    conversations, holder = shop.conversations, (await shop.conversations.look(shop.id)).standing.agent
    match action:
        case "button":
            await conversations.ask_for_agent(shop.id)
        case "join" | "join 2":
            await conversations.join_agent(shop.id, f"a{action[-1]}", "Mei")
        case "speak":
            await conversations.say_as_agent(shop.id, "an", "Hello")
        case "back":
            await conversations.leave_agent(shop.id, holder)
        case "transfer":
            told = {"from": holder, "agent": "a9", "name": "Tom"}
            await conversations.record(shop.id, Draft(EventType.TRANSFERRED, told))
        case "vanish":
            lost = {"agent": holder, "reason": "agent_vanished", "text": "Back in the queue."}
            await conversations.record(shop.id, Draft(EventType.REQUEUED, lost))
        case "withdraw":
            await conversations.record(shop.id, Draft(EventType.WITHDRAWN, {"text": ""}))
        case "night" | "day":
            shop.now = NIGHT if action == "night" else WORKDAY
        case "assist" | "auto":
            shop.rules = ModeRules(Mode(action))
        case "late join":
            telling = await conversations.say(shop.id, "Can I return the pot?")
            joining = asyncio.create_task(conversations.join_agent(shop.id, "an", "Mei"))
            await telling.reply()
            await joining
        case _:
            await shop.ask(action)


def _nothing_went_wrong(events: list[Event], wishes: int, actions: int) -> None:
    standing, texts = Standing(), {}
    settled: set[str] = set()
    held: set[str] = set()
    calls = 0
    for event in events:
        payload = event.payload
        assert not (standing.status is Status.WITH_AGENT and event.type in BOT), "the bot spoke over a person"
        if event.type is EventType.RECEIVED:
            texts[payload["message_id"]] = question_key(payload["text"])
            if standing.status is not Status.OPEN:
                held.add(texts[payload["message_id"]])
        if event.type is EventType.HANDOFF:
            calls += 1
            asked = {texts[m] for m in payload.get("answers", ())}
            assert payload["text"].strip(), "a silent hand-over"
            assert payload["reason"] == "asked_for_human" or not asked & settled, "a loop"
            held |= asked
        if standing.status is not Status.WAITING and event.type in (EventType.HANDOFF, EventType.REQUEUED):
            shown = seen_by_shopper(event)
            assert shown is not None
            assert shown[0] == "handoff.requested"
            assert shown[1]["text"]
        if event.type in (EventType.LEFT, EventType.WITHDRAWN):
            settled |= held
            held = set()
        standing = standing.after(event.type, payload) if event.type is not EventType.STARTED else standing
    assert calls <= actions
    assert wishes or calls <= actions
