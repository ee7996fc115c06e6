"""A stand-in for a service that speaks `/predict`: it reads as the fake does, and misbehaves on request.

Modes: ok · slow · error (500) · moved (a redirect) · nonsense · short (a pair too few) · unnamed (no label says yes).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.fakes import FakeEntailment


class StubEntailment:
    """One service; `mode` may be changed while it runs. Remembers the bodies and keys it was sent."""

    def __init__(self) -> None:
        self.mode = "ok"
        self.url = ""
        self.requests: list[dict[str, object]] = []
        self.keys: list[str] = []
        self.was_asked = asyncio.Event()

    async def predict(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.requests.append(body)
        self.keys.append(request.headers.get("Authorization", ""))
        self.was_asked.set()
        if self.mode == "slow":
            await asyncio.sleep(2)
        if self.mode == "error":
            return web.json_response({"error": "Model is overloaded", "error_type": "overloaded"}, status=500)
        if self.mode == "moved":
            raise web.HTTPFound("/elsewhere")
        if self.mode == "nonsense":
            return web.Response(text="<html>It works!</html>")
        pairs = [(evidence, sentence) for evidence, sentence in body["inputs"]]
        chances = await FakeEntailment().supports(pairs, timeout_seconds=1)
        yes, no = ("LABEL_0", "LABEL_1") if self.mode == "unnamed" else ("entailment", "contradiction")
        rows = [[{"label": no, "score": 1 - chance}, {"label": yes, "score": chance}] for chance in chances]
        return web.json_response(rows[1:] if self.mode == "short" else rows)


@asynccontextmanager
async def running_stub() -> AsyncIterator[StubEntailment]:
    """A stub at a port of its own, until the block ends."""
    stub, app = StubEntailment(), web.Application()
    app.router.add_post("/predict", stub.predict)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield stub
    finally:
        await runner.cleanup()
