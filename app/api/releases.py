"""Routes that look at releases: what changed between two of them, and which one was live when."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.container import Container, Upkeep
from app.api.intake import job_started
from app.api.shopper import container_of
from app.api.staff import staff_of_shop
from app.api.wire import ReindexBody, SweepBody, json_response, read, schema
from app.errors import NotFound, Unavailable
from app.knowledge.diff import compare_releases
from app.staff.account import Role

router = APIRouter(prefix="/v1/knowledge/releases", tags=["knowledge"])
index_router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"])
PAGE = 200


@router.get("/{before}/diff/{after}")
async def diff(
    request: Request,
    before: int,
    after: int,
    shop: str = "",
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=5_000)] = PAGE,
) -> Response:
    """What changes from one release to another, side by side: `counts` of all, `changes` a page at a time."""
    container = container_of(request)
    _, shop = await staff_of_shop(request, shop)
    found = await compare_releases(container.knowledge, shop, before, after)
    return json_response(found.as_json(offset, limit))


@router.get("/{number}/checks")
async def checks(request: Request, number: int, shop: str = "") -> Response:
    """What the checks and the shop's suite said of a release: findings with their place and what to do."""
    container = container_of(request)
    _, shop = await staff_of_shop(request, shop)
    found = await container.knowledge.inspection(shop, number)
    if found is None:
        raise NotFound(f"Nobody looked at release {number} of {shop}: it is not there, or older than the checks.")
    return json_response({"shop": shop, **found.as_json()})


@router.get("/history")
async def history(request: Request, shop: str = "") -> Response:
    """Every publish and rollback, newest first."""
    container = container_of(request)
    _, shop = await staff_of_shop(request, shop)
    moves = [
        {
            "at": move.moved_at.isoformat(),
            "from": move.from_release,
            "to": move.to_release,
            "by": move.by,
            "reason": move.reason,
        }
        for move in await container.knowledge.moves(shop)
    ]
    return json_response({"shop": shop, "moves": moves})


@router.post("/sweep", openapi_extra=schema(SweepBody))
async def sweep(request: Request) -> Response:
    """Let go of old releases; `kept` is how many stay, besides the live one (not sent: as the settings say)."""
    container = container_of(request)
    body = await read(request, SweepBody)
    _, shop = await staff_of_shop(request, body.shop, Role.ADMIN)
    return json_response(await _upkeep(container).sweep(shop, body.kept))


@index_router.post("/reindex", status_code=202, openapi_extra=schema(ReindexBody))
async def reindex(request: Request) -> Response:
    """Write the shop's part of the index anew from the database, as a job; `check` only compares the two."""
    container = container_of(request)
    body = await read(request, ReindexBody)
    _, shop = await staff_of_shop(request, body.shop, Role.ADMIN)
    upkeep = _upkeep(container)
    if body.check:
        return json_response(await upkeep.agree(shop))
    job = await container.jobs.start(
        shop, "reindex", lambda progress: upkeep.reindex(shop, body.from_scratch, progress)
    )
    return job_started(request, job)


def _upkeep(container: Container) -> Upkeep:
    if container.upkeep is None:
        raise Unavailable("This server looks after no index. Nothing was changed; run `xiaoer reindex` where it can.")
    return container.upkeep
