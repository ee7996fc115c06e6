"""The outermost layer, plain ASGI: the body limit, security headers, a count of requests, and a problem for what
nobody expected."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import MEDIA_TYPE, problem_json
from app.errors import TooLarge, XiaoerError
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

    def __init__(
        self,
        app: ASGIApp,
        telemetry: Telemetry,
        body_limit_bytes: int,
        larger: Sequence[tuple[str, str, int]] = (),
    ) -> None:
        """`larger`: method, path and limit of routes that take more than the others; `*` in a path is one part."""
        self._app = app
        self._telemetry = telemetry
        self._limit = body_limit_bytes
        self._larger = {(method, tuple(path.split("/"))): limit for method, path, limit in larger}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request in; answer 500 as a problem when nothing has been sent yet."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        limit = self._limit if scope["method"] == "GET" else self._limit_of(scope["method"], scope["path"])

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = list(message.get("headers", ()))
                _complete(headers, scope["path"])
            await send(message)

        try:
            if _declared_bytes(scope) > limit:
                await _answer(sending, _too_large(limit))
            else:
                await self._app(scope, _counted(receive, limit), sending)
        except Exception as error:
            self._telemetry.request_failed(scope["path"], error)
            if status:
                raise
            broken = XiaoerError("Something failed that should not have. What was confirmed before is kept; try again.")
            await _answer(sending, broken)
        finally:
            self._telemetry.request_done(scope["method"], status)

    def _limit_of(self, method: str, path: str) -> int:
        parts = path.split("/")
        fitting = (limit for (name, pattern), limit in self._larger.items() if name == method and _fits(pattern, parts))
        return next(fitting, self._limit)


def _fits(pattern: tuple[str, ...], parts: list[str]) -> bool:
    return len(pattern) == len(parts) and all(p in ("*", part) for p, part in zip(pattern, parts, strict=True))


def _complete(headers: list[tuple[bytes, bytes]], path: str) -> None:
    """Add what is missing. Pages bring a content security policy of their own."""
    present = {name.lower() for name, _ in headers}
    wanted = _HEADERS + (_API_HEADERS if path.startswith("/v1/") else [])
    headers.extend((name, value) for name, value in wanted if name not in present)


def _declared_bytes(scope: Scope) -> int:
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(declared) if declared.isdigit() else 0


def _counted(receive: Receive, limit: int) -> Receive:
    """The same messages, until the body is over the limit: then TooLarge, wherever it is being read."""
    read = 0

    async def receiving() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > limit:
            raise _too_large(limit)
        return message

    return receiving


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The request body is over {limit:,} bytes. Nothing was recorded; send less.")


async def _answer(send: Send, error: XiaoerError) -> None:
    body = orjson.dumps(problem_json(error))
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
