"""Chatwoot, as its agent bot: https://www.chatwoot.com/docs/product/others/webhook-events and the Application API.

The bot has a conversation while its status is `pending`; any other status means that people have it. A bot's own token
may write messages and change the status; whether it may also look at a conversation depends on Chatwoot's version.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from app.adapters.channels.http import Line
from app.channels.channel import (
    Arrival,
    ChannelConfig,
    Envelope,
    Happened,
    Letter,
    LetterKind,
    Refused,
    TryLater,
)
from app.channels.signing import check_chatwoot
from app.chat.turn import Identity
from app.errors import BadInput, Forbidden

PENDING = "pending"
BLIND_SECONDS = 3_600.0
"""So long a Chatwoot that did not let its bot look is not asked again"""
_STATUS_OF = {LetterKind.HANDOFF: "open", LetterKind.RESUME: PENDING, LetterKind.CLOSED: "resolved"}
_INCOMING, _OUTGOING = ("incoming", 0), ("outgoing", 1)


class ChatwootChannel:
    """Implements app.channels.channel.Channel for an agent bot of Chatwoot."""

    def __init__(self, config: ChannelConfig, line: Line | None = None) -> None:
        self._config = config
        self._line = line or Line()
        self._api = f"{config.url.rstrip('/')}/api/v1/accounts/{config.account}"
        self._headers = {"api_access_token": config.token, "content-type": "application/json"}
        self._blind_until = 0.0

    @property
    def config(self) -> ChannelConfig:
        """How it is set up."""
        return self._config

    def check(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Envelope:
        """Chatwoot's signature. Raises NotAllowed."""
        return check_chatwoot(self._config.secret, headers, body, now)

    def read(self, body: bytes) -> Arrival | None:
        """A message of the shopper or of a person, or a change of status; None for all else."""
        told = _object(body)
        event = str(told.get("event", ""))
        if event.startswith("message_"):
            return self._message(told) if event == "message_created" else None
        if event in ("conversation_status_changed", "conversation_opened", "conversation_resolved"):
            self._need_ours(told, told)
            return _status(told)
        return None

    def _message(self, told: Mapping[str, Any]) -> Arrival | None:
        conversation = told.get("conversation")
        if not isinstance(conversation, Mapping):
            raise BadInput("The message names no conversation. Nothing was kept.")
        self._need_ours(told, conversation)
        kind, thread = told.get("message_type"), _id(conversation.get("id") or conversation.get("display_id"))
        if told.get("private") or not thread:
            return None
        sender = _mapping(told.get("sender"))
        if kind in _OUTGOING:
            return self._person(told, sender, thread)
        if kind not in _INCOMING:
            return None
        files = told.get("attachments")
        return Arrival(
            Happened.SAID,
            thread,
            message_id=_id(told.get("id")),
            text=str(told.get("content") or ""),
            locale=_locale(conversation),
            at=_moment(told.get("created_at")),
            held=str(conversation.get("status", "")) != PENDING,
            files=len(files) if isinstance(files, list) else 0,
            identity=_identity(conversation, sender),
        )

    @staticmethod
    def _person(told: Mapping[str, Any], sender: Mapping[str, Any], thread: str) -> Arrival | None:
        """A message by a person. What a bot, a campaign or an automation sent is none."""
        if str(sender.get("type", "")) != "user" or not str(told.get("content") or "").strip():
            return None
        name = str(sender.get("available_name") or sender.get("name") or "")[:100]
        return Arrival(
            Happened.PERSON_SAID, thread, message_id=_id(told.get("id")), text=str(told["content"]), name=name
        )

    def _need_ours(self, told: Mapping[str, Any], conversation: Mapping[str, Any]) -> None:
        """Raises Forbidden for an account or an inbox that is not the channel's."""
        account = _id(_mapping(told.get("account")).get("id") or _account_of(conversation))
        if account != str(self._config.account):
            raise Forbidden(
                "The conversation belongs to another account than this channel's. Nothing was kept or answered; give "
                "that account a channel of its own."
            )
        inbox = _id(_mapping(told.get("inbox")).get("id") or conversation.get("inbox_id"))
        if self._config.inboxes and inbox not in {str(number) for number in self._config.inboxes}:
            raise Forbidden(
                "The inbox is none of this channel's. Nothing was kept or answered; add it to the channel, or take "
                "the bot out of it."
            )

    async def may_answer(self, thread: str) -> bool:
        """Whether the conversation is still pending, where this Chatwoot lets its bots look."""
        if time.monotonic() < self._blind_until:
            return True
        answered = await self._line.call("GET", f"{self._api}/conversations/{thread}", self._headers)
        if answered.status == 200:
            return str(answered.body.get("status", PENDING)) == PENDING
        if answered.status == 401 and "bot" in answered.told.lower():
            self._blind_until = time.monotonic() + BLIND_SECONDS
            return True
        if answered.status == 404:
            raise Refused("Chatwoot has no such conversation any more.")
        raise TryLater(f"Chatwoot answered {answered.status} about the conversation.", answered.after_seconds)

    async def send(self, letter: Letter) -> None:
        """Write the message or the note, or change the status."""
        path = f"{self._api}/conversations/{letter.thread}"
        if status := _STATUS_OF.get(letter.kind):
            await self._post(f"{path}/toggle_status", {"status": status})
            return
        content = letter.content
        parts = (content.get("disclosure"), content.get("text"), content.get("footer"))
        await self._post(
            f"{path}/messages",
            {
                "content": "\n\n".join(str(part) for part in parts if part),
                "message_type": "outgoing",
                "private": letter.kind is LetterKind.NOTE,
                "content_type": "text",
                "content_attributes": {"xiaoer_letter": letter.id},
            },
        )

    async def _post(self, url: str, body: dict[str, Any]) -> None:
        await self._line.deliver("POST", url, self._headers, orjson.dumps(body))

    async def try_out(self) -> str:
        """Ask for a conversation that cannot be there: what Chatwoot says tells whether the token is good."""
        answered = await self._line.call("GET", f"{self._api}/conversations/0", self._headers)
        if answered.status in (200, 404):
            return f"{self._config.url} knows the bot's token, account {self._config.account}"
        if answered.status == 401 and "bot" in answered.told.lower():
            return (
                f"{self._config.url} knows the bot's token, and lets bots look at no conversation (an older Chatwoot)"
            )
        if answered.status == 401:
            raise Refused(f"{self._config.url} does not know the bot's token.")
        raise TryLater(f"{self._config.url} answered {answered.status}.")

    async def close(self) -> None:
        """Let go of connections."""
        await self._line.close()


