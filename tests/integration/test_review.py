"""The review queue over HTTP on a real database: what gets in, every step out, and what an erasure leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.adapters.db.engine import Database
from app.adapters.db.knowledge import SqlCatalogue
from app.api.container import Container
from app.chat.turn import Turn
from app.desk_parts import Counter
from app.editing import LateEditing
from app.intake import KnowledgeIntake
from app.review.review import Review
from app.review_parts import make_review
from app.sample_book import FileSampleBook
from ingestion.job import ingest
from tests.edge import API_KEY, BRAND, make_container, migrated_database
from tests.fakes import FakeAttendant
from tests.integration.serving import Shopper, served
from tests.integration.test_http import assert_problem
from tests.integration.test_intake import Opened

pytestmark = pytest.mark.integration

KEY = {"authorization": f"Bearer {API_KEY}"}
FAQ = "question,answer,section\nHow long is delivery?,Two days.,Delivery\nIs it free?,From £40.,Delivery\n"
ASKED = (
    ("Hi, are your candles made of unsure soy wax?", "Hi Emma! Yes, all our candles are 100% soy wax, hand poured."),
    ("unsure: is the candle wax soy?", "Good morning, they are all 100% soy wax, hand poured upstairs. Anything else?"),
    (
        "what wax are candles unsure of, soy?",
        "All candles are 100% soy wax, hand poured. Your order AB-20931 has left already.",
    ),
)


@dataclass
class Editor:
    """An editor of the shop, its shoppers and its agents, over HTTP."""

    client: httpx.AsyncClient
    container: Container
    opened: Opened

    async def get(self, path: str = "", **query: Any) -> Any:
        response = await self.client.get(f"/v1/knowledge{path}", params={"shop": "hill", **query}, headers=KEY)
        assert response.status_code == 200, response.text
        return response.json()

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.client.post(f"/v1/knowledge{path}", json={"shop": "hill", **body}, headers=KEY)

    async def shopper(self) -> Shopper:
        return await Shopper.begin(self.client, shop="hill", locale="en")

    async def agent_says(self, shopper: Shopper, text: str, **about: Any) -> None:
        id_ = shopper.started["id"]
        if (await self.container.conversations.look(id_)).standing.agent != "a1":
            await self.container.conversations.join_agent(id_, "a1", "Mei")
        await self.container.conversations.say_as_agent(id_, "a1", text, "Mei", about)

    async def wax(self) -> list[Shopper]:
        """Three shoppers ask the same; a person answers each."""
        shoppers = []
        for question, answer in ASKED:
            shopper = await self.shopper()
            await shopper.say(question)
            await self.agent_says(shopper, answer)
            shoppers.append(shopper)
        return shoppers

    async def drafts(self) -> Any:
        while True:
            told = await self.get("/review/drafts")
            if told["reading"]["done"] >= told["reading"]["total"]:
                return told["drafts"]

    async def row(self, words: str) -> Any:
        [line] = (await self.get("/chunks", q=words))["chunks"]
        return line

    async def publish(self) -> None:
        place = (await self.post("/edits/stage", publish=True)).headers["location"]
        while True:
            job = (await self.client.get(place, headers=KEY)).json()
            if job["state"] in ("done", "failed"):
                break
            await asyncio.sleep(0.02)
        assert job["state"] == "done", job


@pytest.fixture
async def editor(tmp_path: Path) -> AsyncIterator[Editor]:
    database = migrated_database(tmp_path)
    opened = Opened(tmp_path, SqlCatalogue(database))
    folder = tmp_path / "hill"
    (folder / "knowledge").mkdir(parents=True)
    (folder / "brand.yaml").write_text("name: Muji Hill\n")
    (folder / "knowledge/faq.csv").write_text(FAQ)
    await ingest(
        folder, "hill", home=tmp_path, catalogue=opened.catalogue, index=opened.index, embedder=opened.embedder,
        publish=True,
    )  # fmt: skip
    editing, attendant = LateEditing(opened), FakeAttendant()

    def review(own: Database, counter: Counter) -> Review:
        return make_review(
            own, log=counter.log, conversations=counter.conversations, attendant=attendant, searcher=attendant,
            knowledge=opened.catalogue, brands=lambda shop: BRAND, embedder=opened.embedder, editing=editing,
            samples=FileSampleBook(tmp_path),
        )  # fmt: skip

    container = make_container(
        tmp_path, attendant, review=review, editing=editing, intake=KnowledgeIntake(opened), knowledge=opened.catalogue
    )
    async with served(container) as client:
        yield Editor(client, container, opened)
    database.close()


async def test_every_turn_that_went_wrong_is_queued_with_its_reasons_and_words(editor: Editor) -> None:
    good, unsure, called = await editor.shopper(), await editor.shopper(), await editor.shopper()
    reply = (await good.say("Can I return it?")).json()
    await unsure.say("unsure about the warranty")
    await called.say("a human please")
    told = await editor.get("/review")
    assert [item["kinds"] for item in told["items"]] == [["handoff"], ["low_confidence", "handoff"]]
    await good.post("feedback", {"message_id": reply["message_id"], "helpful": False, "comment": "Too vague"})
    told = await editor.get("/review")
    first = told["items"][0]
    assert (first["kinds"], first["question"], first["comment"]) == (["thumbs_down"], "Can I return it?", "Too vague")
    assert first["reply"].startswith("You asked: Can I return it?")
    assert told["counts"]["open"] == 3
    assert [told["counts"][kind] for kind in ("thumbs_down", "low_confidence", "handoff")] == [1, 1, 2]
    assert (await editor.get("/review", kind="low_confidence"))["total"] == 1
    assert (await editor.get("/review", kind=["low_confidence", "thumbs_down"]))["total"] == 2


async def test_a_shopper_who_thinks_better_of_it_takes_the_item_out(editor: Editor) -> None:
    shopper = await editor.shopper()
    about = {"message_id": (await shopper.say("Can I return it?")).json()["message_id"]}
    await shopper.post("feedback", {**about, "helpful": False})
    await shopper.post("feedback", {**about, "helpful": True})
    assert (await editor.get("/review", state=""))["total"] == 0


async def test_what_a_person_sends_instead_of_the_draft_is_a_correction(editor: Editor) -> None:
    shopper = await editor.shopper()
    await shopper.say("a human please")
    message = (await shopper.say("Can I return it?")).json()["message_id"]
    await editor.agent_says(shopper, "Within 60 days.", draft=message, edited=True)
    [item] = (await editor.get("/review", kind="correction"))["items"]
    assert (item["question"], item["answers"]) == ("Can I return it?", ["Within 60 days."])


async def test_one_step_makes_a_phrasing_and_undo_takes_it_back(editor: Editor) -> None:
    shopper = await editor.shopper()
    await shopper.say("hello, unsure how many days until it arrives? my phone is 07700 900123")
    [item] = (await editor.get("/review"))["items"]
    full = await editor.get(f"/review/{item['id']}")
    assert full["suggested"]["question"] == "Unsure how many days until it arrives?"
    row = await editor.row("long delivery")
    phrasing = {"key": row["key"], "version": row["version"], "phrasing": "How many days until it arrives?"}
    settled = await editor.post(f"/review/{item['id']}/settle", action="phrasing", **phrasing)
    assert settled.json()["items"][0]["outcome"] == "phrasing"
    fields = (await editor.get(f"/chunks/{row['key']}"))["fields"]
    assert fields["phrasings"] == ["How many days until it arrives?"]
    assert (await editor.get("/review"))["total"] == 0
    assert_problem(await editor.post(f"/review/{item['id']}/settle", action="correct"), 409, "conflict")
    await editor.post(f"/review/{item['id']}/undo")
    assert (await editor.get(f"/chunks/{row['key']}"))["fields"]["phrasings"] == []
    assert (await editor.get("/review"))["total"] == 1


async def test_an_outdated_edit_leaves_the_item_open(editor: Editor) -> None:
    await (await editor.shopper()).say("unsure how long delivery takes")
    [item] = (await editor.get("/review"))["items"]
    row = await editor.row("long delivery")
    edit = {"action": "edit", "key": row["key"], "fields": {"answer": "Three days."}}
    response = await editor.post(f"/review/{item['id']}/settle", **edit, version="0-old")
    assert_problem(response, 409, "outdated-edit")
    assert (await editor.get("/review"))["items"][0]["state"] == "open"
    assert (await editor.post(f"/review/{item['id']}/settle", **edit, version=row["version"])).status_code == 200


async def test_a_sample_is_kept_without_personal_data_and_goes_with_undo(editor: Editor, tmp_path: Path) -> None:
    await (await editor.shopper()).say("unsure, I am Emma Brown, emma@example.com: how long is delivery?")
    [item] = (await editor.get("/review"))["items"]
    path = f"/review/{item['id']}"
    assert_problem(await editor.post(f"{path}/settle", action="sample"), 422, "bad-input")
    source = {"path": "knowledge/faq.csv", "locator": "row 2 | How long is delivery?"}
    assert (await editor.post(f"{path}/settle", action="sample", sources=[source], must_pass=True)).status_code == 200
    kept = tmp_path / "shops/hill/suite-reviewed.jsonl"
    sample = json.loads(kept.read_text())
    assert (sample["decisions"], sample["sources"], sample["must_pass"]) == (["answer"], [source], True)
    assert "how long is delivery?" in sample["question"]
    assert "Emma" not in sample["question"]
    assert "example.com" not in sample["question"]
    await editor.post(f"{path}/undo")
    assert not kept.exists()


async def test_many_are_right_as_they_were_in_one_step(editor: Editor) -> None:
    for _ in range(3):
        await (await editor.shopper()).say("a human please")
    ids = [item["id"] for item in (await editor.get("/review"))["items"]]
    assert (await editor.post("/review/correct", ids=[*ids, 999])).status_code == 404
    assert (await editor.get("/review"))["total"] == 3
    assert (await editor.post("/review/correct", ids=ids)).status_code == 200
    told = await editor.get("/review", state="done")
    assert ([item["outcome"] for item in told["items"]], told["counts"]["done"]) == (["correct"] * 3, 3)


async def test_answers_of_people_become_one_draft_without_greetings_or_personal_data(editor: Editor) -> None:
    await editor.wax()
    [draft] = await editor.drafts()
    assert (draft["shoppers"], draft["times"], draft["covered"]) == (3, 3, None)
    assert "100% soy wax" in draft["answer"]
    said = json.dumps(draft)
    for private in ("Emma", "20931", "Anything else", "Good morning", "Hi"):
        assert private not in said
    fields = {"question": "What are the candles made of?", "answer": draft["answer"], "phrasings": draft["phrasings"]}
    approved = await editor.post("/review/drafts/approve", ids=draft["items"], fields=fields)
    assert approved.status_code == 201, approved.text
    assert (await editor.row("candles made of"))["state"] == "added"
    assert await editor.drafts() == []
    first = approved.json()["items"][0]["id"]
    await editor.post(f"/review/{first}/undo")
    assert len(await editor.drafts()) == 1
    assert (await editor.get("/chunks", q="candles made of"))["total"] == 0


async def test_an_erased_conversation_leaves_the_queue_and_the_drafts(editor: Editor) -> None:
    shoppers = await editor.wax()
    assert (await editor.get("/review"))["total"] == 3
    assert (await editor.drafts())[0]["shoppers"] == 3
    await editor.container.conversations.erase(shoppers[1].started["id"])
    assert (await editor.get("/review", state=""))["total"] == 2
    [draft] = await editor.drafts()
    assert draft["shoppers"] == 2
    assert "upstairs" not in json.dumps(draft)


async def test_the_questions_are_asked_again_once_the_change_is_live(editor: Editor) -> None:
    shopper = await editor.shopper()
    await shopper.say("unsure how long delivery takes")
    [item] = (await editor.get("/review"))["items"]
    row = await editor.row("long delivery")
    edit = {"action": "edit", "key": row["key"], "version": row["version"], "fields": {"answer": "Three days."}}
    await editor.post(f"/review/{item['id']}/settle", **edit)
    told = await editor.get("/review/effect")
    assert (told["waiting"], told["items"]) == (1, [])
    await editor.publish()

    async def decide(turn: Turn) -> Any:
        return await FakeAttendant().decide(Turn(turn.shop, turn.brand, turn.release, turn.as_of, "delivery"))

    editor.container.attendant.decide = decide  # type: ignore[method-assign]
    told = await editor.get("/review/effect")
    [after] = told["items"]
    assert (after["before"]["decision"], after["after"]["decision"], after["after"]["release"]) == (
        "handoff",
        "answer",
        2,
    )
    assert after["verdict"] == "same"  # it answers, but from another row than the one that was changed
    assert told["asking"] == {"done": 1, "total": 1}


async def test_another_shops_items_are_not_there(editor: Editor) -> None:
    await (await editor.shopper()).say("a human please")
    [item] = (await editor.get("/review"))["items"]
    response = await editor.client.get(f"/v1/knowledge/review/{item['id'] + 1}", params={"shop": "hill"}, headers=KEY)
    assert_problem(response, 404, "not-found")
    assert_problem(await editor.client.get("/v1/knowledge/review", params={"shop": "hill"}), 401, "not-allowed")
