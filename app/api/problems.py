"""Every failure as an RFC 9457 problem. docs/problems.md explains each type."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.errors import (
    BadInput,
    MethodNotAllowed,
    NotAllowed,
    NotFound,
    OutdatedEdit,
    TooLarge,
    TooManyRequests,
    XiaoerError,
)

TYPE_BASE = "https://xiaoer.dev/problems/"
MEDIA_TYPE = "application/problem+json"

_BY_STATUS: Mapping[int, tuple[type[XiaoerError], str]] = {
    401: (NotAllowed, "A token or key is needed here."),
    404: (NotFound, "There is nothing at this address."),
    405: (MethodNotAllowed, "The address exists; see the Allow header for the methods it takes."),
    413: (TooLarge, "The request body is over the limit. Nothing was read or kept; send less."),
}


class InvalidFields(BadInput):
    """A body whose fields do not fit; `fields` says which and why."""

    def __init__(self, fields: list[dict[str, str]]) -> None:
        named = ", ".join(field["field"] or "the body" for field in fields)
        super().__init__(f"These do not fit: {named}. Nothing was recorded; see `errors` for what is expected.")
        self.fields = fields


def problem_json(error: XiaoerError, *, detail: str = "") -> dict[str, Any]:
    """The members of a problem. `instance` is new for every occurrence and stands in our log too."""
    problem: dict[str, Any] = {
        "type": TYPE_BASE + error.slug,
        "title": error.title,
        "status": error.status,
        "detail": detail or str(error) or error.title,
        "instance": f"urn:uuid:{uuid.uuid4()}",
    }
    if isinstance(error, InvalidFields):
        problem["errors"] = error.fields
    if isinstance(error, OutdatedEdit):
        problem.update(error.members)
    return problem


def problem_of_event(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The problem that a `reply.failed` event tells of."""
    return {
        "type": TYPE_BASE + str(payload.get("slug", "internal")),
        "title": payload.get("title", ""),
        "status": payload.get("status", 500),
        "detail": payload.get("detail", ""),
        "instance": f"urn:uuid:{uuid.uuid4()}",
        "message_id": payload.get("message_id", ""),
    }


def problem_response(request: Request, error: XiaoerError, headers: Mapping[str, str] | None = None) -> Response:
    """The response for an error, and a count of it."""
    problem = problem_json(error)
    request.app.state.container.telemetry.problem_sent(error, problem["instance"], request.url.path)
    extra = dict(headers or {})
    if isinstance(error, NotAllowed):
        extra.setdefault("www-authenticate", "Bearer")
    if isinstance(error, TooManyRequests):
        extra["retry-after"] = str(error.retry_after_seconds)
    if request.url.path.startswith("/v1/chat/"):
        # What OpenAI clients look for; the rest is the same problem as everywhere.
        problem["error"] = {"message": problem["detail"], "type": error.slug, "code": error.slug, "param": None}
    return Response(orjson.dumps(problem), error.status, extra, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every kind of failure with a problem."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, XiaoerError)
        return problem_response(request, error)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return problem_response(request, _from_status(error), error.headers)

    async def fields(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_response(request, InvalidFields(named_fields(list(error.errors()))))

    app.add_exception_handler(XiaoerError, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, fields)


def named_fields(errors: list[Any]) -> list[dict[str, str]]:
    """pydantic's errors without what was sent: it may be a shopper's words."""
    return [{"field": ".".join(str(part) for part in error["loc"]), "message": error["msg"]} for error in errors]


def _from_status(error: HTTPException) -> XiaoerError:
    if error.status_code in _BY_STATUS:
        kind, detail = _BY_STATUS[error.status_code]
        return kind(detail)
    if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return BadInput(str(error.detail))
    return XiaoerError("The request failed. What was confirmed before is kept; try again.")
