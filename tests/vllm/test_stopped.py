"""A real vLLM that dies, is stopped and comes back, in the middle of what it says: no shopper sees an empty reply."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.adapters.llm.breaker import Breaker
from app.adapters.llm.openai_client import OpenAIModel
from app.adapters.llm.replicas import ReplicatedModel
from app.chat.ports import Prompt
from app.errors import ModelUnavailable
from tests.integration.serving import Shopper, events_of
from tests.vllm.engine import DRAIN_SECONDS, RUNNING, RealEngine
from tests.vllm.figures import Figures
from tests.vllm.shop import HIRE, PATIENT, REPAIR, RETURN, chain_is_whole, is_whole, shop_server

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(7_200)]

MOST_SECONDS = 2.0
"""From the engine's death to the end of a reply"""
LONG = Prompt((("user", "Tell me a long story about a fox."),), max_tokens=1_000)
STUB_TEXT = "The other replica says this."


class Reading:
    """A shopper who reads a streamed reply, and when what came."""

    def __init__(self) -> None:
        self.sentence = asyncio.Event()
        self.ended_at = 0.0
        self.last: tuple[str, Any] = ("", None)

    async def read(self, client: httpx.AsyncClient, question: str) -> None:
        shopper = await Shopper.begin(client)
        headers = shopper.headers | {"accept": "text/event-stream"}
        body = {"text": question}
        async with client.stream("POST", f"{shopper.path}/messages", json=body, headers=headers) as response:
            async for _, name, data in events_of(response):
                self.last = (name, data)
                if name == "reply.sentence":
                    self.sentence.set()
        self.ended_at = time.perf_counter()


async def failed_at(model: OpenAIModel, begun: asyncio.Event) -> float:
    """When a stream that had begun ended as it should where its engine dies: typed, and not as if it were whole."""
    try:
        async for delta in model.stream(LONG, timeout_seconds=PATIENT):
            if delta.text:
                begun.set()
    except ModelUnavailable:
        return time.perf_counter()
    pytest.fail("it ended as if it were whole")


async def test_killed_in_the_middle_of_its_words_the_reply_is_finished_in_the_shops_and_later_it_is_asked_again(
    engine: RealEngine,
    model: OpenAIModel,
    shop_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    figures: Figures,
) -> None:
    async with shop_server(shop_home, tmp_path, engine.url, engine.key, monkeypatch) as client:
        reading, begun = Reading(), asyncio.Event()
        bare = asyncio.create_task(failed_at(model, begun))
        shopper = asyncio.create_task(reading.read(client, HIRE))
        await asyncio.wait_for(asyncio.gather(begun.wait(), reading.sentence.wait()), 2 * PATIENT)
        assert not shopper.done(), "it is still at it"
        killed = time.perf_counter()
        engine.kill()
        assert await bare - killed <= MOST_SECONDS
        await shopper
        assert reading.last[0] == "reply.completed"
        assert is_whole(reading.last[1], HIRE)
        assert reading.ended_at - killed <= MOST_SECONDS
        figures.note("kill -9 in the middle of a stream", f"reply whole {reading.ended_at - killed:.2f} s later")

        begun_at = time.perf_counter()
        meanwhile = await (await Shopper.begin(client)).say(RETURN)
        assert is_whole(meanwhile.json(), RETURN), "with the engine gone the shop's own sentences are the answer"
        assert time.perf_counter() - begun_at <= MOST_SECONDS

        await asyncio.to_thread(engine.start)
        figures.note("start again at the same address", f"{engine.started_in_seconds:.0f} s")
        again = asyncio.create_task((await Shopper.begin(client)).say(REPAIR))
        await engine.until(lambda: engine.metrics()[RUNNING] == 1, PATIENT)
        assert is_whole((await again).json(), REPAIR)
    assert chain_is_whole(tmp_path)


async def test_when_the_process_that_computes_dies_alone_the_reply_is_finished_too(
    engine: RealEngine, shop_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: Figures
) -> None:
    async with shop_server(shop_home, tmp_path, engine.url, engine.key, monkeypatch) as client:
        reading = Reading()
        shopper = asyncio.create_task(reading.read(client, HIRE))
        await asyncio.wait_for(reading.sentence.wait(), 2 * PATIENT)
        assert not shopper.done()
        killed = time.perf_counter()
        engine.kill_core()
        await shopper
        assert reading.last[0] == "reply.completed"
        assert is_whole(reading.last[1], HIRE)
        assert reading.ended_at - killed <= MOST_SECONDS
        figures.note("its computing process is killed", f"reply whole {reading.ended_at - killed:.2f} s later")
    assert await engine.gone(60), "and the rest of it ends, so that whoever supervises it starts it again"


@pytest.fixture
async def stub_url() -> AsyncIterator[str]:
    """Another replica, which is only a stub."""
    command = (sys.executable, "-m", "tests.stub_model", "--text", STUB_TEXT, "--tokens", "4")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    yield str(json.loads(await process.stdout.readline())["listening"])
    process.kill()
    await process.wait()


async def test_stopped_it_finishes_what_it_writes_and_its_conversations_go_to_the_next_replica(
    engine: RealEngine, stub_url: str, figures: Figures
) -> None:
    replicas = [
        OpenAIModel(
            url, key=engine.key, first_token_seconds=PATIENT, stall_seconds=PATIENT, breaker=Breaker(1, 0.5, 0.5)
        )
        for url in (engine.url, stub_url)
    ]
    model = ReplicatedModel(replicas)
    at_home = next(c for c in map(str, range(100)) if model.order(c)[0] is replicas[0])
    prompt = Prompt(LONG.messages, max_tokens=120, affinity=at_home)
    stream = model.stream(prompt, timeout_seconds=PATIENT)
    begun = [(await anext(stream)).text]
    engine.stop()
    stopped = time.perf_counter()
    deltas = [delta async for delta in stream]
    written = time.perf_counter() - stopped
    use = deltas[-1].use
    assert use is not None
    assert use.completion_tokens == prompt.max_tokens or not deltas[-1].cut
    assert len("".join([*begun, *(delta.text for delta in deltas)])) > 200, "whole, as if nobody had stopped it"
    assert await engine.gone(DRAIN_SECONDS), "then it goes"
    said = "".join([delta.text async for delta in model.stream(prompt, timeout_seconds=PATIENT)])
    assert said == STUB_TEXT
    await model.close()
    figures.note("SIGTERM in the middle of a stream", f"it wrote on for {written:.1f} s to the end, then it went")
