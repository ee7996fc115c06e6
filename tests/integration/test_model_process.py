"""The model process is kept alive: started in the background, restarted when it dies, gone when we are."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from app.adapters.llm.embedded import EmbeddedModel, EmbeddedOptions
from app.adapters.llm.process import ModelProcess, Pace
from app.adapters.llm.weights import find_weights, pinned
from app.chat.ports import Prompt

pytestmark = pytest.mark.integration

QUICK = Pace(start=20.0, check_every=0.1, check=1.0, first_pause=0.1, longest_pause=0.2)
STUB = [sys.executable, "-m", "tests.stub_model"]


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def is_running(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[ModelProcess]:
    supervised = ModelProcess(STUB, tmp_path / "logs" / "model.log", pace=QUICK)
    supervised.start()
    yield supervised
    await supervised.close()


def pid_of(process: ModelProcess) -> int:
    assert process._child is not None
    return process._child.pid


async def test_a_killed_child_comes_back(process: ModelProcess) -> None:
    await until(lambda: process.status.state == "ready")
    first, url = pid_of(process), process.url
    os.kill(first, signal.SIGKILL)
    await until(lambda: process.status.state == "down")
    assert "signal 9" in str(process.status)
    assert process.url == ""
    await until(lambda: process.status.state == "ready")
    assert pid_of(process) != first
    assert process.url != url


async def test_closing_ends_the_child(process: ModelProcess) -> None:
    await until(lambda: process.status.state == "ready")
    pid = pid_of(process)
    await process.close()
    assert not is_running(pid)
    await process.close()


async def test_a_child_that_cannot_start_is_told_and_tried_again(tmp_path: Path) -> None:
    process = ModelProcess([sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "model.log", pace=QUICK)
    process.start()
    await until(lambda: process.status.state == "down")
    assert "ended with code 3" in str(process.status)
    await process.close()
    missing = ModelProcess([str(tmp_path / "nowhere")], tmp_path / "model.log", pace=QUICK)
    missing.start()
    await until(lambda: missing.status.state == "down")
    assert "could not be started" in str(missing.status)
    await missing.close()


async def test_the_child_goes_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom app.adapters.llm.process import ModelProcess\n"
        "async def main():\n"
        f"    p = ModelProcess([sys.executable, '-m', 'tests.stub_model'], Path({str(tmp_path / 'model.log')!r}))\n"
        "    p.start()\n"
        "    while not p.url: await asyncio.sleep(0.05)\n"
        "    print(p._child.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert parent.stdout is not None
    line = b""
    while not line.strip().isdigit():
        line = await parent.stdout.readline()
        assert line, "the parent ended early"
    parent.kill()
    await parent.wait()
    await until(lambda: not is_running(int(line)))


async def test_without_weights_the_model_is_down_and_says_why(tmp_path: Path) -> None:
    model = EmbeddedModel(tmp_path, sources=())
    model.start()
    assert not await model.wait_ready(10)
    assert str(model.status).startswith("down: The weights of")
    assert not model.available
    await model.close()


def real_weights() -> str:
    """The weights that a developer has at hand; the test that needs them is skipped elsewhere."""
    named = os.environ.get("XIAOER_TEST_WEIGHTS", "")
    if named:
        return named
    found = find_weights(pinned("0.5b"), Path(".xiaoer") / "models")
    return str(found or "")


async def test_the_real_model_answers_after_being_killed(tmp_path: Path) -> None:
    weights = real_weights()
    if not weights:
        pytest.skip("no weights here; `xiaoer model fetch` gets them")
    model = EmbeddedModel(tmp_path, EmbeddedOptions(chosen_path=weights, first_token_seconds=60))
    model.start()
    assert await model.wait_ready(120)
    prompt = Prompt((("system", "Answer with one word."), ("user", "Say yes.")), max_tokens=8)
    for _ in range(2):
        deltas = [delta async for delta in model.stream(prompt, timeout_seconds=90)]
        assert "".join(delta.text for delta in deltas).strip()
        assert deltas[-1].use is not None
        assert model._process is not None
        os.kill(pid_of(model._process), signal.SIGKILL)
        await until(lambda: model.status.state == "down")
        await until(lambda: model.available, 60)
    await model.close()
