"""Our OpenAI adapter against a real vLLM: the stream, stop sequences, what is refused."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from app.adapters.llm.openai_client import OpenAIModel
from app.chat.ports import Delta, Prompt
from app.errors import ModelUnavailable
from tests.vllm.engine import LONGEST_TOKENS, MODEL, RealEngine
from tests.vllm.figures import Figures
from tests.vllm.shop import PATIENT

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(3_600)]

STORY = Prompt((("system", "You tell stories."), ("user", "Tell me a long story about a fox.")), max_tokens=40)


async def said(model: OpenAIModel, prompt: Prompt) -> list[Delta]:
    return [delta async for delta in model.stream(prompt, timeout_seconds=PATIENT)]


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


async def test_a_stream_brings_the_text_in_pieces_and_its_use_last(
    model: OpenAIModel, engine: RealEngine, figures: Figures
) -> None:
    begun = time.perf_counter()
    stream = model.stream(STORY, timeout_seconds=PATIENT)
    deltas = [await anext(stream)]
    first = time.perf_counter() - begun
    deltas += [delta async for delta in stream]
    use = deltas[-1].use
    assert use is not None
    assert sum(bool(delta.text) for delta in deltas) > 5
    assert use.completion_tokens == STORY.max_tokens
    assert deltas[-1].cut, "it was stopped at max_tokens"
    assert use.prompt_tokens == await asyncio.to_thread(engine.tokens_of, STORY.messages)
    assert model.name == MODEL, "asked of the server, since nobody had named one"
    rate = use.completion_tokens / (time.perf_counter() - begun - first)
    figures.note("streaming", f"first token {first:.1f} s, then {rate:.1f} tokens/s")


async def test_the_pieces_are_the_text_that_the_engine_gives_in_one(model: OpenAIModel, engine: RealEngine) -> None:
    await said(model, STORY)  # from here on both find the same in its cache
    assert text_of(await said(model, STORY)) == await asyncio.to_thread(engine.whole_text, STORY)


async def test_it_ends_before_a_stop_sequence(model: OpenAIModel, figures: Figures) -> None:
    whole = text_of(await said(model, STORY))
    stop = whole[len(whole) // 2 :][:8]
    deltas = await said(model, replace(STORY, stop=(stop,)))
    assert text_of(deltas) == whole[: whole.index(stop)]
    assert not deltas[-1].cut
    use = deltas[-1].use
    assert use is not None
    assert use.completion_tokens < STORY.max_tokens
    figures.note("stop sequence", f"{use.completion_tokens} of {STORY.max_tokens} tokens written, none of it shown")


async def test_a_prompt_that_is_too_long_is_refused_and_the_engine_stays_in_use(model: OpenAIModel) -> None:
    for _ in range(3):  # more often than the breaker bears failures
        with pytest.raises(ModelUnavailable, match="answered 400"):
            await said(model, Prompt((("user", "word " * 2 * LONGEST_TOKENS),)))
    assert model.available
    assert text_of(await said(model, STORY))


async def test_a_wrong_key_is_told_as_what_it_is(engine: RealEngine) -> None:
    model = OpenAIModel(engine.url, key="another")
    with pytest.raises(ModelUnavailable, match="answered 401"):
        await said(model, STORY)
    await model.close()
