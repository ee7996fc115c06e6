"""How jobs stand, for whoever asks on whichever instance. The board is told, and nothing hangs on it.

A job belongs to the instance that does it (app/knowledge/jobs.py). That one keeps saying how far it is; a job of which
nothing was heard for a while went down with its instance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from app.errors import Unavailable, XiaoerError

LAPSES_SECONDS = 15.0
"""A job that is not over and was not heard of for so long is gone"""


class JobState(StrEnum):
    """`waiting` for another job of the shop, `running`, then `done` or `failed`."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class JobView:
    """How a job stands at a moment. `report` is what it returned, `problem` what it failed with."""

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

    @property
    def over(self) -> bool:
        """Whether it is done or has failed."""
        return self.state in (JobState.DONE, JobState.FAILED)


class JobBoard(Protocol):
    """Where the instances of one installation write down how their jobs stand. Each raises Unavailable."""

    async def put(self, view: JobView) -> None:
        """How a job stands now. Unless it is over, that is good for `LAPSES_SECONDS`."""

    async def get(self, job_id: str) -> JobView | None:
        """How it was last said to stand; failed, for one that nobody speaks for any more; None = never heard of."""

    async def of_shop(self, shop: str, limit: int) -> Sequence[JobView]:
        """The shop's jobs in the same way, newest first."""


def gone(view: JobView) -> JobView:
    """The same job, its instance being gone."""
    problem = Unavailable(
        "The server that worked on this has gone. What it had not finished is tidied up by the next run, and the live "
        "release stays; start it again."
    )
    return replace(view, state=JobState.FAILED, problem=problem)
