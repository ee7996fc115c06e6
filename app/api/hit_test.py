"""The hit test: exactly what a turn would do with a question, in any built release, as of any moment."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.container import Container
from app.api.openai import lone_turn
from app.api.question_sheet import questions_of
from app.api.shopper import container_of
from app.api.staff import require_staff, staff_of_shop
from app.api.wire import TryBody, json_response, read, schema
from app.chat.turn import Turn
from app.conversation.present import decision_json, reply_json
from app.errors import Conflict, NotFound
from app.knowledge.release import ReleaseState

router = APIRouter(prefix="/v1/knowledge/try", tags=["knowledge"])


@router.post("", openapi_extra=schema(TryBody))
async def try_out(request: Request) -> Response:
    """One question: language, rewrite, passages with every score, confidence, decision, reason, and the answer."""
    container = container_of(request)
    body = await read(request, TryBody)
    _, shop = await staff_of_shop(request, body.shop)
    if body.release is not None:
        await _require_built(container, shop, body.release)
    turn = await lone_turn(container, shop, body.text, body.history, body.as_of, body.release)
    found = await container.searcher.search(turn)
    told = {**found, **await _told(container, turn), "as_of": turn.as_of.isoformat()}
    explained = container.explainer.trial(told) if container.explainer else None
    return json_response({**told, "explanation": explained})


@router.post("/sheet")
async def sheet(request: Request) -> Response:
    """The questions of a spreadsheet (csv or xlsx, sent as the body): `{questions: [{question, expected}]}`."""
    await require_staff(request)
    body = await request.body()
    rows = await asyncio.to_thread(questions_of, body)
    return json_response({"questions": [{"question": q, "expected": e} for q, e in rows]})


async def _told(container: Container, turn: Turn) -> dict[str, Any]:
    """The decision with its reason, and the reply as the shopper would read it."""
    decision = await container.attendant.decide(turn)
    sentences = [sentence async for sentence in container.attendant.reply(turn, decision)]
    reply = container.attendant.finish(turn, decision, sentences, {})
    held_to = decision.grounds.threshold
    decided = decision_json(turn.message_id, (), turn.release, decision, {})
    return {
        "decision": decision.name,
        "reason": decided["reason"],
        "threshold": min(1.0, held_to) if held_to is not None else container.answer_threshold,
        "used": [passage["chunk_id"] for passage in decided["passages"]],
        "facts": decided["facts"],
        "sentences": [
            {"text": s.text, "origin": s.origin, "citations": [c.path + " · " + c.locator for c in s.citations]}
            for s in sentences
        ],
        "reply": reply_json(reply),
    }


async def _require_built(container: Container, shop: str, number: int) -> None:
    """Raises NotFound or Conflict: only what was built to its end can be searched."""
    release = next((r for r in await container.knowledge.releases(shop) if r.number == number), None)
    if release is None:
        raise NotFound(f"{shop} has no release {number}.")
    if release.state is not ReleaseState.BUILT:
        raise Conflict(f"Release {number} of {shop} is {release.state.value}, so it cannot be asked. Take a built one.")
