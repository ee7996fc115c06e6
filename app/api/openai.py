"""The OpenAI-compatible door: a shop answers like a chat model, with its sources beside the text."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.auth import require_key
from app.api.container import Container
from app.api.problems import problem_json
from app.api.shopper import address_of, container_of, sayable, shop_named
from app.api.sse import EventStream
from app.api.wire import CompletionBody, HistoryBody, json_response, read, schema
from app.chat.turn import Decision, Message, Reply, Sentence, Turn
from app.conversation.present import reply_json
from app.errors import BadInput, NoKnowledge, XiaoerError

router = APIRouter(prefix="/v1", tags=["openai"])

ANY_SHOP = "xiaoer"
_KEPT = ("decision", "confidence", "citations", "related_questions", "cards", "handoff", "release", "language")
_ROLES: dict[str, Literal["user", "assistant", "agent"]] = {
    "user": "user",
    "assistant": "assistant",
    "agent": "agent",
}


@router.post("/chat/completions", openapi_extra=schema(CompletionBody))
async def complete(request: Request) -> Response:
    """Answer the last user message. `model` is a shop's name, or "xiaoer" for the default shop.

    System messages are not followed: what an attendant may say is the shop's business, not the caller's.
    """
    container = container_of(request)
    require_key(request, container.api_key)
    await container.limits.take(("account", "api-key"), ("address", address_of(request)))
    body = await read(request, CompletionBody)
    turn = await _turn(container, body)
    await container.limits.take(("shop", turn.shop))
    begun = time.perf_counter()
    decision = await container.attendant.decide(turn)
    answering = _Answering(container, turn, decision, begun)
    if body.stream:
        with_usage = bool(body.stream_options and body.stream_options.include_usage)
        return EventStream(_chunks(answering, body.model or ANY_SHOP, with_usage))
    async for _ in answering.sentences():
        pass
    return json_response(_whole(answering.reply(), body.model or ANY_SHOP))


@router.get("/models")
async def models(request: Request) -> Response:
    """The shops, as models."""
    container = container_of(request)
    require_key(request, container.api_key)
    names = [ANY_SHOP, *await container.knowledge.shops()]
    return json_response(
        {"object": "list", "data": [{"id": n, "object": "model", "created": 0, "owned_by": "xiaoer"} for n in names]}
    )


class _Answering:
    """The second half of one stateless turn."""

    def __init__(self, container: Container, turn: Turn, decision: Decision, begun: float) -> None:
        self._container = container
        self._turn = turn
        self._decision = decision
        self._begun = begun
        self._said: list[Sentence] = []

    async def sentences(self) -> AsyncIterator[Sentence]:
        async for sentence in self._container.attendant.reply(self._turn, self._decision):
            self._said.append(sentence)
            yield sentence

    def reply(self) -> Reply:
        timings = {"total": (time.perf_counter() - self._begun) * 1000}
        reply = self._container.attendant.finish(self._turn, self._decision, tuple(self._said), timings)
        self._container.telemetry.turn_completed("", self._turn.shop, reply)
        return reply


async def _turn(container: Container, body: CompletionBody) -> Turn:
    last = next((i for i in range(len(body.messages) - 1, -1, -1) if body.messages[i].role == "user"), None)
    if last is None:
        raise BadInput("There is no user message to answer. Nothing was done; put one last.")
    shop = "" if body.model == ANY_SHOP else body.model
    return await lone_turn(container, shop, body.messages[last].words(), body.messages[:last])


async def lone_turn(
    container: Container,
    shop_name: str,
    text: str,
    before: list[HistoryBody],
    as_of: datetime | None = None,
    release: int | None = None,
) -> Turn:
    """A turn outside any conversation; a moment without a zone is the shop's, no release the live one. Raises
    BadInput, TooLarge, NotFound or NoKnowledge."""
    sayable(text, container.message_limit)
    shop = await shop_named(container, shop_name)
    release = release or await container.knowledge.live_release(shop)
    if release is None:
        raise NoKnowledge(f"Shop {shop!r} has published no knowledge yet. Publish a release first.")
    brand = container.brands(shop)
    moment = as_of or datetime.now(UTC)
    return Turn(
        shop=shop,
        brand=brand,
        release=release,
        as_of=moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(brand.timezone)),
        text=text,
        history=history_of(before),
        message_id="m_" + secrets.token_urlsafe(12),
    )


async def lone_reply(container: Container, turn: Turn) -> Reply:
    """The finished reply to a turn outside any conversation."""
    begun = time.perf_counter()
    answering = _Answering(container, turn, await container.attendant.decide(turn), begun)
    async for _ in answering.sentences():
        pass
    return answering.reply()


def history_of(messages: list[HistoryBody]) -> tuple[Message, ...]:
    """What was said before, without system and tool messages, and without empty ones."""
    told = [(m.role, m.words()) for m in messages]
    return tuple(Message(_ROLES[role], words) for role, words in told if role in _ROLES and words.strip())


def _usage(reply: Reply) -> dict[str, Any]:
    use = reply.model_use
    return {
        "prompt_tokens": use.prompt_tokens,
        "completion_tokens": use.completion_tokens,
        "total_tokens": use.prompt_tokens + use.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": use.cached_tokens},
    }


def _sources(reply: Reply) -> dict[str, Any]:
    told = reply_json(reply)
    return {name: told[name] for name in _KEPT}


def _whole(reply: Reply, model: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.text}
    return {
        "id": "chatcmpl-" + reply.message_id,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": _usage(reply),
        "xiaoer": _sources(reply),
    }


async def _chunks(answering: _Answering, model: str, with_usage: bool) -> AsyncIterator[bytes]:
    head = {"id": "chatcmpl-" + secrets.token_urlsafe(12), "object": "chat.completion.chunk"}
    head |= {"created": str(int(time.time())), "model": model}

    def chunk(delta: dict[str, str], finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _data({**head, "created": int(head["created"]), "choices": [choice], **more})

    try:
        yield chunk({"role": "assistant", "content": ""})
        before = ""
        async for sentence in answering.sentences():
            yield chunk({"content": joint(before, sentence.text) + sentence.text})
            before = sentence.text
        reply = answering.reply()
        yield chunk({}, "stop", xiaoer=_sources(reply))
        if with_usage:
            yield _data({**head, "created": int(head["created"]), "choices": [], "usage": _usage(reply)})
        yield b"data: [DONE]\n\n"
    except XiaoerError as error:
        yield _data({"error": {"message": str(error), "type": error.slug}, "problem": problem_json(error)})


def _data(content: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(content) + b"\n\n"


def joint(before: str, after: str) -> str:
    """What stands between two sentences: a space where both sides are written with spaces."""
    if not before or not after or before[-1].isspace() or after[0].isspace():
        return ""
    return " " if ord(before[-1]) < 0x2E80 and ord(after[0]) < 0x2E80 else ""
