"""The Chatwoot channel on real sockets, against a Chatwoot that checks what it gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from app.adapters.channels.book import FileChannelBook
from app.api.container import Container
from app.channels.channel import ChannelConfig
from app.conversation.conversation import Conversation
from app.conversation.events import EventType
from tests.edge import API_KEY, make_container
from tests.fake_chatwoot import ACCOUNT, INBOX, SECRET, TOKEN, FakeChatwoot, Talk, chatwoot, until
from tests.fakes import FakeAttendant
from tests.integration.serving import served

pytestmark = pytest.mark.integration

KEY = {"authorization": f"Bearer {API_KEY}"}


class Front:
    """A server with one Chatwoot channel, "front"."""

    def __init__(self, chat: FakeChatwoot, client: httpx.AsyncClient, container: Container, bot: FakeAttendant) -> None:
        self.chat = chat
        self.client = client
        self.container = container
        self.bot = bot

    async def letters(self, state: str = "") -> list[dict[str, str]]:
        found = await self.client.get(f"/v1/channels/front/letters?state={state}", headers=KEY)
        assert found.status_code == 200, found.text
        return list(found.json()["letters"])

    async def conversation(self, talk: Talk) -> Conversation:
        rows = [letter for letter in await self.letters() if letter["thread"] == str(talk.id)]
        return await self.container.conversations.look(rows[0]["conversation_id"])

    async def settled(self) -> None:
        """Wait until nothing is in the post."""
        for _ in range(400):
            post = (await self.client.get("/v1/channels", headers=KEY)).json()["channels"][0]["post"]
            if not post.get("unread") and not post.get("waiting"):
                return
            await asyncio.sleep(0.02)
        pytest.fail(f"the post was not worked: {post}")


def config_of(chat: FakeChatwoot, **other: object) -> ChannelConfig:
    known = {"secret": SECRET, "token": TOKEN, "account": ACCOUNT, "inboxes": (INBOX,), "url": chat.url}
    return ChannelConfig("front", "chatwoot", "hill", **{**known, **other})  # type: ignore[arg-type]


@asynccontextmanager
async def front_of(home: Path, chat: FakeChatwoot, bot: FakeAttendant | None = None) -> AsyncIterator[Front]:
    bot = bot or FakeAttendant()
    container = make_container(home, bot)
    async with served(container) as client:
        chat.hook, chat.hook_path = client, "/v1/channels/front/webhook"
        yield Front(chat, client, container, bot)


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    async with chatwoot() as chat:
        FileChannelBook(tmp_path / "channels").put(config_of(chat))
        async with front_of(tmp_path, chat) as opened:
            yield opened
        assert chat.faults == []


async def test_a_pending_conversation_is_answered_with_its_source_by_a_bot_that_says_so_once(
    front: Front,
) -> None:
    talk = front.chat.talk()
    taken = await front.chat.shopper_says(talk, "Can I return it?")
    assert (taken.status_code, taken.json()) == (200, {"status": "accepted"})
    await until(talk.said_by_bot)
    said = talk.said_by_bot()[0]
    assert "AI assistant, not a person" in said
    assert "Unused items may be returned within 30 days." in said
    assert said.endswith("Sources: Returns")
    await front.chat.shopper_says(talk, "And by post?")
    await until(lambda: len(talk.said_by_bot()) == 2)
    assert "AI assistant" not in talk.said_by_bot()[1]
    assert talk.status == "pending"


async def test_the_webhook_is_answered_before_the_turn_is_done(front: Front) -> None:
    front.bot.gate.clear()
    talk = front.chat.talk()
    async with asyncio.timeout(2):
        assert (await front.chat.shopper_says(talk, "Can I return it?")).status_code == 200
    await asyncio.sleep(0.1)
    assert talk.said_by_bot() == []
    front.bot.gate.set()
    await until(talk.said_by_bot)


async def test_a_hand_over_is_announced_noted_and_opened_and_then_the_bot_is_silent(front: Front) -> None:
    talk = front.chat.talk()
    await front.chat.shopper_says(talk, "Can I return TC20260001?")
    await until(talk.said_by_bot)
    await front.chat.shopper_says(talk, "a human please")
    await until(lambda: talk.status == "open")
    assert "I am calling a colleague." in talk.said_by_bot()[1]
    assert "queue" not in talk.said_by_bot()[1]
    [note] = talk.notes()
    assert "Wants: a human please" in note
    assert "TC20260001" in note
    order = [(m["private"], m["by"]) for m in talk.messages[-2:]]
    assert order == [(False, "bot"), (True, "bot")]
    await front.settled()
    await front.chat.shopper_says(talk, "Hello?")
    await front.chat.agent_says(talk, "John here, let me see.")
    await front.settled()
    assert len(talk.said_by_bot()) == 2
    conversation = await front.conversation(talk)
    assert conversation.status.value == "with_agent"
    assert conversation.standing.agent == "channel:front"
    assert [m.text for _, m in conversation.said][-2:] == ["Hello?", "John here, let me see."]


async def test_a_conversation_that_is_given_back_is_answered_again_with_what_was_said_meanwhile(front: Front) -> None:
    talk = front.chat.talk()
    await front.chat.shopper_says(talk, "a human please")
    await until(lambda: talk.status == "open")
    await front.chat.agent_says(talk, "All done.")
    await front.settled()
    await front.chat.status_becomes(talk, "pending")
    await front.settled()
    await front.chat.shopper_says(talk, "Can I return it?")
    await until(lambda: len(talk.said_by_bot()) == 2)
    assert "All done." in [message.text for message in front.bot.turns[-1].history]


async def test_what_people_have_open_is_never_answered_but_is_known_later(front: Front) -> None:
    talk = front.chat.talk("open")
    await front.chat.shopper_says(talk, "Can I return it?")
    await front.settled()
    assert front.chat.calls == []
    assert front.bot.turns == []
    talk.status = "pending"
    await front.chat.status_becomes(talk, "pending")
    await front.chat.shopper_says(talk, "Still there?")
    await until(talk.said_by_bot)
    assert "Can I return it?" in [message.text for message in front.bot.turns[-1].history]


async def test_a_resolved_conversation_ends_and_the_next_message_begins_another(front: Front) -> None:
    talk = front.chat.talk()
    await front.chat.shopper_says(talk, "Can I return it?")
    await until(talk.said_by_bot)
    first = await front.conversation(talk)
    await front.chat.status_becomes(talk, "resolved")
    await front.settled()
    assert (await front.container.conversations.look(first.id)).status.value == "closed"
    talk.status = "pending"
    await front.chat.shopper_says(talk, "One more thing")
    await until(lambda: len(talk.said_by_bot()) == 2)
    assert (await front.conversation(talk)).id != first.id
    assert "AI assistant" in talk.said_by_bot()[1]


async def test_a_delivery_that_comes_twice_is_answered_once(front: Front) -> None:
    talk = front.chat.talk()
    message = {"id": 900, "by": "contact", "content": "Can I return it?", "private": False}
    payload = front.chat.message_created(talk, message)
    first = await front.chat.send(payload, id_="d-1")
    again = await front.chat.send(payload, id_="d-1")
    replayed = await front.chat.send(payload, id_="d-2")
    assert [r.json()["status"] for r in (first, again)] == ["accepted", "duplicate"]
    assert replayed.status_code == 200
    await front.settled()
    assert len(talk.said_by_bot()) == 1


@pytest.mark.parametrize("how", ["unsigned", "wrong secret", "late", "early", "no stamp", "no channel"])
async def test_what_is_not_signed_now_is_refused_alike_and_leaves_nothing(front: Front, how: str) -> None:
    talk = front.chat.talk()
    payload = front.chat.message_created(talk, {"id": 1, "by": "contact", "content": "hi", "private": False})
    if how == "no channel":
        front.chat.hook_path = "/v1/channels/other/webhook"
    answers = {
        "unsigned": {"x-chatwoot-signature": ""},
        "no stamp": {"x-chatwoot-timestamp": ""},
    }
    # Half a minute beyond the five: stamps are whole seconds, and a busy machine takes a while to send.
    late = {"late": 330, "early": -330}.get(how, 0)
    secret = "guessed" if how == "wrong secret" else SECRET
    refused = await front.chat.send(payload, secret=secret, late=late, **answers.get(how, {}))
    assert refused.status_code == 401
    problem = refused.json()
    good = await front.chat.send(payload, secret="guessed")
    assert {**problem, "instance": ""} == {**good.json(), "instance": ""}
    post = (await front.client.get("/v1/channels", headers=KEY)).json()["channels"][0]["post"]
    assert post == {}


async def test_within_five_minutes_a_late_delivery_is_still_taken(front: Front) -> None:
    talk = front.chat.talk()
    payload = front.chat.message_created(talk, {"id": 1, "by": "contact", "content": "hi", "private": False})
    assert (await front.chat.send(payload, late=290)).json() == {"status": "accepted"}


async def test_another_account_or_inbox_is_refused_so_that_chatwoot_opens_it_to_people(front: Front) -> None:
    talk = front.chat.talk()
    other = await front.chat.shopper_says(talk, "hi", account={"id": 99, "name": "Other"})
    inbox = await front.chat.shopper_says(talk, "hi", inbox={"id": 99, "name": "Other"})
    assert (other.status_code, inbox.status_code) == (403, 403)
    await front.settled()
    assert front.chat.calls == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"text"', b'{"event":"message_created"}', b"\xff\xfe"])
async def test_nonsense_that_is_signed_is_refused_with_words(front: Front, body: bytes) -> None:
    refused = await front.chat.send(body)
    assert refused.status_code == 422
    assert "Nothing was kept" in refused.json()["detail"]


async def test_a_huge_delivery_is_refused(front: Front) -> None:
    talk = front.chat.talk()
    assert (await front.chat.shopper_says(talk, "x" * 300_000)).status_code == 413
    assert (await front.chat.shopper_says(talk, "x" * 2_000_000)).status_code == 413


async def test_notes_bot_messages_updates_and_unknown_events_are_ignored(front: Front) -> None:
    talk = front.chat.talk()
    assert (await front.chat.agent_says(talk, "secret note", private=True)).json() == {"status": "ignored"}
    own = front.chat.message_created(talk, {"id": 5, "by": "bot", "content": "mine", "private": False})
    assert (await front.chat.send(own)).json() == {"status": "ignored"}
    for event in ("message_updated", "webwidget_triggered", "conversation_typing_on", "something_new"):
        assert (await front.chat.send(own | {"event": event})).json() == {"status": "ignored"}


async def test_a_picture_is_for_people_and_the_note_says_so(front: Front) -> None:
    talk = front.chat.talk()
    await front.chat.shopper_says(talk, None, attachments=[{"id": 1, "file_type": "image"}])
    await until(lambda: talk.status == "open")
    assert "1 attachment" in talk.notes()[0]
    assert len(talk.said_by_bot()) == 1


async def test_a_burst_is_answered_in_order_and_nothing_is_left_out(front: Front) -> None:
    talk = front.chat.talk()
    front.bot.pause_seconds = 0.1
    for text in ("one", "two", "three"):
        await front.chat.shopper_says(talk, text)
    await front.settled()
    said = "\n".join(talk.said_by_bot())
    assert said.index("one") < said.index("two") < said.index("three")
    assert len(talk.said_by_bot()) in (1, 2, 3)


async def test_an_agent_who_answers_during_the_bots_turn_silences_it(front: Front) -> None:
    talk = front.chat.talk()
    front.bot.gate.clear()
    await front.chat.shopper_says(talk, "Can I return it?")
    await until(lambda: front.bot.turns)
    await front.chat.agent_says(talk, "I will take this one.")
    await asyncio.sleep(0.2)
    front.bot.gate.set()
    await front.settled()
    assert talk.said_by_bot() == []


async def test_a_reply_that_is_ready_is_withheld_when_people_have_opened_the_conversation(front: Front) -> None:
    talk = front.chat.talk()
    front.bot.gate.clear()
    await front.chat.shopper_says(talk, "Can I return it?")
    await until(lambda: front.bot.turns)
    talk.status = "open"  # somebody opened it, and the webhook that tells so is still on its way
    front.bot.gate.set()
    await front.settled()
    assert talk.said_by_bot() == []
    [letter] = await front.letters("withheld")
    events = await front.container.conversations.events(letter["conversation_id"])
    assert "not sent" in next(e.payload["text"] for e in events if e.type is EventType.NOTED)


async def test_an_older_chatwoot_that_lets_bots_look_at_nothing_is_asked_once_and_answered(front: Front) -> None:
    front.chat.bots_may_look = False
    talk = front.chat.talk()
    for n, text in enumerate(("one", "two"), start=1):
        await front.chat.shopper_says(talk, text)
        await until(lambda n=n: len(talk.said_by_bot()) == n)
    assert sum(call.startswith("GET") for call in front.chat.calls) == 1


async def test_what_fails_for_a_while_arrives_in_order_and_once(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.channels.send_out.FIRST_SECONDS", 0.05)
    monkeypatch.setattr("app.channels.rounds.ROUND_SECONDS", 0.1)
    talk = front.chat.talk()
    front.chat.failing = [500, 503, 429, 401]
    await front.chat.shopper_says(talk, "one human please")
    await until(lambda: talk.status == "open")
    assert len(talk.said_by_bot()) == 1
    assert len(talk.notes()) == 1
    await front.settled()
    assert [letter["attempts"] for letter in await front.letters("sent")][-1] == 5


async def test_what_is_refused_is_a_dead_letter_that_blocks_nothing_and_can_be_replayed(front: Front) -> None:
    talk = front.chat.talk()
    front.chat.failing = [422]
    await front.chat.shopper_says(talk, "a human please")
    await until(lambda: talk.status == "open")
    [dead] = await front.letters("dead")
    assert "422" in dead["problem"]
    assert "told to fail" in dead["problem"]
    talk.status = "pending"
    done = await front.client.post("/v1/channels/front/replay", json={"ids": [dead["id"]]}, headers=KEY)
    assert done.json() == {"replayed": 1}
    await front.settled()
    assert await front.letters("dead") == []


async def test_letters_are_for_supervisors_and_show_no_words(front: Front) -> None:
    talk = front.chat.talk()
    await front.chat.shopper_says(talk, "my SECRET question")
    await until(talk.said_by_bot)
    assert (await front.client.get("/v1/channels/front/letters")).status_code == 401
    assert (await front.client.post("/v1/channels/front/replay", json={})).status_code == 401
    assert "SECRET" not in str(await front.letters())
    assert SECRET not in (await front.client.get("/v1/channels", headers=KEY)).text
    assert (await front.client.get("/v1/channels/nobody/letters", headers=KEY)).status_code == 404


async def test_the_connection_can_be_tried_without_telling_a_shopper(front: Front, tmp_path: Path) -> None:
    tried = await front.client.post("/v1/channels/front/test", headers=KEY)
    assert "knows the bot's token" in tried.json()["seen"]
    FileChannelBook(tmp_path / "channels").put(config_of(front.chat, token="other"))
    refused = await front.client.post("/v1/channels/front/test", headers=KEY)
    assert refused.status_code == 409
    assert "does not know" in refused.json()["detail"]


async def test_a_server_that_stops_in_the_middle_loses_nothing_and_says_nothing_twice(tmp_path: Path) -> None:
    async with chatwoot() as chat:
        FileChannelBook(tmp_path / "channels").put(config_of(chat))
        talk = chat.talk()
        bot = FakeAttendant()
        async with front_of(tmp_path, chat, bot) as front:
            await chat.shopper_says(talk, "one")
            await until(talk.said_by_bot)
            await front.settled()
            bot.gate.clear()
            await chat.shopper_says(talk, "two human please")
            await until(lambda: len(bot.turns) == 2)
        assert len(talk.said_by_bot()) == 1
        async with front_of(tmp_path, chat) as front:
            await until(lambda: talk.status == "open")
            await front.settled()
        assert len(talk.said_by_bot()) == 2
        assert len(talk.notes()) == 1
        assert chat.faults == []


async def test_erasing_a_conversation_takes_its_words_out_of_the_post(front: Front) -> None:
    talk = front.chat.talk()
    front.chat.failing = [422]
    await front.chat.shopper_says(talk, "my address is 1 Secret Street")
    await front.settled()
    [dead] = await front.letters("dead")
    await front.container.conversations.erase(dead["conversation_id"])
    await asyncio.sleep(0.3)
    assert [letter["state"] for letter in await front.letters()] == ["dropped"]
    done = await front.client.post("/v1/channels/front/replay", json={}, headers=KEY)
    assert done.json() == {"replayed": 0}
