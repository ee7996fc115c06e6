"""What takes longer than a request: it goes on when the caller leaves, and whoever has its id sees how far it is."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

from app.errors import NotFound, Unavailable, XiaoerError
from app.knowledge.job_board import LAPSES_SECONDS, JobBoard, JobState, JobView, gone

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a stage, how much of it is done, and of how much; from any thread."""

Work: TypeAlias = Callable[[Progress], Awaitable[Mapping[str, Any]]]
"""Does the job and returns its report as plain JSON."""

REMEMBERED = 200
TELL_SECONDS = 0.5
"""The board is told no oftener than this,"""
REASSURE_SECONDS = LAPSES_SECONDS / 3
"""and no seldomer than this while the job is not over."""
LOOK_SECONDS = 1.0
"""How often a follower looks at the board for a job of another instance"""
_LAST_WORDS_SECONDS = 2.0
"""So long a server that stops waits for the board to hear how its jobs ended"""
_LAST_TRIES = 60
"""So often the board is told of an end while it is away; then the job lapses"""


@dataclass(slots=True)
class Job:
    """A job of this instance."""

    view: JobView
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None
    _telling: asyncio.Task[None] | None = None

    async def follow(self) -> AsyncIterator[JobView]:
        """How it stands, now and after every change, until it is over. A slow reader sees the newest state only."""
        while True:
            changed, view = self._changed, self.view
            yield view
            if view.over:
                return
            await changed.wait()

    async def outcome(self) -> Mapping[str, Any]:
        """Its report, when it is over. Raises what it failed with."""
        async for _ in self.follow():
            pass
        if self.view.problem is not None:
            raise self.view.problem
        return self.view.report or {}

    def _change(self, **values: Any) -> None:
        self.view = replace(self.view, **values)
        self._changed.set()
        self._changed = asyncio.Event()


class JobElsewhere:
    """A job of another instance, as far as the board tells."""

    def __init__(self, view: JobView, board: JobBoard) -> None:
        self.view = view
        self._board = board

    async def follow(self) -> AsyncIterator[JobView]:
        """How it stands, now and whenever the board says something else, until it is over."""
        yield self.view
        while not self.view.over:
            await asyncio.sleep(LOOK_SECONDS)
            with contextlib.suppress(Unavailable):  # away for a moment: look again
                told = await self._board.get(self.view.job_id) or gone(self.view)
                if told != self.view:
                    self.view = told
                    yield told


def _nobody(action: str, error: Exception) -> None:
    """Nobody is told."""


class Jobs:
    """Runs jobs, one a shop at a time in the order they came, and remembers the last ones."""

    def __init__(self, broken: Callable[[str, Exception], None] = _nobody, board: JobBoard | None = None) -> None:
        """`broken` is told (action, error) of what nobody expected; callers are not. `board`: where other instances
        look; None = there are none."""
        self._broken = broken
        self._board = board
        self._jobs: dict[str, Job] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def start(self, shop: str, action: str, work: Work) -> Job:
        """Begin a job; it belongs to nobody's request. From now on every instance knows it."""
        job = Job(JobView("job_" + secrets.token_urlsafe(9), shop, action, datetime.now(UTC)))
        self._jobs[job.view.job_id] = job
        self._forget()
        if self._board is not None:
            await self._put(self._board, job.view)
            job._telling = asyncio.create_task(self._tell(self._board, job))
        job._task = asyncio.create_task(self._run(job, work))
        return job

    async def find(self, job_id: str) -> Job | JobElsewhere:
        """Raises NotFound for a job that never was, or was forgotten; Unavailable when the board is away."""
        if job := self._jobs.get(job_id):
            return job
        if self._board is not None and (view := await self._board.get(job_id)):
            return JobElsewhere(view, self._board)
        raise NotFound("There is no such job, or it ended long ago or before a restart. Look at the list of releases.")

    async def of_shop(self, shop: str) -> list[JobView]:
        """The shop's jobs on every instance, newest first; those of this one while the board is away."""
        found = {job.view.job_id: job.view for job in self._jobs.values() if job.view.shop == shop}
        if self._board is not None:
            with contextlib.suppress(Unavailable):
                found = {view.job_id: view for view in await self._board.of_shop(shop, REMEMBERED)} | found
        return sorted(found.values(), key=lambda view: view.created_at, reverse=True)

    async def close(self) -> None:
        """Stop what is under way; a run that is cut short leaves the live release, and the next one tidies up."""
        tasks = [job._task for job in self._jobs.values() if job._task and not job._task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._told_of_all()

    async def _run(self, job: Job, work: Work) -> None:
        loop = asyncio.get_running_loop()

        def progress(stage: str, done: int, total: int) -> None:
            loop.call_soon_threadsafe(
                lambda: None if job.view.over else job._change(stage=stage, done=done, total=total)
            )

        try:
            async with self._turns[job.view.shop]:
                job._change(state=JobState.RUNNING)
                report = await work(progress)
            job._change(state=JobState.DONE, report=report, finished_at=datetime.now(UTC))
        except XiaoerError as problem:
            self._fail(job, problem)
        except asyncio.CancelledError:
            self._fail(job, Unavailable("The server was stopped meanwhile. The live release stays; start it again."))
            raise
        except Exception as error:
            self._broken(job.view.action, error)
            self._fail(job, XiaoerError("Something failed that should not have. The live release stays; try again."))

    @staticmethod
    def _fail(job: Job, problem: XiaoerError) -> None:
        job._change(state=JobState.FAILED, problem=problem, finished_at=datetime.now(UTC))

    def _forget(self) -> None:
        over = [job.view.job_id for job in self._jobs.values() if job.view.over]
        for job_id in over[: max(0, len(self._jobs) - REMEMBERED)]:
            del self._jobs[job_id]

    async def _tell(self, board: JobBoard, job: Job) -> None:
        """Keep the board at what the job is, until it is over: on every change, and now and then without one."""
        tries = 0
        while tries < _LAST_TRIES:
            changed, view = job._changed, job.view
            if await self._put(board, view) and view.over:
                return
            tries += view.over
            await asyncio.sleep(TELL_SECONDS)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), 0 if view.over else REASSURE_SECONDS - TELL_SECONDS)

    @staticmethod
    async def _put(board: JobBoard, view: JobView) -> bool:
        try:
            await board.put(view)
        except Unavailable:  # the job goes on; the board is told later
            return False
        return True

    async def _told_of_all(self) -> None:
        """Wait a moment for the board to hear how the last jobs ended."""
        telling = [job._telling for job in self._jobs.values() if job._telling and not job._telling.done()]
        if telling:
            await asyncio.wait(telling, timeout=_LAST_WORDS_SECONDS)
        for task in telling:
            task.cancel()
        await asyncio.gather(*telling, return_exceptions=True)
