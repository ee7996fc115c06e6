"""The signed webhook to a shop's own program, on real sockets: both ways, and with people at our desk."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from app.adapters.channels.book import FileChannelBook
from app.api.container import Container
from app.channels.channel import ChannelConfig
from app.channels.signing import key_of, new_secret, sign_standard
from app.conversation.board import Person
from tests.edge import API_KEY, make_container
from tests.fake_chatwoot import until
from tests.integration.serving import served

pytestmark = pytest.mark.integration

KEY = {"authorization": f"Bearer {API_KEY}"}
SECRET = new_secret()
MEI = Person("a1", "Mei", "")


class Program:
    """A shop's own program: it takes letters, checks their signature, and drops repeats."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.forged = 0
        self.failing: list[int] = []
        self.lost_answers = 0
        self.url = ""
        self.client: httpx.AsyncClient | None = None

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        id_, stamp = request.headers["webhook-id"], int(request.headers["webhook-timestamp"])
        if request.headers["webhook-signature"] != sign_standard(SECRET, id_, stamp, body):
            self.forged += 1
            return web.Response(status=401)
        if self.failing:
            return web.Response(status=self.failing.pop(0), headers={"location": self.url})
        if id_ not in self.ids:
            self.ids.append(id_)
            self.got.append(json.loads(body))
        if self.lost_answers:
            self.lost_answers -= 1
            return web.Response(status=502)
        return web.Response(status=204)

    def of(self, type_: str) -> list[dict[str, Any]]:
        return [told["data"] for told in self.got if told["type"] == type_]

    async def send(self, type_: str, id_: str = "", secret: str = SECRET, late: int = 0, **data: Any) -> httpx.Response:
        assert self.client is not None
        body = json.dumps({"type": type_, "data": data}).encode()
        id_, stamp = id_ or str(uuid.uuid4()), int(time.time()) - late
        signed = {
            "webhook-id": id_,
            "webhook-timestamp": str(stamp),
            "webhook-signature": f"v1,bm90IHRoaXMgb25l {sign_standard(secret, id_, stamp, body)}",
        }
        return await self.client.post("/v1/channels/app/webhook", content=body, headers=signed)

    async def says(self, text: str, thread: str = "u-1", **about: Any) -> httpx.Response:
        told = {"thread": thread, "message_id": str(uuid.uuid4()), "text": text, "locale": "en"}
        return await self.send("message.received", **(told | about))


class Shop:
    """The server, and the program that talks to it."""

    def __init__(self, program: Program, client: httpx.AsyncClient, container: Container) -> None:
        self.program = program
        self.client = client
        self.container = container

    async def letters(self, state: str = "") -> list[dict[str, Any]]:
        found = await self.client.get(f"/v1/channels/app/letters?state={state}", headers=KEY)
        return list(found.json()["letters"])

    async def conversation_id(self) -> str:
        return str((await self.letters())[0]["conversation_id"])


