"""The shopper's routes: start a conversation, say something, follow it, ask for a person, rate, leave."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractContextManager

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.auth import has_key, hash_of, require_conversation
from app.api.container import Container
from app.api.problems import problem_json
from app.api.shopper_view import seen_by_shopper, shown_sign
from app.api.sse import HEARTBEAT, RETRY, EventStream, LastFrames, frame
from app.api.wire import FeedbackBody, HandoffBody, IdentityBody, SayBody, StartBody, json_response, read, schema
from app.chat.turn import Identity
from app.conversation import lines
from app.conversation.conversation import Conversation, Status
from app.conversation.events import Event, EventType
from app.conversation.session import Sign
from app.conversation.speak import new_conversation_id
from app.conversation.telling import ENDS, Telling
from app.errors import BadInput, IdentityRefused, NoKnowledge, NotFound, TooLarge, XiaoerError

router = APIRouter(prefix="/v1/conversations", tags=["shopper"])

PAGE_CHARACTERS = 2_000
SHOP_NAME = re.compile(r"\w[\w.-]{0,99}")
"""A shop's name is also a folder's: nothing else may come near a path."""


def container_of(request: Request) -> Container:
    """The parts this application was created with."""
    container: Container = request.app.state.container
    return container


def address_of(request: Request) -> str:
    """Who is calling, for the limits."""
    return request.client.host if request.client else "unknown"


@router.post("", status_code=201, openapi_extra=schema(StartBody))
async def start(request: Request) -> Response:
    """Begin a conversation: its token, who the shopper is talking to, and what they might ask."""
    container = container_of(request)
    await container.limits.take(("address", address_of(request)))
    body = await read(request, StartBody)
    shop = await shop_named(container, body.shop)
    await container.limits.take(("shop", shop))
    page = orjson.dumps(body.page).decode() if isinstance(body.page, dict) else body.page or ""
    identity = await _vouched(request, shop, body.identity)
    conversation_id = new_conversation_id()
    token = container.tokens.issue(conversation_id)
    started = await container.conversations.start(
        shop,
        body.locale,
        page[:PAGE_CHARACTERS],
        identity,
        conversation_id=conversation_id,
        token_hash=hash_of(token),
    )
    brand = container.brands(shop)
    return json_response(
        {
            "id": started.id,
            "token": token,
            "status": started.status,
            "identified": bool(identity.customer_id),
            "disclosure": lines.disclosure(brand, started.language),
            "welcome": {
                "text": lines.greeting(brand, started.language),
                "quick_questions": list(await container.welcome(shop, started.language)),
            },
            "shop": shop,
            "language": started.language,
            "assistant_name": brand.assistant_name,
            "accent": brand.accent,
        },
        201,
    )


@router.post("/{conversation_id}/messages", openapi_extra=schema(SayBody))
async def say(request: Request, conversation_id: str) -> Response:
    """Say something. `Accept: text/event-stream` gets the reply sentence by sentence, anything else in one piece."""
    container = container_of(request)
    await admit(request, conversation_id)
    body = await read(request, SayBody)
    text = sayable(body.text, container.message_limit)
    telling = await container.conversations.say(conversation_id, text, body.client_message_id)
    if "text/event-stream" in request.headers.get("accept", ""):
        return EventStream(_tell(telling), _streams_of(request, conversation_id))
    return json_response(await telling.reply())


@router.get("/{conversation_id}/events")
async def events(request: Request, conversation_id: str) -> Response:
    """Everything that happens, from `Last-Event-ID` (or `?after=`) on: no gap and no repeat.

    A conversation that is over and wholly read gets 204, which tells an EventSource to stop asking.
    """
    container = container_of(request)
    await admit(request, conversation_id)
    after = _position(request)
    status, seq = await container.conversations.position(conversation_id)
    if status is Status.CLOSED and after >= seq:
        return Response(status_code=204)
    if status is Status.CLOSED:  # nothing will happen any more but a rating: told in one go
        return EventStream(_all(await container.conversations.events(conversation_id, after)))
    following = await container.conversations.follow(conversation_id, after)
    waits = status is Status.WAITING and container.desk is not None
    place = await container.desk.place(conversation_id) if waits and container.desk else 0
    until = asyncio.get_running_loop().time() + container.stream_seconds
    frames = _follow(following, place, seq if after < seq else 0, until)
    return EventStream(frames, _streams_of(request, conversation_id))


@router.post("/{conversation_id}/handoff", openapi_extra=schema(HandoffBody))
async def handoff(request: Request, conversation_id: str) -> Response:
    """Ask for a person; asking twice is harmless. With a `contact` it opens a ticket: for when nobody is there."""
    container = container_of(request)
    await admit(request, conversation_id)
    body = await read(request, HandoffBody)
    called = await container.conversations.ask_for_agent(conversation_id)
    if body.contact:
        called["ticket"] = await container.conversations.leave_contact(conversation_id, body.contact, body.message)
    return json_response(called)


@router.post("/{conversation_id}/typing", status_code=204)
async def typing(request: Request, conversation_id: str) -> Response:
    """The shopper is typing: a person at the desk may see that. Nothing is kept."""
    container = container_of(request)
    await admit(request, conversation_id)
    if container.desk is not None:
        await container.desk.shopper_types(conversation_id)
    return Response(status_code=204)


@router.post("/{conversation_id}/feedback", openapi_extra=schema(FeedbackBody))
async def feedback(request: Request, conversation_id: str) -> Response:
    """Rate a reply, or the whole conversation when no message is named."""
    container = container_of(request)
    await admit(request, conversation_id)
    body = await read(request, FeedbackBody)
    await container.conversations.give_feedback(
        conversation_id, body.message_id, body.helpful, body.comment, body.score
    )
    return json_response({"recorded": True})


@router.post("/{conversation_id}/close")
async def close(request: Request, conversation_id: str) -> Response:
    """End the conversation. Ending it twice is harmless."""
    container = container_of(request)
    await admit(request, conversation_id)
    await container.conversations.close_conversation(conversation_id)
    return json_response({"status": Status.CLOSED.value})


@router.post("/{conversation_id}/logout")
async def log_out(request: Request, conversation_id: str) -> Response:
    """The shopper has logged out of the shop: the conversation ends and its token opens nothing any more."""
    container = container_of(request)
    await admit(request, conversation_id)
    await container.conversations.log_out(conversation_id)
    return json_response({"status": Status.CLOSED.value})


async def admit(request: Request, conversation_id: str) -> Conversation:
    """The conversation whose token the request carries. Raises NotAllowed, NotFound or TooManyRequests."""
    container = container_of(request)
    address = ("address", address_of(request))
    try:
        conversation = await require_conversation(request, container.tokens, container.conversations, conversation_id)
    except XiaoerError:
        await container.limits.take(address)  # guessing tokens is counted too
        raise
    await container.limits.take(address, ("conversation", conversation_id), ("shop", conversation.shop))
    return conversation


async def shop_named(container: Container, name: str) -> str:
    """The shop a request means: the one it names, the default one, or the first. Raises NotFound, NoKnowledge."""
    shop = name or container.default_shop
    if not shop:
        shops = await container.knowledge.shops()
        if not shops:
            raise NoKnowledge("There is no shop yet. Ingest a shop folder with `xiaoer ingest PATH --shop NAME`.")
        shop = shops[0]
    if not SHOP_NAME.fullmatch(shop):
        raise NotFound("There is no such shop here.")
    container.brands(shop)
    return shop


async def _vouched(request: Request, shop: str, given: IdentityBody | str | None) -> Identity:
    """Who the shopper is. A token that the shop has signed says so; without one a browser may say which order it is
    about (the phone tail proves it), and who the customer is only the storefront's server, with its key."""
    container = container_of(request)
    body = IdentityBody(token=given) if isinstance(given, str) else given or IdentityBody()
    customer = body.customer_id if has_key(request, container.api_key) else ""
    if body.token:
        if container.identifier is None:
            raise IdentityRefused("Nobody reads identity tokens here. The conversation was not begun.")
        customer = (await container.identifier.identify(shop, body.token)).customer_id
    return Identity(body.order_id, body.phone_last4, customer)


