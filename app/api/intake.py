"""Routes by which knowledge comes in: a folder, everything again, uploads, and the jobs that these are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.auth import require_run_key
from app.api.container import Container, Intake
from app.api.multipart import receive_files
from app.api.problems import problem_json
from app.api.shopper import container_of
from app.api.sse import HEARTBEAT, RETRY, EventStream, frame
from app.api.staff import require_staff, staff_of_shop
from app.api.wire import IngestBody, ReingestBody, json_response, read, schema
from app.errors import BadInput, Unavailable
from app.knowledge.job_board import JobState, JobView
from app.knowledge.jobs import Job, JobElsewhere
from app.staff.account import Role

router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"])

HEARTBEAT_SECONDS = 15.0
_EVENTS = {JobState.DONE: "job.completed", JobState.FAILED: "job.failed"}


@router.post("/ingest", openapi_extra=schema(IngestBody))
async def ingest(request: Request) -> Response:
    """Read a shop folder of this machine into a release, and publish it when every file was read.

    `Accept: text/event-stream` follows the job; anything else waits for its report.
    """
    container = container_of(request)
    require_run_key(request, container.run_key)
    body, intake = await read(request, IngestBody), _intake(container)
    path = Path(body.path)
    if not path.is_absolute():
        raise BadInput(
            "`path` is not absolute, and the server stands elsewhere. Nothing was read; send the whole path."
        )
    job = await container.jobs.start(
        body.shop, "ingest", lambda progress: intake.read_folder(path, body.shop, body.publish, progress, body.force)
    )
    if _wants_events(request):
        return EventStream(_follow(job))
    return json_response(await job.outcome())


@router.post("/reingest", status_code=202, openapi_extra=schema(ReingestBody))
async def reingest(request: Request) -> Response:
    """Read again all that the shop's knowledge comes from: its folder, its uploads, what is fetched for it."""
    container = container_of(request)
    body = await read(request, ReingestBody)
    _, shop = await staff_of_shop(request, body.shop, Role.EDITOR)
    intake = _intake(container)
    return job_started(
        request,
        await container.jobs.start(shop, "reingest", lambda progress: intake.read_again(shop, body.publish, progress)),
    )


@router.post("/uploads", status_code=202)
async def upload(request: Request, shop: str = "", publish: bool = True) -> Response:
    """Files as multipart/form-data, zips among them. They replace uploads of the same path, and nothing else."""
    container = container_of(request)
    if shop:  # it may be a new one
        await require_staff(request, Role.EDITOR, shop=shop)
    else:
        _, shop = await staff_of_shop(request, shop, Role.EDITOR)
    intake = _intake(container)
    folder = intake.incoming(shop)
    try:
        received = await receive_files(request, folder, container.upload_limit_bytes)
        if not received.paths:
            raise BadInput("No file came. Nothing was changed; send at least one with a file name.")
    except BaseException:
        await asyncio.shield(intake.drop(folder))
        raise
    return job_started(
        request,
        await container.jobs.start(shop, "upload", lambda progress: intake.take(folder, shop, publish, progress)),
    )


@router.get("/uploads")
async def uploads(request: Request, shop: str = "") -> Response:
    """The files that were uploaded and are still there."""
    container = container_of(request)
    _, shop = await staff_of_shop(request, shop, Role.EDITOR)
    return json_response({"shop": shop, "files": await _intake(container).uploads(shop)})


@router.delete("/uploads", status_code=202)
async def remove(
    request: Request, path: Annotated[list[str], Query(min_length=1)], shop: str = "", publish: bool = True
) -> Response:
    """Take uploaded files away, with the knowledge that was read in them."""
    container = container_of(request)
    _, shop = await staff_of_shop(request, shop, Role.EDITOR)
    intake = _intake(container)
    return job_started(
        request,
        await container.jobs.start(shop, "remove", lambda progress: intake.remove(path, shop, publish, progress)),
    )


@router.get("/jobs")
async def jobs(request: Request, shop: str = "") -> Response:
    """The shop's last jobs, newest first, whichever instance does them."""
    container = container_of(request)
    _, shop = await staff_of_shop(request, shop, Role.EDITOR)
    return json_response({"shop": shop, "jobs": [job_json(job) for job in await container.jobs.of_shop(shop)]})


@router.get("/jobs/{job_id}")
async def job(request: Request, job_id: str) -> Response:
    """How far a job is. `Accept: text/event-stream` follows it: job.progress …, then job.completed or job.failed."""
    container = container_of(request)
    await require_staff(request, Role.EDITOR)
    found = await container.jobs.find(job_id)
    await require_staff(request, Role.EDITOR, shop=found.view.shop)
    return EventStream(_follow(found)) if _wants_events(request) else json_response(job_json(found.view))


def job_json(job: JobView) -> dict[str, Any]:
    """A job as callers see it."""
    return {
        "id": job.job_id,
        "shop": job.shop,
        "action": job.action,
        "state": job.state.value,
        "stage": job.stage,
        "done": job.done,
        "total": job.total,
        "created_at": job.created_at.isoformat(),
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
        "report": job.report,
        "problem": problem_json(job.problem) if job.problem else None,
    }


def job_started(request: Request, job: Job) -> Response:
    """202 with the job and where to ask for it, or its events when the caller wants those."""
    if _wants_events(request):
        return EventStream(_follow(job))
    response = json_response(job_json(job.view), 202)
    response.headers["location"] = f"/v1/knowledge/jobs/{job.view.job_id}"
    return response


async def _follow(job: Job | JobElsewhere) -> AsyncIterator[bytes]:
    yield RETRY
    states = job.follow()
    waiting = asyncio.ensure_future(anext(states))
    try:
        while True:
            done, _ = await asyncio.wait((waiting,), timeout=HEARTBEAT_SECONDS)
            if not done:
                yield HEARTBEAT
                continue
            state = waiting.result()
            yield frame(_EVENTS.get(state.state, "job.progress"), job_json(state))
            if state.over:
                return
            waiting = asyncio.ensure_future(anext(states))
    finally:
        waiting.cancel()


def _intake(container: Container) -> Intake:
    if container.intake is None:
        raise Unavailable("This server reads no files. Nothing was changed; run `xiaoer ingest` where it can.")
    return container.intake


def _wants_events(request: Request) -> bool:
    return "text/event-stream" in request.headers.get("accept", "")