@pytest.fixture
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shop]:
    program = Program()
    app = web.Application()
    app.router.add_post("/xiaoer", program.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    program.url = f"http://127.0.0.1:{runner.addresses[0][1]}/xiaoer"
    there = getattr(request, "param", False)
    FileChannelBook(tmp_path / "channels").put(
        ChannelConfig("app", "webhook", "hill", program.url, SECRET, has_staff=there, sources=False)
    )
    container = make_container(tmp_path)
    async with served(container) as client:
        program.client = client
        yield Shop(program, client, container)
    await runner.cleanup()
    assert program.forged == 0


async def test_a_message_is_answered_with_its_citations_and_a_disclosure_at_first(shop: Shop) -> None:
    assert (await shop.program.says("Can I return it?")).json() == {"status": "accepted"}
    await until(lambda: shop.program.of("message.created"))
    [told] = shop.program.of("message.created")
    assert (told["thread"], told["by"], told["decision"]) == ("u-1", "bot", "answer")
    assert told["citations"][0]["locator"] == "Returns"
    assert told["related_questions"] == ["Who pays?"]
    assert "AI assistant" in told["disclosure"]
    assert told["footer"] == ""


async def test_people_at_our_desk_answer_in_the_program_and_hand_back(shop: Shop) -> None:
    program = shop.program
    await program.says("a human please")
    await until(lambda: program.of("handoff.requested"))
    assert program.of("handoff.requested")[0]["reason"] == "asked_for_human"
    assert "a human please" in program.of("note.created")[0]["text"]
    assert "queue" in program.of("message.created")[0]["text"]
    id_, desk = await shop.conversation_id(), shop.container.desk
    assert desk is not None
    await desk.roster.see(MEI, datetime.now(UTC))
    await desk.claim(id_, MEI)
    await desk.say(id_, MEI, "Hello, Mei here.")
    await until(lambda: len(program.of("message.created")) == 2)
    said = program.of("message.created")[1]
    assert (said["by"], said["name"], said["text"]) == ("agent", "Mei", "Hello, Mei here.")
    await program.says("Thanks, and another thing")
    await desk.hand_back(id_, MEI)
    await until(lambda: program.of("handoff.ended"))
    await program.says("Can I return it?")
    await until(lambda: len(program.of("message.created")) == 3)
    await desk.close(id_, MEI, "solved")
    await until(lambda: program.of("conversation.closed"))


@pytest.mark.parametrize("shop", [True], indirect=True)
async def test_where_people_answer_over_there_the_call_is_theirs_once_it_arrived(shop: Shop) -> None:
    program = shop.program
    await program.says("a human please")
    await until(lambda: program.of("handoff.requested"))
    conversations, id_ = shop.container.conversations, await shop.conversation_id()
    await until(lambda: conversations._sessions[id_].conversation.standing.agent == "channel:app")
    await program.send("agent.message", thread="u-1", message_id="a-1", text="Ann here", name="Ann")
    await program.says("Are you still there?")
    await program.send("agent.left", thread="u-1")
    await until(lambda: conversations._sessions[id_].status.value == "open")
    assert len(program.of("message.created")) == 1
    await program.says("Can I return it?")
    await until(lambda: len(program.of("message.created")) == 2)
    told = [message.text for _, message in (await conversations.look(id_)).said]
    assert told.index("Ann here") < told.index("Are you still there?") < told.index("Can I return it?")


async def test_the_shops_program_may_say_who_the_shopper_is(shop: Shop) -> None:
    await shop.program.says("Can I return it?", identity={"customer_id": "c-7", "order_id": "A1", "phone_last4": 1234})
    await until(lambda: shop.program.of("message.created"))
    conversation = await shop.container.conversations.look(await shop.conversation_id())
    assert conversation.identity.customer_id == "c-7"
    assert conversation.identity.phone_last4 == "1234"


async def test_a_letter_whose_answer_was_lost_comes_again_under_the_same_id(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.channels.send_out.FIRST_SECONDS", 0.05)
    monkeypatch.setattr("app.channels.rounds.ROUND_SECONDS", 0.1)
    shop.program.lost_answers = 2
    await shop.program.says("Can I return it?")
    await until(lambda: not shop.program.lost_answers)
    await shop.program.says("And again?")
    await until(lambda: len(shop.program.of("message.created")) == 2)
    assert len(shop.program.ids) == 2


async def test_a_redirect_is_no_delivery(shop: Shop) -> None:
    shop.program.failing = [302]
    await shop.program.says("Can I return it?")
    for _ in range(200):
        if dead := await shop.letters("dead"):
            break
        await asyncio.sleep(0.02)
    assert "302" in dead[0]["problem"]


async def test_what_keeps_failing_is_dead_after_its_attempts_and_replayed_in_full(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.channels.send_out.FIRST_SECONDS", 0.001)
    monkeypatch.setattr("app.channels.send_out.MOST_SECONDS", 0.01)
    monkeypatch.setattr("app.channels.rounds.ROUND_SECONDS", 0.02)
    shop.program.failing = [500] * 12
    await shop.program.says("Can I return it?")
    await until(lambda: not shop.program.failing)
    for _ in range(200):
        if dead := await shop.letters("dead"):
            break
        await asyncio.sleep(0.02)
    assert dead[0]["attempts"] == 12
    await shop.client.post("/v1/channels/app/replay", json={}, headers=KEY)
    await until(lambda: shop.program.of("message.created"))
    assert "within 30 days" in shop.program.of("message.created")[0]["text"]


async def test_only_what_is_signed_with_the_secret_now_is_taken(shop: Shop) -> None:
    program = shop.program
    assert (await program.says("hi", secret=new_secret())).status_code == 401
    assert (await program.says("hi", late=301)).status_code == 401
    assert (await program.says("hi", id_="same")).json() == {"status": "accepted"}
    assert (await program.says("hi", id_="same")).json() == {"status": "duplicate"}
    assert (await program.send("something.new", thread="u-1")).json() == {"status": "ignored"}


@pytest.mark.parametrize(
    "data",
    [
        {"message_id": "m", "text": "hi"},
        {"thread": "t", "text": "hi"},
        {"thread": "t", "message_id": "m"},
        {"thread": "t", "message_id": "m", "text": "  "},
        {"thread": "t" * 201, "message_id": "m", "text": "hi"},
        {"thread": "t", "message_id": "m", "text": 5},
    ],
)
async def test_a_message_that_lacks_something_is_refused_with_words(shop: Shop, data: dict[str, Any]) -> None:
    refused = await shop.program.send("message.received", **data)
    assert refused.status_code == 422
    assert "Nothing was kept" in refused.json()["detail"]


async def test_a_message_whose_turns_keep_failing_is_given_to_a_person(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.channels.take_in.FIRST_SECONDS", 0.02)
    monkeypatch.setattr("app.channels.rounds.ROUND_SECONDS", 0.05)
    shop.container.knowledge.live = None  # type: ignore[attr-defined]
    await shop.program.says("Can I return it?")
    await until(lambda: shop.program.of("handoff.requested"))
    assert shop.program.of("handoff.requested")[0]["reason"] == "model_down"
    assert shop.program.of("message.created")[0]["text"].strip()


def test_a_secret_is_256_bits() -> None:
    assert len(key_of(new_secret())) == 32
