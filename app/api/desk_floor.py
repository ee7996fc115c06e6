"""The desk's routes that are about no single conversation: queue, people, search, canned replies, modes, events."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.container import Container
from app.api.desk import STAFF, desk_of, person_of
from app.api.desk_view import case_json, notice_json, person_json, ping_json
from app.api.desk_wire import CannedBody, ModeBody, PresenceBody
from app.api.sse import HEARTBEAT, RETRY, EventStream, frame
from app.api.staff import require_staff, staff_of_shop
from app.api.wire import json_response, read, schema
from app.conversation import lines
from app.conversation.board import CannedReply, Case, Notice, Person, Wanted
from app.conversation.desk import Desk
from app.conversation.hub import Ping
from app.conversation.modes import rules_json, rules_of
from app.conversation.search import search
from app.errors import BadInput
from app.staff.account import Caller, Role

router = APIRouter(prefix="/v1/desk", tags=["desk"])
STATUSES = ("online", "away", "offline")
LISTED = 100


async def _here(request: Request, *roles: Role) -> tuple[Desk, Caller, str]:
    """The desk, the caller, and the shop asked for ("" = every shop they work for)."""
    shop = request.query_params.get("shop", "")
    if not shop:
        caller = await require_staff(request, *(roles or STAFF))
        return desk_of(request), caller, caller.account.shop if caller.account else ""
    caller, named = await staff_of_shop(request, shop, *(roles or STAFF))
    return desk_of(request), caller, named


@router.get("/queue")
async def queue(request: Request) -> Response:
    """Who waits, most urgent first; what I have; what everybody has; how the floor is; the mode."""
    desk, caller, shop = await _here(request)
    me = await desk.roster.person(person_of(caller).agent) or person_of(caller)
    waiting = (await desk.board.waiting(shop))[:LISTED]
    held = await desk.board.held(shop)
    floor = await desk.board.floor(shop)
    return json_response(
        {
            "waiting": [await _row(desk, case) | {"mine_to_take": me.suits(case)} for case in waiting],
            "mine": [await _row(desk, case) for case in held if case.agent == me.agent],
            "held": [case_json(case) for case in held if case.agent != me.agent],
            "floor": {"waiting": floor.waiting, "present": floor.present, "free": floor.free, "held": floor.held},
            "people": [person_json(person) for person in await desk.roster.people(shop)],
            "me": person_json(me),
            "modes": await _modes(request, shop),
            "last_event_id": await desk.board.last_notice(),
        }
    )


@router.get("/conversations")
async def conversations(request: Request) -> Response:
    """Past and present conversations, newest first. `text` is looked for in the newest few hundred."""
    desk, _, shop = await _here(request)
    asked = request.query_params
    filters: dict[str, Any] = {name: asked.get(name, "")[:100] for name in _FILTERS}
    wanted = Wanted(**filters)
    found, scanned = await search(desk, shop, wanted, asked.get("text", "").strip()[:200])
    return json_response({"conversations": [case_json(c) | {"excerpt": e} for c, e in found], "scanned": scanned})


_FILTERS = ("status", "agent", "tag", "reason", "outcome", "since", "until")


@router.post("/presence", openapi_extra=schema(PresenceBody))
async def presence(request: Request) -> Response:
    """I am here; and, where given, how many I take at once, in which languages, with which skills."""
    desk, caller, _ = await _here(request)
    body = await read(request, PresenceBody)
    if body.status and body.status not in STATUSES:
        raise BadInput(f"`status` is one of {', '.join(STATUSES)}. Nothing was changed.")
    person = await desk.roster.see(person_of(caller), datetime.now(UTC))
    changed = replace(
        person,
        status=body.status or person.status,
        capacity=person.capacity if body.capacity is None else body.capacity,
        languages=person.languages if body.languages is None else tuple(_clean(body.languages)),
        skills=person.skills if body.skills is None else tuple(_clean(body.skills)),
    )
    if changed != person:
        await desk.roster.choose(changed)
        await desk.board.announce(changed.shop, "presence.changed", changed.agent, {"status": changed.status})
        desk.hub.tell(Ping("presence.changed", changed.shop))
        if changed.status == "offline":
            await desk.sweep()
    return json_response(person_json(changed))


def _clean(texts: list[str]) -> list[str]:
    return list(dict.fromkeys(text.strip().replace(",", " ")[:40] for text in texts if text.strip()))


@router.get("/people")
async def people(request: Request) -> Response:
    """Who is at the desk."""
    desk, _, shop = await _here(request)
    return json_response({"people": [person_json(person) for person in await desk.roster.people(shop)]})


@router.get("/mode")
async def mode(request: Request) -> Response:
    """How far the bot goes in each shop."""
    _, _, shop = await _here(request)
    return json_response({"modes": await _modes(request, shop)})


@router.post("/mode", openapi_extra=schema(ModeBody))
async def choose_mode(request: Request) -> Response:
    """Another mode, from the next message on, and everybody sees it."""
    body = await read(request, ModeBody)
    caller, shop = await staff_of_shop(request, body.shop, Role.SUPERVISOR)
    desk = desk_of(request)
    rules = rules_of(body.model_dump(), caller.name, datetime.now(UTC).isoformat(timespec="seconds"))
    await desk.modes.choose(shop, rules)
    await desk.board.announce(shop, "mode.changed", person_of(caller).agent, {"mode": rules.mode.value})
    desk.hub.tell(Ping("mode.changed", shop, "", {"mode": rules.mode.value, "by": caller.name}))
    return json_response({"shop": shop, **rules_json(rules)})


@router.get("/replies")
async def replies(request: Request) -> Response:
    """The shop's canned replies; with `?conversation=`, filled in for it."""
    caller, shop = await staff_of_shop(request, request.query_params.get("shop", ""), *STAFF)
    desk = desk_of(request)
    values = {"shop": (brand := _brand(request, shop)).name, "assistant": brand.assistant_name, "agent": caller.name}
    values["disclosure"] = lines.disclosure(brand, "zh")
    if conversation_id := request.query_params.get("conversation", ""):
        values |= await desk.values_for(conversation_id, shop)
    return json_response({"replies": [_canned_json(reply, values) for reply in await desk.canned.of(shop)]})


