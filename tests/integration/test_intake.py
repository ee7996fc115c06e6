"""Uploads and re-reading over HTTP, with the real job behind them: what comes in, what is refused, what stays."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest

from app.adapters.db.knowledge import SqlCatalogue
from app.intake import KnowledgeIntake
from ingestion.sources import archive
from tests.edge import API_KEY, make_container, migrated_database
from tests.fakes import FakeEmbedder, FakeIndex
from tests.integration.serving import events_of, served
from tests.integration.test_http import assert_problem

pytestmark = pytest.mark.integration

KEY = {"authorization": f"Bearer {API_KEY}"}
GIFTS = "question,answer\nDo you gift-wrap?,Yes for £3.\n"
PARKING = "question,answer\nCan I park?,Behind the house.\n"


@dataclass
class Opened:
    """What the job works with."""

    home: Path
    catalogue: SqlCatalogue
    index: FakeIndex = field(default_factory=FakeIndex)
    embedder: FakeEmbedder = field(default_factory=FakeEmbedder)
    gate: None = None
    releases_kept: int = 0


@dataclass
class Editor:
    """Somebody with the API key."""

    client: httpx.AsyncClient
    opened: Opened
    folder: Path

    async def upload(self, query: str = "shop=hill", **files: str | bytes) -> httpx.Response:
        sent = [("files", (name.replace("__", "."), content)) for name, content in files.items()]
        return await self.client.post(f"/v1/knowledge/uploads?{query}", files=sent, headers=KEY)

    async def done(self, response: httpx.Response) -> dict[str, Any]:
        """The job, when it is over."""
        assert response.status_code == 202, response.text
        place = response.headers["location"]
        while True:
            job: dict[str, Any] = (await self.client.get(place, headers=KEY)).json()
            if job["state"] in ("done", "failed"):
                return job
            await asyncio.sleep(0.02)

    async def report(self, response: httpx.Response) -> dict[str, Any]:
        job = await self.done(response)
        assert job["state"] == "done", job
        report: dict[str, Any] = job["report"]
        return report

    async def read_folder(self, path: Path | None = None) -> dict[str, Any]:
        body = {"path": str(path or self.folder), "shop": "hill"}
        response = await self.client.post(
            "/v1/knowledge/ingest", json=body, headers={"authorization": "Bearer of-this-run"}
        )
        assert response.status_code == 200, response.text
        report: dict[str, Any] = response.json()
        return report

    async def titles(self) -> list[str]:
        live = await self.opened.catalogue.live_release("hill")
        return [chunk.title for chunk in await self.opened.catalogue.chunks("hill", live)] if live else []

    def left(self) -> list[str]:
        """What lies about of uploads that are over."""
        root = self.opened.home / "shops" / "hill"
        return [p.name for p in (*root.glob("incoming/*"), *root.glob("sources/.*"))]


@pytest.fixture
async def editor(tmp_path: Path) -> AsyncIterator[Editor]:
    folder = tmp_path / "folder"
    (folder / "knowledge").mkdir(parents=True)
    (folder / "brand.yaml").write_text("name: Hill\n")
    (folder / "knowledge" / "about.md").write_text("# About us\n\nWe have sold tea since 1911.\n")
    home = tmp_path / "home"
    home.mkdir()
    database = migrated_database(home)
    opened = Opened(home, SqlCatalogue(database))
    container = make_container(
        tmp_path, intake=KnowledgeIntake(opened), run_key="of-this-run", upload_limit_bytes=3_000_000
    )
    async with served(container) as client:
        yield Editor(client, opened, folder)
    database.close()


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return packed.getvalue()


async def test_an_uploaded_file_goes_live_beside_the_folder(editor: Editor) -> None:
    await editor.read_folder()
    report = await editor.report(await editor.upload(gifts__csv=GIFTS))
    assert (report["release"], report["live_release"], report["ok"]) == (2, 2, True)
    assert [(f["path"], f["new"]) for f in report["files"]] == [("@uploads/gifts.csv", 1)]
    assert await editor.titles() == ["Do you gift-wrap?", "About us"]
    listed = (await editor.client.get("/v1/knowledge/uploads?shop=hill", headers=KEY)).json()
    assert [(f["path"], f["size_bytes"]) for f in listed["files"]] == [("gifts.csv", len(GIFTS.encode()))]
    assert editor.left() == []


async def test_a_second_upload_deletes_nothing_and_the_same_name_replaces(editor: Editor) -> None:
    await editor.report(await editor.upload(gifts__csv=GIFTS))
    await editor.report(await editor.upload(parking__csv=PARKING))
    assert await editor.titles() == ["Do you gift-wrap?", "Can I park?"]
    report = await editor.report(await editor.upload(gifts__csv=GIFTS.replace("£3", "£4")))
    assert [(f["path"], f["changed"]) for f in report["files"]] == [("@uploads/gifts.csv", 1)]
    assert len(await editor.titles()) == 2


async def test_reading_the_folder_leaves_uploads_and_reading_all_reads_both(editor: Editor) -> None:
    await editor.report(await editor.upload(gifts__csv=GIFTS))
    await editor.read_folder()
    assert await editor.titles() == ["Do you gift-wrap?", "About us"]
    (editor.folder / "knowledge" / "about.md").write_text("# About us\n\nWe have sold tea since 1912.\n")
    response = await editor.client.post("/v1/knowledge/reingest", json={"shop": "hill"}, headers=KEY)
    report = await editor.report(response)
    assert [(f["path"], f["changed"], f["unchanged"]) for f in report["files"]] == [
        ("knowledge/about.md", 1, 0),
        ("@uploads/gifts.csv", 0, 1),
    ]
    assert await editor.titles() == ["Do you gift-wrap?", "About us"]


async def test_an_upload_named_like_a_file_of_the_folder_is_told_that_both_count(editor: Editor) -> None:
    (editor.folder / "knowledge" / "gifts.csv").write_text(GIFTS)
    await editor.read_folder()
    report = await editor.report(await editor.upload(gifts__csv=GIFTS))
    assert report["files"][0]["warnings"] == [
        "knowledge/gifts.csv of the shop's folder has the same name: both count, neither replaces the other; "
        "remove the one you do not want"
    ]
    found = report["checks"]["findings"]
    assert [(f["check"], f["path"], f["other"]) for f in found] == [
        ("near_duplicates", "@uploads/gifts.csv", "knowledge/gifts.csv · row 2 | Do you gift-wrap?")
    ]
    assert "the upload gifts.csv has the same name" in str((await editor.read_folder())["files"])


async def test_of_a_product_table_in_both_it_is_told_whose_values_hold(editor: Editor) -> None:
    (editor.folder / "knowledge" / "products.csv").write_text("sku,name,price\nA1,Mug,12.00\n")
    await editor.read_folder()
    report = await editor.report(await editor.upload(products__csv="sku,name,price\nA1,Mug,9.00\n"))
    notes = {file["path"]: file["warnings"][-1] for file in report["files"]}
    assert "of a SKU that is in both, the folder's values hold" in notes["@uploads/products.csv"]
    assert report["checks"]["findings"][0]["check"] == "contradictions"
    assert report["live_release"] == 1


async def test_what_was_embedded_once_is_not_embedded_again_wherever_it_comes_from(editor: Editor) -> None:
    (editor.folder / "knowledge" / "gifts.csv").write_text(GIFTS)
    await editor.read_folder()
    editor.opened.embedder.embedded.clear()
    await editor.report(await editor.upload(gifts__csv=GIFTS))
    assert editor.opened.embedder.embedded == []
    release = (await editor.report(await editor.upload(gifts__csv=GIFTS)))["release"]
    assert (release, editor.opened.embedder.embedded) == (2, [])


async def test_a_removed_upload_takes_its_knowledge_along(editor: Editor) -> None:
    await editor.report(await editor.upload(gifts__csv=GIFTS, parking__csv=PARKING))
    response = await editor.client.delete("/v1/knowledge/uploads?shop=hill&path=gifts.csv", headers=KEY)
    report = await editor.report(response)
    assert [(f["path"], f["vanished"]) for f in report["files"]] == [("@uploads/gifts.csv", 1)]
    assert await editor.titles() == ["Can I park?"]
    missing = await editor.done(
        await editor.client.delete("/v1/knowledge/uploads?shop=hill&path=gifts.csv", headers=KEY)
    )
    assert missing["problem"]["status"] == 404
    assert await editor.titles() == ["Can I park?"]


async def test_a_file_that_cannot_be_read_is_put_back_as_it_was(editor: Editor) -> None:
    await editor.report(await editor.upload(gifts__csv=GIFTS))
    report = await editor.report(await editor.upload(gifts__csv=b"\x00" * 50, parking__csv=PARKING))
    assert (report["ok"], report["live_release"]) == (False, 1)
    assert next(f["error"] for f in report["files"] if f["path"] == "@uploads/gifts.csv")
    kept = editor.opened.home / "shops" / "hill" / "sources" / "uploads"
    assert (kept / "gifts.csv").read_text() == GIFTS
    assert (kept / "parking.csv").read_text() == PARKING
    assert editor.left() == []


async def test_a_zip_is_unpacked_and_read(editor: Editor) -> None:
    packed = zipped(
        **{
            "常见问题/gifts.csv": GIFTS.encode(),
            "notes/a.md": b"# Notes\n\nTea keeps for two years.\n",
            "logo.png": b"x",
        }
    )
    report = await editor.report(await editor.upload(shop__zip=packed))
    assert {f["path"] for f in report["files"]} == {
        "@uploads/notes/a.md",
        "@uploads/常见问题/gifts.csv",
        "@uploads/logo.png",
    }
    assert len(await editor.titles()) == 2


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"../../../brand.yaml": b"name: Evil\n"}, "leads out"),
        ({"/etc/a.csv": GIFTS.encode()}, "leads out"),
        ({"bomb.csv": bytes(2_000_000)}, "unpacks to"),
        ({"film.mp4": b"x"}, "no csv, xlsx"),
    ],
)
async def test_a_bad_zip_changes_nothing_and_leaves_nothing(
    editor: Editor, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], said: str
) -> None:
    monkeypatch.setattr(archive, "MAX_FILE_BYTES", 1_000_000)
    await editor.report(await editor.upload(gifts__csv=GIFTS))
    job = await editor.done(await editor.upload(a__zip=zipped(**files)))
    assert job["state"] == "failed"
    assert said in job["problem"]["detail"]
    assert job["problem"]["type"].endswith("/bad-input")
    assert (await editor.titles(), editor.left()) == (["Do you gift-wrap?"], [])


async def test_an_upload_that_is_too_large_or_cut_off_or_odd_is_refused_at_once(editor: Editor) -> None:
    assert_problem(await editor.upload(big__csv=b"x" * 3_100_000), 413, "too-large")

    async def flood() -> AsyncIterator[bytes]:
        yield b'--b\r\ncontent-disposition: form-data; name="f"; filename="a.csv"\r\n\r\n'
        for _ in range(40):
            yield b"x" * 100_000

    form = KEY | {"content-type": "multipart/form-data; boundary=b"}
    url = "/v1/knowledge/uploads?shop=hill"
    assert_problem(await editor.client.post(url, content=flood(), headers=form), 413, "too-large")
    cut = b'--b\r\ncontent-disposition: form-data; name="f"; filename="a.csv"\r\n\r\nquestion,ans'
    assert_problem(await editor.client.post(url, content=cut, headers=form), 422, "bad-input")
    assert_problem(await editor.client.post(url, content=b"x", headers=KEY), 422, "bad-input")
    assert_problem(await editor.client.post(url, content=b"--b--\r\n", headers=form), 422, "bad-input")
    evil = cut.replace(b"a.csv", b"../../a.csv") + b"\r\n--b--\r\n"
    assert_problem(await editor.client.post(url, content=evil, headers=form), 422, "bad-input")
    assert_problem(await editor.upload("shop=../x", gifts__csv=GIFTS), 422, "bad-input")
    assert editor.left() == []


async def test_nobody_without_a_key_sends_reads_or_looks(editor: Editor) -> None:
    sent = [("files", ("a.csv", GIFTS))]
    job = (await editor.upload(gifts__csv=GIFTS)).json()["id"]
    client = editor.client
    for response in (
        await client.post("/v1/knowledge/uploads?shop=hill", files=sent),
        await client.post("/v1/knowledge/reingest", json={"shop": "hill"}),
        await client.get("/v1/knowledge/uploads?shop=hill"),
        await client.delete("/v1/knowledge/uploads?shop=hill&path=gifts.csv"),
        await client.get("/v1/knowledge/jobs?shop=hill"),
        await client.get(f"/v1/knowledge/jobs/{job}"),
    ):
        assert_problem(response, 401, "not-allowed")
    assert_problem(await client.get("/v1/knowledge/jobs/job_x", headers=KEY), 404, "not-found")


async def test_progress_is_told_as_it_happens(editor: Editor) -> None:
    headers = KEY | {"accept": "text/event-stream"}
    sent = [("files", ("gifts.csv", GIFTS))]
    async with editor.client.stream("POST", "/v1/knowledge/uploads?shop=hill", files=sent, headers=headers) as response:
        events = [(event[1], event[2]) async for event in events_of(response)]
    assert [name for name, _ in events][-1] == "job.completed"
    assert {"fetch", "read"} & {data["stage"] for name, data in events if name == "job.progress"}
    assert events[-1][1]["report"]["live_release"] == 1
    place = f"/v1/knowledge/jobs/{events[-1][1]['id']}"
    async with editor.client.stream("GET", place, headers=headers) as response:
        assert [event[1] async for event in events_of(response)] == ["job.completed"]
    listed = (await editor.client.get("/v1/knowledge/jobs?shop=hill", headers=KEY)).json()
    assert [job["action"] for job in listed["jobs"]] == ["upload"]


async def test_editors_who_upload_at_the_same_moment_both_get_in(editor: Editor) -> None:
    responses = await asyncio.gather(
        *(editor.upload(**{f"part{n}__csv": f"question,answer\nIs {n} a number?,Yes {n}.\n"}) for n in range(5))
    )
    for response in responses:
        await editor.report(response)
    assert sorted(await editor.titles()) == [f"Is {n} a number?" for n in range(5)]


async def test_the_progress_of_a_folder_is_told_too(editor: Editor) -> None:
    headers = {"authorization": "Bearer of-this-run", "accept": "text/event-stream"}
    body = {"path": str(editor.folder / "nowhere"), "shop": "hill"}
    async with editor.client.stream("POST", "/v1/knowledge/ingest", json=body, headers=headers) as response:
        events = [(event[1], event[2]) async for event in events_of(response)]
    assert events[-1][0] == "job.failed"
    assert "does not exist" in events[-1][1]["problem"]["detail"]


async def test_an_uploaded_mapping_explains_the_uploads(editor: Editor) -> None:
    rows = "甲,乙\n多久发货？,当天。\n有发票吗？,有。\n"
    first = await editor.report(await editor.upload(asked__csv=rows))
    assert "plain text" in first["files"][0]["tables"][0]
    mapping = "tables: [{files: asked.csv, kind: faq, columns: {question: 甲, answer: 乙}}]"
    report = await editor.report(await editor.upload(mapping__yaml=mapping))
    assert [(f["path"], f["chunks"], f["tables"]) for f in report["files"]] == [("@uploads/asked.csv", 2, [])]
    assert await editor.titles() == ["多久发货？", "有发票吗？"]


async def test_a_workbook_with_formulas_merged_cells_and_two_sheets_is_read(editor: Editor) -> None:
    workbook = openpyxl.Workbook()
    first = workbook.active
    assert first is not None
    first.title = "常见问题"
    asked: list[list[str | None]] = [
        ["分类", "问题", "答案"],
        ["发货", "多久发货？", "当天。"],
        [None, "包邮吗？", "满99元。"],
        ["其他", "=A1", '=HYPERLINK("http://x","y")'],
    ]
    for row in asked:
        first.append(row)
    first.merge_cells("A2:A3")
    second = workbook.create_sheet("商品")
    for sold in (["商家编码", "宝贝名称", "价格"], ["A1", "云朵拖鞋", 59], ["A2", "溪边凉鞋", "=1+1"]):
        second.append(sold)
    packed = io.BytesIO()
    workbook.save(packed)
    report = await editor.report(await editor.upload(all__xlsx=packed.getvalue()))
    live = await editor.opened.catalogue.chunks("hill", report["live_release"] or report["release"])
    assert [(c.title, c.section) for c in live if c.kind == "faq"] == [("多久发货？", "发货"), ("包邮吗？", "发货")]
    assert [(c.title, c.attributes.get("价格")) for c in live if c.kind == "product"] == [
        ("云朵拖鞋", "59"),
        ("溪边凉鞋", None),
    ]
    assert "formula" in json.dumps(report["files"][0])
