"""`python -m eval.bench.prompt_tokens`: what a model turn sends that no prefix cache holds, on the sample suites.

Rules, brand and examples stand first and never change, so an engine with prefix caching reads them once; what is
counted is all after that. Counted with tiktoken's `cl100k_base`, which takes some more tokens for Chinese than Qwen's.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.bootstrap import PROMPTS, make_pipeline, open_knowledge
from app.chat.ports import Delta, Prompt
from app.chat.prompts import Prompts
from app.errors import ModelUnavailable
from app.settings import Settings
from eval.metrics import percentile
from eval.production import _solver, open_solvers
from eval.read_suite import read_suite

ROOT = Path(__file__).parent.parent.parent
SHOPS = ("tangli", "larchwood")
MOST = 130


class Recording:
    """A language model that notes what it is asked, and is down."""

    name = "recording"
    available = True

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []

    async def stream(self, prompt: Prompt, *, timeout_seconds: float) -> AsyncGenerator[Delta, None]:
        """Note it."""
        self.prompts.append(prompt)
        raise ModelUnavailable("This one only listens.")
        yield  # pragma: no cover

    async def close(self) -> None:
        """Nothing to close."""


def main(
    home: Annotated[Path | None, typer.Option(help="Keep the shops here for a second run.")] = None,
    gate: Annotated[bool, typer.Option(help="Exit with 1 when the median is over the bound.")] = False,
) -> None:
    """Ask every question of both suites, count, print."""
    with tempfile.TemporaryDirectory() as folder:
        counted, asked = asyncio.run(_measure(home or Path(folder)))
    table = Table(title="Uncached prompt tokens of a model turn", title_justify="left")
    for heading in ("shop", "model turns", "of turns", "median", "p95", "with the prefix, median"):
        table.add_column(heading, justify="left" if heading == "shop" else "right")
    for shop, pairs in counted.items():
        uncached, whole = [float(p[0]) for p in pairs], [float(p[1]) for p in pairs]
        figures = [percentile(uncached, 50), percentile(uncached, 95), percentile(whole, 50)]
        table.add_row(shop, str(len(pairs)), str(asked[shop]), *(f"{value or 0:.0f}" for value in figures))
    everything = [float(pair[0]) for pairs in counted.values() for pair in pairs]
    median = percentile(everything, 50) or 0.0
    Console().print(table)
    Console().print(f"Median of all: [bold]{median:.0f}[/] (bound {MOST})")
    raise typer.Exit(int(gate and median > MOST))


async def _measure(home: Path) -> tuple[dict[str, list[tuple[int, int]]], dict[str, int]]:
    settings = Settings(home=home, model="http://127.0.0.1:9/v1", result_cache=0)
    async with open_solvers(Settings(home=home, model="none"), {s: ROOT / "shops" / s for s in SHOPS}):
        pass
    counted: dict[str, list[tuple[int, int]]] = {}
    asked: dict[str, int] = {}
    count = _counter()
    async with open_knowledge(settings) as knowledge:
        model = Recording()
        pipeline = make_pipeline(settings, knowledge, model)
        for shop in SHOPS:
            model.prompts.clear()
            solver = await _solver(knowledge, pipeline, shop)
            samples = read_suite(ROOT / "eval" / "suites" / f"{shop}.jsonl").samples
            for sample in samples:
                await solver.run(sample)
            asked[shop] = len(samples)
            counted[shop] = [(count(_after_prefix(p)), count(p.messages)) for p in model.prompts]
    return counted, asked


def _after_prefix(prompt: Prompt) -> tuple[tuple[str, str], ...]:
    """The messages after rules and examples: history, evidence, question."""
    last = max((n for n, (_, text) in enumerate(prompt.messages[:-1]) if text in _examples()), default=0)
    return tuple(prompt.messages[last + 1 :])


@cache
def _examples() -> frozenset[str]:
    pairs = [pair for language in ("zh", "en") for pair in Prompts(PROMPTS).examples(language)]
    return frozenset(text for pair in pairs for text in pair)


def _counter() -> Callable[[Sequence[tuple[str, str]]], int]:
    os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(_cache_of_llama_index()))
    import tiktoken  # noqa: PLC0415  reads the folder when it loads

    encoding = tiktoken.get_encoding("cl100k_base")
    return lambda messages: sum(4 + len(encoding.encode(text, disallowed_special=())) for _, text in messages)


def _cache_of_llama_index() -> Path:
    """llama-index-core ships the encoding, so that no network is needed."""
    found = find_spec("llama_index.core")
    return Path(found.origin or "").parent / "_static" / "tiktoken_cache" if found else Path()


if __name__ == "__main__":
    typer.run(main)
