"""More requests than a real engine takes at once: it queues, and our own limits keep shoppers from paying for it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from app.adapters.llm.openai_client import OpenAIModel
from app.chat.ports import Prompt
from app.conversation.answer import Limits
from app.errors import ModelUnavailable
from tests.integration.serving import Shopper
from tests.vllm.engine import AT_ONCE, RUNNING, WAITING, RealEngine
from tests.vllm.figures import Figures
from tests.vllm.shop import HIRE, PATIENT, REPAIR, RETURN, is_whole, shop_server

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(3_600)]

MANY = AT_ONCE + 4
AT_MOST_SECONDS = 2.0
"""What an answer may take that does without the model"""
SHORT = Prompt((("user", "Tell me a story about a fox."),), max_tokens=24)


async def text_of(model: OpenAIModel) -> str:
    return "".join([delta.text async for delta in model.stream(SHORT, timeout_seconds=2 * PATIENT)])


async def test_the_engine_queues_what_it_cannot_take_and_every_stream_is_whole(
    engine: RealEngine, model: OpenAIModel, figures: Figures
) -> None:
    alone = await text_of(model)
    asking = [asyncio.create_task(text_of(model)) for _ in range(MANY)]
    await engine.until(lambda: engine.metrics()[WAITING] >= MANY - AT_ONCE - 1, PATIENT)
    most = (await asyncio.to_thread(engine.metrics))[RUNNING]
    assert most <= AT_ONCE
    texts = await asyncio.gather(*asking)
    assert all(len(text) > len(alone) / 2 for text in texts), "none was cut short or left empty"
    figures.note(f"{MANY} requests at once, {AT_ONCE} allowed", f"{most:.0f} running, the others queued, all whole")


async def test_beyond_what_we_let_it_have_it_is_not_even_asked(engine: RealEngine) -> None:
    model = OpenAIModel(
        engine.url, key=engine.key, first_token_seconds=PATIENT, stall_seconds=PATIENT, most_at_once=AT_ONCE
    )
    asking = [asyncio.create_task(text_of(model)) for _ in range(AT_ONCE)]
    await engine.until(lambda: engine.metrics()[RUNNING] == AT_ONCE, PATIENT)
    assert not model.available
    begun = time.perf_counter()
    with pytest.raises(ModelUnavailable, match="busy"):
        await text_of(model)
    assert time.perf_counter() - begun < 0.5
    assert all(await asyncio.gather(*asking))
    assert model.available
    await model.close()


async def test_shoppers_for_whom_the_engine_has_no_room_are_answered_at_once_in_the_shops_words(
    engine: RealEngine, shop_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: Figures
) -> None:
    async with shop_server(shop_home, tmp_path, engine.url, engine.key, monkeypatch, most_at_once=1) as client:
        phrased = asyncio.create_task(timed(client, HIRE))
        await engine.until(lambda: engine.metrics()[RUNNING] == 1, PATIENT)
        others = [await timed(client, question) for question in (RETURN, REPAIR, RETURN, REPAIR)]
        assert not phrased.done(), "they did not wait for the one that has the engine"
        _, told = await phrased
        assert is_whole(told, HIRE)
    for question, (seconds, reply) in zip((RETURN, REPAIR, RETURN, REPAIR), others, strict=True):
        assert is_whole(reply, question)
        assert seconds <= AT_MOST_SECONDS
    figures.note("turns while the engine is full", f"answered without it in {max(s for s, _ in others):.2f} s at most")


async def test_beyond_what_we_take_on_a_shopper_waits_in_line_and_a_full_line_is_told(
    engine: RealEngine, shop_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Limits(turn_timeout_seconds=4 * PATIENT, turns_at_once=1, turns_waiting=1, wait_seconds=2 * PATIENT)
    async with shop_server(shop_home, tmp_path, engine.url, engine.key, monkeypatch, limits=limits) as client:
        first = asyncio.create_task(timed(client, HIRE))
        await engine.until(lambda: engine.metrics()[RUNNING] == 1, PATIENT)
        second = await Shopper.begin(client)
        following = asyncio.create_task(second.follow(until="reply.completed"))
        await asyncio.sleep(0.1)
        waiting = asyncio.create_task(second.say(RETURN))
        third = await Shopper.begin(client)
        await asyncio.sleep(0.5)
        refused = await third.say(REPAIR)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert is_whole((await first)[1], HIRE)
        assert is_whole((await waiting).json(), RETURN)
        told = [(name, data) for _, name, data in await following]
        assert ("reply.queued", {"position": 1}) in told


async def timed(client: httpx.AsyncClient, question: str) -> tuple[float, dict[str, object]]:
    """Seconds to the whole reply of a shopper of their own, and the reply."""
    shopper = await Shopper.begin(client)
    begun = time.perf_counter()
    reply = (await shopper.say(question)).json()
    return time.perf_counter() - begun, reply
