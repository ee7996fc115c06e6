"""Runs an application on a real socket, in the test's own event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import uvicorn

from app.api.container import Container
from app.main import create_app


@asynccontextmanager
async def served(container: Container, timeout_seconds: float = 20) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running server; the server has stopped when the block ends."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(container), log_level="error", timeout_graceful_shutdown=2, lifespan="on")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        async with httpx.AsyncClient(base_url=url, timeout=timeout_seconds) as client:
            yield client
    finally:
        server.should_exit = True
        await running
        listening.close()


class Shopper:
    """One conversation, over HTTP."""

    def __init__(self, client: httpx.AsyncClient, started: dict[str, Any]) -> None:
        self.client = client
        self.started = started
        self.path = f"/v1/conversations/{started['id']}"
        self.headers = {"authorization": f"Bearer {started['token']}"}

    @classmethod
    async def begin(cls, client: httpx.AsyncClient, **body: Any) -> Shopper:
        response = await client.post("/v1/conversations", json=body)
        assert response.status_code == 201, response.text
        return cls(client, response.json())

    async def say(self, text: str, client_message_id: str = "") -> httpx.Response:
        body = {"text": text, "client_message_id": client_message_id}
        return await self.client.post(f"{self.path}/messages", json=body, headers=self.headers)

    async def stream(self, text: str, client_message_id: str = "") -> list[tuple[str, str, Any]]:
        """The reply as (id, event, data)."""
        body = {"text": text, "client_message_id": client_message_id}
        headers = self.headers | {"accept": "text/event-stream"}
        async with self.client.stream("POST", f"{self.path}/messages", json=body, headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream"), await response.aread()
            return [event async for event in events_of(response)]

    async def post(self, action: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return await self.client.post(f"{self.path}/{action}", json=body or {}, headers=self.headers)

    async def follow(
        self, last: int = 0, until: str = "conversation.closed", most: int = 1000
    ) -> list[tuple[str, str, Any]]:
        """Events after `last` until one of that name, or until there were so many."""
        seen = []
        headers = self.headers | ({"last-event-id": str(last)} if last else {})
        async with self.client.stream("GET", f"{self.path}/events", headers=headers) as response:
            if response.status_code == 204:
                return []
            async for event in events_of(response):
                seen.append(event)
                if event[1] == until or len(seen) == most:
                    break
        return seen


async def events_of(response: httpx.Response) -> AsyncIterator[tuple[str, str, Any]]:
    """Server-sent events as (id, event, data)."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            data = fields["data"]
            yield fields.get("id", ""), fields.get("event", ""), data if data == "[DONE]" else orjson.loads(data)
            fields = {}
