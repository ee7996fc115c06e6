"""Redis goes in the middle of traffic on two instances, and comes back: nobody waits for it and no word is lost."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.adapters.db.audit import verify_chain
from tests.edge import MASTER
from tests.integration.conftest import PausableRedis
from tests.integration.serving import events_of
from tests.integration.test_rolling_restart import KEY, Cluster, begin, two_instances

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

SHOPPERS = 4
MOST_SECONDS = 2.0
"""What Redis going may cost anybody, beyond what the same takes with it"""


@pytest.fixture
async def cluster(tmp_path: Path, postgres_url: str, pausable_redis: PausableRedis) -> AsyncIterator[Cluster]:
    async with two_instances(tmp_path, postgres_url, pausable_redis.url) as cluster:
        await until_redis_is(cluster, ok=True)
        yield cluster


async def until_redis_is(cluster: Cluster, *, ok: bool) -> str:
    """Return what the instances say of Redis once both agree."""
    deadline = time.monotonic() + 10
    while True:
        told = [(await cluster.client.get(f"{p.url}/readyz")).json()["parts"]["redis"] for p in cluster.processes]
        if all(part["ok"] is ok for part in told):
            return str(told[0]["detail"])
        assert time.monotonic() < deadline, told
        await asyncio.sleep(0.1)


class Talker:
    """A shopper who goes on saying things, to one instance after the other."""

    def __init__(self, cluster: Cluster, started: dict[str, Any]) -> None:
        self.cluster = cluster
        self.path = f"/v1/conversations/{started['id']}"
        self.headers = {"authorization": f"Bearer {started['token']}"}
        self.said: list[str] = []
        self.seconds: list[float] = []
        self.going = True

    async def run(self) -> None:
        while self.going:
            text = f"message {len(self.said)}"
            url = self.cluster.processes[len(self.said) % 2].url
            self.said.append(text)
            begun = time.monotonic()
            body = {"text": text, "client_message_id": f"client-{len(self.said)}"}
            answer = await self.cluster.client.post(f"{url}{self.path}/messages", json=body, headers=self.headers)
            self.seconds.append(time.monotonic() - begun)
            assert answer.status_code == 200, answer.text
            assert answer.json()["decision"] == "answer"


class Listener:
    """Follows a conversation on one instance, and notes when it heard what."""

    def __init__(self, cluster: Cluster, url: str, started: dict[str, Any]) -> None:
        self.cluster = cluster
        self.url = f"{url}/v1/conversations/{started['id']}/events"
        self.headers = {"authorization": f"Bearer {started['token']}"}
        self.heard: dict[str, float] = {}
        self.ids: list[int] = []

    async def run(self) -> None:
        async with self.cluster.client.stream("GET", self.url, headers=self.headers) as response:
            async for id_, name, data in events_of(response):
                if id_:
                    self.ids.append(int(id_))
                if name == "agent.message":
                    self.heard[data["text"]] = time.monotonic()


class Agent:
    """A person on the other instance than the listener's, who says something every moment."""

    def __init__(self, cluster: Cluster, url: str, started: dict[str, Any]) -> None:
        self.cluster = cluster
        self.url = f"{url}/v1/desk/conversations/{started['id']}"
        self.said: dict[str, float] = {}
        self.going = True

    async def run(self) -> None:
        assert (await self.cluster.client.post(f"{self.url}/claim", json={}, headers=KEY)).status_code == 200
        while self.going:
            text = f"from the desk {len(self.said)}"
            self.said[text] = time.monotonic()
            body = {"text": text, "client_message_id": text}
            answer = await self.cluster.client.post(f"{self.url}/messages", json=body, headers=KEY)
            assert answer.status_code == 201, answer.text
            await asyncio.sleep(0.3)


@pytest.mark.parametrize("how", ["killed", "hung"])
async def test_redis_that_goes_while_two_instances_are_busy_costs_nobody_two_seconds_and_no_word(
    how: str, cluster: Cluster, pausable_redis: PausableRedis
) -> None:
    one, other = cluster.processes
    with_agent = await begin(cluster)
    listener, agent = Listener(cluster, other.url, with_agent), Agent(cluster, one.url, with_agent)
    talkers = [Talker(cluster, await begin(cluster)) for _ in range(SHOPPERS)]
    listening = asyncio.create_task(listener.run())
    busy = [asyncio.create_task(part.run()) for part in (agent, *talkers)]
    await asyncio.sleep(1.5)
    usual = max(seconds for talker in talkers for seconds in talker.seconds)

    pausable_redis.stop() if how == "killed" else pausable_redis.hang()
    assert "nothing is lost" in await until_redis_is(cluster, ok=False)
    await asyncio.sleep(3)
    pausable_redis.start() if how == "killed" else pausable_redis.hang(hangs=False)
    assert await until_redis_is(cluster, ok=True) == "connected"
    await asyncio.sleep(1)

    for part in (agent, *talkers):
        part.going = False
    await asyncio.gather(*busy)
    await asyncio.sleep(1.5)
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening

    assert max(seconds for talker in talkers for seconds in talker.seconds) - usual <= MOST_SECONDS
    assert list(listener.heard) == list(agent.said), "an agent's word was lost, or came twice or out of order"
    late = {text: listener.heard[text] - at for text, at in agent.said.items()}
    assert max(late.values()) <= MOST_SECONDS, late
    assert listener.ids == sorted(set(listener.ids))
    assert verify_chain(cluster.database, MASTER).ok
