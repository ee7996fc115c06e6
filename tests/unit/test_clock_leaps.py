"""What goes by the wall clock, when that is an hour ahead for a while and then put right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from app.adapters.db.desk import SqlDesk
from app.channels.ports import Thread
from app.channels.rounds import Rounds
from app.conversation.board import Case, Person
from app.conversation.desk import Desk
from app.desk_parts import Watch
from tests.edge import migrated_database
from tests.fake_post import FakePostOffice

HOUR = timedelta(hours=1)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 5, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_who_began_to_wait_while_the_clock_was_ahead_is_no_less_urgent_than_who_comes_now(clock: Clock) -> None:
    called = Case("c", "hill", "waiting", priority=10, queued_at=(clock.now + HOUR).isoformat())
    assert called.urgency(clock()) == 10


async def test_who_left_the_desk_while_the_clock_was_ahead_is_not_there(clock: Clock, tmp_path: Path) -> None:
    database = migrated_database(tmp_path)
    desk = SqlDesk(database, clock)
    await desk.see(Person("mei", "Mei", "hill"), clock())
    await desk.see(Person("tom", "Tom", "hill"), clock.now + HOUR)
    await desk.see(Person("ann", "Ann", "hill"), clock.now + timedelta(minutes=1))  # another machine's clock is ahead
    assert [person.name for person in await desk.people()] == ["Ann", "Mei"]
    database.close()


class Sweeping:
    """A desk that counts how often it is swept."""

    def __init__(self) -> None:
        self.sweeps = 0

    async def sweep(self) -> int:
        self.sweeps += 1
        return 0


async def test_nobody_is_taken_for_gone_by_a_clock_that_has_just_leapt(clock: Clock) -> None:
    desk, passed = Sweeping(), [0.0]
    watch = Watch(cast(Desk, desk), clock, steady=lambda: passed[0])

    async def later(seconds: float, leap: timedelta = timedelta()) -> int:
        passed[0] += seconds
        clock.now += timedelta(seconds=seconds) + leap
        await watch.look()
        return desk.sweeps

    assert await later(5) == 1
    for leap in (HOUR, -HOUR):
        desk.sweeps = 0
        assert await later(5, leap) == 0
        assert await later(40) == 0
        assert await later(5) == 1


class LookedBack(FakePostOffice):
    """A post office that counts how often it is asked what nobody heard of."""

    looks = 0

    async def behind(self) -> list[Thread]:
        self.looks += 1
        return []


class OneChannel:
    def names(self) -> list[str]:
        return ["front"]


async def test_what_nobody_heard_of_is_looked_for_though_the_clock_was_put_back(clock: Clock) -> None:
    office, nobody = LookedBack(clock), cast(Any, None)
    rounds = Rounds(office, cast(Any, OneChannel()), nobody, nobody, clock)
    clock.now += HOUR
    await rounds.go()
    clock.now -= HOUR
    await rounds.go()
    await rounds.go()
    assert office.looks == 2
