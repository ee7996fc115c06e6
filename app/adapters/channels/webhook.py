"""A shop's own program, by webhooks signed both ways as https://www.standardwebhooks.com has it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from app.adapters.channels.http import Line
from app.channels.channel import Arrival, ChannelConfig, Envelope, Happened, Letter, LetterKind, Refused, TryLater
from app.channels.signing import check_standard, sign_standard
from app.chat.turn import Identity
from app.errors import BadInput

LONGEST_ID = 200
_HAPPENED = {
    "message.received": Happened.SAID,
    "agent.message": Happened.PERSON_SAID,
    "agent.joined": Happened.TAKEN,
    "agent.left": Happened.GIVEN_BACK,
    "conversation.closed": Happened.ENDED,
}
_TYPE_OF = {
    LetterKind.MESSAGE: "message.created",
    LetterKind.NOTE: "note.created",
    LetterKind.HANDOFF: "handoff.requested",
    LetterKind.RESUME: "handoff.ended",
    LetterKind.CLOSED: "conversation.closed",
}


class WebhookChannel:
    """Implements app.channels.channel.Channel over signed webhooks."""

    def __init__(self, config: ChannelConfig, line: Line | None = None) -> None:
        self._config = config
        self._line = line or Line()

    @property
    def config(self) -> ChannelConfig:
        """How it is set up."""
        return self._config

    def check(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Envelope:
        """The signature of Standard Webhooks. Raises NotAllowed."""
        return check_standard(self._config.secret, headers, body, now)

    def read(self, body: bytes) -> Arrival | None:
        """`{"type": "message.received", "data": {"thread", "message_id", "text", …}}` and its siblings. A type that
        is unknown is none of ours: newer senders work with older servers."""
        try:
            told = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BadInput("The body is not JSON. Nothing was kept.") from error
        if not isinstance(told, dict) or not isinstance(told.get("data"), dict):
            raise BadInput("The body is no object with `type` and `data`. Nothing was kept.")
        happened, data = _HAPPENED.get(str(told.get("type", ""))), told["data"]
        if happened is None:
            return None
        thread, message_id = _short(data, "thread"), _short(data, "message_id")
        says = happened in (Happened.SAID, Happened.PERSON_SAID)
        text = data.get("text")
        files = data.get("attachments") if isinstance(data.get("attachments"), list) else []
        if not thread or (says and not message_id) or (says and not isinstance(text, str)):
            raise BadInput("`data` needs `thread`, and a message its `message_id` and `text`. Nothing was kept.")
        if says and not text.strip() and not files:
            raise BadInput("`text` is empty. Nothing was kept.")
        return Arrival(
            happened,
            thread,
            message_id=message_id,
            text=text if says else "",
            locale=_short(data, "locale")[:20],
            name=_short(data, "name")[:100],
            at=_moment(data.get("created_at")),
            files=len(files),
            identity=_identity(data.get("identity")),
        )

    async def may_answer(self, thread: str) -> bool:
        """The shop's program tells when a person has it; there is nothing to ask."""
        del thread
        return True

    async def send(self, letter: Letter) -> None:
        """Post it, signed anew in each attempt under the same id."""
        data = {"thread": letter.thread, "conversation_id": letter.conversation_id, **letter.content}
        await self._post(letter.id, _TYPE_OF[letter.kind], data)

    async def _post(self, id_: str, type_: str, data: Mapping[str, Any]) -> None:
        stamp = int(time.time())
        told = {"type": type_, "timestamp": datetime.fromtimestamp(stamp, UTC).isoformat(), "data": data}
        body = orjson.dumps(told)
        headers = {
            "content-type": "application/json",
            "webhook-id": id_,
            "webhook-timestamp": str(stamp),
            "webhook-signature": sign_standard(self._config.secret, id_, stamp, body),
        }
        await self._line.deliver("POST", self._config.url, headers, body)

    async def try_out(self) -> str:
        """Send a `ping`, which tells of nothing."""
        try:
            await self._post(f"ping-{int(time.time())}", "ping", {})
        except (Refused, TryLater) as error:
            raise type(error)(f"{self._config.url}: {error}") from error
        return f"{self._config.url} took a signed ping"

    async def close(self) -> None:
        """Let go of connections."""
        await self._line.close()


def _short(data: Mapping[str, Any], name: str) -> str:
    """A short text or a whole number. Raises BadInput for one that is too long to be an id."""
    value = data.get(name)
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if len(text) > LONGEST_ID:
        raise BadInput(f"`data.{name}` is longer than {LONGEST_ID} characters. Nothing was kept.")
    return text.strip()


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _identity(value: Any) -> Identity:
    """Who the shopper is: whoever signed this is the shop, and may say."""
    if not isinstance(value, Mapping):
        return Identity()
    return Identity(_short(value, "order_id"), _short(value, "phone_last4"), _short(value, "customer_id"))
