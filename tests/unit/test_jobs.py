"""Jobs: one a shop at a time, seen from every instance, never lost with the request that began them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from app.errors import BadInput, NotFound, Unavailable, XiaoerError
from app.knowledge import jobs as module
from app.knowledge.job_board import JobState, JobView
from app.knowledge.jobs import JobElsewhere, Jobs, Progress
from tests.fakes import FakeJobBoard


async def nothing(progress: Progress) -> Mapping[str, Any]:
    return {"ok": True}


async def test_a_follower_sees_progress_from_another_thread_and_the_report() -> None:
    async def work(progress: Progress) -> Mapping[str, Any]:
        for number in range(1, 4):
            await asyncio.to_thread(progress, "read", number, 3)
        return {"read": 3}

    job = await Jobs().start("hill", "ingest", work)
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

    await jobs.start("hill", "upload", slow)
    second, elsewhere = await jobs.start("hill", "upload", quick), await jobs.start("dale", "upload", quick)
    await elsewhere.outcome()
    assert (order, second.view.state) == (["quick"], JobState.WAITING)
    gate.set()
    await second.outcome()
    assert order == ["quick", "slow", "quick"]


async def test_a_failure_is_kept_with_the_job() -> None:
    async def bad(progress: Progress) -> Mapping[str, Any]:
        raise BadInput("no such folder")

    job = await Jobs().start("hill", "ingest", bad)
    with pytest.raises(BadInput, match="no such folder"):
        await job.outcome()
    assert job.view.state is JobState.FAILED
    assert job.view.finished_at is not None


async def test_what_nobody_expected_is_told_without_its_cause() -> None:
    async def broken(progress: Progress) -> Mapping[str, Any]:
        raise ValueError("secret")

    logged: list[tuple[str, str]] = []
    job = await Jobs(lambda action, error: logged.append((action, str(error)))).start("hill", "ingest", broken)
    with pytest.raises(XiaoerError) as told:
        await job.outcome()
    assert "secret" not in str(told.value)
    assert logged == [("ingest", "secret")]


async def test_a_server_that_stops_ends_its_jobs_and_says_so() -> None:
    async def forever(progress: Progress) -> Mapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    jobs = Jobs()
    running, waiting = [await jobs.start("hill", "ingest", forever) for _ in range(2)]
    await asyncio.sleep(0)
    await jobs.close()
    for job in (running, waiting):
        with pytest.raises(Unavailable, match="stopped"):
            await job.outcome()


async def test_old_jobs_are_forgotten_and_unknown_ones_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 3)
    jobs = Jobs()
    first = await jobs.start("hill", "ingest", nothing)
    await first.outcome()
    for _ in range(3):
        await (await jobs.start("hill", "ingest", nothing)).outcome()
    with pytest.raises(NotFound):
        await jobs.find(first.view.job_id)
    assert len(await jobs.of_shop("hill")) == 3


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instances that tell and look all the time."""
    for name in ("TELL_SECONDS", "LOOK_SECONDS"):
        monkeypatch.setattr(module, name, 0.01)


async def seen_elsewhere(jobs: Jobs, job_id: str) -> list[JobView]:
    found = await jobs.find(job_id)
    assert isinstance(found, JobElsewhere)
    return [view async for view in found.follow()]


@pytest.mark.usefixtures("quick")
async def test_another_instance_knows_a_job_at_once_and_follows_it_to_its_report() -> None:
    board = FakeJobBoard()
    one, other = Jobs(board=board), Jobs(board=board)
    read = asyncio.Event()

    async def work(progress: Progress) -> Mapping[str, Any]:
        progress("read", 1, 3)
        await read.wait()
        return {"read": 3}

    job = await one.start("hill", "upload", work)
    assert [view.job_id for view in await other.of_shop("hill")] == [job.view.job_id]
    assert await other.of_shop("dale") == []
    found = await other.find(job.view.job_id)
    assert isinstance(found, JobElsewhere)
    seen = []
    async for view in found.follow():
        seen.append(view)
        if view.stage == "read":
            read.set()
    assert ("running", "read", 1) in [(view.state.value, view.stage, view.done) for view in seen]
    assert (seen[-1].state, seen[-1].report) == (JobState.DONE, {"read": 3})
    assert isinstance(await one.find(job.view.job_id), module.Job)
    await one.close()


@pytest.mark.usefixtures("quick")
async def test_the_board_is_told_now_and_then_of_a_job_that_takes_its_time_and_not_of_every_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "TELL_SECONDS", 0.05)
    monkeypatch.setattr(module, "REASSURE_SECONDS", 0.1)
    board = FakeJobBoard()
    jobs, begun = Jobs(board=board), asyncio.Event()

    async def busy_then_still(progress: Progress) -> Mapping[str, Any]:
        for number in range(1000):
            progress("embed", number, 1000)
        begun.set()
        await asyncio.sleep(0.6)
        return {}

    await (await jobs.start("hill", "upload", busy_then_still)).outcome()
    await jobs.close()
    assert 4 <= board.puts <= 15


@pytest.mark.usefixtures("quick")
async def test_a_board_that_is_away_holds_no_job_up_and_hears_how_it_ended() -> None:
    board = FakeJobBoard()
    board.down = True
    one, other = Jobs(board=board), Jobs(board=board)
    job = await one.start("hill", "ingest", nothing)
    assert await job.outcome() == {"ok": True}
    assert [view.job_id for view in await one.of_shop("hill")] == [job.view.job_id]
    assert await other.of_shop("hill") == []
    with pytest.raises(Unavailable):
        await other.find(job.view.job_id)
    board.down = False
    await asyncio.sleep(0.1)
    assert (await other.of_shop("hill"))[0].state is JobState.DONE
    await one.close()


@pytest.mark.usefixtures("quick")
async def test_a_follower_elsewhere_bears_with_a_board_that_is_away_for_a_moment() -> None:
    board = FakeJobBoard()
    one, other = Jobs(board=board), Jobs(board=board)
    going_on = asyncio.Event()

    async def work(progress: Progress) -> Mapping[str, Any]:
        await going_on.wait()
        return {}

    job = await one.start("hill", "ingest", work)
    following = asyncio.create_task(seen_elsewhere(other, job.view.job_id))
    await asyncio.sleep(0.05)
    board.down = True
    await asyncio.sleep(0.05)
    board.down = False
    going_on.set()
    assert (await following)[-1].state is JobState.DONE
    await one.close()


@pytest.mark.usefixtures("quick")
async def test_a_server_that_stops_tells_the_others_how_its_jobs_ended() -> None:
    board = FakeJobBoard()

    async def forever(progress: Progress) -> Mapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    jobs = Jobs(board=board)
    job = await jobs.start("hill", "ingest", forever)
    await asyncio.sleep(0)
    await jobs.close()
    told = await board.get(job.view.job_id)
    assert told is not None
    assert (told.state, str(told.problem)) == (JobState.FAILED, str(job.view.problem))


@pytest.mark.usefixtures("quick")
async def test_a_job_whose_server_was_killed_is_told_as_failed_to_who_follows_it_elsewhere() -> None:
    board = FakeJobBoard(lapses_seconds=0.1)
    other = Jobs(board=board)
    now = datetime.now(UTC)
    await board.put(JobView("job_k", "hill", "upload", now, JobState.RUNNING, "embed", 3, 9))
    seen = await seen_elsewhere(other, "job_k")
    assert [view.state for view in seen] == [JobState.RUNNING, JobState.FAILED]
    assert "gone" in str(seen[-1].problem)
    assert (seen[-1].stage, seen[-1].done) == ("embed", 3)
