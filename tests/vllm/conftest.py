"""One vLLM for the whole suite. Without `make test-vllm`, which builds its environment, every test here is skipped."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.adapters.llm.openai_client import OpenAIModel
from tests.vllm.engine import RealEngine
from tests.vllm.figures import Figures
from tests.vllm.shop import PATIENT, ingest

HOME = "VLLM_HOME"
"""Names the environment that vLLM is in; `make test-vllm` sets it"""
SEEN = pytest.StashKey[Figures]()


@pytest.fixture(scope="session")
def vllm_home() -> Path:
    """The environment that vLLM is in, with a checkpoint beside it."""
    if not os.environ.get(HOME):
        pytest.skip("needs a vLLM in an environment of its own (3.5 GB, minutes): make test-vllm")
    return Path(os.environ[HOME])


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Figures:
    """What is measured on the way; shown in the end."""
    return pytestconfig.stash.setdefault(SEEN, Figures())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of what was measured."""
    if (seen := terminalreporter.config.stash.get(SEEN, None)) is not None:
        terminalreporter.write_line(seen.table())


@pytest.fixture(scope="session")
def the_engine(vllm_home: Path, figures: Figures, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealEngine]:
    """The one process, as the last test left it."""
    engine = RealEngine(vllm_home, tmp_path_factory.mktemp("vllm") / "vllm.log")
    engine.start()
    figures.note("first start", f"{engine.started_in_seconds:.0f} s")
    yield engine
    engine.kill()


@pytest.fixture
async def engine(the_engine: RealEngine) -> RealEngine:
    """It runs, and is idle."""
    await asyncio.to_thread(the_engine.ensure)
    await the_engine.idle()
    return the_engine


@pytest.fixture
async def model(engine: RealEngine) -> AsyncIterator[OpenAIModel]:
    """Our adapter at the engine, as patient as a CPU needs."""
    made = OpenAIModel(engine.url, key=engine.key, first_token_seconds=PATIENT, stall_seconds=PATIENT)
    yield made
    await made.close()


@pytest.fixture(scope="session")
def shop_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the shop live."""
    home = tmp_path_factory.mktemp("home")
    asyncio.run(ingest(tmp_path_factory.mktemp("folder"), home))
    return home
