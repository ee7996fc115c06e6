"""The outermost layer, plain ASGI: security headers, a count of requests, and a problem for what nobody expected."""

from __future__ import annotations

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import MEDIA_TYPE, problem_json
from app.errors import XiaoerError
from app.telemetry import Telemetry

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
]
_API_HEADERS = [
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
]


class Outermost:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request in; answer 500 as a problem when nothing has been sent yet."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = list(message.get("headers", ()))
                _complete(headers, scope["path"])
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            self._telemetry.request_failed(scope["path"], error)
            if status:
                raise
            await _answer_500(sending)
        finally:
            self._telemetry.request_done(scope["method"], status)


def _complete(headers: list[tuple[bytes, bytes]], path: str) -> None:
    """Add what is missing. Pages bring a content security policy of their own."""
    present = {name.lower() for name, _ in headers}
    wanted = _HEADERS + (_API_HEADERS if path.startswith("/v1/") else [])
    headers.extend((name, value) for name, value in wanted if name not in present)


async def _answer_500(send: Send) -> None:
    error = XiaoerError("Something failed that should not have. What was confirmed before is kept; try again.")
    body = orjson.dumps(problem_json(error))
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
