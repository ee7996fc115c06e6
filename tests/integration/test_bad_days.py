"""Bad days of a daily ingest: the index goes away while a release is staged, two publish at once, files change underfoot."""

# ruff: noqa: E501
from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.adapters.db.knowledge import SqlCatalogue
from app.adapters.index.qdrant_server import QdrantServerIndex
from app.errors import Conflict, Unavailable
from app.ingest_commands import fingerprint
from app.knowledge.ports import IndexPoint
from ingestion.converters import markdown
from ingestion.job import ingest
from ingestion.report import IngestReport
from ingestion.sources.uploads import KeptUploads
from tests.edge import migrated_database
from tests.fakes import FakeEmbedder, FakeIndex

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

PROJECT = Path(__file__).parents[2]
FAQ = "question,answer\nDo you sell hammocks?,Two models.\n"
MORE = "".join(f"Is shelf {n} here?,Shelf {n} is on the left.\n" for n in range(20))


class StoppingIndex(FakeIndex):
    """Goes away after so many writes, as a server that is stopped does, and comes back when told."""

    def __init__(self) -> None:
        super().__init__()
        self.writes_left: int | None = None

    async def upsert(self, points: Sequence[IndexPoint]) -> None:
        self._write()
        await super().upsert(points)

    async def close_chunks(self, shop: str, chunk_ids: Sequence[str], to_release: int) -> None:
        self._write()
        await super().close_chunks(shop, chunk_ids, to_release)

    async def flush(self) -> None:
        self._write()
        await super().flush()

    def _write(self) -> None:
        if self.writes_left is not None:
            if not self.writes_left:
                raise Unavailable("Qdrant cannot be reached. Start it and try again.")
            self.writes_left -= 1


@dataclass
class Shop:
    """A folder and everything a run needs."""

    folder: Path
    home: Path
    catalogue: SqlCatalogue
    index: Any = field(default_factory=StoppingIndex)
    embedder: FakeEmbedder = field(default_factory=FakeEmbedder)

    def write(self, text: str, name: str = "faq.csv") -> None:
        (self.folder / "knowledge").mkdir(parents=True, exist_ok=True)
        (self.folder / "knowledge" / name).write_text(text)

    async def run(self, index: Any = None) -> IngestReport:
        return await ingest(
            self.folder, "hill", home=self.home, catalogue=self.catalogue, index=index or self.index,
            embedder=self.embedder, publish=True,
        )  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    home = tmp_path / "home"
    home.mkdir()
    database = migrated_database(home)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "brand.yaml").write_text("name: Hill\n")
    yield Shop(tmp_path / "shop", home, SqlCatalogue(database))
    database.close()


@pytest.mark.parametrize("writes", range(3))
async def test_an_index_that_is_stopped_while_staging_loses_nothing_and_the_next_run_finishes(
    shop: Shop, writes: int
) -> None:
    shop.write(FAQ)
    await shop.run()
    shop.write(FAQ.replace("Two", "Three") + MORE)
    shop.index.writes_left = writes
    with pytest.raises(Unavailable, match="Start it"):
        await shop.run()
    assert await shop.catalogue.live_release("hill") == 1
    assert [chunk.text for chunk in await shop.catalogue.chunks("hill", 1)] == ["Two models."]
    shop.index.writes_left = None
    embedded = len(shop.embedder.embedded)
    report = await shop.run()
    live = report.live_release or 0
    assert len(await shop.catalogue.chunks("hill", live)) == 21
    assert await shop.index.count("hill", live) == await shop.catalogue.point_count("hill", live)
    assert len(shop.embedder.embedded) == embedded  # what was embedded before the failure is remembered


async def test_a_qdrant_server_that_is_not_there_is_told_in_words(shop: Shop) -> None:
    shop.write(FAQ)
    index = QdrantServerIndex("http://127.0.0.1:9", "")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9"):
        await shop.run(index)
    await index.close()
    assert await shop.catalogue.live_release("hill") is None
    assert (await shop.run()).live_release is not None


async def test_of_two_runs_at_once_one_is_told_to_wait_and_nothing_is_mixed(shop: Shop) -> None:
    shop.write(FAQ + MORE)
    runs = await asyncio.gather(shop.run(), shop.run(), return_exceptions=True)
    refused = [run for run in runs if isinstance(run, Conflict)]
    done = [run for run in runs if isinstance(run, IngestReport)]
    assert (len(refused), len(done), done[0].live_release) == (1, 1, 1)


async def test_two_who_publish_at_once_leave_one_whole_release_live(shop: Shop) -> None:
    for text in (FAQ, FAQ + MORE):
        shop.write(text)
        await shop.run()
    await asyncio.gather(*(shop.catalogue.publish("hill", 1 + n % 2) for n in range(20)))
    live = await shop.catalogue.live_release("hill") or 0
    releases = await shop.catalogue.releases("hill")
    assert [release.number for release in releases if release.live] == [live]
    assert await shop.index.count("hill", live) == await shop.catalogue.point_count("hill", live)


