"""The route by which a suite is asked of the running server: one process owns the index, so evaluation asks it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.auth import require_run_key
from app.api.container import Container
from app.api.openai import lone_turn
from app.api.shopper import container_of
from app.api.wire import ReplayBody, json_response, read, schema
from app.chat.turn import Identity, Message, Reply, Turn
from app.conversation.present import replay_json

router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"])


@router.post("/replay", openapi_extra=schema(ReplayBody))
async def replay(request: Request) -> Response:
    """One question as a suite states it: with its history, its moment and its order. Commands of this machine only.

    The reply, the passages it rests on, and the draft that confidence may have held back.
    """
    container = container_of(request)
    require_run_key(request, container.run_key)
    body = await read(request, ReplayBody)
    turn = await lone_turn(container, body.shop, body.text, [], body.as_of)
    said = [Message(message.role, message.text, message.decision) for message in body.said]
    told = body.identity
    known = Identity(told.order_id, told.phone_last4, told.customer_id) if told else Identity()
    return json_response(replay_json(await _reply(container, replace(turn, history=tuple(said), identity=known))))


async def _reply(container: Container, turn: Turn) -> Reply:
    begun = time.perf_counter()
    decision = await container.attendant.decide(turn)
    decided = time.perf_counter()
    sentences = [sentence async for sentence in container.attendant.reply(turn, decision)]
    ended = time.perf_counter()
    timings: dict[str, Any] = {"decide": 1000 * (decided - begun), "reply": 1000 * (ended - decided)}
    return container.attendant.finish(turn, decision, sentences, timings)
