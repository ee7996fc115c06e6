"""Measures what a turn, an idle stream and a commit cost here: the real pipeline, log and limits on a sample shop."""

from __future__ import annotations

import asyncio
import gc
import importlib
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from sqlalchemy import event

from app.adapters.db.engine import Database
from app.adapters.llm.no_model import NoModel
from app.bootstrap import make_pipeline, open_knowledge
from app.conversation.seal import MasterKey
from app.desk_parts import Counter, make_counter
from app.settings import Settings
from app.telemetry import Telemetry, configure_logging

SHOPS = Path(__file__).parent.parent / "shops"
SHOP = "tangli"
QUESTIONS = ("满多少包邮？", "可以退货吗？", "支持哪些支付方式？", "多久能发货？", "谢谢", "怎么开发票？")
WARM_TURNS = 20
TURNS = 120
STREAMS = 1_000
WRITERS = 32
WRITE_SECONDS = 4.0


async def measure(database_url: str, redis_url: str) -> dict[str, float]:
    """Unit costs, by the names that eval/capacity_costs.json has."""
    configure_logging("WARNING")
    with tempfile.TemporaryDirectory(prefix="xiaoer-capacity-") as folder:
        settings = Settings(home=Path(folder), model="none", database=database_url)
        async with open_knowledge(settings) as knowledge:
            await importlib.import_module("ingestion.job").ingest(
                SHOPS / SHOP, SHOP, home=knowledge.home, catalogue=knowledge.catalogue, index=knowledge.index,
                embedder=knowledge.embedder, publish=True,
            )  # fmt: skip
            pipeline = make_pipeline(settings, knowledge, NoModel())
            counter = make_counter(
                knowledge.database, MasterKey(bytes(32)), attendant=pipeline, releases=knowledge.catalogue,
                brands=knowledge.brands, witness=Telemetry(),
            )  # fmt: skip
            costs = await _turns(counter, knowledge.database)
            costs |= await _streams(counter)
            costs |= await _commits(counter)
            await counter.close()
    return costs | await _redis(redis_url)


async def _turns(counter: Counter, database: Database) -> dict[str, float]:
    commits = 0
    written: set[int] = set()

    def executed(connection: Any, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
            written.add(id(connection))

    def committed(connection: Any) -> None:
        """Reading alone costs the disk nothing."""
        nonlocal commits
        commits += id(connection) in written
        written.discard(id(connection))

    ids = [(await counter.conversations.start(SHOP, "zh")).id for _ in range(20)]
    await _say(counter, ids, WARM_TURNS)
    event.listen(database.engine, "after_cursor_execute", executed)
    event.listen(database.engine, "commit", committed)
    bytes_before, began = await _log_bytes(database), resource.getrusage(resource.RUSAGE_SELF)
    commits = 0
    await _say(counter, ids, TURNS)
    used, counted = resource.getrusage(resource.RUSAGE_SELF), commits
    event.remove(database.engine, "commit", committed)
    event.remove(database.engine, "after_cursor_execute", executed)
    cpu = used.ru_utime + used.ru_stime - began.ru_utime - began.ru_stime
    return {
        "turn_cpu_seconds": round(cpu / TURNS, 5),
        "commits_a_turn": round(counted / TURNS, 2),
        "bytes_a_turn": round((await _log_bytes(database) - bytes_before) / TURNS),
    }


async def _say(counter: Counter, ids: Sequence[str], turns: int) -> None:
    for n in range(turns):
        telling = await counter.conversations.say(ids[n % len(ids)], QUESTIONS[n % len(QUESTIONS)])
        await telling.reply()


async def _log_bytes(database: Database) -> int:
    on_sqlite = database.engine.dialect.name == "sqlite"
    size = (
        "SELECT sum(length(sealed) + length(hash) + length(conversation_id) + length(type) + 52) FROM events"
        if on_sqlite
        else "SELECT pg_total_relation_size('events') + pg_total_relation_size('conversations')"
    )
    return int(await database.run(lambda connection: connection.exec_driver_sql(size).scalar()) or 0)


async def _streams(counter: Counter) -> dict[str, float]:
    """What a stream takes that only waits, without its socket (which the system counts elsewhere)."""
    ids = [(await counter.conversations.start(SHOP, "zh")).id for _ in range(STREAMS)]
    gc.collect()
    before = psutil.Process().memory_info().rss
    open_ones = [await counter.conversations.follow(id_, 1) for id_ in ids]
    waiting = [asyncio.ensure_future(anext(aiter(one))) for one in open_ones]
    await asyncio.sleep(1)
    grown = psutil.Process().memory_info().rss - before
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return {"stream_bytes": round(grown / STREAMS + 16_384)}


async def _commits(counter: Counter) -> dict[str, float]:
    """Commits a second that the database confirms to many writers: new conversations, a row and an event each."""
    done, until = 0, time.perf_counter() + WRITE_SECONDS

    async def write() -> None:
        nonlocal done
        while time.perf_counter() < until:
            await counter.conversations.start(SHOP, "zh")
            done += 1

    await asyncio.gather(*(write() for _ in range(WRITERS)))
    return {"commits_a_second": round(done / WRITE_SECONDS)}


async def _redis(url: str) -> dict[str, float]:
    """What Redis itself takes: one Python process that asks it would measure Python."""
    tool = shutil.which("redis-benchmark")
    if not url or tool is None:
        return {}
    command = [tool, "-u", url, "--csv", "-t", "set", "-n", "50000", "-c", "50"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    calls = done.stdout.strip().rsplit("\n", 1)[-1].split(",")[1].strip('"')
    return {"redis_calls_a_second": round(float(calls))}
