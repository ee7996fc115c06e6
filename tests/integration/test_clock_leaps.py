"""The wall clock of server and Redis leaps an hour ahead and back while shoppers and an agent are busy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.adapters.db.audit import verify_chain
from app.adapters.db.staff import SqlStaffBook
from app.staff.account import Role
from app.staff.door import Door
from tests.edge import MASTER, migrated_database
from tests.integration.conftest import LeapingClock, PausableRedis
from tests.integration.serving import Shopper, events_of
from tests.integration.test_desk import Colleague
from tests.integration.test_rolling_restart import Process

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

HOUR = 3_600
A_MINUTE = 30
"""So many messages may a conversation send in one: half a second more, and there is room for the next"""
MOST_SECONDS = 2.0
SWEEP_SECONDS = 5.5
"""After so long the server has looked who is gone from the desk"""


@pytest.fixture
async def server(tmp_path: Path, leaping_clock: LeapingClock, leaping_redis: PausableRedis) -> AsyncIterator[Process]:
    process = Process(tmp_path, "", leaping_redis.url, str(A_MINUTE), environment=leaping_clock.environment)
    process.start()
    await process.ready()
    yield process
    process.kill()


async def in_time(answer: Any) -> httpx.Response:
    """The response, which nobody waited long for."""
    begun = time.monotonic()
    response: httpx.Response = await answer
    assert time.monotonic() - begun <= MOST_SECONDS
    return response


async def until_refused(shopper: Shopper) -> int:
    """Send more than may be sent; after how many seconds it may be tried again."""
    for _ in range(2 * A_MINUTE):
        refused = await in_time(shopper.post("typing"))
        if refused.status_code == 429:
            return int(refused.headers["retry-after"])
    pytest.fail("nothing was refused")


async def an_agent(home: Path, client: httpx.AsyncClient) -> Colleague:
    """Somebody signed in."""
    database = migrated_database(home)
    door = Door(SqlStaffBook(database))
    account = await door.add("mei", "Mei", Role.AGENT, "", None)
    signed = await door.sign_in_by_link(await door.link_for("mei"), "127.0.0.1")
    database.close()
    return Colleague(client, signed.token, account.account_id)


async def watch(client: httpx.AsyncClient, path: str, headers: dict[str, str], seen: list[tuple[str, Any]]) -> None:
    async with client.stream("GET", path, headers=headers) as response:
        async for _, name, data in events_of(response):
            seen.append((name, data))


async def test_a_clock_that_leaps_an_hour_ahead_and_back_stops_nobody(
    server: Process, leaping_clock: LeapingClock, tmp_path: Path
) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        mei = await an_agent(tmp_path, client)
        before, called = [await Shopper.begin(client, shop="hill", locale="en") for _ in range(2)]
        seen: list[tuple[str, Any]] = []
        watching = [
            asyncio.create_task(watch(client, f"{called.path}/events", called.headers, seen)),
            asyncio.create_task(watch(client, "/v1/desk/events", mei.headers, [])),
        ]
        await called.say("a human please")
        assert (await mei.act(called.started["id"], "claim")).status_code == 200
        assert (await in_time(before.say("Can I return it?"))).status_code == 200

        leaping_clock.leap(HOUR)
        expired = await in_time(before.say("Can I return it?"))
        assert (expired.status_code, expired.json()["detail"][:21]) == (401, "The token has expired")
        during = await Shopper.begin(client, shop="hill", locale="en")
        assert (await in_time(during.say("Can I return it?"))).json()["decision"] == "answer"
        assert await until_refused(during) <= 60
        await asyncio.sleep(SWEEP_SECONDS)
        assert len((await mei.get("queue"))["mine"]) == 1, "the agent was taken for gone"

        leaping_clock.leap(0)
        assert await until_refused(during) <= 60, "limits last until the clock is there again"
        await asyncio.sleep(60 / A_MINUTE)
        for shopper in (before, during):
            assert (await in_time(shopper.say("Can I return it?"))).json()["decision"] == "answer"
        said = await in_time(mei.act(called.started["id"], "messages", text="I am still here."))
        assert said.status_code == 201
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in watching), "a stream ended"
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        assert seen[-1] == ("agent.message", seen[-1][1])
        assert seen[-1][1]["text"] == "I am still here."
    server.kill()
    database = migrated_database(tmp_path)
    assert verify_chain(database, MASTER).ok
    database.close()
