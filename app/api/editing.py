"""Routes of the editors' layer: documents, chunks, products, the history of edits, conflicts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from app.api.container import Container
from app.api.intake import job_started
from app.api.shopper import container_of
from app.api.staff import require_staff, staff_of_shop
from app.api.wire import Body, Short, json_response, read, schema
from app.errors import Unavailable
from app.knowledge.editor import Editing
from app.staff.account import Caller, Role

router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"])

Fields = Annotated[dict[str, Any], Field(max_length=50)]
Language = Literal["zh", "en"]
Offset = Annotated[int, Query(ge=0)]
Limit = Annotated[int, Query(ge=1, le=200)]


class AddBody(Body):
    """POST /v1/knowledge/chunks"""

    shop: Short = ""
    fields: Fields


class ChangeBody(Body):
    """PATCH /v1/knowledge/chunks/{key}"""

    shop: Short = ""
    version: Short
    fields: Fields


class VersionBody(Body):
    """POST /v1/knowledge/chunks/{key}/disable and …/enable"""

    shop: Short = ""
    version: Short


class ItemBody(Body):
    """One row of a bulk edit."""

    key: Short
    version: Short


class BulkBody(Body):
    """POST /v1/knowledge/chunks/bulk"""

    shop: Short = ""
    items: list[ItemBody] = Field(min_length=1, max_length=2_000)
    action: Literal["disable", "enable", "set", "replace"]
    fields: Fields = Field(default_factory=dict)


class CellBody(Body):
    """One cell of the product grid."""

    key: Short
    version: Short
    column: Short
    value: Annotated[str, Field(max_length=5_000)]


class CellsBody(Body):
    """PATCH /v1/knowledge/products"""

    shop: Short = ""
    cells: list[CellBody] = Field(min_length=1, max_length=2_000)


class UndoBody(Body):
    """POST /v1/knowledge/edits/undo"""

    shop: Short = ""
    numbers: list[int] = Field(default_factory=list, max_length=2_000)
    batch: Short = ""


class StageBody(Body):
    """POST /v1/knowledge/edits/stage"""

    shop: Short = ""
    publish: bool = False


class SettingsBody(Body):
    """PATCH /v1/knowledge/brand"""

    shop: Short = ""
    version: Short
    settings: Annotated[dict[str, Any], Field(max_length=200)]


class OnboardingBody(Body):
    """POST /v1/knowledge/onboarding"""

    shop: Short = ""
    category: Short = "general"
    language: Language = "zh"
    fields: Annotated[dict[str, str], Field(max_length=50)] = Field(default_factory=dict)
    answers: Annotated[dict[str, str], Field(max_length=500)] = Field(default_factory=dict)
    apply: bool = False


class ResolveBody(Body):
    """POST /v1/knowledge/conflicts/{key}/resolve"""

    shop: Short = ""
    version: Short
    choice: Literal["mine", "theirs", "merged"]
    fields: Fields = Field(default_factory=dict)


@router.get("/documents")
async def documents(request: Request, shop: str = "") -> Response:
    """The tree of documents with what is in them, and what waits to be done."""
    _, shop = await editor_of(request, shop)
    return json_response(await (await editing_of(container_of(request))).rows.documents(shop))


@router.get("/chunks")
async def chunks(request: Request, shop: str = "", offset: Offset = 0, limit: Limit = 50) -> Response:
    """Rows, narrowed by `path`, `kind`, `state`, `section` or words in them (`q`)."""
    _, shop = await editor_of(request, shop)
    editing = await editing_of(container_of(request))
    return json_response(await editing.rows.chunks(shop, request.query_params, offset, limit))


@router.post("/chunks", status_code=201, openapi_extra=schema(AddBody))
async def add(request: Request) -> Response:
    """A new FAQ row, as a draft."""
    body = await read(request, AddBody)
    caller, shop = await editor_of(request, body.shop)
    editing = await editing_of(container_of(request))
    return json_response(await editing.rows.add(shop, body.fields, caller.name), 201)


@router.post("/chunks/bulk", openapi_extra=schema(BulkBody))
async def bulk(request: Request) -> Response:
    """One action on many rows, all or none, undone in one go."""
    body = await read(request, BulkBody)
    caller, shop = await editor_of(request, body.shop)
    editing = await editing_of(container_of(request))
    items = [(item.key, item.version) for item in body.items]
    return json_response(await editing.rows.bulk(shop, items, body.action, body.fields, caller.name))


@router.get("/chunks/{key}")
async def chunk(request: Request, key: str, shop: str = "") -> Response:
    """One row in full: as it will be, as it was built, as its file has it, and every edit."""
    _, shop = await editor_of(request, shop)
    return json_response(await (await editing_of(container_of(request))).rows.chunk(shop, key))


@router.patch("/chunks/{key}", openapi_extra=schema(ChangeBody))
async def change(request: Request, key: str) -> Response:
    """Set fields of a row, as a draft. 409 with both texts when somebody else changed it."""
    body = await read(request, ChangeBody)
    caller, shop = await editor_of(request, body.shop)
    editing = await editing_of(container_of(request))
    return json_response(await editing.rows.change(shop, key, body.version, body.fields, caller.name))


@router.post("/chunks/{key}/disable", openapi_extra=schema(VersionBody))
async def disable(request: Request, key: str) -> Response:
    """Take a row out of every answer."""
    return await _toggled(request, key, disabled=True)


@router.post("/chunks/{key}/enable", openapi_extra=schema(VersionBody))
async def enable(request: Request, key: str) -> Response:
    """Let a row back in."""
    return await _toggled(request, key, disabled=False)


async def _toggled(request: Request, key: str, *, disabled: bool) -> Response:
    body = await read(request, VersionBody)
    caller, shop = await editor_of(request, body.shop)
    editing = await editing_of(container_of(request))
    return json_response(await editing.rows.toggle(shop, key, body.version, caller.name, disabled=disabled))


@router.get("/products")
async def products(request: Request, shop: str = "", offset: Offset = 0, limit: Limit = 100) -> Response:
    """Products as a grid: a column an attribute, a row a SKU."""
    _, shop = await editor_of(request, shop)
    editing = await editing_of(container_of(request))
    return json_response(await editing.rows.products(shop, request.query_params, offset, limit))


@router.patch("/products", openapi_extra=schema(CellsBody))
async def set_values(request: Request) -> Response:
    """Set cells of the grid, all or none, undone in one go."""
    body = await read(request, CellsBody)
    caller, shop = await editor_of(request, body.shop)
    editing = await editing_of(container_of(request))
    cells = [cell.model_dump() for cell in body.cells]
    return json_response(await editing.rows.set_values(shop, cells, caller.name))


@router.get("/edits")
async def edits(request: Request, shop: str = "", offset: Offset = 0, limit: Limit = 50) -> Response:
    """The history of edits, newest first."""
    _, shop = await editor_of(request, shop)
    return json_response(await (await editing_of(container_of(request))).rows.edits(shop, offset, limit))


@router.post("/edits/undo", openapi_extra=schema(UndoBody))
async def undo(request: Request) -> Response:
    """Undo edits by number, or all of a batch. What was staged goes with the next staging."""
    body = await read(request, UndoBody)
    caller, shop = await editor_of(request, body.shop)
    editing = await editing_of(container_of(request))
    return json_response(await editing.rows.undo(shop, body.numbers, body.batch, caller.name))


@router.post("/edits/stage", status_code=202, openapi_extra=schema(StageBody))
async def stage(request: Request) -> Response:
    """Build a release with every draft in it; a job like any ingest."""
    container = container_of(request)
    body = await read(request, StageBody)
    _, shop = await editor_of(request, body.shop)
    if (intake := container.intake) is None:
        raise Unavailable("This server builds no releases. The drafts are kept; stage them where it can.")
    job = await container.jobs.start(shop, "edits", lambda progress: intake.stage_edits(shop, body.publish, progress))
    return job_started(request, job)


@router.get("/brand")
async def brand(request: Request, shop: str = "") -> Response:
    """Brand settings in effect, as brand.yaml has them, and what is in dispute."""
    _, shop = await editor_of(request, shop)
    return json_response(await (await editing_of(container_of(request))).brand.brand(shop))


@router.patch("/brand", openapi_extra=schema(SettingsBody))
async def set_brand(request: Request) -> Response:
    """Set brand settings, welcome message or card questions: in effect at once."""
    body = await read(request, SettingsBody)
    caller, shop = await editor_of(request, body.shop)
    editing = await editing_of(container_of(request))
    return json_response(await editing.brand.change(shop, body.version, body.settings, caller.name))


@router.get("/conflicts")
async def conflicts(request: Request, shop: str = "") -> Response:
    """Rows that were changed both in their file and in the console, with both texts."""
    _, shop = await editor_of(request, shop)
    return json_response(await (await editing_of(container_of(request))).rows.conflicts(shop))


@router.post("/conflicts/{key}/resolve", openapi_extra=schema(ResolveBody))
async def resolve(request: Request, key: str) -> Response:
    """Choose: the editor's text, the file's, or what was made of both."""
    body = await read(request, ResolveBody)
    caller, shop = await editor_of(request, body.shop)
    editing = await editing_of(container_of(request))
    return json_response(await editing.rows.resolve(shop, key, body.version, body.choice, body.fields, caller.name))


@router.get("/packs")
async def packs(request: Request, language: Language = "zh") -> Response:
    """The industry packs in a language, and what the onboarding wizard asks."""
    await require_staff(request, Role.EDITOR)
    return json_response((await editing_of(container_of(request))).packs.packs(language))


@router.get("/packs/{name}")
async def pack(request: Request, name: str, language: Language = "zh") -> Response:
    """One industry pack: its questions with their phrasings, and what each answer should say."""
    await require_staff(request, Role.EDITOR)
    return json_response((await editing_of(container_of(request))).packs.pack(name, language))


@router.post("/onboarding", openapi_extra=schema(OnboardingBody))
async def onboarding(request: Request) -> Response:
    """Answer a trade's questions from a few facts; with `apply` they become drafts, else this is a preview."""
    body = await read(request, OnboardingBody)
    caller, shop = await editor_of(request, body.shop)
    editing = await editing_of(container_of(request))
    return json_response(
        await editing.packs.fill(
            shop, body.category, body.language, body.fields, body.answers, caller.name, apply=body.apply
        )
    )


@router.get("/export")
async def export(request: Request, shop: str = "") -> Response:
    """The newest release as a zip of the files it came in, the editors' layer included."""
    _, shop = await editor_of(request, shop)
    file, report = await (await editing_of(container_of(request))).exports.archive(shop)
    return FileResponse(
        file,
        media_type="application/zip",
        filename=f"{shop}-release-{report['release']}.zip",
        headers={"x-export-exact": str(report["exact"]).lower(), "cache-control": "no-store"},
        background=BackgroundTask(file.unlink, missing_ok=True),
    )


async def editor_of(request: Request, shop: str) -> tuple[Caller, str]:
    """Who edits, and the shop: the one named, which may be a new one, else the account's own or the default."""
    if shop:
        return await require_staff(request, Role.EDITOR, shop=shop), shop
    return await staff_of_shop(request, shop, Role.EDITOR)


async def editing_of(container: Container) -> Editing:
    """The editors' layer. Raises Unavailable where there is none."""
    if container.editing is None:
        raise Unavailable("This server has no editors' layer. Nothing was changed.")
    return await container.editing()
