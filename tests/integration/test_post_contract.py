"""One contract for every post office: nothing is lost, nothing is handed out twice, order holds within a thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.adapters.db.channels import SqlPostOffice
from app.adapters.db.conversations import SqlEventLog
from app.adapters.db.engine import Database
from app.channels.channel import Arrival, Envelope, Happened, LetterKind, LetterState
from app.channels.ports import NewLetter, PostOffice, Thread
from app.chat.turn import Identity
from app.conversation.events import Draft, EventType
from tests.edge import MASTER, migrated_database
from tests.fake_post import FakePostOffice

pytestmark = pytest.mark.integration

ARRIVAL = Arrival(
    Happened.SAID, "t1", "m1", "my SECRET words", "en", at=datetime(2026, 1, 2, tzinfo=UTC), held=False,
    identity=Identity("A1", "1234", "c7"),
)  # fmt: skip


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Offices:
    """Two instances of one post office."""

    def __init__(self, here: PostOffice, there: PostOffice, clock: Clock, database: Database | None) -> None:
        self.here = here
        self.there = there
        self.clock = clock
        self.database = database

    async def keep(self, id_: str, thread: str = "t1", channel: str = "front") -> bool:
        return await self.here.keep(channel, Envelope(id_, "seal of " + id_), replace(ARRIVAL, thread=thread))

    async def letter(self, *texts: str, thread: str = "t1", channel: str = "front") -> None:
        found = await self.here.thread(channel, thread)
        if not found.conversation_id:
            found = await self.here.bind(channel, thread, f"c-{channel}-{thread}")
        seq = found.told_seq + 1
        letters = [NewLetter(seq, n, LetterKind.MESSAGE, {"text": said}) for n, said in enumerate(texts)]
        assert await self.here.write(found, seq, letters)


@pytest.fixture(params=["fake", "sqlite", "postgres"])
def offices(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Offices]:
    clock = Clock()
    if request.param == "fake":
        fake = FakePostOffice(clock)
        yield Offices(fake, fake.other(), clock, None)
        return
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    database = migrated_database(tmp_path, url)
    if url:
        with database.engine.begin() as connection:
            connection.execute(text("TRUNCATE channel_threads, channel_deliveries, channel_letters"))
    yield Offices(SqlPostOffice(database, MASTER, clock), SqlPostOffice(database, MASTER, clock), clock, database)
    database.close()


async def test_what_was_kept_comes_out_whole_and_once(offices: Offices) -> None:
    assert await offices.keep("d1")
    [delivery] = await offices.here.claim_deliveries()
    assert delivery.arrival == ARRIVAL
    assert await offices.here.claim_deliveries() == []
    await offices.here.settle(delivery.number)
    offices.clock.on(3_600)
    assert await offices.here.claim_deliveries() == []


async def test_the_same_id_or_the_same_seal_is_kept_once_for_each_channel(offices: Offices) -> None:
    assert await offices.keep("d1")
    assert not await offices.keep("d1")
    assert not await offices.here.keep("front", Envelope("other id", "seal of d1"), ARRIVAL)
    assert await offices.keep("d1", channel="back")


async def test_a_delivery_is_in_one_pair_of_hands_until_its_lease_runs_out(offices: Offices) -> None:
    await offices.keep("d1")
    [delivery] = await offices.here.claim_deliveries()
    assert await offices.there.claim_deliveries() == []
    offices.clock.on(20)
    await offices.here.renew([delivery.number], [])
    offices.clock.on(20)
    assert await offices.there.claim_deliveries() == []
    offices.clock.on(20)
    assert [d.number for d in await offices.there.claim_deliveries()] == [delivery.number]


async def test_a_thread_that_one_instance_works_on_is_left_to_it(offices: Offices) -> None:
    await offices.keep("d1")
    await offices.here.claim_deliveries()
    await offices.keep("d2")
    await offices.keep("d3", thread="t2")
    assert [d.arrival.thread for d in await offices.there.claim_deliveries()] == ["t2"]
    assert [d.arrival.thread for d in await offices.here.claim_deliveries()] == ["t1"]


async def test_what_is_postponed_is_due_later_and_counted(offices: Offices) -> None:
    await offices.keep("d1")
    [delivery] = await offices.here.claim_deliveries()
    await offices.here.postpone(delivery.number, 10, "unavailable")
    assert await offices.here.claim_deliveries() == []
    offices.clock.on(10)
    [again] = await offices.there.claim_deliveries()
    assert (again.number, again.attempts) == (delivery.number, 1)


async def test_what_came_or_was_put_off_while_the_clock_was_ahead_does_not_wait_until_it_gets_there(
    offices: Offices,
) -> None:
    await offices.keep("d1")
    [put_off] = await offices.here.claim_deliveries()
    offices.clock.on(3_600)
    await offices.here.postpone(put_off.number, 10, "unavailable")
    await offices.keep("d2", thread="t2")
    await offices.letter("one")
    assert len(await offices.there.claim_letters()) == 1, "and the instance that had it goes down"
    offices.clock.on(-3_600)
    assert len(await offices.here.claim_deliveries()) == 2
    assert len(await offices.here.claim_letters()) == 1


async def test_what_a_process_that_is_gone_had_is_taken_back(offices: Offices) -> None:
    await offices.keep("d1")
    await offices.letter("one")
    await offices.here.claim_deliveries()
    await offices.here.claim_letters()
    await offices.there.take_back()
    assert len(await offices.there.claim_deliveries()) == 1
    assert len(await offices.there.claim_letters()) == 1


async def test_letters_of_a_thread_go_one_after_the_other_and_threads_beside_each_other(offices: Offices) -> None:
    await offices.letter("one", "two")
    await offices.letter("three")
    await offices.letter("elsewhere", thread="t2")
    claimed = await offices.here.claim_letters()
    assert [letter.content["text"] for letter in claimed] == ["one", "elsewhere"]
    assert await offices.there.claim_letters() == []
    await offices.here.delay(claimed[0].id, 5, "it answered 503")
    assert await offices.here.claim_letters() == []
    offices.clock.on(5)
    [again] = await offices.there.claim_letters()
    assert (again.id, again.attempts, again.problem) == (claimed[0].id, 1, "it answered 503")
    await offices.there.finish(again.id, LetterState.SENT)
    [following] = await offices.here.claim_letters()
    assert following.content["text"] == "two"
    await offices.here.finish(following.id, LetterState.DEAD, "it answered 404")
    assert [letter.content["text"] for letter in await offices.here.claim_letters()] == ["three"]


async def test_letters_for_events_are_written_once(offices: Offices) -> None:
    seen = await offices.here.bind("front", "t1", "c1")
    letters = [NewLetter(3, 0, LetterKind.MESSAGE, {"text": "one"})]
    assert await offices.here.write(seen, 3, letters)
    assert not await offices.there.write(seen, 3, letters)
    now = await offices.there.thread("front", "t1")
    assert now == Thread("front", "t1", "c1", 3)
    assert await offices.there.thread_of("c1") == now
    assert await offices.there.thread_of("c2") is None
    assert len(await offices.here.letters()) == 1


async def test_dead_letters_are_replayed_by_name_or_all_with_their_words(offices: Offices) -> None:
    await offices.letter("one", thread="t1")
    await offices.letter("two", thread="t2")
    await offices.letter("three", thread="t3", channel="back")
    for letter in await offices.here.claim_letters():
        await offices.here.finish(letter.id, LetterState.DEAD, "refused")
    dead = await offices.here.letters("front", "dead")
    assert [letter.problem for letter in dead] == ["refused", "refused"]
    assert all(not letter.content for letter in dead)
    assert await offices.there.replay("front", [dead[0].id]) == 1
    assert [letter.content["text"] for letter in await offices.here.claim_letters()] == ["two"]
    assert await offices.there.drop("front") == 1
    assert await offices.there.replay("front") == 0
    assert await offices.there.replay() == 1
    assert await offices.here.counts() == {"front": {"waiting": 1, "dropped": 1}, "back": {"waiting": 1}}


async def test_what_is_erased_leaves_no_words_to_be_sent_or_read(offices: Offices) -> None:
    await offices.letter("one")
    await offices.keep("d1")
    await offices.here.forget("c-front-t1")
    assert await offices.here.claim_letters() == []
    assert await offices.here.claim_deliveries() == []
    assert await offices.here.replay() == 0


async def test_what_was_dealt_with_long_ago_is_let_go_and_what_waits_or_is_dead_stays(offices: Offices) -> None:
    for id_ in ("d1", "d2"):
        await offices.keep(id_)
    done, *_ = await offices.here.claim_deliveries()
    await offices.here.settle(done.number)
    await offices.letter("sent", thread="t1")
    await offices.letter("dead", thread="t2")
    for letter in await offices.here.claim_letters():
        sent = letter.content["text"] == "sent"
        await offices.here.finish(letter.id, LetterState.SENT if sent else LetterState.DEAD)
    offices.clock.on(31 * 86_400)
    assert await offices.here.sweep(offices.clock() - timedelta(days=30)) == 2
    assert await offices.here.counts() == {"front": {"unread": 1, "dead": 1}}


async def test_no_word_stands_in_the_database_in_the_clear_or_after_it_was_dealt_with(offices: Offices) -> None:
    if offices.database is None:
        pytest.skip("the fake has no database")
    await offices.keep("d1")
    await offices.letter("my SECRET words")

    def contents() -> list[bytes | None]:
        with offices.database.engine.connect() as connection:  # type: ignore[union-attr]
            tables = ("channel_deliveries", "channel_letters")
            return [connection.execute(text(f"SELECT content FROM {table}")).scalar() for table in tables]

    assert all(kept and b"SECRET" not in bytes(kept) for kept in contents())
    await offices.here.settle((await offices.here.claim_deliveries())[0].number)
    await offices.here.finish((await offices.here.claim_letters())[0].id, LetterState.SENT)
    assert contents() == [None, None]


async def test_threads_whose_log_has_more_than_was_told_are_behind(offices: Offices) -> None:
    conversation = f"behind-{uuid4().hex}"  # other tests write to the same PostgreSQL
    if isinstance(offices.here, FakePostOffice):
        offices.here.heads[conversation] = 1
    else:
        assert offices.database is not None
        log = SqlEventLog(offices.database, MASTER)
        await log.create(conversation, "hill", Draft(EventType.STARTED, {"shop": "hill"}))
    await offices.here.bind("front", "t1", conversation)
    [late] = await offices.here.behind()
    assert late.conversation_id == conversation
    await offices.here.write(late, 1, [])
    assert await offices.here.behind() == []
