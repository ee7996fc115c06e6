"""Several model servers as one: a conversation stays on its replica, and leaves it only when that is not well."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest

from app.adapters.llm.breaker import Breaker
from app.adapters.llm.openai_client import OpenAIModel
from app.adapters.llm.replicas import ReplicatedModel
from app.chat.ports import Prompt
from app.errors import ModelUnavailable

pytestmark = pytest.mark.integration
TEXT = "Free delivery from £40."


def prompt(conversation: str) -> Prompt:
    return Prompt((("system", "Be brief."), ("user", "Hello")), max_tokens=40, affinity=conversation)


class Replica:
    """A stub server of its own."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process, self.url = process, url

    async def behave(self, mode: str) -> None:
        body = {"mode": mode, "text": TEXT}
        async with aiohttp.ClientSession() as session, session.post(f"{self.url}/mode", json=body) as response:
            assert response.status == 200

    async def requests(self) -> int:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/health") as response:
            return int((await response.json())["requests"])


@asynccontextmanager
async def running() -> AsyncIterator[Replica]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.stub_model", "--text", TEXT, "--tokens", "4", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield Replica(process, json.loads(await process.stdout.readline())["listening"])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
async def replicas() -> AsyncIterator[list[Replica]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(running()) for _ in range(3)]


@pytest.fixture
async def model(replicas: list[Replica]) -> AsyncIterator[ReplicatedModel]:
    made = ReplicatedModel([OpenAIModel(r.url, first_token_seconds=1, breaker=Breaker(2, 0.3)) for r in replicas])
    yield made
    await made.close()


async def said(model: ReplicatedModel, conversation: str) -> str:
    return "".join([delta.text async for delta in model.stream(prompt(conversation), timeout_seconds=5)])


def home_of(model: ReplicatedModel, conversation: str) -> str:
    return model.order(conversation)[0].base_url.removesuffix("/v1")


async def test_a_conversation_keeps_to_its_replica_and_conversations_spread(
    model: ReplicatedModel, replicas: list[Replica]
) -> None:
    for _ in range(4):
        assert await said(model, "c1") == TEXT
    counts = {replica.url: await replica.requests() for replica in replicas}
    assert counts == {replica.url: 4 if replica.url == home_of(model, "c1") else 0 for replica in replicas}
    spread = Counter(home_of(model, f"c{n}") for n in range(3_000))
    assert all(850 < many < 1_150 for many in spread.values()), spread


async def test_when_a_replica_dies_only_its_conversations_move_and_they_return(
    model: ReplicatedModel, replicas: list[Replica]
) -> None:
    lost = next(replica for replica in replicas if replica.url == home_of(model, "c1"))
    lost.process.kill()
    await lost.process.wait()
    for _ in range(3):
        assert await said(model, "c1") == TEXT
    assert model.available
    assert model.told == "2 of 3 replicas ready"
    second = model.order("c1")[1].base_url.removesuffix("/v1")
    assert await next(replica for replica in replicas if replica.url == second).requests() == 3


@pytest.mark.parametrize("mode", ["error", "stuck", "empty", "nonsense"])
async def test_a_replica_that_fails_before_it_says_anything_is_passed_over(
    model: ReplicatedModel, replicas: list[Replica], mode: str
) -> None:
    sick = next(replica for replica in replicas if replica.url == home_of(model, "c1"))
    await sick.behave(mode)
    assert await said(model, "c1") == TEXT
    await sick.behave("ok")
    await asyncio.sleep(0.7)
    before = await sick.requests()
    assert await said(model, "c1") == TEXT
    assert await sick.requests() == before + 1, "it is well again: its conversations come back"


async def test_words_that_have_come_are_never_said_again_by_another_replica(
    model: ReplicatedModel, replicas: list[Replica]
) -> None:
    sick = next(replica for replica in replicas if replica.url == home_of(model, "c1"))
    await sick.behave("dies")
    heard: list[str] = []

    async def listen() -> None:
        async for delta in model.stream(prompt("c1"), timeout_seconds=5):
            heard.append(delta.text)

    with pytest.raises(ModelUnavailable):
        await listen()
    assert TEXT.startswith("".join(heard))
    assert "".join(heard) not in ("", TEXT)


async def test_with_every_replica_down_it_says_so_at_once(model: ReplicatedModel, replicas: list[Replica]) -> None:
    for replica in replicas:
        replica.process.kill()
    with pytest.raises(ModelUnavailable):
        await said(model, "c1")
    with pytest.raises(ModelUnavailable):
        await said(model, "c1")
    assert not model.available