@router.post("/replies", openapi_extra=schema(CannedBody))
async def put_reply(request: Request) -> Response:
    """Add a canned reply, or change the one of that id."""
    body = await read(request, CannedBody)
    caller, shop = await staff_of_shop(request, body.shop, *STAFF)
    if not (body.zh.strip() or body.en.strip()):
        raise BadInput("A canned reply needs a text in zh or en. Nothing was changed.")
    at = datetime.now(UTC).isoformat(timespec="seconds")
    id_ = body.id or secrets.token_hex(8)
    reply = CannedReply(id_[:32], shop, body.shortcut, body.title, body.zh, body.en, caller.name[:100], at)
    await desk_of(request).canned.put(reply)
    return json_response(_canned_json(reply, {}), 201)


@router.delete("/replies/{id_}")
async def drop_reply(request: Request, id_: str) -> Response:
    """Take one away."""
    _, shop = await staff_of_shop(request, request.query_params.get("shop", ""), *STAFF)
    await desk_of(request).canned.drop(shop, id_)
    return Response(status_code=204)


@router.get("/events")
async def events(request: Request) -> Response:
    """What happens on the desk, from `Last-Event-ID` (or `?after=`) on. As long as it is read, its reader is here."""
    desk, caller, shop = await _here(request)
    given = request.headers.get("last-event-id") or request.query_params.get("after") or ""
    if given and not (given.isascii() and given.isdigit() and len(given) < 12):
        raise BadInput("Last-Event-ID must be the id of an event of the desk, a whole number.")
    person = person_of(caller)
    await desk.roster.see(person, datetime.now(UTC))
    watching = desk.hub.watch(int(given) if given else None)
    return EventStream(_follow(desk, person, shop, watching))


async def _follow(
    desk: Desk, person: Person, shop: str, watching: AsyncGenerator[list[Notice | Ping], None]
) -> AsyncIterator[bytes]:
    yield RETRY
    seen = time.monotonic()
    async with contextlib.aclosing(watching) as groups:
        async for group in groups:
            now = time.monotonic()
            if now - seen >= SEEN_EVERY_SECONDS:
                seen = now
                await desk.roster.see(person, datetime.now(UTC))
            pieces = [_frame(item) for item in group if not shop or item.shop in ("", shop)]
            yield b"".join(pieces) or HEARTBEAT


SEEN_EVERY_SECONDS = 10.0


def _frame(item: Notice | Ping) -> bytes:
    if isinstance(item, Notice):
        return frame(item.type, notice_json(item), item.id)
    return frame(item.type, ping_json(item)) if item.type else HEARTBEAT


async def _row(desk: Desk, case: Case) -> dict[str, Any]:
    return case_json(case, await desk.conversations.look(case.conversation_id))


async def _modes(request: Request, shop: str) -> list[dict[str, Any]]:
    """The modes of the shops the caller works for, with the one in force."""
    container: Container = request.app.state.container
    desk = desk_of(request)
    shops = [shop] if shop else await container.knowledge.shops()
    told = []
    for name in shops:
        rules = await desk.modes.of(name)
        now = rules.at(datetime.now(UTC), container.brands(name), await desk.board.floor(name))
        told.append({"shop": name, "now": now.value, **rules_json(rules)})
    return told


def _brand(request: Request, shop: str) -> Any:
    container: Container = request.app.state.container
    return container.brands(shop)


def _canned_json(reply: CannedReply, values: dict[str, str]) -> dict[str, Any]:
    def filled(text: str) -> str:
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    told = {name: getattr(reply, name) for name in CannedReply.__dataclass_fields__}
    return told | {"filled_zh": filled(reply.zh), "filled_en": filled(reply.en)}
