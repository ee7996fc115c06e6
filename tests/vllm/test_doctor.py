"""`xiaoer doctor` looks at a real vLLM: what it reads is there, and what it advises fits."""

from __future__ import annotations

import asyncio
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app.adapters.llm.openai_client import OpenAIModel
from app.chat.ports import Prompt
from app.doctor import examine
from app.doctor_model import look_at
from app.settings import Settings
from tests.vllm.engine import AT_ONCE, LONGEST_TOKENS, MODEL, WAITING, RealEngine
from tests.vllm.figures import Figures
from tests.vllm.shop import PATIENT

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(3_600)]


async def model_part(home: Path, engine: RealEngine, **settings: Any) -> dict[str, Any]:
    """What the doctor finds of the model."""
    told = StringIO()
    given: dict[str, Any] = {"home": home, "port": 0, "model": engine.url, "model_key": engine.key, **settings}
    assert await examine(Settings(**given), Console(file=told), as_json=True) == 0
    return next(finding for finding in json.loads(told.getvalue()) if finding["part"] == "model")


async def test_an_engine_that_is_well_is_named_with_its_version(
    engine: RealEngine, tmp_path: Path, figures: Figures
) -> None:
    found = await model_part(tmp_path, engine, model_name=MODEL)
    assert found["state"] == "ok", found
    assert found["seen"] == f"{engine.url}: {MODEL} (vLLM 0.32.0, 0 running)"
    assert not found["advice"]
    figures.note("`xiaoer doctor`", found["seen"].replace(engine.url, "http://…/v1"))


async def test_all_that_the_advice_rests_on_is_told_by_this_version(engine: RealEngine) -> None:
    seen = await asyncio.to_thread(look_at, engine.url, engine.key, 60.0)
    read = (
        "prefix_cache_queries",
        "prefix_cache_hits",
        "num_requests_waiting",
        "kv_cache_usage_perc",
        "num_preemptions",
    )
    assert {f"vllm:{name}" for name in (*read, "num_requests_running")} <= set(seen.metrics)
    assert seen.cache["enable_prefix_caching"] == "True"
    assert seen.models == {MODEL: LONGEST_TOKENS}


async def test_a_name_that_it_does_not_serve_is_put_right(engine: RealEngine, tmp_path: Path) -> None:
    found = await model_part(tmp_path, engine, model_name="qwen2.5-7b")
    assert found["state"] == "warn"
    assert f"set XIAOER_MODEL_NAME to one of: {MODEL}" in found["advice"]


async def test_a_wrong_key_is_a_warning(engine: RealEngine, tmp_path: Path) -> None:
    found = await model_part(tmp_path, engine, model_key="another")
    assert found["state"] == "warn"
    assert "answers 401" in found["seen"]


async def test_requests_that_wait_are_counted_while_they_wait(
    engine: RealEngine, model: OpenAIModel, tmp_path: Path
) -> None:
    prompt = Prompt((("user", "Tell me a long story about a fox."),), max_tokens=400)

    async def read() -> None:
        async for _ in model.stream(prompt, timeout_seconds=PATIENT):
            pass

    asking = [asyncio.create_task(read()) for _ in range(AT_ONCE + 3)]
    await engine.until(lambda: engine.metrics()[WAITING] == 3, PATIENT)
    found = await model_part(tmp_path, engine)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    assert found["state"] == "warn"
    assert "3 requests wait for it right now" in found["advice"]
    assert f"{AT_ONCE} running" in found["seen"]
