"""Why a turn came out as it did, for staff of its shop."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.shopper import container_of
from app.api.staff import allowed, require_staff
from app.api.wire import json_response
from app.errors import BadInput, NotFound

router = APIRouter(prefix="/v1/knowledge/explain", tags=["knowledge"])


@router.get("")
async def explain(request: Request, turn: str = "") -> Response:
    """`?turn=` CONVERSATION/MESSAGE, CONVERSATION for its last turn, or a MESSAGE of a recent one."""
    container = container_of(request)
    caller = await require_staff(request)
    if not turn:
        raise BadInput("No turn is named; send `turn`: CONVERSATION/MESSAGE, CONVERSATION, or MESSAGE.")
    if container.explainer is None:
        raise NotFound("This server explains no turns.")
    told = await container.explainer.turn(turn)
    if caller.account:
        allowed(caller.account, shop=told["shop"])
    return json_response(told)
