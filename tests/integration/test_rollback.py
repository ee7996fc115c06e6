"""Rolling back goes to what was live before, never to a release that nobody published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.adapters.db.engine import Database
from app.adapters.db.knowledge import SqlCatalogue
from app.adapters.db.migrate import upgrade
from app.bootstrap import Publishing
from app.errors import Conflict

pytestmark = pytest.mark.integration


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    upgrade(opened)
    yield opened
    opened.close()


async def _built(catalogue: SqlCatalogue) -> int:
    staged = await catalogue.stage("tea", added=[], closed=[], read_documents=[], embedder="fake")
    await catalogue.mark_built("tea", staged.number)
    return staged.number


async def test_a_release_that_was_built_but_never_published_is_passed_over(database: Database) -> None:
    catalogue = SqlCatalogue(database)
    await catalogue.save_shop("tea", {}, "")
    publishing = Publishing(catalogue)
    first = await _built(catalogue)
    await publishing.publish("tea", first)
    await _built(catalogue)
    third = await _built(catalogue)
    await publishing.publish("tea", third)
    assert await publishing.rollback("tea", None) == first
    assert await catalogue.live_release("tea") == first


async def test_with_nothing_live_before_nothing_is_moved(database: Database) -> None:
    catalogue = SqlCatalogue(database)
    await catalogue.save_shop("tea", {}, "")
    publishing = Publishing(catalogue)
    only = await _built(catalogue)
    await publishing.publish("tea", only)
    with pytest.raises(Conflict):
        await publishing.rollback("tea", None)
    assert await catalogue.live_release("tea") == only
