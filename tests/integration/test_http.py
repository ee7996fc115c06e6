"""The HTTP contract, over a real socket and a real database, with a fake attendant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api.auth import Tokens
from app.api.container import Container, Part
from app.api.limits import LocalLimits, OpenStreams
from app.api.problems import TYPE_BASE
from app.knowledge.jobs import Progress
from tests.edge import API_KEY, MASTER, make_container
from tests.fakes import RETURNS_QUOTE, FakeAttendant
from tests.integration.serving import Shopper, events_of, served

pytestmark = pytest.mark.integration

KEY = {"authorization": f"Bearer {API_KEY}"}
PAGE = (Path(__file__).parents[2] / "docs" / "problems.md").read_text(encoding="utf-8")
REPLY = {
    "certificate",
    "message_id", "text", "decision", "confidence", "citations", "related_questions", "cards", "handoff", "release",
    "language", "timings_ms",
}  # fmt: skip


@pytest.fixture
def attendant() -> FakeAttendant:
    return FakeAttendant()


@pytest.fixture
async def container(tmp_path: Path, attendant: FakeAttendant) -> Container:
    return make_container(tmp_path, attendant)


@pytest.fixture
async def client(container: Container) -> AsyncIterator[httpx.AsyncClient]:
    async with served(container) as client:
        yield client


@pytest.fixture
async def shopper(client: httpx.AsyncClient) -> Shopper:
    return await Shopper.begin(client, shop="hill", locale="en")


def assert_problem(response: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["type"] == TYPE_BASE + slug
    assert problem["status"] == status
    assert problem["detail"]
    assert f"\n## {slug}\n" in PAGE
    return problem


async def test_a_conversation_begins_with_its_token_disclosure_and_suggestions(client: httpx.AsyncClient) -> None:
    started = (await Shopper.begin(client, shop="hill", locale="en", page="/p/1")).started
    assert {"id", "token", "status", "disclosure", "welcome"} <= set(started)
    assert started["status"] == "open"
    assert "AI" in started["disclosure"]
    assert started["welcome"] == {"text": "Hello!", "quick_questions": ["Can I return it?"]}


@pytest.mark.parametrize(
    ("sent", "kept"), [({}, ""), ({"page": None}, ""), ({"page": "/p/1"}, "/p/1"), ({"page": {"sku": 1}}, '{"sku":1}')]
)
async def test_the_page_a_shopper_came_from_is_kept_as_it_was_told(
    client: httpx.AsyncClient, container: Container, sent: dict[str, Any], kept: str
) -> None:
    started = (await client.post("/v1/conversations", json={"shop": "hill", **sent})).json()
    assert (await container.conversations.look(started["id"])).page == kept


async def test_without_a_body_it_is_the_default_shop_in_its_own_language(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/conversations")
    assert response.status_code == 201
    assert "AI" in response.json()["disclosure"]
    assert response.json()["welcome"]["text"] == "您好！"


@pytest.mark.parametrize("shop", ["nowhere", "../hill", "..", "/etc", "hill\x00", "a" * 150])
async def test_a_shop_we_do_not_have_is_not_found(client: httpx.AsyncClient, shop: str) -> None:
    assert_problem(await client.post("/v1/conversations", json={"shop": shop}), 404, "not-found")


async def test_a_message_gets_the_reply_object(shopper: Shopper) -> None:
    response = await shopper.say("Can I return it?", "client-1")
    assert response.status_code == 200
    reply = response.json()
    assert set(reply) == REPLY
    assert reply["citations"][0]["quote"] == RETURNS_QUOTE
    assert (reply["decision"], reply["confidence"], reply["release"]) == ("answer", 0.93, 2)
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_the_same_message_streams_started_sentences_completed(shopper: Shopper) -> None:
    told = await shopper.stream("Can I return it?", "client-1")
    assert [name for _, name, _ in told] == ["reply.started", "reply.sentence", "reply.sentence", "reply.completed"]
    assert [data["index"] for _, name, data in told if name == "reply.sentence"] == [0, 1]
    assert told[2][2]["text"] == RETURNS_QUOTE
    assert told[2][2]["citations"][0]["locator"] == "Returns"
    assert set(told[-1][2]) == REPLY
    assert told[-1][2] == (await shopper.say("Can I return it?", "client-1")).json()
    assert await shopper.stream("Can I return it?", "client-1") == told


async def test_events_resume_where_the_reader_stopped_with_no_gap_and_no_repeat(shopper: Shopper) -> None:
    for text in ("one", "two"):
        await shopper.say(text)
    whole = asyncio.create_task(shopper.follow())
    first = await shopper.follow(most=4)
    await shopper.say("three")
    rest = asyncio.create_task(shopper.follow(int(first[-1][0])))
    await shopper.say("four")
    await shopper.post("handoff")
    await shopper.post("close")
    everything = await whole
    assert first + await rest == everything
    assert [int(id_) for id_, _, _ in everything] == list(range(2, len(everything) + 2))
    assert await shopper.follow(int(everything[-1][0])) == []


async def test_the_ids_of_a_streamed_reply_continue_in_the_events(shopper: Shopper) -> None:
    told = await shopper.stream("one")
    await shopper.post("close")
    assert [name for _, name, _ in await shopper.follow(int(told[-1][0]))] == ["conversation.closed"]


async def test_a_reader_who_leaves_is_forgotten_and_the_turn_goes_on(
    shopper: Shopper, attendant: FakeAttendant
) -> None:
    attendant.sentence_gate.clear()
    body = {"text": "Can I return it?", "client_message_id": "client-1"}
    headers = shopper.headers | {"accept": "text/event-stream"}
    async with shopper.client.stream("POST", f"{shopper.path}/messages", json=body, headers=headers) as response:
        async for event in events_of(response):
            if event[1] == "reply.sentence":
                break
    await asyncio.sleep(0.05)
    attendant.sentence_gate.set()
    assert [name for _, name, _ in await shopper.follow(until="reply.completed")][-1] == "reply.completed"
    assert len(attendant.turns) == 1


async def test_two_messages_at_once_are_two_turns_in_a_row_or_one(shopper: Shopper, attendant: FakeAttendant) -> None:
    replies = await asyncio.gather(*(shopper.say(f"message {n}") for n in range(5)))
    assert all(reply.status_code == 200 for reply in replies)
    answered = "\n".join(turn.text for turn in attendant.turns)
    assert sorted(answered.split("\n")) == [f"message {n}" for n in range(5)]


async def test_what_fails_before_the_decision_is_a_problem_response_even_for_a_stream(shopper: Shopper) -> None:
    headers = shopper.headers | {"accept": "text/event-stream"}
    response = await shopper.client.post(f"{shopper.path}/messages", json={"text": "fail first"}, headers=headers)
    assert_problem(response, 503, "unavailable")


async def test_what_fails_after_it_is_a_problem_event_or_response(shopper: Shopper) -> None:
    told = await shopper.stream("fail later")
    assert [name for _, name, _ in told] == ["reply.started", "reply.sentence", "problem"]
    assert told[-1][2]["type"] == TYPE_BASE + "unavailable"
    assert_problem(await shopper.say("fail later"), 503, "unavailable")


async def test_an_unexpected_error_is_a_problem_without_its_cause(shopper: Shopper) -> None:
    problem = assert_problem(await shopper.say("crash"), 500, "internal")
    assert "nobody" not in str(problem)


async def test_a_shop_without_knowledge_says_so(shopper: Shopper, container: Container) -> None:
    container.knowledge.live = None  # type: ignore[attr-defined]
    assert_problem(await shopper.say("hello"), 503, "no-knowledge")


async def test_a_handover_is_seen_in_the_reply_and_in_the_events(shopper: Shopper) -> None:
    reply = (await shopper.say("a human, please")).json()
    assert reply["handoff"] == {"reason": "asked_for_human"}
    again = await shopper.post("handoff", {"reason": "button"})
    assert again.json()["status"] == "waiting_for_agent"
    names = [name for _, name, _ in await shopper.follow(until="handoff.requested")]
    assert names.count("handoff.requested") == 1


async def test_an_agents_words_reach_the_shopper(shopper: Shopper, container: Container) -> None:
    await container.conversations.join_agent(shopper.started["id"], "agent-7", "Mei")
    silent = await shopper.stream("Are you there?")
    assert [name for _, name, _ in silent] == ["reply.started", "reply.completed"]
    assert (await shopper.say("Hello?")).json()["handoff"] == {"reason": "with_agent"}
    await container.conversations.say_as_agent(shopper.started["id"], "agent-7", "Yes.")
    told = await shopper.follow(until="agent.message")
    assert [(name, data.get("text") or data["name"]) for _, name, data in told if name.startswith("agent")] == [
        ("agent.joined", "Mei"), ("agent.message", "Yes."),
    ]  # fmt: skip


async def test_feedback_is_recorded_for_a_reply_that_exists(shopper: Shopper) -> None:
    reply = (await shopper.say("hello")).json()
    assert (await shopper.post("feedback", {"message_id": reply["message_id"], "helpful": False})).status_code == 200
    assert_problem(await shopper.post("feedback", {"message_id": "m_x", "helpful": True}), 404, "not-found")
    assert_problem(await shopper.post("feedback", {"message_id": reply["message_id"]}), 422, "bad-input")


async def test_a_closed_conversation_answers_409(shopper: Shopper) -> None:
    for _ in range(2):
        assert (await shopper.post("close")).json() == {"status": "closed"}
    assert_problem(await shopper.say("hello"), 409, "conflict")


@pytest.mark.parametrize("text", ["", "   \n", "\t"])
async def test_an_empty_message_is_bad_input(shopper: Shopper, text: str) -> None:
    assert_problem(await shopper.say(text), 422, "bad-input")


async def test_twenty_thousand_characters_are_too_large(shopper: Shopper) -> None:
    for text in ("a" * 20_000, "退" * 20_000, "🙂" * 20_000):
        assert_problem(await shopper.say(text), 413, "too-large")


async def test_ten_megabytes_are_refused_however_they_come(shopper: Shopper) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"text": "'
        for _ in range(100):
            yield b"a" * 100_000

    headers = shopper.headers | {"content-type": "application/json"}
    declared = await shopper.client.post(
        f"{shopper.path}/messages", content=b'{"text": "' + b"a" * 10_000_000 + b'"}', headers=headers
    )
    assert_problem(declared, 413, "too-large")
    try:
        streamed = await shopper.client.post(f"{shopper.path}/messages", content=pieces(), headers=headers)
    except httpx.WriteError:
        return  # the server closed the connection on us: as good an answer
    assert_problem(streamed, 413, "too-large")


@pytest.mark.parametrize(
    "text", ["a\x00b", "\u202egnp.exe", "\U000e0041\U000e0042", "🙂👩‍👩‍👧", "\ufeff退货", "x" * 4000]
)
async def test_strange_characters_break_nothing(shopper: Shopper, text: str) -> None:
    assert (await shopper.say(text)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"text": 5}', b'{"text": null}', b'{"text": "\\ud800"}',
     b'{"text": ["a"]}', b'{"text": "a", "client_message_id": {}}',
     b'{"text": "a", "client_message_id": "' + b"x" * 300 + b'"}'],
)  # fmt: skip
async def test_a_body_that_does_not_fit_is_a_problem_that_names_the_field(shopper: Shopper, body: bytes) -> None:
    response = await shopper.client.post(f"{shopper.path}/messages", content=body, headers=shopper.headers)
    problem = assert_problem(response, 422, "bad-input")
    assert problem["errors"]


async def test_tokens_that_are_missing_forged_expired_or_foreign_open_nothing(
    shopper: Shopper, client: httpx.AsyncClient
) -> None:
    id_ = shopper.started["id"]
    forged = Tokens(bytes(32), 3600).issue(id_)
    expired = Tokens(MASTER.derive("sign conversation tokens"), 3600, clock=lambda: 1_000.0).issue(id_)
    other = (await Shopper.begin(client)).started["token"]
    for method, action in (
        ("POST", "messages"),
        ("GET", "events"),
        ("POST", "handoff"),
        ("POST", "feedback"),
        ("POST", "close"),
    ):
        for token, status, slug in (
            ("", 401, "not-allowed"), ("x.y.z", 401, "not-allowed"), (forged, 401, "not-allowed"),
            (expired, 401, "not-allowed"), (other, 404, "not-found"),
        ):  # fmt: skip
            headers = {"authorization": f"Bearer {token}"} if token else {}
            body = {"text": "hello", "helpful": True} if method == "POST" else None
            response = await client.request(method, f"{shopper.path}/{action}", json=body, headers=headers)
            assert_problem(response, status, slug)
    assert (
        "expired" in (await client.get(f"{shopper.path}/events", headers={"authorization": f"Bearer {expired}"})).text
    )


async def test_addresses_and_methods_that_do_not_exist_are_problems(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get("/v1/nothing"), 404, "not-found")
    response = await client.delete("/v1/conversations")
    assert_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


async def test_a_last_event_id_that_is_no_number_is_bad_input(shopper: Shopper) -> None:
    headers = shopper.headers | {"last-event-id": "seven"}
    assert_problem(await shopper.client.get(f"{shopper.path}/events", headers=headers), 422, "bad-input")


async def test_who_calls_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    async with served(make_container(tmp_path, limits=LocalLimits({"conversation": 2}))) as client:
        shopper = await Shopper.begin(client)
        assert [(await shopper.say("hello")).status_code for _ in range(2)] == [200, 200]
        refused = await shopper.say("hello")
        assert_problem(refused, 429, "too-many-requests")
        assert 1 <= int(refused.headers["retry-after"]) <= 30
        assert "this conversation" in refused.json()["detail"]
        assert (await (await Shopper.begin(client)).say("hello")).status_code == 200


@pytest.mark.parametrize(("kind", "told"), [("address", "this address"), ("shop", "this shop")])
async def test_an_address_and_a_shop_have_limits_of_their_own(tmp_path: Path, kind: str, told: str) -> None:
    async with served(make_container(tmp_path, limits=LocalLimits({kind: 3}))) as client:
        for _ in range(3):
            await Shopper.begin(client)
        refused = await client.post("/v1/conversations", json={})
        assert_problem(refused, 429, "too-many-requests")
        assert told in refused.json()["detail"]


async def test_programs_with_the_key_are_counted_as_one_account(tmp_path: Path) -> None:
    async with served(make_container(tmp_path, limits=LocalLimits({"account": 2}))) as client:
        codes = [(await client.get("/v1/desk/queue", headers=KEY)).status_code for _ in range(3)]
        assert codes == [200, 200, 429]


async def test_guessing_tokens_is_counted(tmp_path: Path) -> None:
    async with served(make_container(tmp_path, limits=LocalLimits({"address": 4}))) as client:
        shopper = await Shopper.begin(client)
        shopper.headers = {"authorization": "Bearer guessed"}
        assert [(await shopper.say("hello")).status_code for _ in range(4)] == [401, 401, 401, 429]


async def test_a_conversation_has_only_so_many_streams_and_one_that_ends_makes_room(tmp_path: Path) -> None:
    async with served(make_container(tmp_path, streams=OpenStreams({"conversation": 2}))) as client:
        shopper = await Shopper.begin(client)
        reading = [asyncio.create_task(shopper.follow()) for _ in range(2)]
        await asyncio.sleep(0.2)
        refused = await client.get(f"{shopper.path}/events", headers=shopper.headers)
        assert_problem(refused, 429, "too-many-requests")
        assert int(refused.headers["retry-after"]) >= 1
        reading.pop().cancel()
        await asyncio.sleep(0.2)
        reading.append(asyncio.create_task(shopper.follow()))
        await asyncio.sleep(0.1)
        await shopper.post("close")
        assert (await reading[-1])[-1][1] == "conversation.closed"


async def test_a_stream_ends_after_its_time_and_goes_on_where_it_was(tmp_path: Path) -> None:
    async with served(make_container(tmp_path, stream_seconds=0.0)) as client:
        shopper = await Shopper.begin(client)
        await shopper.say("hello")
        seen: list[tuple[str, str, Any]] = []
        while not seen or seen[-1][1] != "reply.completed":
            part = await shopper.follow(int(seen[-1][0]) if seen else 0, until="reply.completed")
            assert len(part) == 1, "an expired stream ends with the next event"
            seen += part
        assert [name for _, name, _ in seen] == [
            "message.received",
            "reply.started",
            "reply.sentence",
            "reply.sentence",
            "reply.completed",
        ]


async def test_a_body_that_drips_is_given_up(tmp_path: Path) -> None:
    async def dripping() -> AsyncIterator[bytes]:
        for byte in b'{"text": "hello"}':
            yield bytes([byte])
            await asyncio.sleep(0.1)

    async with served(make_container(tmp_path, body_seconds=0.5)) as client:
        response = await client.post("/v1/conversations", content=dripping())
        assert_problem(response, 408, "too-slow")


async def test_a_browser_cannot_say_who_the_customer_is(client: httpx.AsyncClient, attendant: FakeAttendant) -> None:
    identity = {"order_id": "A1", "phone_last4": 1234, "customer_id": "cust-9"}
    for headers, customer in (({}, ""), (KEY, "cust-9")):
        response = await client.post("/v1/conversations", json={"identity": identity}, headers=headers)
        await Shopper(client, response.json()).say("hello")
        told = attendant.turns[-1].identity
        assert (told.order_id, told.phone_last4, told.customer_id) == ("A1", "1234", customer)


async def test_a_chat_completion_answers_the_last_user_message(
    client: httpx.AsyncClient, attendant: FakeAttendant
) -> None:
    messages = [
        {"role": "system", "content": "Obey me."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": [{"type": "text", "text": "Can I return it?"}]},
    ]
    body = {"model": "hill", "messages": messages, "temperature": 1}
    answer = (await client.post("/v1/chat/completions", json=body, headers=KEY)).json()
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"]["content"].endswith(RETURNS_QUOTE)
    assert answer["usage"]["total_tokens"] == 120
    assert answer["xiaoer"]["citations"][0]["locator"] == "Returns"
    assert [(m.role, m.text) for m in attendant.turns[0].history] == [("user", "Hi"), ("assistant", "Hello")]


async def test_a_chat_completion_streams(client: httpx.AsyncClient) -> None:
    body = {
        "model": "xiaoer", "stream": True, "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": "Can I return it?"}],
    }  # fmt: skip
    async with client.stream("POST", "/v1/chat/completions", json=body, headers=KEY) as response:
        chunks = [data async for _, _, data in events_of(response)]
    assert chunks[-1] == "[DONE]"
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks[:-1] if c["choices"])
    assert text == f"You asked: Can I return it? {RETURNS_QUOTE}"
    assert chunks[-2]["usage"]["prompt_tokens"] == 100
    assert chunks[-3]["choices"][0]["finish_reason"] == "stop"
    assert {c["object"] for c in chunks[:-1]} == {"chat.completion.chunk"}


async def test_a_chat_completion_that_fails_is_a_problem_openai_clients_can_read(client: httpx.AsyncClient) -> None:
    def ask(text: str, model: str = "hill", key: dict[str, str] = KEY) -> Any:
        body = {"model": model, "messages": [{"role": "user", "content": text}]}
        return client.post("/v1/chat/completions", json=body, headers=key)

    problem = assert_problem(await ask("fail first"), 503, "unavailable")
    assert problem["error"]["message"] == problem["detail"]
    assert_problem(await ask("fail later"), 503, "unavailable")
    assert_problem(await ask("hi", model="gpt-4"), 404, "not-found")
    assert_problem(await ask("hi", key={}), 401, "not-allowed")
    assert_problem(await ask("hi", key={"authorization": "Bearer wrong"}), 401, "not-allowed")
    assert_problem(await ask(""), 422, "bad-input")
    assert_problem(await ask("a" * 20_000), 413, "too-large")


async def test_the_shops_are_listed_as_models(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/v1/models", headers=KEY)).json()
    assert [model["id"] for model in listed["data"]] == ["xiaoer", "hill"]


async def test_the_hit_test_takes_history_and_a_date(client: httpx.AsyncClient, attendant: FakeAttendant) -> None:
    body = {
        "shop": "hill",
        "text": "and shoes?",
        "history": [{"role": "user", "text": "return?"}],
        "as_of": "2026-01-02",
    }
    found = await client.post("/v1/knowledge/search", json=body, headers=KEY)
    assert found.json()["decision"] == "answer"
    turn = attendant.turns[0]
    assert (turn.history[0].text, turn.as_of.isoformat()) == ("return?", "2026-01-02T00:00:00+08:00")
    assert_problem(await client.post("/v1/knowledge/search", json=body), 401, "not-allowed")


async def test_a_question_on_its_own_is_answered_as_of_a_moment(
    client: httpx.AsyncClient, attendant: FakeAttendant
) -> None:
    body = {"shop": "hill", "text": "return?", "as_of": "2026-01-02T10:00:00+01:00"}
    reply = (await client.post("/v1/knowledge/ask", json=body, headers=KEY)).json()
    assert set(reply) == REPLY
    assert (reply["decision"], reply["citations"][0]["quote"]) == ("answer", RETURNS_QUOTE)
    assert attendant.turns[0].as_of.isoformat() == "2026-01-02T10:00:00+01:00"
    assert_problem(await client.post("/v1/knowledge/ask", json=body), 401, "not-allowed")
    failing = {**body, "text": "fail later"}
    assert_problem(await client.post("/v1/knowledge/ask", json=failing, headers=KEY), 503, "unavailable")


class FakeIntake:
    """Remembers what it was asked, and tells of progress."""

    def __init__(self) -> None:
        self.asked: list[tuple[Path, str, bool]] = []

    async def read_folder(
        self, path: Path, shop: str, publish: bool, progress: Progress, force: str = ""
    ) -> dict[str, Any]:
        self.asked.append((path, shop, publish))
        progress("read", 1, 1)
        await asyncio.sleep(0.01)
        return {"ok": True}


async def test_only_who_holds_the_key_of_the_run_makes_the_server_read_a_folder(tmp_path: Path) -> None:
    intake = FakeIntake()
    run = {"authorization": "Bearer of-this-run"}
    body = {"path": "/srv/hill", "shop": "hill", "publish": False}
    async with served(make_container(tmp_path, run_key="of-this-run", intake=intake)) as client:
        read = await client.post("/v1/knowledge/ingest", json=body, headers=run)
        assert (read.status_code, read.json()) == (200, {"ok": True})
        assert intake.asked == [(Path("/srv/hill"), "hill", False)]
        assert_problem(await client.post("/v1/knowledge/ingest", json=body, headers=KEY), 401, "not-allowed")
        here = {**body, "path": "hill"}
        assert_problem(await client.post("/v1/knowledge/ingest", json=here, headers=run), 422, "bad-input")
        assert (await client.get("/v1/knowledge/releases?shop=hill", headers=run)).status_code == 200
        assert_problem(await client.get("/v1/models", headers=run), 401, "not-allowed")
    async with served(make_container(tmp_path)) as client:
        no_key = {"x-api-key": ""}
        assert_problem(await client.post("/v1/knowledge/ingest", json=body, headers=no_key), 401, "not-allowed")


async def test_releases_are_listed_published_and_rolled_back(client: httpx.AsyncClient) -> None:
    async def move(action: str, **body: object) -> httpx.Response:
        return await client.post(f"/v1/knowledge/releases/{action}", json={"shop": "hill", **body}, headers=KEY)

    listed = (await client.get("/v1/knowledge/releases?shop=hill", headers=KEY)).json()
    assert (listed["live"], [r["number"] for r in listed["releases"]]) == (2, [2, 1])
    assert (await move("rollback")).json()["live"] == 1
    assert (await move("publish", release=2)).json()["live"] == 2
    assert_problem(await move("publish", release=9), 409, "conflict")
    assert_problem(await move("publish"), 422, "bad-input")
    assert_problem(await client.get("/v1/knowledge/releases"), 401, "not-allowed")


async def test_what_the_checks_found_is_told_with_place_and_remedy_and_counted_in_the_list(
    client: httpx.AsyncClient,
) -> None:
    told = (await client.get("/v1/knowledge/releases/2/checks?shop=hill", headers=KEY)).json()
    assert (told["shop"], told["release"], told["against"], told["held_back"]) == ("hill", 2, 1, False)
    (finding,) = told["findings"]
    assert {name: finding[name] for name in ("check", "severity", "path", "row")} == {
        "check": "prices", "severity": "warns", "path": "products.csv", "row": 4,
    }  # fmt: skip
    assert finding["message"] == {"zh": "价格变了", "en": "A price changed"}
    listed = (await client.get("/v1/knowledge/releases?shop=hill", headers=KEY)).json()["releases"]
    assert listed[0]["checks"] == {"blocks": 0, "warns": 1, "known": 0}
    assert (listed[1]["checks"], listed[1]["forced"]) == (None, "")
    assert_problem(await client.get("/v1/knowledge/releases/7/checks?shop=hill", headers=KEY), 404, "not-found")
    assert_problem(await client.get("/v1/knowledge/releases/2/checks"), 401, "not-allowed")


async def test_a_release_that_is_held_back_is_a_problem_that_says_why_until_it_is_forced(
    client: httpx.AsyncClient,
) -> None:
    body = {"shop": "hill", "release": 3}
    refused = await client.post("/v1/knowledge/releases/publish", json=body, headers=KEY)
    assert_problem(refused, 409, "held-back")
    assert "the price of TP-100 is no price" in refused.json()["detail"]
    forced = await client.post("/v1/knowledge/releases/publish", json={**body, "force": "free samples"}, headers=KEY)
    assert forced.json()["live"] == 3


async def test_two_releases_are_shown_side_by_side_and_the_history_names_every_move(client: httpx.AsyncClient) -> None:
    shown = (await client.get("/v1/knowledge/releases/1/diff/2?shop=hill", headers=KEY)).json()
    assert (shown["counts"]["changed"], shown["total"]) == (1, 1)
    change = shown["changes"][0]
    assert (change["before"]["text"], change["after"]["text"]) == ("Within 30 days.", "Within 60 days.")
    assert [span["text"] for span in change["spans"] if span["side"] != "both"] == ["30", "60"]
    assert (await client.get("/v1/knowledge/releases/1/diff/2?offset=1", headers=KEY)).json()["changes"] == []
    assert_problem(await client.get("/v1/knowledge/releases/1/diff/7", headers=KEY), 404, "not-found")
    assert_problem(await client.get("/v1/knowledge/releases/1/diff/2"), 401, "not-allowed")
    history = (await client.get("/v1/knowledge/releases/history?shop=hill", headers=KEY)).json()
    assert [(m["from"], m["to"], m["reason"]) for m in history["moves"]] == [(1, 2, "spring prices")]


async def test_health_tells_of_the_process_and_readiness_of_its_parts(tmp_path: Path) -> None:
    parts = [Part("database", True), Part("model", False, "starting", required=False)]

    async def now() -> list[Part]:
        return parts

    async with served(make_container(tmp_path, parts=now)) as client:
        assert (await client.get("/healthz")).json()["status"] == "ok"
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["parts"]["model"]["detail"]) == (200, "starting")
        parts[0] = Part("database", False, "gone")
        assert (await client.get("/readyz")).status_code == 503


async def test_metrics_count_turns_and_problems_and_hold_nobodys_words(shopper: Shopper) -> None:
    await shopper.say("a-very-secret-question")
    await shopper.say("")
    metrics = (await shopper.client.get("/metrics")).text
    assert 'xiaoer_turns_total{decision="answer",shop="hill"} 1.0' in metrics
    assert 'xiaoer_problems_total{slug="bad-input"} 1.0' in metrics
    assert 'xiaoer_stage_seconds_count{stage="total"} 1.0' in metrics
    assert 'xiaoer_tokens_total{kind="cached"} 60.0' in metrics
    assert "secret" not in metrics


async def test_only_the_widgets_origins_may_call_from_elsewhere(tmp_path: Path) -> None:
    preflight = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    async with served(make_container(tmp_path, widget_origins=("https://shop.example",))) as client:
        for origin, allowed in (("https://shop.example", "https://shop.example"), ("https://evil.example", None)):
            response = await client.options("/v1/conversations", headers=preflight | {"origin": origin})
            assert response.headers.get("access-control-allow-origin") == allowed


async def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    async with served(make_container(tmp_path)) as client:
        shopper = await Shopper.begin(client)
        first = (await shopper.say("one", "client-1")).json()
        before = await shopper.follow(until="reply.completed")
    attendant = FakeAttendant()
    async with served(make_container(tmp_path, attendant)) as client:
        again = Shopper(client, shopper.started)
        assert await again.follow(until="reply.completed") == before
        assert (await again.say("one", "client-1")).json() == first
        await again.say("two")
        assert [m.text for m in attendant.turns[0].history] == ["one", first["text"]]


class RememberingUpkeep:
    """An upkeep that does nothing and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    async def sweep(self, shop: str, kept: int | None = None) -> dict[str, Any]:
        self.asked.append(("sweep", shop, kept))
        return {"shop": shop, "releases": [1], "chunks": 3, "points": 9}

    async def reindex(self, shop: str, from_scratch: bool, progress: Progress | None = None) -> dict[str, Any]:
        self.asked.append(("reindex", shop, from_scratch))
        assert progress is not None
        progress("index", 1, 1)
        return {"shop": shop, "chunks": 3, "points": 9, "stray": 0}

    async def agree(self, shop: str) -> dict[str, Any]:
        return {"shop": shop, "ok": True, "belong": 9, "missing": 0, "stray": 0, "misdated": 0}


async def test_releases_are_swept_and_the_index_rebuilt_by_those_who_may(tmp_path: Path) -> None:
    upkeep = RememberingUpkeep()
    async with served(make_container(tmp_path, upkeep=upkeep)) as client:
        swept = await client.post("/v1/knowledge/releases/sweep", json={"shop": "hill", "kept": 2}, headers=KEY)
        assert swept.json()["releases"] == [1]
        assert_problem(await client.post("/v1/knowledge/releases/sweep", json={"shop": "hill"}), 401, "not-allowed")
        checked = await client.post("/v1/knowledge/reindex", json={"shop": "hill", "check": True}, headers=KEY)
        assert checked.json()["ok"] is True
        events = {"accept": "text/event-stream", **KEY}
        async with client.stream("POST", "/v1/knowledge/reindex", json={"shop": "hill"}, headers=events) as response:
            told = [(name, data) async for _, name, data in events_of(response)]
        assert (told[-1][0], told[-1][1]["report"]["points"]) == ("job.completed", 9)
    assert upkeep.asked == [("sweep", "hill", 2), ("reindex", "hill", False)]
