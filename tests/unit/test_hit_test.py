"""The hit test over HTTP: what a turn would do, in a release that was built, and nobody is called."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.main import create_app
from tests.edge import API_KEY, make_container

KEY = {"x-api-key": API_KEY}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    container = make_container(tmp_path)
    transport = httpx.ASGITransport(app=create_app(container))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as opened:
        yield opened
    await container.conversations.close()
    await container.close()


async def test_it_tells_understanding_passages_decision_reason_and_the_words_a_shopper_would_read(
    client: httpx.AsyncClient,
) -> None:
    told = (
        await client.post("/v1/knowledge/try", json={"shop": "hill", "text": "Can I return it?"}, headers=KEY)
    ).json()
    assert told["decision"] == told["reply"]["decision"]
    assert told["reply"]["text"]
    assert told["release"] == 2
    assert told["threshold"] == 0.7
    assert told["sentences"]
    assert {"hits", "reason", "used", "as_of"} <= told.keys()


async def test_another_release_and_another_moment_are_asked_when_named(client: httpx.AsyncClient) -> None:
    body = {"shop": "hill", "text": "Can I return it?", "release": 1, "as_of": "2026-11-11T10:00"}
    told = (await client.post("/v1/knowledge/try", json=body, headers=KEY)).json()
    assert told["release"] == 1
    assert told["as_of"].startswith("2026-11-11T10:00")


async def test_a_release_that_is_not_there_is_not_asked(client: httpx.AsyncClient) -> None:
    body = {"shop": "hill", "text": "Can I return it?", "release": 9}
    assert (await client.post("/v1/knowledge/try", json=body, headers=KEY)).status_code == 404


async def test_strangers_try_nothing(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/knowledge/try", json={"text": "hello"})).status_code == 401
    assert (await client.post("/v1/knowledge/try/sheet", content=b"hello")).status_code == 401


async def test_a_sheet_comes_back_as_questions(client: httpx.AsyncClient) -> None:
    read = await client.post("/v1/knowledge/try/sheet", content="问题\n多久发货？\n".encode("gb18030"), headers=KEY)
    assert read.json() == {"questions": [{"question": "多久发货？", "expected": ""}]}