def _status(told: Mapping[str, Any]) -> Arrival | None:
    """A change of status. Its event `conversation_opened` may come with a status that is already another one."""
    thread, status = _id(told.get("id") or told.get("display_id")), str(told.get("status", ""))
    if not thread:
        return None
    name = str(_mapping(_mapping(told.get("meta")).get("assignee")).get("name") or "")[:100]
    match status:
        case "resolved":
            return Arrival(Happened.ENDED, thread, name=name)
        case "pending":
            return Arrival(Happened.GIVEN_BACK, thread)
        case "open" | "snoozed":
            return Arrival(Happened.TAKEN, thread, name=name)
    return None


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput("The body is not JSON. Nothing was kept.") from error
    if not isinstance(told, dict):
        raise BadInput("The body is not a JSON object. Nothing was kept.")
    return told


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _id(value: Any) -> str:
    """Ids are whole numbers, sometimes written as texts. Anything else is none."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if text.isascii() and text.isdigit() and len(text) <= 18 else ""


def _account_of(conversation: Mapping[str, Any]) -> Any:
    messages = conversation.get("messages")
    last = messages[0] if isinstance(messages, list) and messages else {}
    return conversation.get("account_id") or _mapping(last).get("account_id")


def _moment(value: Any) -> datetime | None:
    """Written as an ISO time, as "2020-03-03 13:05:57 UTC", or in seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e11:
        return datetime.fromtimestamp(value, UTC)
    try:
        found = datetime.fromisoformat(str(value).replace(" UTC", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _locale(conversation: Mapping[str, Any]) -> str:
    about = _mapping(conversation.get("additional_attributes"))
    named = _mapping(about.get("browser")).get("browser_language") or about.get("conversation_language")
    return str(named or "")[:20]


def _identity(conversation: Mapping[str, Any], sender: Mapping[str, Any]) -> Identity:
    """Who the shopper is, where the shop's own page vouched for them by Chatwoot's HMAC."""
    inbox = _mapping(conversation.get("contact_inbox"))
    about = _mapping(_mapping(conversation.get("meta")).get("sender")) or sender
    known = str(about.get("identifier") or "")[:200]
    return Identity(customer_id=known) if known and inbox.get("hmac_verified") is True else Identity()
