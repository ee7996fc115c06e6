"""What every catalogue promises: releases are immutable, staged in one step, published by one pointer."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from app.adapters.db.engine import Database
from app.adapters.db.knowledge import SqlCatalogue
from app.adapters.db.migrate import head_revision, upgrade
from app.errors import Conflict, NotFound
from app.knowledge.catalogue import NewChunk
from app.knowledge.chunk import Chunk, Document, Kind
from app.knowledge.diff import compare_releases
from app.knowledge.finding import Finding, Severity, Words
from app.knowledge.inspection import Inspection, SuiteVerdict
from app.knowledge.release import ReleaseState
from ingestion.chunkers import make_chunk

pytestmark = pytest.mark.integration
FAQ = Document("knowledge/f.csv", "knowledge/f.csv", "f", Kind.FAQ, "zh")
CUPS = Document("knowledge/p.csv", "knowledge/p.csv", "p", Kind.PRODUCT, "en")


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else f"sqlite:///{tmp_path / 'x.db'}"
    database = Database(url)
    if request.param == "postgres":
        with database.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    upgrade(database)
    yield database
    database.close()


@pytest.fixture
def catalogue(database: Database) -> SqlCatalogue:
    return SqlCatalogue(database)


def faq(row: int, question: str, answer: str) -> Chunk:
    return make_chunk(
        FAQ, locator=f"row {row} | {question}", title=question, text=answer, language="zh", phrasings=[question],
        related=["还有吗？"], valid_until=datetime(2026, 11, 12, tzinfo=UTC), section="物流",
    )  # fmt: skip


def cup(sku: str, price: str) -> Chunk:
    attributes = {"价格": price, "Colour": "red"}
    return make_chunk(
        CUPS, locator=sku, title="Cup", text=sku, language="en", attributes=attributes, group="cup",
        attribute_paths={"Colour": "knowledge/spec.xlsx"}, attribute_locators={"Colour": "cup"},
    )  # fmt: skip


async def build(catalogue: SqlCatalogue, added: list[Chunk], closed: tuple[str, ...] = (), shop: str = "s") -> int:
    new = [NewChunk(chunk, position, 2) for position, chunk in enumerate(added)]
    documents = [FAQ, CUPS]
    staged = await catalogue.stage(shop, added=new, closed=closed, read_documents=documents, embedder="e")
    await catalogue.mark_built(shop, staged.number)
    return staged.number


async def test_an_unknown_shop_has_nothing_live(catalogue: SqlCatalogue) -> None:
    assert await catalogue.live_release("s") is None
    assert await catalogue.releases("s") == []
    assert await catalogue.shops() == []
    with pytest.raises(NotFound):
        await catalogue.brand("s")


async def test_chunks_come_back_exactly_as_they_were_written(catalogue: SqlCatalogue) -> None:
    await catalogue.save_shop("s", {"name": "店", "n": [1, {"a": None}]}, "/x")
    chunks = [faq(2, "几天？", "两天。"), cup("B", "9.00"), cup("A", "8")]
    assert await catalogue.chunks("s", await build(catalogue, chunks)) == chunks
    assert await catalogue.brand("s") == {"name": "店", "n": [1, {"a": None}]}
    assert await catalogue.folder("s") == "/x"
    assert await catalogue.point_count("s", 1) == 6
    assert list((await catalogue.chunks("s", 1))[1].attributes) == ["价格", "Colour"]


async def test_a_release_is_live_only_once_it_is_built_and_published(catalogue: SqlCatalogue) -> None:
    await catalogue.save_shop("s", {}, "")
    staged = await catalogue.stage(
        "s", added=[NewChunk(cup("A", "1"), 0, 1)], closed=[], read_documents=[], embedder="e"
    )
    with pytest.raises(Conflict):
        await catalogue.publish("s", staged.number)
    await catalogue.mark_built("s", staged.number)
    assert await catalogue.live_release("s") is None
    published = await catalogue.publish("s", staged.number)
    assert (published.live, published.state) == (True, ReleaseState.BUILT)
    assert published.published_at is not None
    with pytest.raises(NotFound):
        await catalogue.publish("s", 7)
    assert await catalogue.live_release("s") == staged.number


async def test_old_releases_never_change_and_can_be_gone_back_to(catalogue: SqlCatalogue) -> None:
    await catalogue.save_shop("s", {}, "")
    first, second = [cup("A", "1"), cup("B", "1")], cup("A", "2")
    await catalogue.publish("s", await build(catalogue, first))
    await catalogue.publish("s", await build(catalogue, [second], (first[0].chunk_id,)))
    third = await build(catalogue, [first[0]], (second.chunk_id,))
    assert sorted(c.attributes["价格"] for c in await catalogue.chunks("s", 1)) == ["1", "1"]
    assert sorted(c.attributes["价格"] for c in await catalogue.chunks("s", 2)) == ["1", "2"]
    assert {c.chunk_id for c in await catalogue.chunks("s", third)} == {f"{first[0].chunk_id}-3", first[1].chunk_id}
    diff = await compare_releases(catalogue, "s", 1, 2)
    assert [(v.name, v.before, v.after) for c in diff.changes for v in c.values()] == [("价格", "1", "2")]
    assert diff.counts() == {"changed": 1, "added": 0, "removed": 0, "moved": 0}
    await catalogue.publish("s", 1)
    assert [(r.number, r.live) for r in await catalogue.releases("s")] == [(3, False), (2, False), (1, True)]
    newest = await catalogue.newest_built("s")
    assert newest is not None
    assert newest.number == 3


async def test_every_move_of_the_pointer_is_kept_with_its_reason(catalogue: SqlCatalogue) -> None:
    await catalogue.save_shop("s", {}, "")
    first, second = await build(catalogue, [cup("A", "1")]), await build(catalogue, [cup("B", "1")])
    await catalogue.publish("s", first)
    await catalogue.publish("s", first)
    await catalogue.publish("s", second, by="ann", reason="spring")
    moves = [(m.from_release, m.to_release, m.by, m.reason) for m in await catalogue.moves("s")]
    assert moves == [(first, second, "ann", "spring"), (None, first, "", "")]


async def test_releases_that_are_swept_leave_the_kept_ones_exactly_as_they_were(catalogue: SqlCatalogue) -> None:
    await catalogue.save_shop("s", {}, "")
    chunks = [cup("A", str(price)) for price in range(6)]
    numbers = [await build(catalogue, [chunks[0], cup("Z", "1")])]
    for old, new in pairwise(chunks):
        numbers.append(await build(catalogue, [new], (old.chunk_id,)))
    await catalogue.publish("s", numbers[1])
    kept = {n: await catalogue.chunks("s", n) for n in (numbers[1], numbers[4], numbers[5])}
    assert await catalogue.garbage("s") == []
    assert await catalogue.retire("s", 2, datetime.now(UTC)) == [numbers[0], numbers[2], numbers[3]]
    garbage = await catalogue.garbage("s")
    assert sorted(garbage) == sorted(chunks[n].chunk_id for n in (0, 2, 3))
    await catalogue.drop_garbage("s", garbage)
    assert await catalogue.garbage("s") == []
    assert {n: await catalogue.chunks("s", n) for n in kept} == kept
    with pytest.raises(Conflict, match="swept"):
        await catalogue.publish("s", numbers[2])
    assert await catalogue.live_release("s") == numbers[1]
    assert await build(catalogue, [chunks[2]], ()) == numbers[5] + 1


async def test_a_release_that_was_live_until_lately_is_not_swept(catalogue: SqlCatalogue) -> None:
    await catalogue.save_shop("s", {}, "")
    numbers = [await build(catalogue, [cup("A", str(price))]) for price in range(3)]
    for number in numbers:
        await catalogue.publish("s", number)
    now = datetime.now(UTC)
    assert await catalogue.retire("s", 1, now - timedelta(minutes=5)) == []
    assert await catalogue.retire("s", 1, now) == numbers[:2]


async def test_an_unfinished_release_can_be_undone_without_a_trace(catalogue: SqlCatalogue) -> None:
    await catalogue.save_shop("s", {}, "")
    old = [faq(2, "几天？", "两天。"), cup("A", "1")]
    await build(catalogue, old)
    new = NewChunk(cup("A", "2"), 1, 2)
    closed = [old[1].chunk_id]
    staged = await catalogue.stage("s", added=[new], closed=closed, read_documents=[FAQ, CUPS], embedder="e")
    leftover = await catalogue.staged("s")
    assert leftover is not None
    assert leftover.added == (new.chunk.chunk_id,)
    assert [version.chunk for version in leftover.closed] == [old[1]]
    await catalogue.abandon("s", staged.number)
    assert await catalogue.staged("s") is None
    assert await catalogue.chunks("s", 1) == old
    assert await catalogue.chunks("s", 3) == old
    assert [release.state for release in await catalogue.releases("s")] == [ReleaseState.FAILED, ReleaseState.BUILT]


async def test_what_the_checks_said_is_kept_with_the_release_and_replaced_by_the_next_look(
    catalogue: SqlCatalogue,
) -> None:
    await catalogue.save_shop("s", {"name": "s"}, "")
    number = await build(catalogue, [faq(2, "Free shipping?", "From £50.")])
    assert await catalogue.inspection("s", number) is None
    words = Words("价格变了", "A price changed")
    finding = Finding("prices", Severity.BLOCKS, "products.csv", "TP-1", words, words, 4)
    suite = SuiteVerdict("suite", 3, 2, 3, 0.5, ("a",), (), ("a",), (words,), ({"id": "a", "question": "?"},))
    looked = Inspection(number, 1, datetime(2026, 5, 1, tzinfo=UTC), [finding], suite)
    await catalogue.save_inspection("s", looked)
    assert await catalogue.inspection("s", number) == looked
    await catalogue.save_inspection("s", replace(looked, forced="samples are free"))
    assert (await catalogue.inspections("s"))[number].forced == "samples are free"
    assert await catalogue.inspections("other") == {}


async def test_shops_do_not_see_each_other(catalogue: SqlCatalogue) -> None:
    for shop in ("b", "a"):
        await catalogue.save_shop(shop, {}, "")
        await build(catalogue, [cup("A", shop)], shop=shop)
    await catalogue.save_shop("empty", {}, "")
    assert await catalogue.shops() == ["b", "a"]
    assert [c.attributes["价格"] for c in await catalogue.chunks("a", 1)] == ["a"]
    await catalogue.publish("a", 1)
    assert await catalogue.live_release("b") is None


async def test_vectors_are_remembered_by_model_and_text(catalogue: SqlCatalogue) -> None:
    vectors = {f"{i:x}": np.full(3, i / 7, dtype=np.float32) for i in range(1_200)}
    await catalogue.save_vectors("m", vectors)
    await catalogue.save_vectors("m", {"1": np.zeros(3, dtype=np.float32)})
    found = await catalogue.vectors("m", [*vectors, "unknown"])
    assert found.keys() == vectors.keys()
    assert all(np.array_equal(found[key], vectors[key]) for key in vectors)
    assert await catalogue.vectors("other", ["1"]) == {}


async def test_migrating_again_costs_nothing_and_a_moment_needs_a_zone(
    catalogue: SqlCatalogue, database: Database
) -> None:
    upgrade(database)
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == head_revision()


def test_the_migrations_make_the_tables_that_the_code_names(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    import app.adapters.db
    from app.adapters.db.engine import metadata

    for module in pkgutil.iter_modules(app.adapters.db.__path__, "app.adapters.db."):
        importlib.import_module(module.name)
    with database.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    assert differences == []
