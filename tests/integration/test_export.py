"""Exports of real shops: what came in comes out, the editors' layer included, and reads back the same."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import docx
import fpdf
import openpyxl
import pytest

from app.adapters.db.engine import Database
from app.adapters.db.knowledge import SqlCatalogue
from app.adapters.db.migrate import upgrade
from app.errors import BadInput, NotFound
from ingestion.exporting.export import ExportReport, export_shop
from ingestion.job import ingest
from tests.integration.test_edits import FAQ, Desk, as_csv, desk

pytestmark = pytest.mark.integration
__all__ = ["desk"]

SHOPS = Path(__file__).parents[2] / "shops"


async def export(desk: Desk, name: str = "out") -> ExportReport:
    return await export_shop("s", desk.home.parent / name, home=desk.home, catalogue=desk.catalogue)


async def read_back(desk: Desk, name: str = "out") -> tuple[int, int, int]:
    """(new, changed, vanished) of ingesting the export into the shop it came from."""
    report = await desk.ingest(desk.home.parent / name)
    assert report.ok
    totals = [sum(getattr(file, count) for file in report.files) for count in ("new", "changed", "vanished")]
    return totals[0], totals[1], totals[2]


async def contents(catalogue: SqlCatalogue, shop: str) -> Counter[tuple[str, str, str]]:
    release = await catalogue.newest_built(shop)
    assert release is not None
    return Counter((c.path, c.locator, c.content_hash) for c in await catalogue.chunks(shop, release.number))


@pytest.fixture(params=["tangli", "larchwood"])
async def sample(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    upgrade(database)
    sample = Desk(SHOPS / str(request.param), tmp_path / "home", SqlCatalogue(database))
    await sample.ingest()
    yield sample
    database.close()


async def test_a_sample_shop_comes_out_byte_for_byte_and_reads_back_without_a_change(sample: Desk) -> None:
    report = await export(sample)
    assert report.exact, report.as_json()
    came = {f.path for f in report.files if f.how == "as it came"}
    for path in came:
        assert (Path(report.folder) / path).read_bytes() == (sample.folder / path).read_bytes()
    before = await sample.catalogue.newest_built("s")
    assert await read_back(sample) == (0, 0, 0)
    assert await sample.catalogue.newest_built("s") == before


async def _edit_everything(sample: Desk) -> None:
    rows = sample.editing.rows
    faqs = (await rows.chunks("s", {"kind": "faq"}, 0, 200))["chunks"]
    for number, line in enumerate(faqs[::5]):
        fields: dict[str, Any] = {"answer": f"=1+{number} <b>new</b> & old\n- 👨‍👩‍👧 one", "related": ["a?", "b?"]}
        if number % 2:
            fields |= {"question": f"@new question {number}?", "valid_from": "2026-01-01", "phrasings": ["x|y", "-z"]}
        await rows.change("s", line["key"], line["version"], fields, "Lin")
    for line in faqs[3:9:5]:
        await rows.toggle("s", line["key"], line["version"], "Lin", disabled=True)
    grid = await rows.products("s", {}, 0, 200)
    cells = []
    for number, line in enumerate(grid["rows"][::7]):
        name = next(c for c in reversed(grid["columns"]) if c in line["values"] and c not in line["edited"])
        cells.append({"key": line["key"], "version": line["version"], "column": name, "value": f"+value {number}"})
    await rows.set_values("s", cells, "Lin")
    await rows.toggle("s", grid["rows"][1]["key"], grid["rows"][1]["version"], "Lin", disabled=True)
    await rows.add("s", {"question": "Is this new?", "answer": "Yes.", "phrasings": ["new?"]}, "Lin")
    brand = await sample.editing.brand.brand("s")
    await sample.editing.brand.change("s", brand["version"], {"greeting.zh": "您好呀"}, "Lin")


async def test_edits_of_every_kind_come_out_in_the_files_and_read_back_without_a_change(sample: Desk) -> None:
    await _edit_everything(sample)
    report = await sample.stage()
    assert report.release == 2
    exported = await export(sample)
    assert exported.exact, [f for f in exported.files if not f.exact]
    assert any(f.how == "changed in place" for f in exported.files)
    assert await read_back(sample) == (0, 0, 0)
    assert (await sample.editing.rows.conflicts("s"))["total"] == 0
    await sample.ingest(sample.home.parent / "out")
    newest = await sample.catalogue.newest_built("s")
    assert newest is not None
    assert newest.number == 2


async def test_an_export_begins_the_same_shop_elsewhere(sample: Desk) -> None:
    await _edit_everything(sample)
    await sample.stage()
    exported = await export(sample)
    await ingest(
        Path(exported.folder), "t", home=sample.home, catalogue=sample.catalogue, index=sample.index,
        embedder=sample.embedder, publish=True,
    )  # fmt: skip
    assert await contents(sample.catalogue, "t") == await contents(sample.catalogue, "s")
    again = await export_shop("t", sample.home.parent / "again", home=sample.home, catalogue=sample.catalogue)
    assert {f.how for f in again.files} == {"as it came"}


async def test_a_section_edited_in_markdown_is_changed_in_its_place(desk: Desk) -> None:
    await desk.change("期限", text="签收后15天内可以退货。\n| 会员 | 天数 |\n| --- | --- |\n| 金卡 | 30 |")
    await desk.stage()
    report = await export(desk)
    assert report.exact
    written = (Path(report.folder) / "knowledge/policy.md").read_text()
    assert "## 运费\n\n无理由退货的运费由买家承担。" in written
    assert await read_back(desk) == (0, 0, 0)


HTML = (
    "<html><head><meta charset='gbk'><title>护理</title></head><body><nav>首页</nav><h1>护理</h1><h2>洗涤</h2>"
    "<div><p>30度水洗，<b>不可漂白</b>。</p></div><h2>晾晒</h2><p>请在阴凉通风处平铺晾干。</p></body></html>"
)
TABLE = "40度水洗，不可漂白。\n| 面料 | 水温 |\n| --- | --- |\n| 棉 | 40度 |"


def a_docx(file: Path) -> None:
    document = docx.Document()
    document.add_heading("护理", 0)
    for heading, text in (("洗涤", "30度水洗，不可漂白。"), ("晾晒", "请在阴凉通风处平铺晾干。")):
        document.add_heading(heading, 1)
        document.add_paragraph(text)
    document.save(str(file))


@pytest.mark.parametrize("name", ["care.html", "care.docx"])
async def test_a_section_edited_in_a_page_or_a_word_document_is_changed_in_its_place(desk: Desk, name: str) -> None:
    file = desk.folder / "knowledge" / name
    a_docx(file) if name.endswith("docx") else file.write_bytes(HTML.encode("gbk"))
    await desk.ingest()
    await desk.change("洗涤", text=TABLE)
    await desk.stage()
    report = await export(desk)
    [found] = [file for file in report.files if file.path.endswith(name)]
    assert (found.exact, found.how) == (True, "changed in place")
    assert await read_back(desk) == (0, 0, 0)
    assert (await desk.live())["洗涤"].text == TABLE
    assert (await desk.live())["晾晒"].text == "请在阴凉通风处平铺晾干。"


async def test_a_disabled_section_is_left_out_of_the_document(desk: Desk) -> None:
    (desk.folder / "knowledge/care.html").write_text(HTML.replace("gbk", "utf-8"), encoding="utf-8")
    await desk.ingest()
    row = await desk.find("晾干")
    await desk.editing.rows.toggle("s", row["key"], row["version"], "Lin", disabled=True)
    row = await desk.find("无理由退货的运费")
    await desk.editing.rows.toggle("s", row["key"], row["version"], "Lin", disabled=True)
    await desk.stage()
    report = await export(desk)
    assert report.exact
    assert await read_back(desk) == (0, 0, 0)


async def test_a_format_that_cannot_be_written_back_becomes_the_nearest_and_says_so(desk: Desk) -> None:
    pdf = fpdf.FPDF()
    pdf.add_page()
    for size, text in ((20, "Care"), (15, "Washing"), (10, "Wash it at 30 degrees and never bleach it at all."),
                       (15, "Drying"), (10, "Dry it flat in the shade, never in a tumble dryer.")):  # fmt: skip
        pdf.set_font("helvetica", "B" if size > 10 else "", size)
        pdf.cell(text=text, new_x="LMARGIN", new_y="NEXT", h=12)
    pdf.output(str(desk.folder / "knowledge/care.pdf"))
    await desk.ingest()
    await desk.change("30 degrees", text="Wash it at 40 degrees and never bleach it at all.")
    await desk.stage()
    report = await export(desk)
    [odd] = [file for file in report.files if not file.exact]
    assert (odd.path, odd.written_as, odd.how) == ("knowledge/care.pdf", "knowledge/care.md", "in another format")
    await ingest(
        Path(report.folder), "t", home=desk.home, catalogue=desk.catalogue, index=desk.index, embedder=desk.embedder,
        publish=True,
    )  # fmt: skip
    texts = {c.text for c in await desk.catalogue.chunks("t", 1)}
    assert {
        "Wash it at 40 degrees and never bleach it at all.", "Dry it flat in the shade, never in a tumble dryer."
    } <= texts  # fmt: skip


async def test_no_cell_of_an_export_is_a_formula(desk: Desk) -> None:
    desk.write("knowledge/faq.csv", as_csv([*FAQ, ["=1+1？", "", '=HYPERLINK("http://x","y")', "@a", "+1|-2", "", ""]]))
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for record in [["问题", "答案"], ["几折？", "=40+40"], ["-打折吗？", "-不打"]]:
        sheet.append(record)
    book.save(desk.folder / "knowledge/more.xlsx")
    await desk.ingest()
    report = await export(desk)
    text = (Path(report.folder) / "knowledge/faq.csv").read_text(encoding="utf-8")
    cells = [cell for record in csv.reader(io.StringIO(text)) for cell in record]
    assert not [cell for cell in cells if cell[:1] in "=+-@" and cell]
    book = openpyxl.load_workbook(Path(report.folder) / "knowledge/more.xlsx")
    assert not [c for s in book.worksheets for row in s.iter_rows() for c in row if c.data_type == "f"]
    assert report.exact
    assert await read_back(desk) == (0, 0, 0)


async def test_the_encoding_and_separator_of_a_file_stay(desk: Desk) -> None:
    text = as_csv([[cell.replace(",", "，") for cell in row] for row in FAQ]).replace(",", ";")
    (desk.folder / "knowledge/faq.csv").write_bytes(text.encode("gb18030"))
    await desk.ingest()
    await desk.change("包邮", answer="全场包邮。")
    await desk.stage()
    report = await export(desk)
    data = (Path(report.folder) / "knowledge/faq.csv").read_bytes()
    assert "全场包邮。".encode("gb18030") in data
    assert b";" in data
    assert await read_back(desk) == (0, 0, 0)


async def test_records_of_a_jsonl_file_are_changed_one_by_one(desk: Desk) -> None:
    records: list[dict[str, Any]] = [
        {"id": "a", "kind": "faq", "question": "营业吗？", "answer": "营业。", "similar": ["开门吗"], "extra": 7},
        {"id": "b", "kind": "policy", "title": "门店", "text": "在杭州拱墅区棠里弄，一共两层。"},
    ]
    desk.write("knowledge/notes.jsonl", "\n".join(json.dumps(r, ensure_ascii=False) for r in records))
    await desk.ingest()
    await desk.change("营业吗", answer="每天营业。", phrasings=["开门吗", "几点开"])
    await desk.change("门店", text="在杭州拱墅区棠里弄，一共三层。")
    await desk.stage()
    report = await export(desk)
    first, second = (Path(report.folder) / "knowledge/notes.jsonl").read_text().strip().split("\n")
    assert json.loads(first) == {**records[0], "answer": "每天营业。", "similar": ["开门吗", "几点开"]}
    assert json.loads(second)["text"] == "在杭州拱墅区棠里弄，一共三层。"
    assert await read_back(desk) == (0, 0, 0)


async def test_drafts_are_no_part_of_an_export(desk: Desk) -> None:
    await desk.change("包邮", answer="全场包邮。")
    report = await export(desk)
    assert (Path(report.folder) / "knowledge/faq.csv").read_text() == (desk.folder / "knowledge/faq.csv").read_text()


async def test_a_kept_row_that_left_its_file_is_in_it_again(desk: Desk) -> None:
    await desk.change("包邮", answer="全场包邮。")
    await desk.stage()
    desk.write("knowledge/faq.csv", as_csv([FAQ[0], FAQ[1], FAQ[3]]))
    await desk.ingest()
    [conflict] = (await desk.editing.rows.conflicts("s"))["conflicts"]
    await desk.editing.rows.resolve("s", conflict["key"], conflict["version"], "mine", {}, "Lin")
    await desk.stage()
    report = await export(desk)
    assert report.exact
    assert "全场包邮。" in (Path(report.folder) / "knowledge/faq.csv").read_text()


async def test_a_folder_that_is_not_empty_is_not_written_to(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("x")
    with pytest.raises(BadInput, match="not empty"):
        await export(desk)
    with pytest.raises(NotFound):
        await export_shop("nobody", tmp_path / "new", home=desk.home, catalogue=desk.catalogue)
