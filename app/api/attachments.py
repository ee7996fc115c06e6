"""Files of a conversation: sent by its shopper or by the person who has it, opened by them and by nobody else."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.container import Container
from app.api.desk import at_desk
from app.api.shopper import address_of, admit, container_of
from app.api.wire import json_response
from app.conversation.attach import Attachments
from app.conversation.conversation import Attachment
from app.errors import NotFound

router = APIRouter(prefix="/v1/conversations/{conversation_id}/attachments", tags=["shopper"])
desk_router = APIRouter(prefix="/v1/desk/conversations/{conversation_id}/attachments", tags=["desk"])
_BODY = {"requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}
_NAME_CHARACTERS = 300


@router.post("", status_code=201, openapi_extra=_BODY)
async def send(request: Request, conversation_id: str) -> Response:
    """Send a file: its bytes are the body, `?name=` what it is called, `?client_message_id=` makes sending it twice
    harmless. What it is is read from the bytes."""
    container = container_of(request)
    await admit(request, conversation_id)
    await container.limits.take(("upload", address_of(request)))
    files = _attachments(container)
    told = await files.take(conversation_id, request.stream(), *_named(request))
    return json_response(told, 201)


@router.get("/{attachment_id}")
async def open_own(request: Request, conversation_id: str, attachment_id: str) -> Response:
    """The file."""
    await admit(request, conversation_id)
    container = container_of(request)
    return _file(*await _attachments(container).open(conversation_id, attachment_id))


@desk_router.post("", status_code=201, openapi_extra=_BODY)
async def send_to_shopper(request: Request, conversation_id: str) -> Response:
    """Send the shopper a file, while one has the conversation."""
    _, person = await at_desk(request, conversation_id)
    files = _attachments(container_of(request))
    sender = (person.agent, person.name)
    return json_response(await files.take(conversation_id, request.stream(), *_named(request), sender), 201)


@desk_router.get("/{attachment_id}")
async def open_for_staff(request: Request, conversation_id: str, attachment_id: str) -> Response:
    """The file, for staff of the shop."""
    await at_desk(request, conversation_id)
    return _file(*await _attachments(container_of(request)).open(conversation_id, attachment_id))


def _attachments(container: Container) -> Attachments:
    if container.attachments is None:
        raise NotFound("No files are taken here.")
    return container.attachments


def _named(request: Request) -> tuple[str, str]:
    asked = request.query_params
    return asked.get("name", "")[:_NAME_CHARACTERS], asked.get("client_message_id", "")[:200]


def _file(attachment: Attachment, data: bytes) -> Response:
    """Pictures may be shown, documents are only ever saved; neither may run anything or be read by another page."""
    shown = "inline" if attachment.media_type.startswith("image/") else "attachment"
    headers = {
        "content-disposition": f"{shown}; filename*=UTF-8''{quote(attachment.name)}",
        "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "private, no-store",
    }
    return Response(data, headers=headers, media_type=attachment.media_type)
