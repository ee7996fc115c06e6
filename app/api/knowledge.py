"""Routes for knowledge editors: the hit test, a question on its own, and releases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.container import Container
from app.api.openai import lone_reply, lone_turn
from app.api.shopper import container_of
from app.api.staff import staff_of_shop
from app.api.wire import ReleaseBody, SearchBody, json_response, read, schema
from app.conversation.present import reply_json
from app.errors import BadInput
from app.knowledge.inspection import Inspection
from app.knowledge.release import Release
from app.staff.account import Role

router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"])


@router.post("/search", openapi_extra=schema(SearchBody))
async def search(request: Request) -> Response:
    """Hit test: what a turn with this text would find and decide, with every score."""
    container = container_of(request)
    body = await read(request, SearchBody)
    _, shop = await staff_of_shop(request, body.shop)
    turn = await lone_turn(container, shop, body.text, body.history, body.as_of)
    return json_response(await container.searcher.search(turn))


@router.post("/ask", openapi_extra=schema(SearchBody))
async def ask(request: Request) -> Response:
    """One question outside any conversation, answered as a shopper would be, now or as of another moment."""
    container = container_of(request)
    body = await read(request, SearchBody)
    _, shop = await staff_of_shop(request, body.shop)
    turn = await lone_turn(container, shop, body.text, body.history, body.as_of)
    return json_response(reply_json(await lone_reply(container, turn)))


@router.get("/releases")
async def releases(request: Request, shop: str = "") -> Response:
    """All releases of a shop, newest first."""
    container = container_of(request)
    _, shop = await staff_of_shop(request, shop)
    return json_response(await _listed(container, shop))


@router.post("/releases/publish", openapi_extra=schema(ReleaseBody))
async def publish(request: Request) -> Response:
    """Make a built release the live one."""
    container = container_of(request)
    body = await read(request, ReleaseBody)
    caller, shop = await staff_of_shop(request, body.shop, Role.EDITOR)
    if body.release is None:
        raise BadInput("No release is named. Nothing was moved; send `release`, a number from the list of releases.")
    await container.publisher.publish(shop, body.release, by=caller.name, reason=body.reason, force=body.force)
    return json_response(await _listed(container, shop))


@router.post("/releases/rollback", openapi_extra=schema(ReleaseBody))
async def rollback(request: Request) -> Response:
    """Go back to the release that was live before, or to the one that is named."""
    container = container_of(request)
    body = await read(request, ReleaseBody)
    caller, shop = await staff_of_shop(request, body.shop, Role.EDITOR)
    await container.publisher.rollback(shop, body.release, by=caller.name, reason=body.reason)
    return json_response(await _listed(container, shop))


async def _listed(container: Container, shop: str) -> dict[str, Any]:
    live = await container.knowledge.live_release(shop)
    looked_at = await container.knowledge.inspections(shop)
    listed = [_release(r, looked_at.get(r.number)) for r in await container.knowledge.releases(shop)]
    return {"shop": shop, "live": live, "releases": listed}


def _release(release: Release, inspection: Inspection | None) -> dict[str, Any]:
    return {
        "number": release.number,
        "state": release.state.value,
        "live": release.live,
        "created_at": _moment(release.created_at),
        "published_at": _moment(release.published_at),
        "chunks": release.chunks,
        "embedder": release.embedder,
        "note": release.note,
        "checks": inspection.counts if inspection else None,
        "forced": inspection.forced if inspection else "",
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
