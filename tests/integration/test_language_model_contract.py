"""The contract of LanguageModel, held by the fake and by OpenAIModel over a real server that can misbehave."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import aiohttp
import pytest

from app.adapters.llm.breaker import Breaker
from app.adapters.llm.no_model import NoModel
from app.adapters.llm.openai_client import OpenAIModel
from app.chat.ports import Delta, LanguageModel, Prompt
from app.errors import ModelUnavailable
from tests.fakes import FakeModel

pytestmark = pytest.mark.integration

PROMPT = Prompt((("system", "Be brief."), ("user", "Hello")), max_tokens=40)
TEXT = "满99元包邮，不满99元收8元运费。"


class Server:
    def __init__(self, url: str) -> None:
        self.url = url

    async def behave(self, mode: str, text: str = TEXT) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/mode", json={"mode": mode, "text": text}) as response,
        ):
            assert response.status == 200


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.stub_model", "--text", TEXT, "--tokens", "10", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    yield Server(json.loads(await process.stdout.readline())["listening"])
    process.kill()
    await process.wait()


Make = Callable[..., LanguageModel]


@pytest.fixture
async def make(server: Server) -> AsyncIterator[Make]:
    made: list[OpenAIModel] = []

    def build(**options: Any) -> OpenAIModel:
        made.append(OpenAIModel(options.pop("url", server.url), **options))
        return made[-1]

    yield build
    for model in made:
        await model.close()


async def collect(model: LanguageModel, timeout_seconds: float = 10.0) -> list[Delta]:
    return [delta async for delta in model.stream(PROMPT, timeout_seconds=timeout_seconds)]


@pytest.mark.parametrize("kind", ["fake", "server"])
async def test_it_streams_text_and_tells_its_use_last(kind: str, make: Make) -> None:
    model = make() if kind == "server" else FakeModel(TEXT)
    deltas = await collect(model)
    assert "".join(delta.text for delta in deltas) == TEXT
    assert len(deltas) > 2
    use = deltas[-1].use
    assert use is not None
    assert use.calls == 1
    assert use.prompt_tokens >= use.cached_tokens > 0
    assert use.completion_tokens > 0
    assert model.available


@pytest.mark.parametrize("kind", ["fake", "server"])
async def test_closing_the_stream_early_is_no_failure(kind: str, make: Make) -> None:
    model = make() if kind == "server" else FakeModel(TEXT)
    async with aclosing(model.stream(PROMPT, timeout_seconds=10)) as stream:  # type: ignore[type-var]
        async for _ in stream:
            break
    assert model.available
    assert "".join(delta.text for delta in await collect(model)) == TEXT


@pytest.mark.parametrize("mode", ["stuck", "dies", "aborts", "empty", "nonsense", "error", "refuses"])
@pytest.mark.parametrize("kind", ["fake", "server"])
async def test_whatever_goes_wrong_is_model_unavailable(kind: str, mode: str, make: Make, server: Server) -> None:
    if kind == "server":
        await server.behave(mode)
        model = make(first_token_seconds=0.5)
    else:
        model = FakeModel(TEXT, mode=mode)
    with pytest.raises(ModelUnavailable) as raised:
        await collect(model)
    assert str(raised.value)


async def test_a_late_first_token_is_waited_for_only_so_long(make: Make, server: Server) -> None:
    await server.behave("slow")
    with pytest.raises(ModelUnavailable, match="too long"):
        await collect(make(first_token_seconds=0.3))
    assert "".join(delta.text for delta in await collect(make(first_token_seconds=5))) == TEXT


async def test_the_whole_answer_is_waited_for_only_so_long(make: Make, server: Server) -> None:
    await server.behave("slow")
    with pytest.raises(ModelUnavailable, match="too long"):
        await collect(make(first_token_seconds=5), timeout_seconds=0.3)


async def test_an_answer_stopped_at_its_limit_says_so(make: Make, server: Server) -> None:
    await server.behave("cut")
    assert (await collect(make()))[-1].cut


async def test_after_failures_it_rests_and_then_lets_one_probe_through(make: Make, server: Server) -> None:
    await server.behave("error")
    now = [0.0]
    model = make(breaker=Breaker(failures_allowed=2, pause_seconds=5, clock=lambda: now[0]))
    for _ in range(2):
        with pytest.raises(ModelUnavailable):
            await collect(model)
    assert not model.available
    with pytest.raises(ModelUnavailable, match="resting"):
        await collect(model)
    now[0] = 5.1
    assert model.available
    await server.behave("ok")
    await collect(model)
    assert model.available


async def test_a_refused_prompt_does_not_open_the_breaker(make: Make, server: Server) -> None:
    await server.behave("refuses")
    model = make(breaker=Breaker(failures_allowed=1))
    with pytest.raises(ModelUnavailable, match="400"):
        await collect(model)
    assert model.available


async def test_more_requests_than_allowed_are_not_queued(make: Make, server: Server) -> None:
    await server.behave("slow")
    model = make(most_at_once=1)
    first = asyncio.create_task(collect(model))
    await asyncio.sleep(0.2)
    assert not model.available
    with pytest.raises(ModelUnavailable):
        await collect(model)
    await first
    assert model.available


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/", "/v1/chat/completions"])
async def test_the_url_works_with_and_without_v1(ending: str, make: Make, server: Server) -> None:
    model = make(url=server.url + ending)
    assert "".join(delta.text for delta in await collect(model)) == TEXT
    assert model.name == "stub"


async def test_a_server_that_is_not_there_fails_fast() -> None:
    model = OpenAIModel("http://127.0.0.1:9", first_token_seconds=2)
    with pytest.raises(ModelUnavailable, match="did not answer"):
        await collect(model)
    await model.close()
    await model.close()


async def test_no_model_is_never_available() -> None:
    model = NoModel()
    assert not model.available
    with pytest.raises(ModelUnavailable):
        await collect(model)
    await model.close()