async def test_a_file_replaced_while_it_is_read_is_read_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write("# Returns\n\nWithin 7 days of delivery, unused.\n", "returns.md")
    convert, times = markdown.convert, [0]

    def slow(path: Path) -> object:
        found = convert(path)
        times[0] += 1
        if times[0] == 1:  # the editor saves while we read
            path.with_name("x").write_text("# Returns\n\nWithin 14 days of delivery, unused.\n")
            path.with_name("x").replace(path)
        return found

    monkeypatch.setattr(markdown, "convert", slow)
    report = await shop.run()
    [chunk] = await shop.catalogue.chunks("hill", report.live_release or 0)
    assert (times[0], "14 days" in chunk.text) == (2, True)


async def test_a_file_that_never_keeps_still_keeps_what_it_held(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write("# Returns\n\nWithin 7 days of delivery, unused.\n", "returns.md")
    await shop.run()
    convert = markdown.convert

    def restless(path: Path) -> object:
        found = convert(path)
        path.write_text(path.read_text() + "More.\n")
        return found

    monkeypatch.setattr(markdown, "convert", restless)
    shop.write("# Returns\n\nWithin 9 days of delivery, unused.\n", "returns.md")
    report = await shop.run()
    assert "written again and again" in report.files[0].error
    assert (report.live_release, "7 days" in (await shop.catalogue.chunks("hill", 1))[0].text) == (1, True)


async def test_a_renamed_column_publishes_nothing_and_keeps_every_question(shop: Shop) -> None:
    shop.write(FAQ + MORE)
    await shop.run()
    shop.write((FAQ + MORE).replace("question,answer", "what they say,what we say"))
    report = await shop.run()
    assert (report.exit_code, report.live_release) == (1, 1)
    assert "21 questions are not recognised any more" in report.files[0].error
    assert len(await shop.catalogue.chunks("hill", 1)) == 21


async def test_a_disk_that_fills_up_while_files_are_written_is_told_and_forgotten(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write(FAQ)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as now:
        now.setattr("ingestion.shop_files.ShopFiles.write", full)
        with pytest.raises(Unavailable, match="The disk is full"):
            await shop.run()
    assert (await shop.run()).live_release == 1


async def test_a_database_that_is_full_or_gone_is_told_in_words(shop: Shop) -> None:
    shop.write(FAQ)
    await shop.run()
    shop.write(FAQ + MORE * 3)
    database = shop.catalogue._database
    pages = database.run_now(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
    database.run_now(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={pages}"))
    with pytest.raises(Unavailable, match="disk of the database is full"):
        await shop.run()
    database.run_now(lambda c: c.exec_driver_sql("PRAGMA max_page_count=1000000"))
    assert await shop.catalogue.live_release("hill") == 1
    assert (await shop.run()).exit_code == 0


async def test_of_one_sku_in_the_folder_and_elsewhere_the_folders_values_hold(shop: Shop) -> None:
    shop.write("sku,name,price\nA1,Mug,12.00\n", "products.csv")
    await shop.run()
    elsewhere = shop.home / "shops" / "hill" / "sources" / "uploads"
    elsewhere.mkdir(parents=True)
    (elsewhere / "a.csv").write_text("sku,name,price\nA1,Mug,9.00\n")
    for source in (KeptUploads(), shop.folder):
        await ingest(
            source,
            "hill",
            home=shop.home,
            catalogue=shop.catalogue,
            index=shop.index,
            embedder=shop.embedder,
            publish=True,
        )
        newest = await shop.catalogue.newest_built("hill")
        [mug] = await shop.catalogue.chunks("hill", newest.number if newest else 0)
        assert (mug.path, mug.attributes["price"]) == ("knowledge/products.csv", "12.00")


def test_a_folder_is_watched_by_its_files_alone(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x")
    before = fingerprint(tmp_path)
    (tmp_path / ".a.md.swp").write_text("x")
    (tmp_path / "~$a.xlsx").write_text("x")
    assert fingerprint(tmp_path) == before
    (tmp_path / "a.md").write_text("xy")
    assert fingerprint(tmp_path) != before
    assert list(fingerprint(tmp_path / "a.md")) == [str(tmp_path / "a.md")]


def test_a_watched_folder_goes_live_when_it_changes(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    (folder / "knowledge").mkdir(parents=True)
    (folder / "brand.yaml").write_text("name: Hill\n")
    (folder / "knowledge" / "faq.csv").write_text(FAQ)
    environment = os.environ | {
        "XIAOER_HOME": str(tmp_path / "home"),
        "XIAOER_MODEL": "none",
        "COLUMNS": "200",
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "app.cli", "ingest", str(folder), "--shop", "hill", "--watch"]
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # What a shell starts in the background ignores Ctrl-C, and so would what the tests start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    ) as watching:
        try:
            assert watching.stdout is not None
            _until(watching, "release 1 is live")
            _until(watching, "reads again on change")
            time.sleep(0.5)
            (folder / "knowledge" / "faq.csv").write_text(FAQ + MORE)
            _until(watching, "release 2 is live")
            _until(watching, "reads again on change")
            watching.send_signal(signal.SIGINT)
            watching.communicate(timeout=60)
        finally:
            watching.kill()
    assert watching.returncode == 130


def _until(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return
    raise AssertionError(f"it ended without {words!r}")
