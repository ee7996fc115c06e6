"""Routes about what may be promised: the shop's certificate, its curve, and the limit that its owner chose."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.container import Certificates, Container
from app.api.shopper import container_of
from app.api.staff import staff_of_shop
from app.api.wire import TrustBody, json_response, read, schema
from app.errors import Unavailable
from app.staff.account import Role

router = APIRouter(prefix="/v1/knowledge/trust", tags=["knowledge"])


@router.get("")
async def trust(request: Request, shop: str = "") -> Response:
    """Certificate, whether it is stale, choices, the shift alarm, and what holds now."""
    _, shop = await staff_of_shop(request, shop)
    return json_response(await _certificates(container_of(request)).report(shop))


@router.post("", openapi_extra=schema(TrustBody))
async def choose(request: Request) -> Response:
    """Choose the share of sent answers that may be wrong: sets the shop's threshold from the next turn on."""
    body = await read(request, TrustBody)
    caller, shop = await staff_of_shop(request, body.shop, Role.ADMIN)
    certificates = _certificates(container_of(request))
    certificates.choose(shop, body.alpha, caller.name)
    return json_response(await certificates.report(shop))


@router.post("/undo", openapi_extra=schema(TrustBody))
async def undo(request: Request) -> Response:
    """Take the last choice back; what was chosen before it holds again."""
    body = await read(request, TrustBody)
    caller, shop = await staff_of_shop(request, body.shop, Role.ADMIN)
    certificates = _certificates(container_of(request))
    certificates.undo(shop, caller.name)
    return json_response(await certificates.report(shop))


def _certificates(container: Container) -> Certificates:
    if container.trust is None:
        raise Unavailable("This server keeps no certificates. Nothing was changed.")
    return container.trust
