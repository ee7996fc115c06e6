"""Two server processes on one PostgreSQL and one Redis: no sticky sessions, and a rolling restart loses nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.adapters.db.audit import verify_chain
from app.adapters.db.engine import Database
from tests.edge import API_KEY, MASTER, migrated_database
from tests.integration.serving import events_of
from tests.integration.test_kill import free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

KEY = {"authorization": f"Bearer {API_KEY}"}
SHOPPERS = 10
MESSAGES = 8
PAUSE_SECONDS = 0.15
NOTHING: Mapping[str, str] = MappingProxyType({})


class Process:
    """One instance, at the same address whenever it runs."""

    def __init__(
        self, home: Path, database: str, redis: str, *more: str, environment: Mapping[str, str] = NOTHING
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [
            sys.executable, "-m", "tests.integration.killable", str(home), str(self.port), str(PAUSE_SECONDS),
            database, redis, *more,
        ]  # fmt: skip
        self._environment = {**os.environ, **environment}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, cwd=Path(__file__).parents[2], env=self._environment)

    async def ready(self) -> None:
        deadline = time.monotonic() + 60
        async with httpx.AsyncClient() as client:
            while True:
                assert time.monotonic() < deadline
                try:
                    await client.get(f"{self.url}/healthz")
                    return
                except httpx.TransportError:
                    await asyncio.sleep(0.05)

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> float:
        """Seconds until it was gone."""
        assert self.process is not None
        begun = time.monotonic()
        self.process.send_signal(how)
        await asyncio.to_thread(self.process.wait, 30)
        return time.monotonic() - begun

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@dataclass
class Cluster:
    processes: list[Process]
    database: Database
    client: httpx.AsyncClient
    turns: int = 0

    async def post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        """To one instance after the other, until one takes it: what a load balancer and a patient client do."""
        deadline = time.monotonic() + 60
        while True:
            self.turns += 1
            url = self.processes[self.turns % len(self.processes)].url
            try:
                response = await self.client.post(url + path, json=body, headers=headers)
                if response.status_code < 500:
                    return response
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


@asynccontextmanager
async def two_instances(home: Path, postgres: str, redis: str) -> AsyncIterator[Cluster]:
    """Over an emptied database."""
    database = migrated_database(home, postgres)
    with database.engine.begin() as connection:
        connection.execute(text("TRUNCATE events, conversations, desk_cases, desk_notices, leases CASCADE"))
    processes = [Process(home, postgres, redis) for _ in range(2)]
    try:
        for process in processes:
            process.start()
        await asyncio.gather(*(process.ready() for process in processes))
        async with httpx.AsyncClient(timeout=30) as client:
            yield Cluster(processes, database, client)
    finally:
        for process in processes:
            process.kill()
        database.close()


@pytest.fixture
async def cluster(tmp_path: Path, postgres_url: str, redis_url: str) -> AsyncIterator[Cluster]:
    async with two_instances(tmp_path, postgres_url, redis_url) as cluster:
        yield cluster


@dataclass
class Reader:
    """Follows a conversation: from the first instance while it is there, and goes on where it was on the other."""

    cluster: Cluster
    started: dict[str, Any]
    events: list[tuple[int, str, Any]] = field(default_factory=list)
    connections: int = 0

    async def run(self) -> None:
        while not self.events or self.events[-1][1] != "conversation.closed":
            for process in self.cluster.processes:
                try:
                    await self._follow(process.url)
                except httpx.TransportError:
                    await asyncio.sleep(0.05)

    async def _follow(self, url: str) -> None:
        headers = {"authorization": f"Bearer {self.started['token']}"}
        if self.events:
            headers["last-event-id"] = str(self.events[-1][0])
        path = f"{url}/v1/conversations/{self.started['id']}/events"
        async with self.cluster.client.stream("GET", path, headers=headers) as response:
            self.connections += 1
            async for id_, name, data in events_of(response):
                if id_:
                    self.events.append((int(id_), name, data))
                if name == "conversation.closed":
                    return


async def talk(cluster: Cluster, started: dict[str, Any]) -> list[dict[str, Any]]:
    """Say everything, wherever it is taken; the replies."""
    path, headers = f"/v1/conversations/{started['id']}", {"authorization": f"Bearer {started['token']}"}
    replies = []
    for n in range(MESSAGES):
        body = {"text": f"message {n}", "client_message_id": f"client-{n}"}
        response = await cluster.post(f"{path}/messages", body, headers)
        assert response.status_code == 200, response.text
        replies.append(response.json())
    await cluster.post(f"{path}/close", {}, headers)
    return replies


async def agent_talks(cluster: Cluster, started: dict[str, Any]) -> list[str]:
    """A person takes the conversation on whichever instance answers, and says something every moment."""
    path = f"/v1/desk/conversations/{started['id']}"
    assert (await cluster.post(f"{path}/claim", {}, KEY)).status_code in (200, 409)  # 409: a retry of one that worked
    said = []
    for n in range(12):
        body = {"text": f"from the desk {n}", "client_message_id": f"desk-{n}"}
        response = await cluster.post(f"{path}/messages", body, KEY)
        assert response.status_code == 201, response.text
        said.append(body["text"])
        await asyncio.sleep(0.4)
    closed = {"authorization": f"Bearer {started['token']}"}
    await cluster.post(f"/v1/conversations/{started['id']}/close", {}, closed)
    return said


async def begin(cluster: Cluster) -> dict[str, Any]:
    return dict((await cluster.post("/v1/conversations", {"shop": "hill", "locale": "en"}, {})).json())


async def restart_one_after_the_other(cluster: Cluster) -> list[float]:
    took = []
    for process in cluster.processes:
        await asyncio.sleep(1)
        took.append(await process.stop())
        await asyncio.sleep(0.5)
        process.start()
        await process.ready()
    return took


async def test_a_rolling_restart_under_load_loses_nothing_and_says_nothing_twice(cluster: Cluster) -> None:
    shoppers = [await begin(cluster) for _ in range(SHOPPERS)]
    with_agent = await begin(cluster)
    readers = [Reader(cluster, started) for started in (*shoppers, with_agent)]
    reading = [asyncio.create_task(reader.run()) for reader in readers]
    talking = [asyncio.create_task(talk(cluster, started)) for started in shoppers]
    agent = asyncio.create_task(agent_talks(cluster, with_agent))
    took = await restart_one_after_the_other(cluster)
    assert max(took) < 12, took
    replies = await asyncio.gather(*talking)
    said = await agent
    async with asyncio.timeout(30):
        await asyncio.gather(*reading)

    for reader, answered in zip(readers, replies, strict=False):
        ids = [seq for seq, _, _ in reader.events]
        assert ids == sorted(set(ids)), "an event came twice or out of order"
        received = [data["text"] for _, name, data in reader.events if name == "message.received"]
        assert received == [f"message {n}" for n in range(MESSAGES)]
        told = Counter(data["message_id"] for _, name, data in reader.events if name == "reply.completed")
        assert set(told) == {reply["message_id"] for reply in answered}
        assert set(told.values()) == {1}
    heard = [data["text"] for _, name, data in readers[-1].events if name == "agent.message"]
    assert heard == said
    assert all(reader.connections >= 2 for reader in readers), "the streams were never cut"
    assert verify_chain(cluster.database, MASTER).ok


async def test_after_a_kill_the_other_instance_answers_what_was_recorded(cluster: Cluster) -> None:
    one, other = cluster.processes
    started = await begin(cluster)
    path, headers = f"/v1/conversations/{started['id']}", {"authorization": f"Bearer {started['token']}"}
    body = {"text": "message 0", "client_message_id": "client-0"}
    asking = asyncio.create_task(cluster.client.post(f"{one.url}{path}/messages", json=body, headers=headers))
    while True:
        answer = await cluster.client.get(f"{other.url}/v1/desk/conversations/{started['id']}/events", headers=KEY)
        if any(event["type"] == "message.received" for event in answer.json()["events"]):
            break
        await asyncio.sleep(0.01)
    await one.stop(signal.SIGKILL)
    with pytest.raises(httpx.TransportError):
        await asking
    begun = time.monotonic()
    again = await cluster.client.post(f"{other.url}{path}/messages", json=body, headers=headers)
    assert again.json()["decision"] == "answer"
    assert time.monotonic() - begun < 10
    answer = await cluster.client.get(f"{other.url}/v1/desk/conversations/{started['id']}/events", headers=KEY)
    told = Counter(event["type"] for event in answer.json()["events"])
    assert told["message.received"] == told["reply.completed"] == 1
    assert verify_chain(cluster.database, MASTER).ok
