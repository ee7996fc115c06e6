"""The editors' layer in SQLite and in PostgreSQL: the same promises, with many writers at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from app.adapters.db.edits import SqlEdits
from app.adapters.db.engine import Database
from app.adapters.db.migrate import upgrade
from app.errors import Conflict, NotFound, OutdatedEdit
from app.knowledge.edits import Action, Edit, LayeredRow, NewEdit, Settlement

pytestmark = pytest.mark.integration

BASE = {"title": "q", "content_hash": "h1"}


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlEdits]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else f"sqlite:///{tmp_path / 'x.db'}"
    database = Database(url)
    upgrade(database)
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM edits"))
        connection.execute(text("DELETE FROM layered_rows"))
    yield SqlEdits(database)
    database.close()


def an_edit(row: str = "r1", version: int = 0, answer: str = "mine", **more: object) -> NewEdit:
    fact = (row, f"doc\nfaq\n{row}\n0", "faq", "knowledge/faq.csv", BASE)
    return NewEdit(*fact, Action.CHANGE, {"answer": answer}, version, **more)  # type: ignore[arg-type]


async def only(store: SqlEdits) -> LayeredRow:
    [row] = await store.rows("s")
    return row


async def test_what_is_recorded_is_read_back(store: SqlEdits) -> None:
    [edit] = await store.record("s", [an_edit()], "Lin")
    row = await only(store)
    assert (row.base, row.theirs, row.gone, row.version, row.path) == (BASE, None, False, 1, "knowledge/faq.csv")
    assert row.edits == (Edit(1, "r1", Action.CHANGE, {"answer": "mine"}, "Lin", edit.at, edit.batch),)
    assert await store.rows("other") == []


async def test_a_batch_is_recorded_whole_or_not_at_all(store: SqlEdits) -> None:
    await store.record("s", [an_edit("r1")], "Lin")
    with pytest.raises(OutdatedEdit):
        await store.record("s", [an_edit("r2"), an_edit("r1", version=0)], "Mei")
    assert [row.row for row in await store.rows("s")] == ["r1"]


async def test_of_many_writers_with_one_version_only_the_first_is_recorded(store: SqlEdits) -> None:
    await store.record("s", [an_edit()], "Lin")
    tries = [store.record("s", [an_edit(version=1, answer=str(n))], f"editor {n}") for n in range(12)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(1 for outcome in outcomes if isinstance(outcome, list)) == 1
    assert sum(1 for outcome in outcomes if isinstance(outcome, OutdatedEdit)) == 11
    assert ((await only(store)).version, len((await only(store)).edits)) == (2, 2)


async def test_writers_of_different_rows_do_not_stand_in_each_others_way(store: SqlEdits) -> None:
    await asyncio.gather(*(store.record("s", [an_edit(f"r{n}")], "Lin") for n in range(12)))
    rows = await store.rows("s")
    assert sorted(edit.number for row in rows for edit in row.edits) == list(range(1, 13))


async def test_drafts_are_staged_once_and_undone_drafts_never(store: SqlEdits) -> None:
    await store.record("s", [an_edit("r1"), an_edit("r2")], "Lin")
    await store.undo("s", [2], "Mei")
    assert await store.mark_staged("s") == 1
    assert await store.mark_staged("s") == 0
    edits = {edit.row: edit for row in await store.rows("s") for edit in row.edits}
    assert (edits["r1"].applies, edits["r2"].applies, edits["r2"].undone_by) == (True, False, "Mei")
    await store.undo("s", [1], "Mei")
    assert (await store.rows("s"))[0].edits[0].pending
    assert await store.mark_staged("s") == 1


async def test_undoing_twice_or_nothing_is_refused(store: SqlEdits) -> None:
    await store.record("s", [an_edit()], "Lin")
    await store.undo("s", [1], "Lin")
    with pytest.raises(Conflict):
        await store.undo("s", [1], "Lin")
    with pytest.raises(NotFound):
        await store.undo("s", [7], "Lin")


async def test_settling_writes_both_sides_and_ends_edits(store: SqlEdits) -> None:
    await store.record("s", [an_edit()], "Lin")
    theirs = {"title": "q", "content_hash": "h2"}
    await store.settle("s", [Settlement("r1", BASE, theirs=theirs)])
    assert ((await only(store)).theirs, (await only(store)).version) == (theirs, 2)
    await store.settle("s", [Settlement("r1", None, settled={1: "in file"})])
    row = await only(store)
    assert (row.base, row.theirs, row.edits[0].settled, row.active) == (None, None, "in file", False)


async def test_a_choice_settles_and_records_together_or_not_at_all(store: SqlEdits) -> None:
    await store.record("s", [an_edit()], "Lin")
    settlement = Settlement("r1", {"content_hash": "h2"}, settled={1: "resolved"})
    with pytest.raises(OutdatedEdit):
        await store.resolve("s", 9, settlement, None, "Mei")
    await store.resolve("s", 1, settlement, an_edit(version=1, answer="both", staged=True), "Mei")
    row = await only(store)
    assert [(edit.settled, edit.applies) for edit in row.edits] == [("resolved", False), ("", True)]
