"""Whoever leaves frees the engine at once: nothing is computed that nobody reads, and the log is whole all the same."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import httpx
import pytest

from app.adapters.llm.openai_client import OpenAIModel
from app.chat.ports import Prompt
from tests.integration.serving import Shopper, events_of
from tests.vllm.engine import RealEngine
from tests.vllm.figures import Figures
from tests.vllm.shop import API_KEY, HIRE, PATIENT, chain_is_whole, is_whole, shop_server

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(3_600)]

FREED_SECONDS = 2.0
"""The longest the engine may go on computing for somebody who has left"""
LONG = Prompt((("user", "Tell me a long story about a fox."),), max_tokens=1_000)


async def test_closing_a_stream_frees_the_engine(engine: RealEngine, model: OpenAIModel, figures: Figures) -> None:
    before = engine.finished()
    async with aclosing(model.stream(LONG, timeout_seconds=PATIENT)) as stream:
        await anext(stream)
        assert engine.running() == 1
    took = await engine.until(lambda: engine.running() == 0, FREED_SECONDS)
    assert engine.finished() == before, "it did not end by itself"
    assert model.available, "that is no fault of the engine's"
    figures.note("reader of a bare stream leaves", f"engine free after {took:.2f} s")


async def test_a_program_that_hangs_up_frees_the_engine(
    engine: RealEngine, shop_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: Figures
) -> None:
    async with shop_server(shop_home, tmp_path, engine.url, engine.key, monkeypatch) as client:
        before = engine.finished()
        body = {"model": "hill", "stream": True, "messages": [{"role": "user", "content": HIRE}]}
        headers = {"authorization": f"Bearer {API_KEY}"}
        async with client.stream("POST", "/v1/chat/completions", json=body, headers=headers) as response:
            assert response.status_code == 200
            await engine.until(lambda: engine.running() == 1, PATIENT)
        took = await engine.until(lambda: engine.running() == 0, FREED_SECONDS)
        assert engine.finished() == before
        figures.note("program hangs up on `/v1/chat/completions`", f"engine free after {took:.2f} s")


async def test_a_shopper_who_closes_the_page_frees_the_engine_and_finds_a_whole_reply_later(
    engine: RealEngine, shop_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: Figures
) -> None:
    async with shop_server(shop_home, tmp_path, engine.url, engine.key, monkeypatch) as client:
        before = engine.metrics()["vllm:generation_tokens"]
        assert (await (await Shopper.begin(client)).say(HIRE)).status_code == 200
        await engine.idle()
        read_to_the_end = engine.metrics()["vllm:generation_tokens"] - before
        before, finished = engine.metrics()["vllm:generation_tokens"], engine.finished()
        shopper = await Shopper.begin(client)
        await _reads_one_sentence_of(client, shopper)
        await engine.until(lambda: engine.running() == 0, PATIENT)
        spent = engine.metrics()["vllm:generation_tokens"] - before
        assert engine.finished() == finished
        assert spent < read_to_the_end
        told = await shopper.follow(until="reply.completed")
        assert told[-1][1] == "reply.completed"
        assert is_whole(told[-1][2], HIRE)
        figures.note(
            "shopper closes the page after a sentence", f"{spent:.0f} tokens written instead of {read_to_the_end:.0f}"
        )
    assert chain_is_whole(tmp_path)


async def _reads_one_sentence_of(client: httpx.AsyncClient, shopper: Shopper) -> None:
    headers = shopper.headers | {"accept": "text/event-stream"}
    async with client.stream("POST", f"{shopper.path}/messages", json={"text": HIRE}, headers=headers) as response:
        async for event in events_of(response):
            if event[1] == "reply.sentence":
                return