def sayable(text: str, limit: int) -> str:
    """The text as given. Raises TooLarge or BadInput for one that cannot be a message."""
    if len(text) > limit:
        raise TooLarge(
            f"The message has {len(text):,} characters, {limit:,} are the most. "
            "It was not recorded; send a shorter one."
        )
    if not text.strip():
        raise BadInput("The message is empty. Nothing was recorded; write something.")
    return text


def _position(request: Request) -> int:
    given = request.headers.get("last-event-id") or request.query_params.get("after") or "0"
    if not (given.isascii() and given.isdigit() and len(given) < 12):
        raise BadInput("Last-Event-ID must be the id of an event of this conversation, a whole number.")
    return int(given)


async def _tell(telling: Telling) -> AsyncIterator[bytes]:
    over = False
    try:
        async with contextlib.aclosing(telling.bursts()) as told:
            async for burst in told:
                over = burst[-1].type in ENDS
                frames = b"".join([_frame(event) for event in burst])
                yield LastFrames(frames) if over else frames
        if not over:
            # A person has the conversation: nothing was decided, and the answer comes over the events.
            started = frame("reply.started", {"message_id": telling.message_id})
            yield LastFrames(started + frame("reply.completed", await telling.reply()))
    except XiaoerError as error:
        yield frame("problem", problem_json(error))


async def _all(events: list[Event]) -> AsyncIterator[bytes]:
    yield RETRY + b"".join([_frame(event) for event in events])


def _streams_of(request: Request, conversation_id: str) -> AbstractContextManager[None]:
    """Holds a stream's place among those of its address and conversation."""
    claims = (("address", address_of(request)), ("conversation", conversation_id))
    return container_of(request).streams.held(*claims)


async def _follow(
    following: AsyncGenerator[Event | Sign, None], place: int, seq: int, until: float
) -> AsyncIterator[bytes]:
    """Events and signs. The place in the queue is told once what stood in the log up to `seq` has been.

    Ends at `until` (the loop's clock): readers come back where they were, to whatever instance has room then.
    """
    told = frame("handoff.position", {"position": place}) if place else b""
    loop = asyncio.get_running_loop()
    yield RETRY + (told if not seq else b"")
    try:
        async with contextlib.aclosing(following) as happening:
            async for event in happening:
                if isinstance(event, Sign):
                    yield frame(event.type, shown_sign(event)) if event.type else HEARTBEAT
                elif piece := _frame(event) + (told if event.seq == seq else b""):
                    yield piece
                    if event.type in (EventType.CLOSED, EventType.ERASED):
                        return
                else:
                    continue  # nothing was shown: whoever comes back would be where they are
                if loop.time() > until:
                    return
    except XiaoerError as error:
        yield frame("problem", problem_json(error))


def _frame(event: Event) -> bytes:
    """An event as the shopper may see it; empty for those that are not theirs to see."""
    if seen := seen_by_shopper(event):
        return frame(seen[0], seen[1], event.seq)
    return b""
