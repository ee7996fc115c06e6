"""Routes of the column-mapping step: what the tables of an uploaded file hold, for those that nobody recognised."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from app.api.container import Container, Intake
from app.api.intake import job_started
from app.api.shopper import container_of
from app.api.staff import staff_of_shop
from app.api.wire import Body, Short, json_response, read, schema
from app.errors import Unavailable
from app.staff.account import Role

router = APIRouter(prefix="/v1/knowledge/uploads", tags=["knowledge"])

Header = Annotated[str, Field(max_length=300)]


class MappingBody(Body):
    """POST /v1/knowledge/uploads/tables: `columns` maps a meaning, or an attribute's name, to a header."""

    shop: Short = ""
    path: Annotated[str, Field(min_length=1, max_length=1_000)]
    sheet: Short = ""
    header_row: int = Field(ge=0, le=1_000)
    kind: Literal["faq", "product", "text", "ignore"]
    columns: Annotated[dict[Header, Header], Field(max_length=200)] = Field(default_factory=dict)


@router.get("/tables")
async def tables(request: Request, path: str, shop: str = "") -> Response:
    """The tables of an uploaded file: header, first rows, what each is read as, and a guess where nobody knew."""
    container = container_of(request)
    _, shop = await staff_of_shop(request, shop, Role.EDITOR)
    return json_response(await _intake(container).tables(shop, path))


@router.post("/tables", status_code=202, openapi_extra=schema(MappingBody))
async def say(request: Request) -> Response:
    """Say what a table holds; the uploads are read again with that, as a release that waits."""
    container = container_of(request)
    body = await read(request, MappingBody)
    _, shop = await staff_of_shop(request, body.shop, Role.EDITOR)
    intake = _intake(container)
    folder = intake.incoming(shop)
    entry = {"files": body.path, "sheet": body.sheet, "header_row": body.header_row, "kind": body.kind}
    try:
        await intake.say_what_it_holds(shop, {**entry, "columns": body.columns}, folder)
    except BaseException:
        await asyncio.shield(intake.drop(folder))
        raise
    job = await container.jobs.start(shop, "mapping", lambda progress: intake.take(folder, shop, False, progress))
    return job_started(request, job)


def _intake(container: Container) -> Intake:
    if container.intake is None:
        raise Unavailable("This server reads no files. Nothing was changed; run `xiaoer map` where it can.")
    return container.intake
