"""The desk over HTTP on a real database: who gets a conversation, what the shopper sees of it, what they never see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.adapters.db.engine import Database
from app.adapters.db.staff import SqlStaffBook
from app.api.container import Container
from app.conversation.board import CannedReply
from app.errors import NotFound
from app.staff.account import Role
from app.staff.door import Door, csrf_of
from tests.edge import API_KEY, make_container, migrated_database
from tests.integration.serving import Shopper, events_of, served

pytestmark = pytest.mark.integration

KEY = {"authorization": f"Bearer {API_KEY}"}
DATABASES = ["sqlite", "postgres"]
TABLES = "events, conversations, desk_cases, desk_notices, desk_people, desk_replies, desk_modes"


class Colleague:
    """Somebody signed in at the desk, over HTTP."""

    def __init__(self, client: httpx.AsyncClient, token: str, agent: str) -> None:
        self.client = client
        self.agent = agent
        name = f"xiaoer-staff-{client.base_url.port}"
        self.headers = {"cookie": f"{name}={token}", "x-csrf-token": csrf_of(token)}

    async def get(self, path: str) -> Any:
        answer = await self.client.get(f"/v1/desk/{path}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.client.post(f"/v1/desk/{path}", json=body, headers=self.headers)

    async def act(self, conversation_id: str, act: str, **body: Any) -> httpx.Response:
        return await self.post(f"conversations/{conversation_id}/{act}", **body)

    async def here(self, **chosen: Any) -> Colleague:
        assert (await self.post("presence", status="online", **chosen)).status_code == 200
        return self


class Floor:
    """A server with a shop, and as many colleagues as a test wants."""

    def __init__(self, client: httpx.AsyncClient, container: Container, door: Door) -> None:
        self.client = client
        self.container = container
        self.door = door

    async def colleague(self, login: str, role: Role = Role.AGENT, shop: str = "") -> Colleague:
        account = await self.door.add(login, login.title(), role, shop, None)
        signed = await self.door.sign_in_by_link(await self.door.link_for(login), "127.0.0.1")
        return Colleague(self.client, signed.token, account.account_id)

    async def shopper(self, **about: Any) -> Shopper:
        return await Shopper.begin(self.client, shop="hill", locale="en", **about)

    async def waiting(self, text: str = "a human please") -> tuple[Shopper, str]:
        shopper = await self.shopper()
        await shopper.say(text)
        return shopper, str(shopper.started["id"])


@pytest.fixture(params=DATABASES)
async def floor(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Floor]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    database = migrated_database(tmp_path, url)
    if url:
        with database.engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {TABLES}, staff_accounts, staff_sessions CASCADE"))
    door = Door(SqlStaffBook(database))
    container = make_container(tmp_path, url=url, door=door)
    async with served(container) as client:
        yield Floor(client, container, door)
    database.close()


async def test_a_conversation_goes_from_the_bot_to_a_person_and_back_and_to_its_end(floor: Floor) -> None:
    mei = await (await floor.colleague("mei")).here()
    shopper, id_ = await floor.waiting()
    row = (await mei.get("queue"))["waiting"][0]
    assert (row["conversation_id"], row["reason"], row["preview"]) == (id_, "asked_for_human", "a human please")
    assert (await mei.act(id_, "claim")).json()["status"] == "with_agent"
    assert (await shopper.say("Are you there?")).json()["handoff"] == {"reason": "with_agent"}
    assert (await mei.act(id_, "messages", text="Yes, I am.")).status_code == 201
    assert (await mei.act(id_, "hand-back")).json()["status"] == "open"
    assert (await shopper.say("Can I return it?")).json()["decision"] == "answer"
    assert (await mei.act(id_, "close", outcome="solved")).json()["status"] == "closed"
    assert (await shopper.post("feedback", {"helpful": True, "score": 5})).status_code == 200
    told = await shopper.follow()
    names = [name for _, name, _ in told]
    for name in ("handoff.requested", "agent.joined", "agent.message", "agent.left", "conversation.closed"):
        assert names.count(name) == 1, name
    said = next(data for _, name, data in told if name == "agent.message")
    assert (said["agent"], said["text"]) == ("Mei", "Yes, I am.")
    assert mei.agent not in str(told)


async def test_of_many_who_claim_at_once_one_gets_the_conversation(floor: Floor) -> None:
    colleagues = [await (await floor.colleague(f"agent{n}")).here() for n in range(6)]
    _, id_ = await floor.waiting()
    answers = await asyncio.gather(*(colleague.act(id_, "claim") for colleague in colleagues))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    winner = next(c for c, a in zip(colleagues, answers, strict=True) if a.status_code == 200)
    loser = next(c for c in colleagues if c is not winner)
    assert (await loser.act(id_, "messages", text="Mine!")).status_code == 409
    assert (await loser.act(id_, "close", outcome="solved")).status_code == 409
    assert (await loser.act(id_, "transfer", agent=loser.agent)).status_code == 409


async def test_notes_tags_drafts_and_accounts_never_reach_the_shopper(floor: Floor) -> None:
    mei = await (await floor.colleague("mei")).here()
    shopper, id_ = await floor.waiting()
    await mei.act(id_, "claim")
    await mei.act(id_, "notes", text="SECRET-NOTE")
    await mei.act(id_, "tags", tags=["SECRET-TAG", " ", "SECRET-TAG"])
    await shopper.say("Can I return it?")
    await until_drafted(mei, id_, "Can I return it?")
    await mei.act(id_, "close", outcome="solved")
    told = str(await shopper.follow())
    assert "SECRET" not in told
    assert "draft" not in told
    seen = await mei.get(f"conversations/{id_}")
    assert seen["case"]["tags"] == ["SECRET-TAG"]
    assert "SECRET-NOTE" in str(seen["events"])


async def until_drafted(colleague: Colleague, id_: str, wanted: str = "") -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            told = await colleague.get(f"conversations/{id_}/events")
            drafts = [e["data"] for e in told["events"] if e["type"] == "assist.drafted"]
            if drafts and wanted in drafts[-1]["text"]:
                return dict(drafts[-1])
            await asyncio.sleep(0.02)


async def test_a_draft_shows_its_sources_and_what_is_made_of_it_is_kept(floor: Floor) -> None:
    mei = await (await floor.colleague("mei")).here()
    shopper, id_ = await floor.waiting()
    await mei.act(id_, "claim")
    await shopper.say("Can I return it?")
    draft = await until_drafted(mei, id_, "Can I return it?")
    assert draft["confidence"] == 0.93
    assert draft["citations"][0]["path"] == "knowledge/returns.md"
    assert draft["passages"][0]["title"] == "Returns"
    for words, edited in ((draft["text"], False), ("In my own words.", True)):
        await mei.act(id_, "messages", text=words, draft=draft["message_id"])
        events = (await mei.get(f"conversations/{id_}/events"))["events"]
        assert events[-1]["data"]["edited"] is edited
    assert [e["type"] for e in events].count("agent.message") == 2


async def test_a_message_sent_twice_under_one_id_is_said_once(floor: Floor) -> None:
    mei = await (await floor.colleague("mei")).here()
    _, id_ = await floor.waiting()
    await mei.act(id_, "claim")
    sent = [await mei.act(id_, "messages", text="Hello", client_message_id="m1") for _ in range(2)]
    assert sent[0].json() == sent[1].json()
    assert [e["type"] for e in (await mei.get(f"conversations/{id_}/events"))["events"]].count("agent.message") == 1


async def test_a_transfer_goes_to_a_colleague_at_the_desk_or_waits_for_them(floor: Floor) -> None:
    mei, tom = await (await floor.colleague("mei")).here(), await floor.colleague("tom")
    shopper, id_ = await floor.waiting()
    await mei.act(id_, "claim")
    await mei.act(id_, "transfer", agent=tom.agent, note="Knows kettles")
    assert (await mei.get("queue"))["waiting"][0]["wanted_agent"] == tom.agent
    await tom.here()
    assert (await tom.act(id_, "claim")).status_code == 200
    await mei.here()
    assert (await tom.act(id_, "transfer", agent=mei.agent)).json()["agent"] == mei.agent
    joined = [d["agent"] for _, name, d in await shopper.follow(most=9, until="never") if name == "agent.joined"]
    assert joined == ["Mei", "Tom", "Mei"]


async def test_who_vanishes_gives_the_conversation_back_to_the_queue(floor: Floor) -> None:
    mei, tom = await (await floor.colleague("mei")).here(), await (await floor.colleague("tom")).here()
    shopper, id_ = await floor.waiting()
    await mei.act(id_, "claim")
    await forget(floor, mei.agent)
    assert floor.container.desk is not None
    assert await floor.container.desk.sweep() == 1
    row = (await tom.get("queue"))["waiting"][0]
    assert (row["conversation_id"], row["reason"]) == (id_, "agent_vanished")
    assert (await mei.act(id_, "messages", text="I am back")).status_code == 409
    assert (await tom.act(id_, "claim")).status_code == 200
    told = [(n, d.get("reason")) for _, n, d in await shopper.follow(most=7, until="never")]
    assert ("handoff.requested", "agent_vanished") in told


async def forget(floor: Floor, agent: str) -> None:
    """As if nothing had been heard of them for an hour."""
    assert floor.container.desk is not None
    database: Database = floor.container.desk.board._database  # type: ignore[attr-defined]
    long_ago = "2020-01-01T00:00:00.000000+00:00"
    statement = text("UPDATE desk_people SET seen_at=:at WHERE agent=:agent")
    await database.run(lambda connection: connection.execute(statement, {"at": long_ago, "agent": agent}))


async def test_the_queue_is_ordered_by_priority_and_waiting_and_says_each_shopper_their_place(floor: Floor) -> None:
    mei = await (await floor.colleague("mei")).here()
    _, calm = await floor.waiting()
    other, second = await floor.waiting()
    assert floor.container.desk is not None
    assert [row["conversation_id"] for row in (await mei.get("queue"))["waiting"]] == [calm, second]
    assert await floor.container.desk.place(second) == 2
    following = asyncio.create_task(other.follow(until="handoff.position"))
    await asyncio.sleep(0.1)
    assert (await following)[-1][2] == {"position": 2}
    await mei.act(calm, "claim")
    assert await floor.container.desk.place(second) == 1


async def test_who_leaves_the_queue_by_themselves_moves_the_others_up(floor: Floor) -> None:
    first, _ = await floor.waiting()
    other, _ = await floor.waiting()
    following = asyncio.create_task(places(other, until=1))
    await asyncio.sleep(0.2)
    await first.post("close")
    async with asyncio.timeout(10):
        assert await following == [2, 1]


async def places(shopper: Shopper, until: int) -> list[int]:
    seen = []
    async with shopper.client.stream("GET", f"{shopper.path}/events", headers=shopper.headers) as response:
        async for _, name, data in events_of(response):
            if name == "handoff.position":
                seen.append(data["position"])
                if data["position"] == until:
                    return seen
    return seen


async def test_an_agent_on_another_instance_reaches_the_shopper(tmp_path: Path, postgres_url: str) -> None:
    one, other = (make_container(tmp_path, url=postgres_url) for _ in range(2))
    async with served(one) as near, served(other) as far:
        shopper = await Shopper.begin(near, shop="hill", locale="en")
        await shopper.say("a human please")
        following = asyncio.create_task(shopper.follow(until="agent.message"))
        await asyncio.sleep(0.2)
        path = f"/v1/desk/conversations/{shopper.started['id']}"
        assert (await far.post(f"{path}/claim", headers=KEY)).status_code == 200
        assert (await far.post(f"{path}/messages", json={"text": "Hello"}, headers=KEY)).status_code == 201
        async with asyncio.timeout(10):
            told = await following
        assert told[-1][2]["text"] == "Hello"
        assert (await shopper.say("Are you there?")).json()["handoff"] == {"reason": "with_agent"}


async def test_a_canned_reply_of_another_shop_is_not_there(floor: Floor) -> None:
    mei = await floor.colleague("mei")
    made = (await mei.post("replies", shop="hill", shortcut="a", title="A", en="One")).json()
    changed = await mei.post("replies", shop="hill", id=made["id"], shortcut="a", title="A", en="Two")
    assert changed.status_code == 201
    assert [reply["en"] for reply in (await mei.get("replies?shop=hill"))["replies"]] == ["Two"]
    assert floor.container.desk is not None
    theirs = replace(await own_reply(floor), shop="elsewhere")
    with pytest.raises(NotFound):
        await floor.container.desk.canned.put(theirs)


async def own_reply(floor: Floor) -> CannedReply:
    assert floor.container.desk is not None
    return (await floor.container.desk.canned.of("hill"))[0]


async def test_nobody_takes_more_than_they_said_they_take(floor: Floor) -> None:
    mei = await (await floor.colleague("mei")).here(capacity=1)
    ids = [(await floor.waiting())[1] for _ in range(2)]
    assert (await mei.act(ids[0], "claim")).status_code == 200
    assert (await mei.act(ids[1], "claim")).status_code == 409


async def test_a_supervisor_takes_over_and_assigns_an_agent_does_not(floor: Floor) -> None:
    mei = await (await floor.colleague("mei")).here()
    boss = await (await floor.colleague("boss", Role.SUPERVISOR)).here()
    _, id_ = await floor.waiting()
    await mei.act(id_, "claim")
    assert (await mei.act(id_, "take-over")).status_code == 403
    assert (await mei.act(id_, "assign", agent=boss.agent)).status_code == 403
    assert (await boss.act(id_, "take-over")).json()["agent"] == boss.agent
    assert (await boss.act(id_, "assign", agent=mei.agent)).json()["agent"] == mei.agent


async def test_who_works_for_another_shop_sees_nothing_of_this_one(floor: Floor) -> None:
    stranger = await floor.colleague("stranger", shop="elsewhere")
    _, id_ = await floor.waiting()
    theirs = await stranger.client.get(f"/v1/desk/conversations/{id_}", headers=stranger.headers)
    nothing = await stranger.client.get("/v1/desk/conversations/c_nothing", headers=stranger.headers)
    assert theirs.status_code == nothing.status_code == 404
    assert theirs.json()["detail"] == nothing.json()["detail"]
    assert (await stranger.act(id_, "claim")).status_code == 404
    assert (await floor.client.get("/v1/desk/queue")).status_code == 401


async def test_the_desks_events_resume_without_gap_or_repeat(floor: Floor) -> None:
    mei = await (await floor.colleague("mei")).here()
    first = (await mei.get("queue"))["last_event_id"]
    _, id_ = await floor.waiting()
    await mei.act(id_, "claim")
    seen = await desk_events(floor, mei, first, until="agent.joined")
    await mei.act(id_, "messages", text="Hello")
    await mei.act(id_, "hand-back")
    seen += await desk_events(floor, mei, int(seen[-1][0]), until="agent.left")
    assert [name for _, name, _ in seen if name != "assist.drafted"] == [
        "handoff.requested",
        "agent.joined",
        "agent.message",
        "agent.left",
    ]
    assert "Hello" not in str(seen)


async def desk_events(floor: Floor, who: Colleague, after: int, until: str) -> list[tuple[str, str, Any]]:
    seen = []
    headers = who.headers | {"last-event-id": str(after)}
    async with (
        asyncio.timeout(20),
        floor.client.stream("GET", "/v1/desk/events", headers=headers) as response,
    ):
        async for event in events_of(response):
            if event[0]:
                seen.append(event)
            if event[1] == until:
                break
    return seen


async def test_the_shoppers_typing_is_seen_at_the_desk_and_the_agents_by_the_shopper(floor: Floor) -> None:
    mei = await (await floor.colleague("mei")).here()
    shopper, id_ = await floor.waiting()
    await mei.act(id_, "claim")
    watching = asyncio.create_task(desk_events(floor, mei, 10_000, until="shopper.typing"))
    following = asyncio.create_task(shopper.follow(until="agent.typing"))
    async with asyncio.timeout(10):
        while not (watching.done() and following.done()):
            assert (await shopper.post("typing")).status_code == 204
            assert (await mei.act(id_, "typing")).status_code == 204
            await asyncio.sleep(0.05)
    assert following.result()[-1][2] == {"agent": "Mei", "name": "Mei"}


async def test_a_mode_is_switched_at_once_and_everybody_sees_it(floor: Floor) -> None:
    boss = await (await floor.colleague("boss", Role.SUPERVISOR)).here()
    mei = await (await floor.colleague("mei")).here()
    shopper = await floor.shopper()
    first = (await mei.get("queue"))["last_event_id"]
    assert (await mei.post("mode", shop="hill", mode="off")).status_code == 403
    assert (await boss.post("mode", shop="hill", mode="sometimes")).status_code == 422
    assert (await boss.post("mode", shop="hill", mode="assist")).json()["mode"] == "assist"
    assert (await shopper.say("Can I return it?")).json()["handoff"] == {"reason": "policy"}
    assert (await mei.get("queue"))["modes"][0]["now"] == "assist"
    seen = await desk_events(floor, mei, first, until="mode.changed")
    assert seen[-1][2]["about"] == {"mode": "assist"}


async def test_canned_replies_are_filled_in_for_the_conversation(floor: Floor) -> None:
    mei = await (await floor.colleague("mei")).here()
    _, id_ = await floor.waiting("a human please, order TL20260001")
    said = {"zh": "您好，我是{agent}", "en": "Hi, {agent} of {shop} here, about {order}. {unknown}"}
    made = await mei.post("replies", shop="hill", shortcut="hi", title="Greeting", **said)
    told = (await mei.get(f"replies?shop=hill&conversation={id_}"))["replies"]
    assert told[0]["filled_en"] == "Hi, Mei of Muji Hill here, about TL20260001. {unknown}"
    gone = await floor.client.delete(f"/v1/desk/replies/{made.json()['id']}?shop=hill", headers=mei.headers)
    assert gone.status_code == 204
    assert (await mei.get("replies?shop=hill"))["replies"] == []


async def test_past_conversations_are_found_by_words_tags_and_outcome(floor: Floor) -> None:
    mei = await (await floor.colleague("mei")).here()
    _, id_ = await floor.waiting("a human please, the walnut tray is cracked")
    await floor.waiting()
    await mei.act(id_, "claim")
    await mei.act(id_, "tags", tags=["damage"])
    await mei.act(id_, "close", outcome="follow_up")
    for query in ("text=WALNUT", "tag=damage", "outcome=follow_up", "status=closed"):
        found = (await mei.get(f"conversations?{query}"))["conversations"]
        assert [row["conversation_id"] for row in found] == [id_], query
    assert (await mei.get("conversations?text=nonsense"))["conversations"] == []
    assert len((await mei.get("conversations"))["conversations"]) == 2


async def test_beside_the_chat_stand_a_brief_the_page_and_the_shoppers_other_conversations(floor: Floor) -> None:
    mei = await (await floor.colleague("mei")).here()
    who = {"identity": {"customer_id": "cust-1"}, "page": "https://shop.example/kettle"}
    ids = []
    for _ in range(2):
        started = await floor.client.post(
            "/v1/conversations", json={"shop": "hill", "locale": "en", **who}, headers=KEY
        )
        shopper = Shopper(floor.client, started.json())
        await shopper.say("Can I return it?")
        await shopper.say("unsure")
        ids.append(shopper.started["id"])
    seen = await mei.get(f"conversations/{ids[1]}?lang=en")
    assert seen["shopper"]["page"] == "https://shop.example/kettle"
    assert [row["conversation_id"] for row in seen["history"]] == [ids[0]]
    assert seen["brief"]["summary"] == [
        "Wants: unsure", "The bot answered 1×, asked back 0×; handed over: not sure of an answer.",
    ]  # fmt: skip
    assert seen["brief"]["tried"][0]["question"] == "Can I return it?"


async def test_no_word_of_a_shopper_stands_on_the_board(floor: Floor) -> None:
    mei = await (await floor.colleague("mei")).here()
    shopper, id_ = await floor.waiting("a human please, WORD-OF-MINE")
    await mei.act(id_, "claim")
    await mei.act(id_, "messages", text="WORD-OF-MINE indeed")
    await shopper.post("feedback", {"helpful": False, "comment": "WORD-OF-MINE"})
    assert floor.container.desk is not None
    database: Database = floor.container.desk.board._database  # type: ignore[attr-defined]
    for table in ("desk_cases", "desk_notices", "desk_people"):
        query = text(f"SELECT * FROM {table}")
        rows = await database.run(lambda connection, query=query: connection.execute(query).all())
        assert "WORD-OF-MINE" not in str(rows)


async def test_an_erased_conversation_is_gone_from_the_desk(floor: Floor) -> None:
    mei = await (await floor.colleague("mei")).here()
    _, id_ = await floor.waiting()
    await floor.container.conversations.erase(id_)
    queue = await mei.get("queue")
    assert queue["waiting"] == []
    assert (await mei.get("conversations"))["conversations"] == []


@pytest.mark.parametrize("act", ["claim", "messages", "notes", "close", "transfer", "take-over"])
async def test_a_page_without_the_csrf_token_changes_nothing(floor: Floor, act: str) -> None:
    boss = await floor.colleague("boss", Role.SUPERVISOR)
    _, id_ = await floor.waiting()
    headers = {"cookie": boss.headers["cookie"]}
    answer = await floor.client.post(f"/v1/desk/conversations/{id_}/{act}", json={"text": "x"}, headers=headers)
    assert answer.status_code == 403
