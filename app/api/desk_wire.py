"""What the desk's routes are sent."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from app.api.wire import Body, Short


def _words(value: object) -> object:
    return "" if value is None else value


Text = Annotated[str, BeforeValidator(_words), Field(max_length=4_000)]


class AgentSaysBody(Body):
    """POST …/messages"""

    text: Text
    client_message_id: Short = ""
    draft: Short = ""
    """message_id of the draft it was made from"""


class NoteBody(Body):
    """POST …/notes"""

    text: Text


class TagsBody(Body):
    """POST …/tags"""

    tags: list[Short] = Field(max_length=50)


class AssignBody(Body):
    """POST …/assign"""

    agent: Short


class TransferBody(Body):
    """POST …/transfer"""

    agent: Short = ""
    skill: Short = ""
    note: Text = ""


class OutcomeBody(Body):
    """POST …/close"""

    outcome: Short = "solved"


class PresenceBody(Body):
    """POST /v1/desk/presence: what is left out stays as it is."""

    status: Short = ""
    capacity: int | None = Field(default=None, ge=0, le=50)
    languages: list[Short] | None = Field(default=None, max_length=10)
    skills: list[Short] | None = Field(default=None, max_length=20)


class CannedBody(Body):
    """POST /v1/desk/replies"""

    shop: Short = ""
    id: Short = ""
    shortcut: Annotated[str, Field(min_length=1, max_length=40)]
    title: Annotated[str, Field(min_length=1, max_length=100)]
    zh: Text = ""
    en: Text = ""


class ModeBody(Body):
    """POST /v1/desk/mode"""

    shop: Short = ""
    mode: Short = "auto"
    rules: list[dict[str, Any]] = Field(default_factory=list, max_length=50)
