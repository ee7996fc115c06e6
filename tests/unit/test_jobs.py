"""Jobs: one a shop at a time, seen from outside, never lost with the request that began them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from app.errors import BadInput, NotFound, Unavailable, XiaoerError
from app.knowledge import jobs as module
from app.knowledge.jobs import Jobs, JobState, Progress


async def nothing(progress: Progress) -> Mapping[str, Any]:
    return {"ok": True}


async def test_a_follower_sees_progress_from_another_thread_and_the_report() -> None:
    async def work(progress: Progress) -> Mapping[str, Any]:
        for number in range(1, 4):
            await asyncio.to_thread(progress, "read", number, 3)
        return {"read": 3}

    job = Jobs().start("hill", "ingest", work)
    seen = [(job.state.value, job.stage, job.done) async for job in job.follow()]
    assert seen[0] == ("waiting", "", 0)
    assert ("running", "read", 3) in seen
    assert seen[-1] == ("done", "read", 3)
    assert await job.outcome() == {"read": 3}


async def test_jobs_of_one_shop_wait_for_each_other_and_those_of_others_do_not() -> None:
    jobs, order, gate = Jobs(), [], asyncio.Event()

    async def slow(progress: Progress) -> Mapping[str, Any]:
        await gate.wait()
        order.append("slow")
        return {}

    async def quick(progress: Progress) -> Mapping[str, Any]:
        order.append("quick")
        return {}

    jobs.start("hill", "upload", slow)
    second, elsewhere = jobs.start("hill", "upload", quick), jobs.start("dale", "upload", quick)
    await elsewhere.outcome()
    assert (order, second.state) == (["quick"], JobState.WAITING)
    gate.set()
    await second.outcome()
    assert order == ["quick", "slow", "quick"]


async def test_a_failure_is_kept_with_the_job() -> None:
    async def bad(progress: Progress) -> Mapping[str, Any]:
        raise BadInput("no such folder")

    job = Jobs().start("hill", "ingest", bad)
    with pytest.raises(BadInput, match="no such folder"):
        await job.outcome()
    assert job.state is JobState.FAILED
    assert job.finished_at is not None


async def test_what_nobody_expected_is_told_without_its_cause() -> None:
    async def broken(progress: Progress) -> Mapping[str, Any]:
        raise ValueError("secret")

    logged: list[tuple[str, str]] = []
    job = Jobs(lambda action, error: logged.append((action, str(error)))).start("hill", "ingest", broken)
    with pytest.raises(XiaoerError) as told:
        await job.outcome()
    assert "secret" not in str(told.value)
    assert logged == [("ingest", "secret")]


async def test_a_server_that_stops_ends_its_jobs_and_says_so() -> None:
    async def forever(progress: Progress) -> Mapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    jobs = Jobs()
    running, waiting = jobs.start("hill", "ingest", forever), jobs.start("hill", "ingest", forever)
    await asyncio.sleep(0)
    await jobs.close()
    for job in (running, waiting):
        with pytest.raises(Unavailable, match="stopped"):
            await job.outcome()


async def test_old_jobs_are_forgotten_and_unknown_ones_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 3)
    jobs = Jobs()
    first = jobs.start("hill", "ingest", nothing)
    await first.outcome()
    for _ in range(3):
        await jobs.start("hill", "ingest", nothing).outcome()
    with pytest.raises(NotFound):
        jobs.get(first.job_id)
    assert len(jobs.of_shop("hill")) == 3
