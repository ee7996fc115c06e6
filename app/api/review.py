"""Routes of the review queue: what went wrong or may have, what people answered, and what came of a change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from app.api.container import Container
from app.api.editing import Fields, Limit, Offset
from app.api.shopper import container_of
from app.api.staff import staff_of_shop
from app.api.wire import Body, Short, json_response, read, schema
from app.errors import Unavailable
from app.review.item import Kind, Outcome, Wanted
from app.review.review import Review
from app.staff.account import Caller, Role

router = APIRouter(prefix="/v1/knowledge/review", tags=["knowledge"])

Ids = Annotated[list[int], Field(min_length=1, max_length=500)]
Days = Annotated[int, Query(ge=0, le=3_660)]


class SourceBody(Body):
    """A row that an answer should rest on."""

    path: Short
    locator: Annotated[str, Field(max_length=600)] = ""


class SettleBody(Body):
    """POST /v1/knowledge/review/{id}/settle"""

    shop: Short = ""
    action: Literal["edit", "row", "phrasing", "sample", "correct"]
    key: Short = ""
    """The row, for `edit` and `phrasing`"""
    version: Short = ""
    fields: Fields = Field(default_factory=dict)
    phrasing: Annotated[str, Field(max_length=500)] = ""
    question: Annotated[str, Field(max_length=4_000)] = ""
    decision: Short = ""
    sources: list[SourceBody] = Field(default_factory=list, max_length=20)
    facts: list[Annotated[str, Field(max_length=500)]] = Field(default_factory=list, max_length=20)
    must_pass: bool = False


class IdsBody(Body):
    """POST /v1/knowledge/review/correct and …/drafts/dismiss"""

    shop: Short = ""
    ids: Ids


class ApproveBody(Body):
    """POST /v1/knowledge/review/drafts/approve"""

    shop: Short = ""
    ids: Ids
    fields: Fields
    key: Short = ""
    """A row whose phrasings the questions become, instead of a row of their own"""
    version: Short = ""


class ShopBody(Body):
    """POST /v1/knowledge/review/{id}/undo"""

    shop: Short = ""


@router.get("")
async def queue(
    request: Request,
    shop: str = "",
    kind: Annotated[list[Kind] | None, Query()] = None,
    state: Literal["", "open", "done"] = "open",
    outcome: Literal["", "edit", "row", "phrasing", "sample", "correct"] = "",
    language: Literal["", "zh", "en"] = "",
    days: Days = 0,
    offset: Offset = 0,
    limit: Limit = 30,
) -> Response:
    """Items, newest first, with counts by kind. `days`: of the last so many."""
    review, _, shop = await reviewing(request, shop)
    since = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="microseconds") if days else ""
    wanted = Wanted(tuple(kind or ()), state, outcome, language, since)
    return json_response(await review.queue.find(shop, wanted, offset, limit))


@router.post("/correct", openapi_extra=schema(IdsBody))
async def correct(request: Request) -> Response:
    """Many were right as they were. All or none."""
    body = await read(request, IdsBody)
    review, caller, shop = await reviewing(request, body.shop)
    return json_response(await review.queue.correct(shop, body.ids, caller.name))


@router.get("/drafts")
async def drafts(request: Request, shop: str = "") -> Response:
    """Drafted rows out of what people answered. While `reading` is short of its total, ask again."""
    review, _, shop = await reviewing(request, shop)
    return json_response(await review.drafts.drafts(shop))


@router.post("/drafts/approve", status_code=201, openapi_extra=schema(ApproveBody))
async def approve(request: Request) -> Response:
    """A drafted row becomes a draft of the editors' layer, or phrasings of a row that is there."""
    body = await read(request, ApproveBody)
    review, caller, shop = await reviewing(request, body.shop)
    into = (body.key, body.version) if body.key else None
    return json_response(await review.queue.approve(shop, body.ids, body.fields, into, caller.name), 201)


@router.post("/drafts/dismiss", openapi_extra=schema(IdsBody))
async def dismiss(request: Request) -> Response:
    """Nothing is to be learned from these."""
    return await correct(request)


@router.get("/effect")
async def effect(request: Request, shop: str = "") -> Response:
    """The questions of settled items asked again of the live release, before and after. While `asking` is short of its
    total, ask again."""
    review, _, shop = await reviewing(request, shop)
    return json_response(await review.effect.effect(shop))


@router.get("/{id_}")
async def item(request: Request, id_: int, shop: str = "") -> Response:
    """One item in full."""
    review, _, shop = await reviewing(request, shop)
    return json_response(await review.queue.item(shop, id_))


@router.post("/{id_}/settle", openapi_extra=schema(SettleBody))
async def settle(request: Request, id_: int) -> Response:
    """One step: edit a row, add one, add a phrasing, make a sample, or say that it was right."""
    body = await read(request, SettleBody)
    review, caller, shop = await reviewing(request, body.shop)
    sent: dict[str, Any] = body.model_dump(exclude={"shop", "action"})
    return json_response(await review.queue.settle(shop, id_, Outcome(body.action), sent, caller.name))


@router.post("/{id_}/undo", openapi_extra=schema(ShopBody))
async def undo(request: Request, id_: int) -> Response:
    """Take the step back, with everything that was settled in the same one."""
    body = await read(request, ShopBody)
    review, caller, shop = await reviewing(request, body.shop)
    return json_response(await review.queue.undo(shop, id_, caller.name))


async def reviewing(request: Request, shop: str) -> tuple[Review, Caller, str]:
    """The queue, the caller and the shop. Raises Unavailable where there is no queue."""
    caller, shop = await staff_of_shop(request, shop, Role.EDITOR)
    container: Container = container_of(request)
    if container.review is None:
        raise Unavailable("This server has no review queue. Nothing was changed.")
    return container.review, caller, shop
