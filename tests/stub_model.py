"""A stand-in for a model server: speaks the OpenAI protocol over real sockets and misbehaves on request.

Run as a process of its own: `python -m tests.stub_model --mode ok --tokens 40`; it prints `{"listening": URL}`.
Modes: ok · slow (first token late) · stuck (never a token) · dies (breaks off) · empty · nonsense · error (500) ·
refuses (400) · cut (stopped at max_tokens) · aborts (told to stop, says so). The text may be set with --text; else it
is numbered words.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys

from aiohttp import web

MODES = ("ok", "slow", "stuck", "dies", "empty", "nonsense", "error", "refuses", "cut", "aborts")


class Stub:
    """One server; `mode` may be changed while it runs, by POST /mode."""

    def __init__(self, mode: str, tokens: int, text: str, delay_seconds: float) -> None:
        self.mode, self.tokens, self.text, self.delay_seconds = mode, tokens, text, delay_seconds
        self.requests = 0

    async def chat(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        body = await request.json()
        if self.mode == "error":
            return web.json_response({"error": {"message": "out of memory"}}, status=500)
        if self.mode == "refuses":
            return web.json_response({"error": {"message": "prompt too long"}}, status=400)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if self.mode in ("slow", "stuck"):
            await asyncio.sleep(3600 if self.mode == "stuck" else self.delay_seconds)
        if self.mode == "nonsense":
            await response.write(b"data: {not json}\n\n")
            return response
        await self._stream(response, body)
        return response

    async def _stream(self, response: web.StreamResponse, body: dict[str, object]) -> None:
        pieces = [] if self.mode == "empty" else self._pieces()
        if self.mode == "aborts":
            pieces = pieces[: len(pieces) // 2]
        for n, piece in enumerate(pieces):
            if self.mode == "dies" and n >= len(pieces) // 2:
                assert response._req.transport is not None  # type: ignore[union-attr]
                response._req.transport.abort()  # type: ignore[union-attr]
                return
            await self._send(response, {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
        reason = {"cut": "length", "aborts": "abort"}.get(self.mode, "stop")
        await self._send(response, {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        usage = {
            "prompt_tokens": 100,
            "completion_tokens": len(pieces),
            "prompt_tokens_details": {"cached_tokens": 60},
        }
        await self._send(response, {"choices": [], "usage": usage, "model": body.get("model")})
        await response.write(b"data: [DONE]\n\n")

    def _pieces(self) -> list[str]:
        if not self.text:
            return [f"w{n} " for n in range(self.tokens)]
        size = max(1, len(self.text) // max(1, self.tokens))
        return [self.text[i : i + size] for i in range(0, len(self.text), size)]

    @staticmethod
    async def _send(response: web.StreamResponse, chunk: dict[str, object]) -> None:
        await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")

    async def models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "stub", "object": "model"}]})

    async def health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "requests": self.requests})

    async def set_mode(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.mode = body.get("mode", self.mode)
        self.text = body.get("text", self.text)
        return web.json_response({"mode": self.mode})


async def serve(stub: Stub, port: int) -> None:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", stub.chat)
    app.router.add_get("/v1/models", stub.models)
    app.router.add_get("/health", stub.health)
    app.router.add_post("/mode", stub.set_mode)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    host, bound = runner.addresses[0][:2]
    print(json.dumps({"listening": f"http://{host}:{bound}"}), flush=True)
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110  there is no event for a parent that ended
        await asyncio.sleep(0.5)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=MODES, default="ok")
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--text", default="")
    parser.add_argument("--delay-seconds", type=float, default=1.0)
    parser.add_argument("--port", type=int, default=0)
    chosen = parser.parse_args(arguments)
    asyncio.run(serve(Stub(chosen.mode, chosen.tokens, chosen.text, chosen.delay_seconds), chosen.port))


if __name__ == "__main__":
    main(sys.argv[1:])
