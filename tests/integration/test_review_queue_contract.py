"""The review queue in SQLite and in PostgreSQL: the same items in the same order, and one editor settles each."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.adapters.db.conversations import SqlEventLog
from app.adapters.db.review import SqlReviewQueue
from app.conversation.events import Draft, EventType
from app.errors import Conflict, NotFound
from app.review.item import AskedAgain, Item, Kind, Outcome, ReviewQueue, Settled, Wanted
from tests.edge import MASTER, migrated_database

pytestmark = pytest.mark.integration

START = datetime(2026, 11, 22, 9, tzinfo=UTC)
HANDOFF = {"reason": "anger", "language": "zh"}
UNSURE = {"decision": "answer", "confidence": 0.4, "language": "en", "release": 3}


@dataclass
class Shop:
    """A shop of its own in a database that others use too; a minute passes with every event."""

    log: SqlEventLog
    queue: ReviewQueue
    now: list[datetime]
    name: str = field(default_factory=lambda: f"shop-{uuid.uuid4().hex}")

    async def conversation(self) -> str:
        id_ = uuid.uuid4().hex
        await self.log.create(id_, self.name, Draft(EventType.STARTED, {"shop": self.name}))
        return id_

    async def happens(self, type_: EventType, conversation: str = "", message: str = "m1", **payload: Any) -> str:
        """An event about a message, in a new conversation unless one is named."""
        conversation = conversation or await self.conversation()
        self.now[0] += timedelta(minutes=1)
        await self.log.append(conversation, [Draft(type_, {"message_id": message, **payload})])
        return conversation

    async def items(self, **wanted: Any) -> list[Item]:
        return (await self.queue.find(self.name, Wanted(**wanted)))[0]

    async def only(self) -> Item:
        [item] = await self.items(every=True)
        return item


@pytest.fixture(params=["sqlite", "postgres"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    database, now = migrated_database(tmp_path, url), [START]
    yield Shop(SqlEventLog(database, MASTER, lambda: now[0]), SqlReviewQueue(database), now)
    database.close()


def by(name: str = "Lin", outcome: str = Outcome.PHRASING, **more: str) -> Settled:
    return Settled(outcome, name, "2026-11-22T10:00:00+00:00", **more)


async def test_a_turn_is_one_item_with_all_its_reasons_and_what_was_decided(shop: Shop) -> None:
    conversation = await shop.happens(EventType.DECIDED, **UNSURE)
    await shop.happens(EventType.HANDOFF, conversation, **HANDOFF)
    await shop.happens(EventType.FEEDBACK, conversation, helpful=False)
    item = await shop.only()
    assert item.kinds == (Kind.LOW_CONFIDENCE, Kind.HANDOFF, Kind.THUMBS_DOWN)
    assert (item.reason, item.confidence, item.language, item.release) == ("anger", 0.4, "zh", 3)
    assert (item.shop, item.conversation_id, item.message_id) == (shop.name, conversation, "m1")
    assert (item.at, item.updated_at) == ("2026-11-22T09:01:00.000000+00:00", "2026-11-22T09:03:00.000000+00:00")
    assert await shop.queue.item(shop.name, item.id) == item
    with pytest.raises(NotFound):
        await shop.queue.item("another", item.id)


async def test_items_are_found_by_each_of_their_traits_newest_or_oldest_first_and_page_by_page(shop: Shop) -> None:
    unsure = await shop.happens(EventType.DECIDED, **UNSURE)
    handed = await shop.happens(EventType.HANDOFF, **HANDOFF)
    disliked = await shop.happens(EventType.FEEDBACK, helpful=False)
    answered = await shop.happens(EventType.AGENT_SAID, answers="m1")

    async def found(**wanted: Any) -> list[str]:
        return [item.conversation_id for item in await shop.items(**wanted)]

    assert await found() == [disliked, handed, unsure]
    assert await found(newest_first=False) == [unsure, handed, disliked]
    assert await found(every=True) == [answered, disliked, handed, unsure]
    assert await found(kinds=(Kind.THUMBS_DOWN, Kind.HANDOFF)) == [disliked, handed]
    assert await found(kinds=("thumbs-down", "%")) == [], "a kind is no pattern"
    assert await found(language="zh") == [handed]
    assert await found(since="2026-11-22T09:02:00") == [disliked, handed]
    assert await found(conversation=unsure) == [unsure]
    assert await found(state="done") == []
    page, total = await shop.queue.find(shop.name, Wanted(), offset=1, limit=1)
    assert ([item.conversation_id for item in page], total) == ([handed], 3)
    assert await shop.queue.find("another", Wanted()) == ([], 0)
    assert [item.conversation_id for item in await shop.queue.answered(shop.name, 5)] == [answered]


async def test_open_items_are_counted_by_kind_and_whole_numbers(shop: Shop) -> None:
    assert dict(await shop.queue.counts(shop.name)) == dict.fromkeys([*Kind, "open", "done"], 0)
    conversation = await shop.happens(EventType.HANDOFF, **HANDOFF)
    await shop.happens(EventType.FEEDBACK, conversation, helpful=False)
    await shop.happens(EventType.FEEDBACK, helpful=False)
    await shop.happens(EventType.AGENT_SAID, answers="m1")
    counts = await shop.queue.counts(shop.name)
    assert all(type(count) is int for count in counts.values())
    assert (counts["handoff"], counts["thumbs_down"], counts["answered"]) == (1, 2, 1)
    assert (counts["open"], counts["done"]) == (2, 0), "what people answered is not in the queue by itself"
    await shop.queue.settle(shop.name, [item.id for item in await shop.items(conversation=conversation)], by())
    counts = await shop.queue.counts(shop.name)
    assert (counts["handoff"], counts["thumbs_down"], counts["open"], counts["done"]) == (0, 1, 1, 1)


async def test_settling_is_for_all_or_none_and_can_be_taken_back(shop: Shop) -> None:
    for _ in range(3):
        await shop.happens(EventType.HANDOFF, **HANDOFF)
    first, second, third = [item.id for item in await shop.items(newest_first=False)]
    settled = await shop.queue.settle(shop.name, [first, second], by(batch="b1", row="r1"))
    assert [(item.id, item.state, item.outcome, item.done_by) for item in settled] == [
        (first, "done", "phrasing", "Lin"),
        (second, "done", "phrasing", "Lin"),
    ]
    assert [item.id for item in await shop.items(batch="b1", newest_first=False)] == [first, second]
    assert [item.id for item in await shop.items(outcomes=(Outcome.PHRASING, Outcome.EDIT))] == [first, second]
    for ids, error in (([third, first], Conflict), ([third, 10**9], NotFound), ([], NotFound)):
        with pytest.raises(error):
            await shop.queue.settle(shop.name, ids, by("Mei"))
    assert [item.id for item in await shop.items(state="open")] == [third]
    assert [item.batch for item in await shop.queue.reopen(shop.name, [first])] == ["b1"]
    again = await shop.queue.item(shop.name, first)
    assert (again.state, again.outcome, again.done_by, again.batch, again.row) == ("open", "", "", "", "")
    with pytest.raises(Conflict):
        await shop.queue.reopen(shop.name, [first, second])
    assert (await shop.queue.item(shop.name, second)).state == "done"


async def test_of_many_editors_at_once_one_settles_an_item(shop: Shop) -> None:
    await shop.happens(EventType.HANDOFF, **HANDOFF)
    item = await shop.only()
    tries = [shop.queue.settle(shop.name, [item.id], by(f"editor {n}")) for n in range(12)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    [winner] = [outcome for outcome in outcomes if isinstance(outcome, list)]
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 11
    assert (await shop.only()).done_by == winner[0].done_by


async def test_a_new_complaint_opens_a_settled_item_again_and_the_same_one_does_not(shop: Shop) -> None:
    conversation = await shop.happens(EventType.HANDOFF, **HANDOFF)
    await shop.queue.settle(shop.name, [(await shop.only()).id], by())
    await shop.happens(EventType.HANDOFF, conversation, **HANDOFF)
    assert (await shop.only()).state == "done"
    await shop.happens(EventType.FEEDBACK, conversation, helpful=False)
    assert ((await shop.only()).state, (await shop.only()).done_by) == ("open", "")


async def test_a_shopper_who_thinks_better_of_it_takes_that_reason_back(shop: Shop) -> None:
    alone = await shop.happens(EventType.FEEDBACK, helpful=False)
    both = await shop.happens(EventType.HANDOFF, **HANDOFF)
    await shop.happens(EventType.FEEDBACK, both, helpful=False)
    for conversation in (alone, both):
        await shop.happens(EventType.FEEDBACK, conversation, helpful=True)
    assert (await shop.only()).kinds == (Kind.HANDOFF,)
    assert (await shop.only()).conversation_id == both


async def test_what_a_later_release_says_is_kept_until_it_is_settled_anew(shop: Shop) -> None:
    await shop.happens(EventType.HANDOFF, **HANDOFF)
    id_ = (await shop.only()).id
    await shop.queue.settle(shop.name, [id_], by())
    await shop.queue.note_again(shop.name, id_, AskedAgain(9, "answer", 0.91, "第 12 行 | " + "长" * 700, "2026-11-23"))
    await shop.queue.note_again("another", id_, AskedAgain(10, "refuse", 0.0, "", ""))
    kept = await shop.only()
    assert (kept.after_release, kept.after_decision, kept.after_confidence) == (9, "answer", 0.91)
    assert kept.after_row == ("第 12 行 | " + "长" * 700)[:600]
    await shop.queue.reopen(shop.name, [id_])
    [settled] = await shop.queue.settle(shop.name, [id_], by("Mei"))
    assert (settled.after_release, settled.after_decision, settled.after_row) == (0, "", "")


async def test_an_erasure_takes_a_conversations_items_and_its_ids_are_given_to_nobody(shop: Shop) -> None:
    gone = await shop.happens(EventType.HANDOFF, **HANDOFF)
    kept = await shop.happens(EventType.HANDOFF, **HANDOFF)
    await shop.happens(EventType.FEEDBACK, gone, "m2", helpful=False)
    ids = {item.id for item in await shop.items()}
    await shop.log.erase(gone)
    assert [item.conversation_id for item in await shop.items()] == [kept]
    await shop.happens(EventType.HANDOFF, kept, "m9", **HANDOFF)
    assert (await shop.items())[0].id not in ids
    with pytest.raises(NotFound):
        await shop.queue.settle(shop.name, ids, by())


async def test_reasons_that_come_at_once_from_two_instances_are_one_item(shop: Shop) -> None:
    conversation = await shop.conversation()
    told = [
        (EventType.HANDOFF, HANDOFF),
        (EventType.DECIDED, UNSURE),
        (EventType.FEEDBACK, {"helpful": False}),
        (EventType.AGENT_SAID, {"answers": "m1"}),
    ]
    await asyncio.gather(*(shop.happens(type_, conversation, **payload) for type_, payload in told))
    assert set((await shop.only()).kinds) == {Kind.HANDOFF, Kind.LOW_CONFIDENCE, Kind.THUMBS_DOWN, Kind.ANSWERED}
