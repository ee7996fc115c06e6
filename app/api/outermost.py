"""The outermost layer, plain ASGI: the body limit, security headers, a count of requests, and a problem for what
nobody expected."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import MEDIA_TYPE, problem_json
from app.errors import TooLarge, TooSlow, XiaoerError
from app.telemetry import Telemetry

LARGER_TAKES = 20
"""Times longer for the body of an upload"""
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
        body_seconds: float = 30.0,
    ) -> None:
        """`larger`: method, path and limit of routes that take more than the others, and more time; `*` in a path is
        one part."""
        self._app = app
        self._telemetry = telemetry
        self._limit = body_limit_bytes
        self._larger = {(method, tuple(path.split("/"))): limit for method, path, limit in larger}
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request in; answer 500 as a problem when nothing has been sent yet."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        limit = self._limit if scope["method"] == "GET" else self._limit_of(scope["method"], scope["path"])
        seconds = self._body_seconds * (1 if limit == self._limit else LARGER_TAKES)

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
                await self._app(scope, _counted(receive, limit, seconds), sending)
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


def _counted(receive: Receive, limit: int, seconds: float) -> Receive:
    """The same messages, until the body is too large or too slow: then TooLarge or TooSlow, wherever it is read."""
    read, complete, until = 0, False, 0.0

    async def receiving() -> Message:
        nonlocal read, complete, until
        if complete:  # what comes now is the end of the connection, however late
            return await receive()
        until = until or asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError as error:
            raise TooSlow(f"The request body did not come within {seconds:.0f} s. Nothing was recorded.") from error
        read += len(message.get("body", b""))
        complete = not message.get("more_body", False)
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
