"""What callers send. Bodies are validated straight from their bytes; replies are plain JSON values."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from app.api.problems import InvalidFields, named_fields


def _text(value: object) -> object:
    return "" if value is None else str(value) if isinstance(value, int) else value


Short = Annotated[str, BeforeValidator(_text), Field(max_length=200)]


class Body(BaseModel):
    """Unknown members are ignored, so that newer callers work with older servers."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class IdentityBody(Body):
    """What the storefront knows of the shopper. `token` is a JWT it has signed: a browser's word for the rest counts
    only as far as the phone tail proves it."""

    token: str = ""

    order_id: Short = ""
    phone_last4: Short = ""
    customer_id: Short = ""


class StartBody(Body):
    """POST /v1/conversations"""

    shop: Short = ""
    locale: Short = ""
    page: str | dict[str, Any] | None = None
    identity: IdentityBody | str | None = None
    """A JWT may stand here by itself"""


class SayBody(Body):
    """POST /v1/conversations/{id}/messages"""

    text: str
    client_message_id: Short = ""


class HandoffBody(Body):
    """POST /v1/conversations/{id}/handoff"""

    reason: Short = ""
    contact: Short = ""
    """Where the shopper can be reached when nobody is there: opens a ticket"""
    message: Annotated[str, BeforeValidator(_text), Field(max_length=2_000)] = ""


class FeedbackBody(Body):
    """POST /v1/conversations/{id}/feedback"""

    message_id: Short = ""
    helpful: bool
    score: int | None = Field(default=None, ge=1, le=5)
    """How content the shopper is with the whole conversation"""
    comment: Annotated[str, BeforeValidator(_text), Field(max_length=2_000)] = ""


class HistoryBody(Body):
    """One earlier utterance. `content` is what OpenAI calls `text`."""

    role: Literal["system", "developer", "user", "assistant", "agent", "tool"] = "user"
    content: str | list[dict[str, Any]] | None = None
    text: str | None = None

    def words(self) -> str:
        """The text, whichever way it was given; parts that are not text are left out."""
        said = self.content if self.content is not None else self.text
        if isinstance(said, list):
            return "\n".join(str(part.get("text", "")) for part in said if part.get("type") == "text")
        return said or ""


class StreamOptions(Body):
    """OpenAI's stream_options."""

    include_usage: bool = False


class CompletionBody(Body):
    """POST /v1/chat/completions. Sampling settings are accepted and have no effect: the shop decides those."""

    model: Short = ""
    messages: list[HistoryBody] = Field(min_length=1, max_length=500)
    stream: bool = False
    stream_options: StreamOptions | None = None


class SearchBody(Body):
    """POST /v1/knowledge/search and …/ask"""

    text: str
    shop: Short = ""
    history: list[HistoryBody] = Field(default_factory=list, max_length=100)
    as_of: datetime | None = None


class TryBody(SearchBody):
    """POST /v1/knowledge/try; no release = the live one"""

    release: int | None = Field(default=None, ge=1)


class IngestBody(Body):
    """POST /v1/knowledge/ingest"""

    path: Annotated[str, Field(min_length=1, max_length=4_096)]
    shop: Annotated[str, Field(min_length=1, max_length=200)]
    publish: bool = True
    force: Annotated[str, BeforeValidator(_text), Field(max_length=2_000)] = ""


class ReingestBody(Body):
    """POST /v1/knowledge/reingest"""

    shop: Short = ""
    publish: bool = True


class SweepBody(Body):
    """POST /v1/knowledge/releases/sweep"""

    shop: Short = ""
    kept: int | None = Field(default=None, ge=0)


class ReindexBody(Body):
    """POST /v1/knowledge/reindex"""

    shop: Short = ""
    from_scratch: bool = False
    check: bool = False


class SaidBody(Body):
    """One earlier message of a suite's question, as the log keeps it."""

    role: Literal["user", "assistant", "agent"]
    text: str
    decision: Short = ""


class ReplayBody(Body):
    """POST /v1/knowledge/replay"""

    text: str
    shop: Short = ""
    said: list[SaidBody] = Field(default_factory=list, max_length=200)
    as_of: datetime | None = None
    identity: IdentityBody | None = None


class TrustBody(Body):
    """POST /v1/knowledge/trust and …/undo; no alpha = no limit, the threshold of the settings holds"""

    shop: Short = ""
    alpha: float | None = Field(default=None, gt=0, lt=1)


class ReleaseBody(Body):
    """POST /v1/knowledge/releases/publish and …/rollback"""

    shop: Short = ""
    release: int | None = Field(default=None, ge=1)
    reason: Annotated[str, BeforeValidator(_text), Field(max_length=2_000)] = ""
    force: Annotated[str, BeforeValidator(_text), Field(max_length=2_000)] = ""


B = TypeVar("B", bound=Body)


async def read(request: Request, kind: type[B]) -> B:
    """The request's body as `kind`. Raises BadInput that names the fields, never what was sent."""
    body = await request.body()
    try:
        return kind.model_validate_json(body or b"{}")
    except ValidationError as error:
        fields = named_fields(error.errors(include_url=False, include_context=False, include_input=False))
        raise InvalidFields(fields) from None


def schema(kind: type[Body]) -> dict[str, Any]:
    """The OpenAPI note for a body that is read by `read`."""
    body = {"content": {"application/json": {"schema": kind.model_json_schema()}}}
    return {"requestBody": body}


def json_response(content: object, status: int = 200) -> Response:
    """JSON, without a detour through pydantic."""
    return Response(orjson.dumps(content, default=_default), status, media_type="application/json")


def _default(value: object) -> object:
    if hasattr(value, "keys"):
        return dict(value)  # type: ignore[call-overload]
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    raise TypeError(type(value).__name__)
