"""`python -m eval.capacity`: how many of each part a number of shoppers takes.

Unit costs are measured by `python -m eval.capacity measure` on the machine at hand and kept in
eval/capacity_costs.json; those of GPUs, which are not at hand, are worked out from their data sheets and marked so. For
each part a queue is simulated, arrival by arrival, to find the most turns a second at which shoppers still get their
first sentence in time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from eval.capacity_measure import measure

COSTS = Path(__file__).parent / "capacity_costs.json"
SHOPPERS = (100, 10_000, 1_000_000)
HEADROOM = 1.3
"""A part more for every three: one may fail, or be rolled over, at the busiest hour"""
APP_P95_SECONDS = 0.1
MODEL_P95_SECONDS = 1.2
"""What is left of 1.5 s for the engine, after ours"""


@dataclass(frozen=True, slots=True)
class Load:
    """How shoppers behave. `think_seconds` is the mean pause between two messages of a shopper whose window is open."""

    think_seconds: float = 45.0
    phrased_share: float = 0.35
    """Turns that the model phrases; others are approved words, facts, tools and lines"""
    uncached_tokens: int = 130
    reply_tokens: int = 60


@dataclass(frozen=True, slots=True)
class Engine:
    """A GPU with Qwen2.5-7B as deploy/vllm configures it. From data sheets: no GPU was at hand to measure.

    prefill  prompt tokens a second, at 40 % of the dense peak for 15.2 GFLOP a token
    step     seconds a decoding step takes: the weights read once at 70 % of the memory's speed
    """

    name: str
    prefill: float
    step_seconds: float
    batch: int


ENGINES = (
    Engine("T4", 1_700, 0.025, 32),
    Engine("A10", 6_500, 0.019, 64),
    Engine("L4", 6_300, 0.036, 48),
    Engine("A100", 8_200, 0.0140, 256),
)


def p95(values: Sequence[float]) -> float:
    """The 95th percentile."""
    return sorted(values)[min(len(values) - 1, math.ceil(0.95 * len(values)) - 1)] if values else 0.0


def core_waits(rate: float, seconds_each: float, turns: int = 20_000, seed: int = 1) -> list[float]:
    """Seconds from arrival to end of each turn on one core: Poisson arrivals, one after the other; a turn's own cost
    varies by half, as short and long messages do."""
    chance, now, free, waits = random.Random(seed), 0.0, 0.0, []
    for _ in range(turns):
        now += chance.expovariate(rate)
        free = max(now, free) + seconds_each * chance.uniform(0.5, 1.5)
        waits.append(free - now)
    return waits


def engine_waits(engine: Engine, load: Load, rate: float, turns: int = 6_000, seed: int = 1) -> list[float]:
    """Seconds until the first sentence (a third of the reply) of each turn on one GPU.

    Continuous batching: each step decodes one token of every running turn and computes waiting prompts, as many as fit
    into the step; a turn waits while the batch is full.
    """
    chance, now = random.Random(seed), 0.0
    arrivals = []
    for _ in range(turns):
        now += chance.expovariate(rate)
        arrivals.append(now)
    first = max(1, load.reply_tokens // 3)
    running: list[list[float]] = []  # [arrived, tokens said]
    waits: list[float] = []
    clock, coming = 0.0, 0
    while len(waits) < turns:
        if not running and coming < turns and arrivals[coming] > clock:
            clock = arrivals[coming]
        prompt = 0
        while coming < turns and arrivals[coming] <= clock and len(running) < engine.batch and prompt < 4_096:
            running.append([arrivals[coming], 0])
            prompt += load.uncached_tokens
            coming += 1
        clock += engine.step_seconds + prompt / engine.prefill
        for turn in running:
            turn[1] += 1
            if turn[1] == first:
                waits.append(clock - turn[0])
        running = [turn for turn in running if turn[1] < load.reply_tokens]
        if coming == turns and not running:
            break
    return waits


def most(waits_at: Callable[[float], list[float]], bound_seconds: float, highest: float) -> float:
    """The most turns a second at which 95 % wait no longer than that, found by halving."""
    low, high = 0.0, highest
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (middle, high) if p95(waits_at(middle)) <= bound_seconds else (low, middle)
    return low


@dataclass(frozen=True, slots=True)
class Needed:
    """Parts for one number of shoppers. `instances` are processes on a core each."""

    shoppers: int
    turns_a_second: float
    instances: int
    database_commits_a_second: float
    database_writers: int
    redis_calls_a_second: float
    redis: int
    disk_gb_a_day: float
    engines: dict[str, int]


def parts(costs: dict[str, float], load: Load, shoppers: int, rates: dict[str, float]) -> Needed:
    """How many of each; at least two of what must not be missing."""
    turns = shoppers / load.think_seconds
    by_cpu = turns * HEADROOM / rates["core"]
    by_memory = shoppers * costs["stream_bytes"] / (costs["instance_memory_bytes"] * 0.6)
    commits = turns * costs["commits_a_turn"]
    redis = turns * costs["redis_calls_a_turn"]
    return Needed(
        shoppers,
        turns,
        max(2, math.ceil(max(by_cpu, by_memory))),
        commits,
        max(1, math.ceil(commits * HEADROOM / costs["commits_a_second"])),
        redis,
        max(1, math.ceil(redis * HEADROOM / costs["redis_calls_a_second"])),
        turns * 86_400 * 0.3 * costs["bytes_a_turn"] / 1e9,
        {
            engine.name: max(2, math.ceil(turns * load.phrased_share * HEADROOM / rates[engine.name]))
            for engine in ENGINES
        },
    )


def plan(costs: dict[str, float], load: Load) -> tuple[dict[str, float], list[Needed]]:
    """(turns a second that one of each part bears, what each number of shoppers takes)."""
    each = costs["turn_cpu_seconds"]
    rates = {"core": most(lambda rate: core_waits(rate, each), APP_P95_SECONDS + each, 1.0 / each)}
    for engine in ENGINES:
        highest = engine.batch / (load.reply_tokens * engine.step_seconds)
        rates[engine.name] = most(partial(engine_waits, engine, load), MODEL_P95_SECONDS, highest)
    return rates, [parts(costs, load, shoppers, rates) for shoppers in SHOPPERS]


def show(rates: dict[str, float], needed: Sequence[Needed], console: Console) -> None:
    """Both tables."""
    bears = Table(title="What one bears, turns a second", title_justify="left")
    for column in ("part", "turns/s"):
        bears.add_column(column)
    for name, rate in rates.items():
        bears.add_row("instance (one core)" if name == "core" else f"{name}, phrased turns", f"{rate:.1f}")
    console.print(bears)
    table = Table(title="What shoppers with an open window take", title_justify="left")
    for column in ("shoppers", "turns/s", "instances", "commits/s", "PostgreSQL", "Redis", "GB a day", *rates):
        if column != "core":
            table.add_column(column, justify="right")
    for one in needed:
        engines = [str(one.engines[engine.name]) for engine in ENGINES]
        table.add_row(
            f"{one.shoppers:,}", f"{one.turns_a_second:,.1f}", f"{one.instances:,}",
            f"{one.database_commits_a_second:,.0f}", str(one.database_writers), str(one.redis),
            f"{one.disk_gb_a_day:,.2f}", *engines,
        )  # fmt: skip
    console.print(table)


def main() -> int:
    """Measure, or work it out from what was measured."""
    parser = argparse.ArgumentParser(prog="python -m eval.capacity", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", nargs="?", choices=("plan", "measure"), default="plan")
    parser.add_argument("--database", default="", help="SQLAlchemy URL to measure on; empty = a SQLite of its own")
    parser.add_argument("--redis", default="", help="redis:// URL to measure on; empty = not measured")
    parser.add_argument("--think-seconds", type=float, default=Load().think_seconds)
    parser.add_argument("--phrased-share", type=float, default=Load().phrased_share)
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    costs: dict[str, float] = json.loads(COSTS.read_text("utf-8"))
    if told.what == "measure":
        costs |= asyncio.run(measure(told.database, told.redis))
        COSTS.write_text(json.dumps(costs, indent=2) + "\n", "utf-8")
        print(json.dumps(costs, indent=2))
        return 0
    rates, needed = plan(costs, Load(told.think_seconds, told.phrased_share))
    if told.json:
        print(json.dumps({"costs": costs, "rates": rates, "needed": [asdict(one) for one in needed]}, indent=2))
    else:
        show(rates, needed, Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
