"""Server-sent events: framing, heartbeats, and noticing that the reader has left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

RETRY = b"retry: 2000\n\n"
HEARTBEAT = b": still here\n\n"


def frame(event: str, data: Mapping[str, Any], id_: int | None = None) -> bytes:
    """One event. JSON has no raw line breaks, so the data is always one line."""
    head = f"id: {id_}\nevent: {event}\ndata: " if id_ is not None else f"event: {event}\ndata: "
    return head.encode() + orjson.dumps(data) + b"\n\n"


class LastFrames(bytes):
    """Frames after which nothing comes."""


class EventStream(Response):
    """Sends frames as they come. When the reader leaves, the frames' generator is closed; nothing else stops.

    `place` is held while it is open. Raises TooManyRequests at once where there is none.
    """

    media_type = "text/event-stream"

    def __init__(self, frames: AsyncIterator[bytes], place: AbstractContextManager[None] | None = None) -> None:
        self._place = ExitStack()
        if place is not None:
            self._place.enter_context(place)
        self.frames = frames
        self.status_code = 200
        self.background = None
        self.init_headers({"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run until the frames end or the reader has left."""
        sending = asyncio.create_task(self._send_all(send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not sending.done():
                sending.cancel()
            self._place.close()
            await asyncio.gather(sending, leaving, return_exceptions=True)
        if not sending.cancelled() and (error := sending.exception()) is not None:
            raise error

    async def _send_all(self, send: Send) -> None:
        started = more = False
        try:
            async for piece in self.frames:
                if not started:  # with the first frames: they leave in one write
                    await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                started, more = True, not isinstance(piece, LastFrames)
                await send({"type": "http.response.body", "body": piece, "more_body": more})
                if not more:
                    return
            if not started:
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            if close := getattr(self.frames, "aclose", None):
                await close()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
