"""Routes of the channels: where they send what came in, and where operators look after what goes out."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from app.api.shopper import container_of
from app.api.staff import require_staff
from app.api.wire import Body, Short, json_response, read, schema
from app.channels.channel import LetterState
from app.channels.post import ChannelPost
from app.errors import BadInput, NotFound, TooLarge
from app.staff.account import Role

router = APIRouter(prefix="/v1/channels", tags=["channels"])

WEBHOOK_BYTES = 256 * 1024
LISTED = 500


class ReplayLettersBody(Body):
    """POST /v1/channels/{name}/replay and …/drop; no ids = all dead letters of the channel"""

    ids: list[Short] = Field(default_factory=list, max_length=1_000)


@router.post("/{name}/webhook")
async def webhook(request: Request, name: str) -> Response:
    """What a channel sends, signed. It is kept and answered at once, and worked in the background.

    `status` is accepted, duplicate (it came before) or ignored (nothing is to be done about it).
    """
    body = await _limited(request)
    return json_response({"status": await _post(request).take(name, request.headers, body)})


@router.get("")
async def overview(request: Request, shop: str = "") -> Response:
    """The channels, with how their post stands. Never their secrets."""
    caller = await require_staff(request, Role.SUPERVISOR, shop=shop)
    own = caller.account.shop if caller.account else ""
    return json_response({"channels": await _post(request).overview(shop or own)})


@router.get("/{name}/letters")
async def letters(request: Request, name: str, state: str = "", limit: int = 100) -> Response:
    """The newest letters of a channel, without their words; `state` is waiting, sent, withheld, dead or dropped."""
    post = await _of(request, name)
    if state and state not in {known.value for known in LetterState}:
        raise BadInput(f"`state` is one of {', '.join(known.value for known in LetterState)}.")
    return json_response({"letters": await post.letters(name, state, max(1, min(limit, LISTED)))})


@router.post("/{name}/replay", openapi_extra=schema(ReplayLettersBody))
async def replay(request: Request, name: str) -> Response:
    """Send dead letters again: those named, or all of the channel."""
    post = await _of(request, name)
    return json_response({"replayed": await post.replay(name, (await read(request, ReplayLettersBody)).ids)})


@router.post("/{name}/drop", openapi_extra=schema(ReplayLettersBody))
async def drop(request: Request, name: str) -> Response:
    """Throw dead letters away, with their words: those named, or all of the channel."""
    post = await _of(request, name)
    return json_response({"dropped": await post.drop(name, (await read(request, ReplayLettersBody)).ids)})


@router.post("/{name}/test")
async def try_out(request: Request, name: str) -> Response:
    """Reach the other side without telling a shopper anything. 503 when it does not answer, 409 when it refuses."""
    post = await _of(request, name)
    return json_response({"seen": await post.channel(name).try_out()})


def _post(request: Request) -> ChannelPost:
    post = container_of(request).channels
    if post is None:
        raise NotFound("This server has no channels.")
    return post


async def _of(request: Request, name: str) -> ChannelPost:
    """The post, for somebody who may look after that channel."""
    await require_staff(request, Role.SUPERVISOR)
    post = _post(request)
    await require_staff(request, Role.SUPERVISOR, shop=post.channel(name).config.shop)
    return post


async def _limited(request: Request) -> bytes:
    """The body's bytes, as they were signed. Raises TooLarge before more than the limit was read."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > WEBHOOK_BYTES:
            raise TooLarge(f"A delivery is at most {WEBHOOK_BYTES // 1024} kB. Nothing was kept; send less.")
    return bytes(body)
