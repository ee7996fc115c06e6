"""What takes longer than a request: it goes on when the caller leaves, and whoever has its id sees how far it is."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeAlias

from app.errors import NotFound, Unavailable, XiaoerError

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a stage, how much of it is done, and of how much; from any thread."""

Work: TypeAlias = Callable[[Progress], Awaitable[Mapping[str, Any]]]
"""Does the job and returns its report as plain JSON."""

REMEMBERED = 200


class JobState(StrEnum):
    """`waiting` for another job of the shop, `running`, then `done` or `failed`."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(slots=True)
class Job:
    """One job. `report` is what it returned, `problem` what it failed with."""

    job_id: str
    shop: str
    action: str
    created_at: datetime
    state: JobState = JobState.WAITING
    stage: str = ""
    done: int = 0
    total: int = 0
    finished_at: datetime | None = None
    report: Mapping[str, Any] | None = None
    problem: XiaoerError | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    @property
    def over(self) -> bool:
        """Whether it is done or has failed."""
        return self.state in (JobState.DONE, JobState.FAILED)

    async def follow(self) -> AsyncIterator[Job]:
        """Itself, now and after every change, until it is over. A slow reader sees the newest state only."""
        while True:
            changed = self._changed
            yield self
            if self.over:
                return
            await changed.wait()

    async def outcome(self) -> Mapping[str, Any]:
        """Its report, when it is over. Raises what it failed with."""
        async for _ in self.follow():
            pass
        if self.problem is not None:
            raise self.problem
        return self.report or {}

    def _change(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)
        self._changed.set()
        self._changed = asyncio.Event()


def _nobody(action: str, error: Exception) -> None:
    """Nobody is told."""


class Jobs:
    """Runs jobs, one a shop at a time in the order they came, and remembers the last ones."""

    def __init__(self, broken: Callable[[str, Exception], None] = _nobody) -> None:
        """`broken` is told (action, error) of what nobody expected; callers are not."""
        self._broken = broken
        self._jobs: dict[str, Job] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def start(self, shop: str, action: str, work: Work) -> Job:
        """Begin a job; it belongs to nobody's request."""
        job = Job("job_" + secrets.token_urlsafe(9), shop, action, datetime.now(UTC))
        self._jobs[job.job_id] = job
        self._forget()
        job._task = asyncio.create_task(self._run(job, work))
        return job

    def get(self, job_id: str) -> Job:
        """Raises NotFound for a job that never was, or was forgotten."""
        if job := self._jobs.get(job_id):
            return job
        raise NotFound("There is no such job, or it ended long ago or before a restart. Look at the list of releases.")

    def of_shop(self, shop: str) -> list[Job]:
        """The shop's jobs, newest first."""
        return [job for job in reversed(self._jobs.values()) if job.shop == shop]

    async def close(self) -> None:
        """Stop what is under way; a run that is cut short leaves the live release, and the next one tidies up."""
        tasks = [job._task for job in self._jobs.values() if job._task and not job._task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, job: Job, work: Work) -> None:
        loop = asyncio.get_running_loop()

        def progress(stage: str, done: int, total: int) -> None:
            loop.call_soon_threadsafe(lambda: None if job.over else job._change(stage=stage, done=done, total=total))

        try:
            async with self._turns[job.shop]:
                job._change(state=JobState.RUNNING)
                report = await work(progress)
            job._change(state=JobState.DONE, report=report, finished_at=datetime.now(UTC))
        except XiaoerError as problem:
            self._fail(job, problem)
        except asyncio.CancelledError:
            self._fail(job, Unavailable("The server was stopped meanwhile. The live release stays; start it again."))
            raise
        except Exception as error:
            self._broken(job.action, error)
            self._fail(job, XiaoerError("Something failed that should not have. The live release stays; try again."))

    @staticmethod
    def _fail(job: Job, problem: XiaoerError) -> None:
        job._change(state=JobState.FAILED, problem=problem, finished_at=datetime.now(UTC))

    def _forget(self) -> None:
        over = [job.job_id for job in self._jobs.values() if job.over]
        for job_id in over[: max(0, len(self._jobs) - REMEMBERED)]:
            del self._jobs[job_id]
