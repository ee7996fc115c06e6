"""How jobs stand, for all instances: the fake and both databases promise the same; two servers show the same job."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.adapters.db.job_board import SqlJobBoard
from app.errors import BadInput, HeldBack
from app.knowledge.job_board import JobBoard, JobState, JobView
from app.knowledge.jobs import Progress
from tests.edge import API_KEY, make_container, migrated_database
from tests.fakes import FakeJobBoard
from tests.integration.serving import events_of, served

pytestmark = pytest.mark.integration

START = datetime(2026, 11, 22, 9, 0, 0, 250_000, UTC)
KEY = {"authorization": f"Bearer {API_KEY}"}
LAPSES_SECONDS = 0.5


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def board(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[JobBoard]:
    if request.param == "fake":
        yield FakeJobBoard(LAPSES_SECONDS)
        return
    database = migrated_database(
        tmp_path, request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    )
    yield SqlJobBoard(database, LAPSES_SECONDS)
    database.close()


def a_job(shop: str = "", minutes: int = 0, **more: Any) -> JobView:
    name = f"job_{uuid.uuid4().hex[:12]}"
    return JobView(name, shop or uuid.uuid4().hex, "upload", START + timedelta(minutes=minutes), **more)


async def test_a_job_is_read_back_as_it_was_last_told(board: JobBoard) -> None:
    view = a_job()
    assert await board.get(view.job_id) is None
    await board.put(view)
    assert await board.get(view.job_id) == view
    running = replace(view, state=JobState.RUNNING, stage="read", done=2, total=9)
    await board.put(running)
    assert await board.get(view.job_id) == running
    report = {"files": [{"path": "退换货.md", "error": "a\0b 🙂"}], "ok": True, "share": 0.5, "release": None}
    done = replace(running, state=JobState.DONE, report=report, finished_at=START + timedelta(seconds=7))
    await board.put(done)
    assert await board.get(view.job_id) == done


@pytest.mark.parametrize("problem", [BadInput("没有这个文件"), HeldBack("hill", 4, ["two prices differ"])])
async def test_what_a_job_failed_with_is_told_like_any_problem(board: JobBoard, problem: BadInput | HeldBack) -> None:
    view = a_job(state=JobState.FAILED, problem=problem)
    await board.put(view)
    told = await board.get(view.job_id)
    assert told is not None
    assert told.problem is not None
    assert (told.problem.slug, told.problem.status, told.problem.title, str(told.problem)) == (
        problem.slug, problem.status, problem.title, str(problem),
    )  # fmt: skip


async def test_a_shops_jobs_come_newest_first_and_no_more_than_asked_for(board: JobBoard) -> None:
    shop = uuid.uuid4().hex
    jobs = [a_job(shop, minutes) for minutes in (1, 3, 2)]
    for view in (*jobs, a_job()):
        await board.put(view)
    assert [view.created_at.minute for view in await board.of_shop(shop, 10)] == [3, 2, 1]
    assert [view.created_at.minute for view in await board.of_shop(shop, 2)] == [3, 2]


async def test_a_job_that_nobody_speaks_for_has_failed_and_one_that_is_over_stays_as_it_was(board: JobBoard) -> None:
    running, over = a_job(state=JobState.RUNNING, stage="embed", done=5, total=9), a_job(state=JobState.DONE, report={})
    kept = a_job(state=JobState.RUNNING)
    for view in (running, over, kept):
        await board.put(view)
    await asyncio.sleep(0.3)
    await board.put(kept)
    await asyncio.sleep(0.3)
    told = await board.get(running.job_id)
    assert told is not None
    assert (told.state, told.stage, told.done) == (JobState.FAILED, "embed", 5)
    assert "start it again" in str(told.problem)
    assert [view.state for view in await board.of_shop(running.shop, 5)] == [JobState.FAILED]
    assert await board.get(over.job_id) == over
    assert await board.get(kept.job_id) == kept


async def test_a_week_later_a_job_is_swept_out_when_another_begins(tmp_path: Path) -> None:
    database = migrated_database(tmp_path)
    long_ago, board = SqlJobBoard(database, -8 * 86_400.0), SqlJobBoard(database)
    old, lately = a_job(state=JobState.DONE), a_job(state=JobState.DONE)
    await long_ago.put(old)
    await board.put(lately)
    assert await board.get(old.job_id) == old
    await board.put(a_job())
    assert await board.get(old.job_id) is None
    assert await board.get(lately.job_id) == lately
    database.close()


class SlowIntake:
    """Reads nothing, step by step, when it is told to go on."""

    def __init__(self) -> None:
        self.goes_on = asyncio.Event()

    async def read_again(self, shop: str, publish: bool, progress: Progress) -> Mapping[str, Any]:
        progress("read", 1, 3)
        await self.goes_on.wait()
        return {"shop": shop, "files": []}


async def test_a_job_that_one_server_does_is_shown_by_another(tmp_path: Path, postgres_url: str) -> None:
    intake = SlowIntake()
    async with AsyncExitStack() as stack:
        one, other = [
            await stack.enter_async_context(served(make_container(tmp_path, url=postgres_url, intake=intake)))
            for _ in range(2)
        ]
        begun = await one.post("/v1/knowledge/reingest", json={"shop": "hill"}, headers=KEY)
        place, headers = begun.headers["location"], KEY | {"accept": "text/event-stream"}
        assert (await other.get(place, headers=KEY)).json()["id"] == begun.json()["id"]
        assert begun.json()["id"] in await listed(other)
        seen = []
        async with other.stream("GET", place, headers=headers) as response:
            async for _, name, told in events_of(response):
                seen.append((name, told["stage"], told["done"], told["total"]))
                if told["stage"] == "read":
                    intake.goes_on.set()
        assert ("job.progress", "read", 1, 3) in seen
        assert seen[-1][0] == "job.completed"
        assert (await other.get(place, headers=KEY)).json()["report"] == {"shop": "hill", "files": []}


async def listed(client: httpx.AsyncClient) -> list[str]:
    response = await client.get("/v1/knowledge/jobs", params={"shop": "hill"}, headers=KEY)
    return [job["id"] for job in response.json()["jobs"]]
