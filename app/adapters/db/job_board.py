"""How jobs stand, in the database that all instances share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, delete, select

from app.adapters.db.engine import Database
from app.adapters.db.job_tables import jobs
from app.adapters.db.upsert import clock_of, insert_of
from app.errors import XiaoerError
from app.knowledge.job_board import LAPSES_SECONDS, JobState, JobView, gone

KEPT_SECONDS = 7 * 86_400.0


class SqlJobBoard:
    """`JobBoard` on SQLite or PostgreSQL, by the database's clock."""

    def __init__(self, database: Database, lapses_seconds: float = LAPSES_SECONDS) -> None:
        self._database = database
        now = clock_of(database)
        row = insert_of(database)(jobs).values(
            id=bindparam("of_id"),
            shop=bindparam("of_shop"),
            created_at=bindparam("at"),
            told=bindparam("said"),
            until=now + lapses_seconds,
        )
        self._put = row.on_conflict_do_update(
            index_elements=[jobs.c.id], set_={"told": row.excluded.told, "until": row.excluded.until}
        )
        self._sweep = delete(jobs).where(jobs.c.until < now - KEPT_SECONDS)
        self._read = select(jobs.c.told, (jobs.c.until < now).label("lapsed"))

    async def put(self, view: JobView) -> None:
        """How a job stands now; a new one sweeps those of last week out."""
        told = {"of_id": view.job_id, "of_shop": view.shop, "at": view.created_at.isoformat(), "said": _told(view)}

        def work(connection: Connection) -> None:
            connection.execute(self._put, told)
            if view.state is JobState.WAITING:
                connection.execute(self._sweep)

        await self._database.run(work)

    async def get(self, job_id: str) -> JobView | None:
        """How it was last said to stand."""
        query = self._read.where(jobs.c.id == job_id)
        row = await self._database.run(lambda connection: connection.execute(query).first())
        return _view(row) if row else None

    async def of_shop(self, shop: str, limit: int) -> Sequence[JobView]:
        """The shop's jobs, newest first."""
        query = self._read.where(jobs.c.shop == shop).order_by(jobs.c.created_at.desc(), jobs.c.id).limit(limit)
        return [_view(row) for row in await self._database.run(lambda connection: connection.execute(query).all())]


def _told(view: JobView) -> str:
    problem = view.problem
    told = {
        "job_id": view.job_id, "shop": view.shop, "action": view.action, "state": view.state.value,
        "created_at": view.created_at.isoformat(),
        "finished_at": view.finished_at.isoformat() if view.finished_at else None,
        "stage": view.stage, "done": view.done, "total": view.total, "report": view.report,
        "problem": problem and {
            "slug": problem.slug, "title": problem.title, "status": problem.status, "detail": str(problem)
        },
    }  # fmt: skip
    return orjson.dumps(told).decode()


def _view(row: Row[Any]) -> JobView:
    told = orjson.loads(row.told)
    view = JobView(
        **told
        | {
            "state": JobState(told["state"]),
            "created_at": datetime.fromisoformat(told["created_at"]),
            "finished_at": datetime.fromisoformat(told["finished_at"]) if told["finished_at"] else None,
            "problem": _problem(told["problem"]) if told["problem"] else None,
        }
    )
    return gone(view) if row.lapsed and not view.over else view


def _problem(told: Mapping[str, Any]) -> XiaoerError:
    """The problem as far as callers are told of it."""
    problem = XiaoerError(told["detail"])
    problem.slug, problem.title, problem.status = told["slug"], told["title"], told["status"]
    return problem
