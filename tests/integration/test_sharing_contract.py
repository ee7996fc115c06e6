"""What instances share: wake-ups and leases. The fakes, the database and a real Redis keep the same promises."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.adapters.db.leases import SqlLeases
from app.adapters.redis.leases import RedisLeases
from app.adapters.redis.limits import RedisLimits
from app.adapters.redis.link import RedisLink
from app.adapters.redis.relay import RedisRelay
from app.api.limits import LocalLimits, RateLimits, refuse
from app.conversation.leases import Leases, NoLeases
from app.conversation.relay import Relay
from app.errors import ConfigurationError, TooManyRequests, Unavailable
from app.sharing_parts import make_sharing
from tests.edge import migrated_database
from tests.fakes import FakeLeases, FakeRelay
from tests.integration.conftest import PausableRedis

pytestmark = pytest.mark.integration


async def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        await asyncio.sleep(0.01)


@pytest.fixture(params=["fake", "redis"])
async def relays(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Relay, Relay]]:
    """Those of two instances."""
    if request.param == "fake":
        one = FakeRelay()
        yield one, FakeRelay(one.wire)
        return
    url, prefix = request.getfixturevalue("redis_url"), uuid.uuid4().hex
    links = [RedisLink(url, prefix=prefix) for _ in range(2)]
    made = [RedisRelay(link) for link in links]
    for relay in made:
        relay.start()
    await until(lambda: all(relay.alive for relay in made))
    yield made[0], made[1]
    for relay, link in zip(made, links, strict=True):
        await relay.close()
        await link.close()


async def test_the_others_hear_what_one_tells_in_order_and_it_does_not_hear_itself(relays: tuple[Relay, Relay]) -> None:
    one, other = relays
    heard: list[Mapping[str, Any]] = []
    own: list[Mapping[str, Any]] = []
    other.follow("conversation/c", heard.append)
    one.follow("conversation/c", own.append)
    await until(lambda: {} in heard and {} in own)
    for n in range(50):
        one.tell("conversation/c", {"seq": n, "words": "你好"})
    await until(lambda: len(heard) >= 51)
    assert heard == [{}] + [{"seq": n, "words": "你好"} for n in range(50)]
    assert own == [{}]


async def test_nobody_hears_another_topic_or_after_they_stopped(relays: tuple[Relay, Relay]) -> None:
    one, other = relays
    heard: list[Mapping[str, Any]] = []
    kept: list[Mapping[str, Any]] = []
    stop = other.follow("a", heard.append)
    other.follow("b", kept.append)
    await until(lambda: {} in heard and {} in kept)
    stop()
    stop()
    one.tell("a", {"n": 1})
    one.tell("b", {"n": 2})
    await until(lambda: {"n": 2} in kept)
    assert heard == [{}]


LEASES = ["fake", "sqlite", "postgres", "redis"]


@pytest.fixture(params=LEASES)
async def leases(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Leases]:
    if request.param == "fake":
        yield FakeLeases()
    elif request.param == "redis":
        link = RedisLink(request.getfixturevalue("redis_url"), prefix=uuid.uuid4().hex)
        yield RedisLeases(link, NoLeases())
        await link.close()
    else:
        url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
        database = migrated_database(tmp_path, url)
        yield SqlLeases(database)
        database.close()


async def test_one_holds_a_lease_until_it_is_free(leases: Leases) -> None:
    name = uuid.uuid4().hex
    assert await leases.take(name, "one")
    assert await leases.take(name, "one"), "holding on is allowed"
    assert not await leases.take(name, "other")
    await leases.free(name, "other")
    assert not await leases.take(name, "other"), "nobody frees what another holds"
    await leases.free(name, "one")
    assert await leases.take(name, "other")


async def test_a_lease_lapses_when_its_holder_is_gone_and_not_while_it_is_renewed(leases: Leases) -> None:
    name = uuid.uuid4().hex
    assert await leases.take(name, "one", 0.4)
    await asyncio.sleep(0.25)
    assert await leases.take(name, "one", 0.4)
    await asyncio.sleep(0.25)
    assert not await leases.take(name, "other", 0.4)
    await asyncio.sleep(0.25)
    assert await leases.take(name, "other", 0.4)


@pytest.mark.parametrize("leases", [name for name in LEASES if name != "fake"], indirect=True)
async def test_a_lease_that_was_taken_while_the_clock_was_an_hour_ahead_is_not_held_for_that_hour(
    leases: Leases,
) -> None:
    name = uuid.uuid4().hex
    assert await leases.take(name, "one", 0.4)
    assert not await leases.take(name, "other", 0.4)
    await put_off(leases, name, 3_600)
    assert await leases.take(name, "other", 0.4)
    assert not await leases.take(name, "one", 0.4)


async def put_off(leases: Leases, name: str, seconds: int) -> None:
    """Let the lease end so much later, as if it had been taken by a clock that is ahead."""
    if isinstance(leases, RedisLeases):
        link = leases._link
        assert await link.client.pexpire(link.key("lease", name), seconds * 1_000)
    else:
        assert isinstance(leases, SqlLeases)
        later = text("UPDATE leases SET until = until + :seconds WHERE name = :name")
        await leases._database.run(lambda connection: connection.execute(later, {"seconds": seconds, "name": name}))


async def test_of_many_who_reach_for_it_at_once_one_gets_it(leases: Leases) -> None:
    name = uuid.uuid4().hex
    got = await asyncio.gather(*(leases.take(name, f"holder {n}") for n in range(20)))
    assert sum(got) == 1


async def test_when_redis_goes_leases_are_held_in_the_database_and_nobody_waits(pausable_redis: PausableRedis) -> None:
    link = RedisLink(pausable_redis.url)
    leases = RedisLeases(link, FakeLeases())
    assert await leases.take("c", "one")
    pausable_redis.stop()
    begun = time.monotonic()
    assert await leases.take("d", "one")
    assert not await leases.take("d", "other")
    await leases.free("d", "one")
    assert time.monotonic() - begun < 2
    assert not link.alive
    assert "nothing is lost" in link.told
    pausable_redis.start()
    await asyncio.sleep(1.1)
    assert await leases.take("e", "one")
    assert link.told == "connected"
    await link.close()


async def test_a_redis_that_hangs_is_given_up_within_a_second(pausable_redis: PausableRedis) -> None:
    link = RedisLink(pausable_redis.url)
    await link.ask(lambda redis: redis.ping())
    pausable_redis.hang()
    begun = time.monotonic()
    for _ in range(20):
        with pytest.raises(Unavailable):
            await link.ask(lambda redis: redis.ping())
    assert time.monotonic() - begun < 2.5
    pausable_redis.hang(hangs=False)
    await link.close()


async def test_a_relay_says_that_it_hears_nothing_and_tells_to_look_once_it_does_again(
    pausable_redis: PausableRedis,
) -> None:
    links = [RedisLink(pausable_redis.url) for _ in range(2)]
    one, other = (RedisRelay(link) for link in links)
    one.start()
    other.start()
    await until(lambda: one.alive and other.alive)
    heard: list[Mapping[str, Any]] = []
    other.follow("c", heard.append)
    await until(lambda: heard == [{}])
    pausable_redis.stop()
    await until(lambda: not other.alive)
    one.tell("c", {"n": 1})  # may get lost: that is what looking again is for
    pausable_redis.start()
    await until(lambda: one.alive and other.alive)
    await until(lambda: {} in heard[1:])
    one.tell("c", {"n": 2})
    await until(lambda: {"n": 2} in heard)
    for relay, link in zip((one, other), links, strict=True):
        await relay.close()
        await link.close()


@pytest.fixture(params=["memory", "redis"])
async def limits(request: pytest.FixtureRequest) -> AsyncIterator[tuple[RateLimits, RateLimits]]:
    """Those of two instances; in memory they are the same one."""
    most = {"address": 3, "conversation": 600, "shop": 0}
    if request.param == "memory":
        made = LocalLimits(most)
        yield made, made
        return
    links = [RedisLink(request.getfixturevalue("redis_url"), prefix=uuid.uuid4().hex)] * 2
    one, other = (RedisLimits(link, most, refuse, LocalLimits(most)) for link in links)
    yield one, other
    await links[0].close()


async def test_requests_are_counted_over_all_instances(limits: tuple[RateLimits, RateLimits]) -> None:
    one, other = limits
    for instance in (one, other, one):
        await instance.take(("address", "a"), ("conversation", "c"), ("shop", "tea"))
    for instance in limits:
        with pytest.raises(TooManyRequests, match="this address") as refused:
            await instance.take(("address", "a"), ("conversation", "c"))
        assert 18 <= refused.value.retry_after_seconds <= 20
    await other.take(("address", "b"), ("conversation", "c"))
    await other.take(("shop", "tea"))


async def test_a_bucket_fills_up_again(limits: tuple[RateLimits, RateLimits]) -> None:
    one, other = limits
    taken = 0
    while taken < 700:
        try:
            await one.take(("conversation", "c"))
        except TooManyRequests:
            break
        taken += 1
    assert 600 <= taken <= 640
    await asyncio.sleep(0.3)  # ten a second
    await other.take(("conversation", "c"))


async def test_a_bucket_that_was_counted_while_redis_clock_was_an_hour_ahead_is_full(redis_url: str) -> None:
    link = RedisLink(redis_url, prefix=uuid.uuid4().hex)
    limits = RedisLimits(link, {"address": 2}, refuse, LocalLimits({}))
    await limits.take(("address", "a"))
    key = link.key("limit", "address", "a")
    await link.client.set(key, int(await link.client.get(key)) + 3_600_000)
    for _ in range(2):
        await limits.take(("address", "a"))
    with pytest.raises(TooManyRequests) as refused:
        await limits.take(("address", "a"))
    assert 29 <= refused.value.retry_after_seconds <= 30
    await link.close()


async def test_limits_go_on_counting_alone_while_redis_is_away(pausable_redis: PausableRedis) -> None:
    link = RedisLink(pausable_redis.url)
    limits = RedisLimits(link, {"address": 2}, refuse, LocalLimits({"address": 2}))
    await limits.take(("address", "a"))
    pausable_redis.stop()
    for _ in range(2):
        await limits.take(("address", "a"))
    with pytest.raises(TooManyRequests):
        await limits.take(("address", "a"))
    await link.close()


async def test_an_address_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    database = migrated_database(tmp_path)
    with pytest.raises(ConfigurationError, match="XIAOER_REDIS"):
        make_sharing("localhost:6379", database)
    assert make_sharing("", database).parts() == ()
    database.close()
