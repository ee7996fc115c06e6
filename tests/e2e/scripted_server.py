"""A server that speaks the shopper's contract and misbehaves on request, for what the real one rarely does.

The message decides what happens: see `ScriptedServer.reply_to`. The pages are the real ones.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from app.web.routes import router
from app.web.storefront import StorefrontSource

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
RETURNS = {
    "path": "knowledge/policies/returns.md",
    "locator": "Returns > Within 30 days",
    "document_id": "returns",
    "quote": "Unused items may be returned within 30 days of delivery.",
}
ROW = {
    "path": "knowledge/faq/help-centre.csv",
    "locator": "row 12 | Who pays for the return?",
    "document_id": "help",
    "quote": "We pay for the return of faulty items.",
}
WELCOME_ZH = {
    "disclosure": "您正在与 AI 助手对话，随时可以转人工。",
    "welcome": {"text": "您好，想问点什么？", "quick_questions": ["多久发货？", "可以退货吗？"]},
}
WELCOME_EN = {
    "disclosure": "You are talking to an AI assistant; a person is a tap away.",
    "welcome": {"text": "Hello, what can I do for you?", "quick_questions": ["Can I return it?", "Where is my order?"]},
}
Sentences = list[tuple[str, list[dict[str, str]]]]


def problem(status: int, slug: str, detail: str) -> dict[str, Any]:
    return {"type": f"/docs/problems.md#{slug}", "title": slug, "status": status, "detail": detail}


class ScriptedServer:
    """Runs on a thread of its own; `url` is where. Attributes are what the tests look at and turn."""

    def __init__(self, pages: StorefrontSource, *, pause_seconds: float = 0.02) -> None:
        self.pause_seconds = pause_seconds
        self.logs: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.resumed_from: list[str] = []
        self.failures_left = 1
        self.stream_epoch = 0
        self._made = 0
        self._replies: dict[str, dict[str, Any]] = {}
        self.app = self._app(pages)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(self.app, port=self.port, log_level="warning", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.stream_epoch += 1
        self._server.should_exit = True
        self._thread.join(5)

    def tell(self, name: str, **payload: Any) -> None:
        """Put an event into the newest conversation's log."""
        self.logs[list(self.logs)[-1]].append((name, payload))

    def drop_streams(self) -> None:
        """Cut every event stream, as a proxy does."""
        self.stream_epoch += 1

    def reply_to(self, text: str) -> tuple[Sentences, dict[str, Any]]:
        """Sentences and the rest of the reply for one message."""
        lowered = text.lower()
        if "hostile" in lowered:
            return [(HOSTILE, [RETURNS | {"quote": HOSTILE, "locator": HOSTILE}])], {"related_questions": [HOSTILE]}
        if "which" in lowered:
            return [("Which one do you mean?", [])], {
                "decision": "clarify",
                "related_questions": ["Moss, size M", "Slate, size L"],
            }
        if "card" in lowered:
            card = {
                "title": "Ridgeline 3L Jacket",
                "sku": "RL3-MOS-M",
                "price": "£189.00",
                "attributes": {"Weight": "410 g", "Material": "3-layer recycled nylon"},
            }
            return [("Here it is.", [ROW])], {"cards": [card]}
        if "long" in lowered:
            words = (
                "https://example.com/" + "a" * 180 + " 👩‍👩‍👧‍👦 `SELECT * FROM t`\n第二行：" + "很长的中文句子，" * 12
            )
            return [(words, [])], {}
        if any("一" <= letter <= "鿿" for letter in text):
            first = "签收后30天内、未使用的商品可以退货。"
            second = "质量问题的退货运费由我们承担。"
            return [(first, [RETURNS]), (second, [ROW])], {"related_questions": ["退款多久到账？"], "language": "zh"}
        first = "Unused items may be returned within 30 days of delivery."
        second = "We pay for the return of faulty items."
        related = ["When will I get my refund?", "Can I exchange a size?"]
        return [(first, [RETURNS]), (second, [ROW, RETURNS])], {"related_questions": related, "language": "en"}

    async def _stream(self, conversation: str, text: str, client_id: str) -> AsyncIterator[str]:
        log = self.logs[conversation]
        again = client_id in self._replies
        message_id = f"m{len(self._replies)}" if not again else self._replies[client_id]["message_id"]
        if not again:
            log.append(("message.received", {"message_id": message_id, "text": text, "client_message_id": client_id}))
        sentences, extra = self.reply_to(text)
        body = {
            "message_id": message_id,
            "text": " ".join(s for s, _ in sentences),
            "decision": "answer",
            "handoff": None,
        }
        body |= {"citations": [c for _, cited in sentences for c in cited], "language": "en"} | extra
        self._replies[client_id] = body
        yield sse("reply.started", {"message_id": message_id})
        await asyncio.sleep(self.pause_seconds * 4)
        if "problem" in text and not again:
            yield sse("problem", problem(503, "model-unavailable", "The model went away. Ask again."))
            return
        for index, (sentence, citations) in enumerate(sentences):
            payload = {"index": index, "text": sentence, "citations": citations}
            if not again:
                log.append(("reply.sentence", payload | {"message_id": message_id}))
            yield sse("reply.sentence", payload)
            await asyncio.sleep(self.pause_seconds * 4)
            if "cut" in text and not again:
                return
        if not again:
            log.append(("reply.completed", {"reply": body, "answers": [message_id]}))
        yield sse("reply.completed", body)

    async def _follow(self, conversation: str, last: int) -> AsyncIterator[str]:
        epoch = self.stream_epoch
        while epoch == self.stream_epoch:
            for sequence, (name, payload) in enumerate(self.logs[conversation], start=1):
                if sequence > last:
                    last = sequence
                    yield sse(name, payload, sequence)
            yield ": still here\n\n"
            await asyncio.sleep(0.05)

    def _app(self, pages: StorefrontSource) -> FastAPI:
        app = FastAPI()
        app.include_router(router(pages))

        @app.post("/v1/conversations", status_code=201)
        async def start(request: Request) -> dict[str, Any]:
            body = await request.json()
            self.posted.append(("start", body))
            zh = body.get("locale") == "zh"
            self._made += 1
            conversation = f"c{self._made}"
            self.logs[conversation] = []
            return {"id": conversation, "token": f"t-{conversation}", "status": "open"} | (
                WELCOME_ZH if zh else WELCOME_EN
            )

        @app.post("/v1/conversations/{conversation}/messages")
        async def message(conversation: str, request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer t-{conversation}" or conversation not in self.logs:
                return JSONResponse(problem(401, "not-allowed", "That token is not good here."), 401)
            body = await request.json()
            self.posted.append(("message", body))
            if "fail once" in body["text"] and self.failures_left:
                self.failures_left -= 1
                return JSONResponse(problem(503, "unavailable", "The index is down."), 503)
            return StreamingResponse(
                self._stream(conversation, body["text"], body["client_message_id"]), media_type="text/event-stream"
            )

        @app.get("/v1/conversations/{conversation}/events")
        async def events(conversation: str, request: Request) -> Response:
            if conversation not in self.logs:
                return JSONResponse(problem(404, "not-found", "There is no such conversation."), 404)
            last = request.headers.get("last-event-id", "")
            self.resumed_from.append(last)
            return StreamingResponse(self._follow(conversation, int(last or 0)), media_type="text/event-stream")

        @app.post("/v1/conversations/{conversation}/{action}")
        async def act(conversation: str, action: str, request: Request) -> dict[str, Any]:
            self.posted.append((action, await request.json()))
            if action == "handoff":
                self.logs[conversation].append(("handoff.requested", {"reason": "asked"}))
            if action == "close":
                self.logs[conversation].append(("conversation.closed", {}))
            return {"status": "ok"}

        return app


def sse(name: str, payload: dict[str, Any], sequence: int | None = None) -> str:
    """One event on the wire."""
    number = f"id: {sequence}\n" if sequence is not None else ""
    return f"{number}event: {name}\ndata: {json.dumps(payload, ensure_ascii=False)}\n\n"
