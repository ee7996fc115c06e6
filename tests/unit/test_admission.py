"""More shoppers than can be answered at once: they wait in line, are told so, and nobody waits for ever."""

from __future__ import annotations

import asyncio

import pytest

from app.conversation.admission import Admission
from app.errors import TooManyRequests


async def hold(admission: Admission, until: asyncio.Event, places: list[int], done: list[bool]) -> None:
    async with admission.place(places.append) as admitted:
        await until.wait()
        done.append(admitted)


async def test_who_comes_when_all_places_are_taken_is_told_its_place_and_gets_its_turn() -> None:
    admission, over, places, done = Admission(at_once=2), asyncio.Event(), list[int](), list[bool]()
    turns = [asyncio.create_task(hold(admission, over, places, done)) for _ in range(5)]
    await asyncio.sleep(0)
    assert places == [1, 2, 3]
    over.set()
    await asyncio.gather(*turns)
    assert done == [True] * 5
    assert admission.waiting == 0


async def test_a_full_line_refuses_and_says_when_to_come_back() -> None:
    admission, over = Admission(at_once=1, waiting=1, wait_seconds=8), asyncio.Event()
    turns = [asyncio.create_task(hold(admission, over, [], [])) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyRequests, match="Nothing was recorded") as refused:
        admission.check()
    assert refused.value.retry_after_seconds == 4
    over.set()
    await asyncio.gather(*turns)
    admission.check()


async def test_who_waits_too_long_is_let_go_and_takes_no_place() -> None:
    admission, over, done = Admission(at_once=1, wait_seconds=0.02), asyncio.Event(), list[bool]()
    first = asyncio.create_task(hold(admission, over, [], []))
    await asyncio.sleep(0)
    async with admission.place(lambda _: None) as admitted:
        assert not admitted
    over.set()
    await first
    await hold(admission, over, [], done)
    assert done == [True]


async def test_who_leaves_the_line_leaves_no_hole_in_it() -> None:
    admission, over, done = Admission(at_once=1), asyncio.Event(), list[bool]()
    turns = [asyncio.create_task(hold(admission, over, [], done)) for _ in range(4)]
    await asyncio.sleep(0)
    turns[2].cancel()
    over.set()
    await asyncio.gather(*turns, return_exceptions=True)
    assert done == [True] * 3
    await hold(admission, over, [], done)


async def test_without_a_limit_nobody_waits() -> None:
    admission, over, places = Admission(at_once=0), asyncio.Event(), list[int]()
    turns = [asyncio.create_task(hold(admission, over, places, [])) for _ in range(100)]
    await asyncio.sleep(0)
    admission.check()
    over.set()
    await asyncio.gather(*turns)
    assert places == []
