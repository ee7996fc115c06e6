"""Texts of concurrent turns go in one call: nobody waits for company, is forgotten, or suffers for another's text."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.adapters.embedders.gathering import GatheringEmbedder
from app.errors import Unavailable
from tests.fakes import FakeEmbedder

MOST = 4


@dataclass(eq=False)
class Call:
    """One call of the embedder behind, under way until the test ends it."""

    texts: list[str]
    over: asyncio.Event = field(default_factory=asyncio.Event)


class SteeredEmbedder(FakeEmbedder):
    """Calls end when the test says so; a call with a bad text in it fails."""

    def __init__(self) -> None:
        super().__init__(size=16)
        self.calls: list[Call] = []
        self.under_way: list[Call] = []
        self.closed = 0

    async def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        call = Call(list(texts))
        self.calls.append(call)
        self.under_way.append(call)
        try:
            await call.over.wait()
        finally:
            self.under_way.remove(call)
        if bad := [text for text in texts if text.startswith("bad")]:
            raise ValueError(" ".join(bad))
        return await super().embed_queries(texts)

    async def close(self) -> None:
        self.closed += 1

    async def end_one(self) -> None:
        """End the oldest call under way."""
        if self.under_way:
            self.under_way[0].over.set()
        await settle()

    async def end_all(self) -> None:
        """Until nothing is under way."""
        while self.under_way:
            await self.end_one()


async def settle() -> None:
    """Whatever can happen without a clock has happened."""
    for _ in range(12):
        await asyncio.sleep(0)


async def expected(texts: Sequence[str]) -> NDArray[np.float32]:
    return await FakeEmbedder(size=16).embed_queries(texts)


async def test_a_lone_turn_is_passed_on_at_once() -> None:
    behind = SteeredEmbedder()
    asking = asyncio.create_task(GatheringEmbedder(behind, slice_texts=MOST, together=MOST).embed_queries(["tea"]))
    await settle()
    assert [call.texts for call in behind.calls] == [["tea"]]
    await behind.end_all()
    np.testing.assert_array_equal(await asking, await expected(["tea"]))


async def test_what_is_asked_during_a_call_makes_up_the_next_one_in_the_order_it_came() -> None:
    behind = SteeredEmbedder()
    gathering = GatheringEmbedder(behind, slice_texts=MOST, together=MOST)
    asking = []
    for number in range(7):
        asking.append(asyncio.create_task(gathering.embed_queries([f"text {number}"])))
        await settle()
    await behind.end_all()
    assert [call.texts for call in behind.calls] == [
        ["text 0"],
        ["text 1", "text 2", "text 3", "text 4"],
        ["text 5", "text 6"],
    ]
    await asyncio.gather(*asking)


async def test_where_sharing_is_hardly_quicker_turns_share_calls_only_in_a_crowd() -> None:
    behind = SteeredEmbedder()
    gathering = GatheringEmbedder(behind, slice_texts=MOST, together=2, crowd=3)
    asking = [asyncio.create_task(gathering.embed_queries([f"text {n}"])) for n in range(6)]
    await settle()
    await behind.end_all()
    assert [len(call.texts) for call in behind.calls] == [2, 2, 1, 1]
    await asyncio.gather(*asking)


async def test_a_long_list_is_embedded_in_slices_between_which_others_pass() -> None:
    behind = SteeredEmbedder()
    gathering = GatheringEmbedder(behind, slice_texts=MOST, together=MOST)
    long = [f"old chat {number}" for number in range(10)]
    reviewing = asyncio.create_task(gathering.embed_queries(long))
    await settle()
    turn = asyncio.create_task(gathering.embed_queries(["tea"]))
    await settle()
    await behind.end_one()
    await behind.end_one()
    assert turn.done()
    assert not reviewing.done()
    await behind.end_all()
    np.testing.assert_array_equal(await reviewing, await expected(long))
    assert [call.texts for call in behind.calls][:2] == [long[:4], ["tea"]]


async def test_what_many_ask_at_once_is_embedded_once() -> None:
    behind = SteeredEmbedder()
    gathering = GatheringEmbedder(behind, slice_texts=MOST, together=MOST)
    asking = []
    for _ in range(20):
        asking.append(asyncio.create_task(gathering.embed_queries(["free delivery?"])))
        await settle()
    await behind.end_one()
    assert all(task.done() for task in asking)
    assert len(behind.calls) == 1
    await gathering.embed_queries(["free delivery?"])
    assert len(behind.calls) == 1, "and is remembered"


async def test_rows_that_are_changed_by_their_reader_are_not_changed_for_others() -> None:
    behind = SteeredEmbedder()
    gathering = GatheringEmbedder(behind, slice_texts=MOST, together=MOST)
    asking = [asyncio.create_task(gathering.embed_queries(["tea"])) for _ in range(2)]
    await settle()
    await behind.end_all()
    one, other = await asyncio.gather(*asking)
    one *= 0
    for rows in (other, await gathering.embed_queries(["tea"])):
        np.testing.assert_array_equal(rows, await expected(["tea"]))


async def test_only_who_sent_a_bad_text_is_told_and_the_next_turn_goes_well() -> None:
    behind = SteeredEmbedder()
    gathering = GatheringEmbedder(behind, slice_texts=MOST, together=MOST)
    first = asyncio.create_task(gathering.embed_queries(["tea"]))
    await settle()
    good = [asyncio.create_task(gathering.embed_queries([text])) for text in ("pot", "cup")]
    bad = asyncio.create_task(gathering.embed_queries(["bad leaf"]))
    await settle()
    await behind.end_all()
    with pytest.raises(ValueError, match="bad leaf"):
        await bad
    await asyncio.gather(first, *good)
    later = asyncio.create_task(gathering.embed_queries(["cake"]))
    await settle()
    await behind.end_all()
    np.testing.assert_array_equal(await later, await expected(["cake"]))


async def test_a_caller_that_leaves_takes_its_texts_along_and_the_call_under_way_serves_the_others() -> None:
    behind = SteeredEmbedder()
    gathering = GatheringEmbedder(behind, slice_texts=MOST, together=MOST)
    running = [asyncio.create_task(gathering.embed_queries([text])) for text in ("tea", "pot")]
    await settle()
    waiting = [asyncio.create_task(gathering.embed_queries([text])) for text in ("cup", "cake")]
    await settle()
    running[0].cancel()
    waiting[0].cancel()
    await settle()
    await behind.end_all()
    assert running[0].cancelled()
    assert waiting[0].cancelled()
    await asyncio.gather(running[1], waiting[1])
    assert [call.texts for call in behind.calls] == [["tea", "pot"], ["cake"]]


async def test_who_still_waits_when_it_is_closed_is_told_so() -> None:
    behind = SteeredEmbedder()
    gathering = GatheringEmbedder(behind, slice_texts=MOST, together=MOST)
    asking = [asyncio.create_task(gathering.embed_queries([text])) for text in ("tea", "pot")]
    await settle()
    asking.append(asyncio.create_task(gathering.embed_queries(["cup"])))
    await settle()
    await gathering.close()
    await gathering.close()
    for task in asking:
        with pytest.raises(Unavailable):
            await task
    assert behind.closed == 2
    assert behind.under_way == []


TEXTS = st.sampled_from([*(f"text {n}" for n in range(9)), "bad 0", "bad 1"])
ACTS = st.one_of(
    st.tuples(st.just("ask"), st.lists(TEXTS, min_size=1, max_size=7)),
    st.tuples(st.just("leave"), st.integers(0, 30)),
    st.tuples(st.just("end"), st.none()),
)


@settings(max_examples=60)
@given(st.lists(ACTS, max_size=30), st.integers(1, 5), st.integers(1, 5), st.integers(0, 3))
def test_whatever_happens_everybody_gets_what_they_asked_for_or_what_was_wrong_with_it(
    acts: list[tuple[str, list[str] | int | None]], slice_texts: int, together: int, crowd: int
) -> None:
    asyncio.run(act_out(acts, {"slice_texts": slice_texts, "together": together, "crowd": crowd}))


async def act_out(acts: list[tuple[str, list[str] | int | None]], bounds: dict[str, int]) -> None:
    behind = SteeredEmbedder()
    gathering = GatheringEmbedder(behind, **bounds)
    callers: list[tuple[list[str], asyncio.Task[NDArray[np.float32]]]] = []
    left: set[int] = set()
    for act, what in acts:
        if isinstance(what, list):
            callers.append((what, asyncio.create_task(gathering.embed_queries(what))))
        elif act == "end":
            await behind.end_one()
        elif callers and isinstance(what, int) and not callers[what % len(callers)][1].done():
            left.add(what % len(callers))
            callers[what % len(callers)][1].cancel()
        await settle()
        if any(not task.done() for _, task in callers):
            assert behind.under_way, "nobody waits while the embedder is idle"
    ended = 0
    while behind.under_way:
        await behind.end_one()
        ended += 1
    # A slice a call, and after a call that failed one for each of its callers: nobody is put off for ever.
    assert ended <= sum(len(texts) + 1 for texts, _ in callers) * 2
    assert all(task.done() for _, task in callers)
    most = max(bounds["slice_texts"], bounds["together"])
    assert all(len(call.texts) == len(set(call.texts)) <= most for call in behind.calls)
    for number, (texts, task) in enumerate(callers):
        if number in left:
            assert task.cancelled()
        elif problem := task.exception():
            assert isinstance(problem, ValueError)
            assert set(str(problem).replace("bad ", "bad_").split()) <= {text.replace(" ", "_") for text in texts}
        else:
            assert not any(text.startswith("bad") for text in texts)
            np.testing.assert_array_equal(task.result(), await expected(texts))


@settings(max_examples=40)
@given(st.lists(st.integers(1, 3), min_size=2, max_size=12))
def test_turns_get_theirs_in_the_order_they_asked(sizes: list[int]) -> None:
    asyncio.run(in_order(sizes))


async def in_order(sizes: list[int]) -> None:
    behind = SteeredEmbedder()
    gathering = GatheringEmbedder(behind, slice_texts=MOST, together=MOST)
    done: list[int] = []

    async def turn(number: int, many: int) -> None:
        await gathering.embed_queries([f"turn {number} text {n}" for n in range(many)])
        done.append(number)

    turns = [asyncio.create_task(turn(number, many)) for number, many in enumerate(sizes)]
    await settle()
    await behind.end_all()
    assert done == list(range(len(turns)))
