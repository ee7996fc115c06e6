"""Publishing reads back first; rolling back goes to what was live before, never to what nobody published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.adapters.db.engine import Database
from app.adapters.db.knowledge import SqlCatalogue
from app.adapters.db.migrate import upgrade
from app.errors import Conflict, Unavailable
from app.knowledge.catalogue import NewChunk
from app.knowledge.publish import Publisher
from tests.builders import a_chunk
from tests.fakes import FakeIndex

pytestmark = pytest.mark.integration


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    upgrade(opened)
    yield opened
    opened.close()


@pytest.fixture
async def catalogue(database: Database) -> SqlCatalogue:
    made = SqlCatalogue(database)
    await made.save_shop("tea", {}, "")
    return made


async def _built(catalogue: SqlCatalogue, points: int = 0) -> int:
    added = [NewChunk(replace(a_chunk(), chunk_id=f"c{points}"), 0, points)] if points else []
    staged = await catalogue.stage("tea", added=added, closed=[], read_documents=[], embedder="fake")
    await catalogue.mark_built("tea", staged.number)
    return staged.number


async def test_a_release_that_was_built_but_never_published_is_passed_over(catalogue: SqlCatalogue) -> None:
    publisher = Publisher(catalogue, FakeIndex())
    first = await _built(catalogue)
    await publisher.publish("tea", first)
    await _built(catalogue)
    third = await _built(catalogue)
    await publisher.publish("tea", third)
    assert await publisher.rollback("tea") == first
    assert await catalogue.live_release("tea") == first


async def test_going_back_twice_goes_back_two_steps(catalogue: SqlCatalogue) -> None:
    publisher = Publisher(catalogue, FakeIndex())
    numbers = [await _built(catalogue) for _ in range(4)]
    for number in numbers[:3]:
        await publisher.publish("tea", number)
    assert [await publisher.rollback("tea"), await publisher.rollback("tea")] == [numbers[1], numbers[0]]
    with pytest.raises(Conflict):
        await publisher.rollback("tea")
    await publisher.publish("tea", numbers[3])
    assert await publisher.rollback("tea") == numbers[0]


async def test_with_nothing_live_before_nothing_is_moved(catalogue: SqlCatalogue) -> None:
    publisher = Publisher(catalogue, FakeIndex())
    only = await _built(catalogue)
    await publisher.publish("tea", only)
    with pytest.raises(Conflict):
        await publisher.rollback("tea")
    assert await catalogue.live_release("tea") == only


async def test_a_release_that_the_index_does_not_hold_in_full_never_goes_live(catalogue: SqlCatalogue) -> None:
    publisher = Publisher(catalogue, FakeIndex())
    await publisher.publish("tea", first := await _built(catalogue))
    with pytest.raises(Unavailable, match="reindex"):
        await publisher.publish("tea", await _built(catalogue, points=3))
    assert await catalogue.live_release("tea") == first


async def test_a_release_that_cannot_be_asked_never_goes_live(catalogue: SqlCatalogue) -> None:
    async def trial(shop: str, release: int) -> None:
        raise Unavailable("its vectors are of another embedder")

    first = await _built(catalogue)
    with pytest.raises(Unavailable):
        await Publisher(catalogue, FakeIndex(), trial).publish("tea", first)
    assert await catalogue.live_release("tea") is None
