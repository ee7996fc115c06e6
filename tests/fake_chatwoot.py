"""A Chatwoot of our own: one account's conversations, its API as an agent bot may use it, and its signed webhooks.

Shapes after Chatwoot's documentation (webhook events, Application API). It checks what it gets: token, paths, bodies.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiohttp import web

from app.channels.signing import sign_chatwoot

ACCOUNT, INBOX, TOKEN, SECRET = 3, 7, "bot-token", "bot-secret"
STATUSES = ("open", "pending", "resolved", "snoozed")


@dataclass
class Talk:
    """One conversation there."""

    id: int
    status: str = "pending"
    messages: list[dict[str, Any]] = field(default_factory=list)

    def said_by_bot(self) -> list[str]:
        return [m["content"] for m in self.messages if m["by"] == "bot" and not m["private"]]

    def notes(self) -> list[str]:
        return [m["content"] for m in self.messages if m["private"]]


class FakeChatwoot:
    """The server, and the people and shoppers who use it."""

    def __init__(self) -> None:
        self.talks: dict[int, Talk] = {}
        self.faults: list[str] = []
        """requests that a real Chatwoot would not have understood"""
        self.failing: list[int] = []
        """statuses that the next writing calls are answered with"""
        self.retry_after = ""
        self.bots_may_look = True
        self.calls: list[str] = []
        self.url = ""
        self.hook: httpx.AsyncClient | None = None
        self.hook_path = ""
        self._ids = itertools.count(100)

    # ── what the bot calls ──────────────────────────────────────────────────

    def app(self) -> web.Application:
        app = web.Application()
        base = "/api/v1/accounts/{account}/conversations/{id}"
        app.router.add_get(base, self._show)
        app.router.add_post(base + "/messages", self._create)
        app.router.add_post(base + "/toggle_status", self._toggle)
        app.router.add_route("*", "/{rest:.*}", self._lost)
        return app

    async def _lost(self, request: web.Request) -> web.Response:
        self.faults.append(f"{request.method} {request.path}")
        return web.json_response({"error": "no such route"}, status=404)

    def _refusal(self, request: web.Request) -> web.Response | None:
        self.calls.append(f"{request.method} {request.path}")
        if request.headers.get("api_access_token") != TOKEN:
            return web.json_response({"error": "Invalid Access Token"}, status=401)
        if request.match_info["account"] != str(ACCOUNT):
            return web.json_response({"error": "You are not authorized to access this account"}, status=401)
        if request.method == "GET" and not self.bots_may_look:
            return web.json_response({"error": "Access to this endpoint is not authorized for bots"}, status=401)
        if request.method == "POST" and self.failing:
            headers = {"retry-after": self.retry_after} if self.retry_after else {}
            return web.json_response({"error": "told to fail"}, status=self.failing.pop(0), headers=headers)
        if int(request.match_info["id"]) not in self.talks:
            return web.json_response({"error": "Resource could not be found"}, status=404)
        return None

    async def _show(self, request: web.Request) -> web.Response:
        if refused := self._refusal(request):
            return refused
        return web.json_response(self._conversation(self._talk(request)))

    async def _create(self, request: web.Request) -> web.Response:
        if refused := self._refusal(request):
            return refused
        body = await request.json()
        good = (
            isinstance(body.get("content"), str)
            and body["content"].strip()
            and body.get("message_type") == "outgoing"
            and isinstance(body.get("private"), bool)
            and body.get("content_type") == "text"
            and isinstance(body.get("content_attributes"), dict)
        )
        if not good:
            self.faults.append(f"message {body}")
            return web.json_response({"error": "bad message"}, status=422)
        told = {"id": next(self._ids), "by": "bot", "content": body["content"], "private": body["private"]}
        self._talk(request).messages.append(told)
        return web.json_response(told)

    async def _toggle(self, request: web.Request) -> web.Response:
        if refused := self._refusal(request):
            return refused
        status = (await request.json()).get("status")
        if status not in STATUSES:
            self.faults.append(f"status {status}")
            return web.json_response({"error": "bad status"}, status=422)
        self._talk(request).status = status
        return web.json_response({"payload": {"success": True, "current_status": status}})

    def _talk(self, request: web.Request) -> Talk:
        return self.talks[int(request.match_info["id"])]

    # ── what people and shoppers do ─────────────────────────────────────────

    def talk(self, status: str = "pending") -> Talk:
        talk = Talk(next(self._ids), status)
        self.talks[talk.id] = talk
        return talk

    async def shopper_says(self, talk: Talk, text: str | None, **about: Any) -> httpx.Response:
        message = {"id": next(self._ids), "by": "contact", "content": text, "private": False}
        talk.messages.append(message)
        return await self.send(self.message_created(talk, message, **about))

    async def agent_says(self, talk: Talk, text: str, private: bool = False) -> httpx.Response:
        message = {"id": next(self._ids), "by": "user", "content": text, "private": private}
        talk.messages.append(message)
        return await self.send(self.message_created(talk, message))

    async def status_becomes(self, talk: Talk, status: str) -> httpx.Response:
        talk.status = status
        event = {"open": "conversation_opened", "resolved": "conversation_resolved"}
        return await self.send(
            self._conversation(talk)
            | {"event": event.get(status, "conversation_status_changed"), "account": {"id": ACCOUNT, "name": "Acme"}}
        )

    def message_created(self, talk: Talk, message: dict[str, Any], **about: Any) -> dict[str, Any]:
        by_contact = message["by"] == "contact"
        sender = {"id": 14, "name": "little-haze-776", "avatar": "", "type": "contact"}
        if not by_contact:
            sender = {
                "id": 1,
                "name": "John",
                "email": "john@example.com",
                "type": message["by"].replace("bot", "agent_bot"),
            }
        return {
            "id": message["id"],
            "content": message["content"],
            "created_at": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
            "message_type": "incoming" if by_contact else "outgoing",
            "content_type": "text",
            "private": message["private"],
            "content_attributes": {},
            "source_id": None,
            "sender": sender,
            "inbox": {"id": INBOX, "name": "Acme Support"},
            "conversation": self._conversation(talk),
            "account": {"id": ACCOUNT, "name": "Acme Inc"},
            "event": "message_created",
        } | about

    @staticmethod
    def _conversation(talk: Talk) -> dict[str, Any]:
        return {
            "additional_attributes": {"browser": {"browser_name": "Chrome", "browser_language": "en"}, "referer": "x"},
            "can_reply": True,
            "channel": "Channel::WebWidget",
            "id": talk.id,
            "inbox_id": INBOX,
            "contact_inbox": {
                "id": 12,
                "contact_id": 14,
                "inbox_id": INBOX,
                "source_id": "405f",
                "hmac_verified": False,
            },
            "messages": [{"id": 120, "content": "last", "account_id": ACCOUNT, "inbox_id": INBOX, "message_type": 0}],
            "meta": {
                "sender": {"id": 14, "name": "little-haze-776", "identifier": None, "type": "contact"},
                "assignee": None,
            },
            "status": talk.status,
            "unread_count": 1,
            "timestamp": int(time.time()),
        }

    async def send(
        self, payload: dict[str, Any] | bytes, *, secret: str = SECRET, late: int = 0, id_: str = "", **headers: str
    ) -> httpx.Response:
        """A webhook to the bot, signed as Chatwoot signs."""
        assert self.hook is not None
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        stamp = int(time.time()) - late
        signed = {
            "content-type": "application/json",
            "x-chatwoot-timestamp": str(stamp),
            "x-chatwoot-signature": sign_chatwoot(secret, body, stamp),
            "x-chatwoot-delivery": id_ or str(uuid.uuid4()),
        }
        return await self.hook.post(self.hook_path, content=body, headers=signed | headers)


@asynccontextmanager
async def chatwoot() -> AsyncIterator[FakeChatwoot]:
    """The server on a socket of its own, in the test's loop."""
    fake = FakeChatwoot()
    runner = web.AppRunner(fake.app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()


async def until(happened: Any, seconds: float = 8.0) -> None:
    """Wait until the callable is true."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)
