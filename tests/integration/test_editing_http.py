"""The editors' layer over HTTP, with the real job behind it: what the console sends and sees."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.adapters.db.knowledge import SqlCatalogue
from app.editing import LateEditing
from app.intake import KnowledgeIntake
from ingestion.job import ingest
from tests.edge import API_KEY, make_container, migrated_database
from tests.integration.serving import served
from tests.integration.test_http import assert_problem
from tests.integration.test_intake import Opened

pytestmark = pytest.mark.integration

KEY = {"authorization": f"Bearer {API_KEY}"}
FAQ = "question,answer,section\nHow long is delivery?,Two days.,Delivery\nIs it free?,From £40.,Delivery\n"
GOODS = "sku,name,price,colour\nTP-1,Teapot,20,blue\nTP-2,Teapot,22,green\n"


@dataclass
class Console:
    """Somebody who edits over HTTP."""

    client: httpx.AsyncClient
    opened: Opened

    async def get(self, path: str, **query: Any) -> Any:
        response = await self.client.get(f"/v1/knowledge{path}", params={"shop": "hill", **query}, headers=KEY)
        assert response.status_code == 200, response.text
        return response.json()

    async def send(self, method: str, path: str, **body: Any) -> httpx.Response:
        sent = {"shop": "hill", **body}
        return await self.client.request(method, f"/v1/knowledge{path}", json=sent, headers=KEY)

    async def find(self, words: str) -> Any:
        [line] = (await self.get("/chunks", q=words))["chunks"]
        return await self.get(f"/chunks/{line['key']}")

    async def stage(self, shop: str = "hill", *, publish: bool = True) -> Any:
        response = await self.send("POST", "/edits/stage", shop=shop, publish=publish)
        assert response.status_code == 202, response.text
        while True:
            job = (await self.client.get(response.headers["location"], headers=KEY)).json()
            if job["state"] in ("done", "failed"):
                return job
            await asyncio.sleep(0.02)

    async def live(self, shop: str = "hill") -> dict[str, str]:
        number = await self.opened.catalogue.live_release(shop)
        return {c.title: c.text for c in await self.opened.catalogue.chunks(shop, number or 0)}


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[Console]:
    database = migrated_database(tmp_path)
    opened = Opened(tmp_path, SqlCatalogue(database))
    folder = tmp_path / "hill"
    (folder / "knowledge").mkdir(parents=True)
    (folder / "brand.yaml").write_text("name: Muji Hill\n")
    (folder / "knowledge/faq.csv").write_text(FAQ)
    (folder / "knowledge/goods.csv").write_text(GOODS)
    await ingest(
        folder, "hill", home=tmp_path, catalogue=opened.catalogue, index=opened.index, embedder=opened.embedder,
        publish=True,
    )  # fmt: skip
    container = make_container(tmp_path, editing=LateEditing(opened), intake=KnowledgeIntake(opened))
    async with served(container) as client:
        yield Console(client, opened)
    database.close()


async def test_a_row_is_edited_staged_and_live(console: Console) -> None:
    row = await console.find("long delivery")
    changed = await console.send("PATCH", f"/chunks/{row['key']}", version=row["version"], fields={"answer": "3 days."})
    assert changed.json()["pending"] is True
    assert (await console.get("/documents"))["counts"]["pending"] == 1
    job = await console.stage()
    assert job["state"] == "done", job
    assert (await console.live())["How long is delivery?"] == "3 days."
    assert (await console.get("/documents"))["counts"] == {"chunks": 4, "pending": 0, "conflicts": 0, "edited": 1}


async def test_the_second_of_two_editors_is_shown_both_texts(console: Console) -> None:
    row = await console.find("long delivery")
    await console.send("PATCH", f"/chunks/{row['key']}", version=row["version"], fields={"answer": "A"})
    response = await console.send("PATCH", f"/chunks/{row['key']}", version=row["version"], fields={"answer": "B"})
    problem = assert_problem(response, 409, "outdated-edit")
    assert (problem["mine"], problem["theirs"]["answer"]) == ({"answer": "B"}, "A")
    again = await console.send("PATCH", f"/chunks/{row['key']}", version=problem["version"], fields={"answer": "B"})
    assert again.json()["fields"]["answer"] == "B"


async def test_of_many_editors_at_once_exactly_one_wins(console: Console) -> None:
    row = await console.find("long delivery")
    answers = await asyncio.gather(
        *(
            console.send("PATCH", f"/chunks/{row['key']}", version=row["version"], fields={"answer": f"Answer {n}"})
            for n in range(8)
        )
    )
    assert sorted(response.status_code for response in answers) == [200, *[409] * 7]
    [edit] = (await console.get("/edits"))["edits"]
    winner = next(response.json() for response in answers if response.status_code == 200)
    assert edit["fields"]["answer"] == winner["fields"]["answer"]


async def test_rows_are_added_disabled_and_undone(console: Console) -> None:
    added = await console.send("POST", "/chunks", fields={"question": "Gift wrap?", "answer": "Yes."})
    assert added.status_code == 201
    row = await console.find("long delivery")
    off = await console.send("POST", f"/chunks/{row['key']}/disable", version=row["version"])
    assert off.json()["state"] == "disabled"
    await console.stage()
    assert set(await console.live()) == {"Gift wrap?", "Is it free?", "Teapot"}
    numbers = [edit["number"] for edit in (await console.get("/edits"))["edits"]]
    undone = await console.send("POST", "/edits/undo", numbers=numbers)
    assert undone.json()["counts"]["pending"] == 2
    await console.stage()
    assert set(await console.live()) == {"How long is delivery?", "Is it free?", "Teapot"}


async def test_many_rows_change_in_one_go_or_none_does(console: Console) -> None:
    rows = (await console.get("/chunks", kind="faq"))["chunks"]
    items = [{"key": row["key"], "version": row["version"]} for row in rows]
    stale = [*items[:1], {**items[1], "version": "7-x"}]
    assert_problem(
        await console.send("POST", "/chunks/bulk", items=stale, action="set", fields={"section": "Post"}),
        409, "outdated-edit",
    )  # fmt: skip
    assert (await console.get("/documents"))["counts"]["pending"] == 0
    done = await console.send("POST", "/chunks/bulk", items=items, action="set", fields={"section": "Post"})
    assert done.json()["changed"] == 2


async def test_cells_of_the_product_grid_are_set(console: Console) -> None:
    grid = await console.get("/products")
    assert grid["columns"] == ["name", "price", "colour"]
    cells = [{"key": r["key"], "version": r["version"], "column": "price", "value": "19"} for r in grid["rows"]]
    done = await console.send("PATCH", "/products", cells=cells)
    assert [row["values"]["price"] for row in done.json()["rows"]] == ["19", "19"]
    unknown = [{**cells[0], "column": "weight", "version": done.json()["rows"][0]["version"]}]
    assert_problem(await console.send("PATCH", "/products", cells=unknown), 422, "bad-input")


async def test_a_conflict_is_listed_and_resolved(console: Console) -> None:
    row = await console.find("long delivery")
    await console.send("PATCH", f"/chunks/{row['key']}", version=row["version"], fields={"answer": "3 days."})
    await console.stage()
    folder = console.opened.home / "hill"
    (folder / "knowledge/faq.csv").write_text(FAQ.replace("Two days.", "Four days."))
    await ingest(
        folder, "hill", home=console.opened.home, catalogue=console.opened.catalogue, index=console.opened.index,
        embedder=console.opened.embedder, publish=True,
    )  # fmt: skip
    [conflict] = (await console.get("/conflicts"))["conflicts"]
    assert (conflict["mine"]["answer"], conflict["theirs"]["answer"]) == ("3 days.", "Four days.")
    path = f"/conflicts/{conflict['key']}/resolve"
    stale = await console.send("POST", path, version="0-x", choice="theirs")
    assert_problem(stale, 409, "outdated-edit")
    done = await console.send("POST", path, version=conflict["version"], choice="theirs")
    assert done.json()["fields"]["answer"] == "Four days."
    twice = await console.send("POST", path, version=conflict["version"], choice="theirs")
    assert_problem(twice, 409, "conflict")


async def test_brand_settings_hold_at_once(console: Console) -> None:
    brand = await console.get("/brand")
    done = await console.send("PATCH", "/brand", version=brand["version"], settings={"greeting.en": "Hi there!"})
    assert done.json()["settings"]["greeting"] == {"en": "Hi there!"}
    assert_problem(
        await console.send("PATCH", "/brand", version=brand["version"], settings={"tone": "warm"}), 409, "outdated-edit"
    )


async def test_a_new_shop_begins_with_a_pack(console: Console) -> None:
    packs = await console.get("/packs", language="en")
    assert [pack["name"] for pack in packs["packs"]] == ["general", "apparel", "mother-and-baby"]
    pack = await console.get("/packs/apparel", language="en")
    assert len(pack["questions"]) >= 20
    fields = {"shipping_time": "within 24 hours", "courier": "DHL", "ship_from": "Leeds"}
    told = await console.send(
        "POST", "/onboarding", shop="fresh", category="apparel", language="en", fields=fields, apply=True
    )
    assert told.json()["changed"] == len(told.json()["filled"]) > 3
    job = await console.stage("fresh")
    assert job["state"] == "done", job
    assert (await console.live("fresh"))["Where do you ship from?"] == "Orders go out from Leeds."


async def test_an_export_is_a_zip_of_the_files_with_the_edits_in_them(console: Console) -> None:
    row = await console.find("long delivery")
    await console.send("PATCH", f"/chunks/{row['key']}", version=row["version"], fields={"answer": "3 days."})
    await console.stage()
    response = await console.client.get("/v1/knowledge/export", params={"shop": "hill"}, headers=KEY)
    assert (response.headers["content-type"], response.headers["x-export-exact"]) == ("application/zip", "true")
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert "3 days." in archive.read("knowledge/faq.csv").decode()
        assert archive.read("knowledge/goods.csv").decode() == GOODS
        assert json.loads(archive.read(".xiaoer-export.json"))["exact"] is True


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/documents"), ("GET", "/chunks"), ("PATCH", "/products"), ("GET", "/conflicts"), ("GET", "/export"),
     ("POST", "/edits/stage"), ("PATCH", "/brand"), ("POST", "/onboarding"), ("GET", "/packs")],
)  # fmt: skip
async def test_strangers_see_and_change_nothing(console: Console, method: str, path: str) -> None:
    body = {
        "version": "0",
        "settings": {"tone": "x"},
        "cells": [{"key": "a", "version": "0", "column": "b", "value": "c"}],
    }
    response = await console.client.request(method, f"/v1/knowledge{path}", json=body if method != "GET" else None)
    assert_problem(response, 401, "not-allowed")


async def test_a_row_that_is_not_there_and_a_body_that_does_not_fit(console: Console) -> None:
    missing = await console.client.get("/v1/knowledge/chunks/nothing", params={"shop": "hill"}, headers=KEY)
    assert_problem(missing, 404, "not-found")
    assert_problem(await console.send("PATCH", "/chunks/nothing", fields={}), 422, "bad-input")
    unknown = await console.client.get("/v1/knowledge/packs/cars", headers=KEY)
    assert_problem(unknown, 404, "not-found")
