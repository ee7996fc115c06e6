"""The ingestion job on real files: what is read, what is refused, and what stays when something goes wrong."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import docx
import fpdf
import openpyxl
import pypdf
import pytest

from app.adapters.db.engine import Database
from app.adapters.db.knowledge import SqlCatalogue
from app.adapters.db.migrate import upgrade
from app.adapters.orders.file import FileOrderBook
from app.errors import BadInput, Conflict, NotFound, Unavailable
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.diff import compare_releases
from app.knowledge.ports import IndexPoint
from app.knowledge.release import ReleaseState
from ingestion.agree import agree
from ingestion.job import ingest
from ingestion.reindex import reindex
from ingestion.report import IngestReport
from ingestion.shop_files import only_one_job
from ingestion.sweep import Swept, sweep
from tests.fakes import FakeEmbedder, FakeIndex

# ruff: noqa: E501
pytestmark = pytest.mark.integration

FAQ = "问题,相似问法,答案,生效日期,失效日期\n多久发货？,几天发|啥时候发,当天发出。,,\n包邮吗？,,满99元包邮。不满收8元。,,\n"
POLICY = "# 退换货\n\n8月1日起执行。\n\n## 期限\n\n签收后7天内可以退货，商品不影响二次销售。\n\n## 运费\n\n无理由退货的运费由买家承担。\n"


@dataclass
class Desk:
    """A shop folder and everything a run needs."""

    folder: Path
    home: Path
    catalogue: SqlCatalogue
    index: FakeIndex = field(default_factory=FakeIndex)
    embedder: FakeEmbedder = field(default_factory=FakeEmbedder)

    def write(self, path: str, content: str | bytes) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    async def run(self, path: str = "", *, publish: bool = True) -> IngestReport:
        return await ingest(
            self.folder / path,
            "s",
            home=self.home,
            catalogue=self.catalogue,
            index=self.index,
            embedder=self.embedder,
            publish=publish,
        )

    async def chunks(self) -> list[Chunk]:
        live = await self.catalogue.live_release("s")
        return await self.catalogue.chunks("s", live) if live else []

    async def agreement(self) -> tuple[bool, int]:
        found = await agree("s", self.catalogue, self.index)
        return found.ok, found.stray

    async def locators(self) -> list[str]:
        return [chunk.locator for chunk in await self.chunks()]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    upgrade(database)
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "brand.yaml").write_text("name: 店\nservice_hours: {timezone: Asia/Shanghai}\n", encoding="utf-8")
    yield Desk(folder, tmp_path / "home", SqlCatalogue(database))
    database.close()


def reasons(report: IngestReport) -> list[str]:
    return [f"{row.row}: {row.reason}" for file in report.files for row in file.skipped]


def errors(report: IngestReport) -> dict[str, str]:
    return {file.path: file.error for file in report.files if file.error}


async def test_a_folder_becomes_a_live_release_with_its_brand_and_orders(desk: Desk) -> None:
    desk.write("knowledge/faq.csv", FAQ)
    desk.write("knowledge/policies/退换货.md", POLICY)
    desk.write("orders.jsonl", '{"order_id": "A1", "phone_last4": "1234"}\n{"no": 1}\n')
    report = await desk.run()
    assert report.exit_code == 0
    assert report.live_release == report.release == 1
    assert await desk.locators() == ["row 2 | 多久发货？", "row 3 | 包邮吗？", "期限", "运费"]
    assert await desk.index.count("s", 1) == await desk.catalogue.point_count("s", 1) > 0
    assert (desk.home / "shops/s/orders.jsonl").read_text() == '{"order_id": "A1", "phone_last4": "1234"}\n'
    assert (desk.home / "shops/s/brand.yaml").read_text(encoding="utf-8").startswith("name: 店")
    assert (await desk.catalogue.brand("s"))["name"] == "店"


async def test_the_order_book_is_cited_where_the_shop_has_it(desk: Desk) -> None:
    desk.write("knowledge/faq.csv", FAQ)
    desk.write("shop/orders.jsonl", '{"order_id": "A1", "phone_last4": "1234"}\n')
    book = FileOrderBook(lambda shop: desk.home / "shops" / shop / "orders.jsonl")
    await desk.run()
    order = await book.find("s", "A1", "1234")
    assert order is not None
    assert order.path == "shop/orders.jsonl"
    (desk.folder / "shop/orders.jsonl").rename(desk.folder / "orders.jsonl")
    await desk.run()
    moved = await book.find("s", "A1", "1234")
    assert moved is not None
    assert moved.path == "orders.jsonl"


async def test_the_order_book_alone_is_renewed_and_never_becomes_knowledge(desk: Desk) -> None:
    orders = desk.write("shop/Orders.JSONL", '{"order_id": "A1", "phone_last4": "1234", "text": "a private note"}\n')
    with pytest.raises(BadInput, match="no knowledge yet"):
        await desk.run("shop/Orders.JSONL")
    desk.write("faq.csv", FAQ)
    await desk.run()
    orders.write_text('{"order_id": "B2", "phone_last4": "1234", "text": "a private note"}\n')
    report = await desk.run("shop/Orders.JSONL")
    assert (report.exit_code, report.live_release) == (0, 1)
    assert [chunk.path for chunk in await desk.chunks()] == ["faq.csv", "faq.csv"]
    assert "B2" in (desk.home / "shops/s/orders.jsonl").read_text()


async def test_odd_names_are_read_and_what_programs_leave_behind_is_not(desk: Desk) -> None:
    desk.write("knowledge/a/b/c/FAQ.CSV", FAQ)
    desk.write("knowledge/我的 文件 (1).TXT", "退货规则\n\n7天内可退。\n")
    for left in ("~$faq.xlsx", ".DS_Store", ".~lock.FAQ.CSV#", "__MACOSX/._FAQ.CSV", "a/Thumbs.db"):
        desk.write(f"knowledge/{left}", b"\x00\x01")
    report = await desk.run()
    assert (report.exit_code, len(await desk.chunks())) == (0, 3)
    desk.write("knowledge/old.xls", b"\xd0\xcf\x11\xe0" + bytes(600))
    assert ".xls is not read; save it as docx, xlsx" in errors(await desk.run())["knowledge/old.xls"]


async def test_what_a_help_page_says_about_itself_is_not_read(desk: Desk) -> None:
    page = (
        "<h1>配送</h1><p>更新于 2026-11-28　阅读 3,204</p><p>每天17点截单。</p><p>更新于 2026-11-28</p>"
        "<p>这篇文章有帮助吗？<button>有</button></p>"
    )
    desk.write("knowledge/p.html", page)
    await desk.run()
    assert [chunk.text for chunk in await desk.chunks()] == ["每天17点截单。\n更新于 2026-11-28"]


async def test_a_short_introduction_goes_into_the_first_section(desk: Desk) -> None:
    desk.write("knowledge/p.md", POLICY)
    await desk.run()
    first, second = await desk.chunks()
    assert first.text == "8月1日起执行。\n签收后7天内可以退货，商品不影响二次销售。"
    assert (second.title, second.locator) == ("退换货 > 运费", "运费")


async def test_only_what_changed_is_embedded_again(desk: Desk) -> None:
    desk.write("knowledge/faq.csv", FAQ)
    await desk.run()
    desk.embedder.embedded.clear()
    again = await desk.run()
    assert (again.release, desk.embedder.embedded) == (1, [])
    lines = FAQ.splitlines(keepends=True)
    desk.write("knowledge/faq.csv", "".join([lines[0], "有发票吗？,,可以开。,,\n", *lines[1:]]))
    report = await desk.run()
    counts = report.files[0]
    assert (counts.new, counts.changed, counts.unchanged, counts.vanished) == (1, 0, 2, 0)
    assert desk.embedder.embedded == ["有发票吗？\n可以开。"]  # its phrasing is embedded as a query
    assert (await desk.locators())[1] == "row 3 | 多久发货？"
    diff = await compare_releases(desk.catalogue, "s", 1, 2)
    assert [(c.change, c.chunk.title) for c in diff.changes] == [("added", "有发票吗？")]


async def test_content_that_comes_back_leaves_the_old_release_as_it_was(desk: Desk) -> None:
    desk.write("knowledge/p.md", POLICY)
    await desk.run()
    desk.write("knowledge/p.md", POLICY.replace("7天", "9天"))
    await desk.run()
    desk.write("knowledge/p.md", POLICY)
    assert (await desk.run()).live_release == 3
    for number, days in ((1, "7天"), (2, "9天"), (3, "7天")):
        assert days in (await desk.catalogue.chunks("s", number))[0].text
        assert await desk.index.count("s", number) == await desk.catalogue.point_count("s", number)
    await desk.catalogue.publish("s", 1)
    assert await desk.catalogue.live_release("s") == 1
    assert (await desk.run()).release == 3  # compared with the newest built release, not with the live one


async def test_reading_one_file_deletes_nothing_outside_it(desk: Desk) -> None:
    desk.write("knowledge/faq.csv", FAQ)
    desk.write("knowledge/p.md", POLICY)
    await desk.run()
    desk.write("knowledge/p.md", POLICY.partition("## 运费")[0])
    report = await desk.run("knowledge/p.md")
    assert await desk.locators() == ["row 2 | 多久发货？", "row 3 | 包邮吗？", "期限"]
    assert [file.path for file in report.files] == ["knowledge/p.md"]


async def test_a_folder_from_elsewhere_without_a_brand_only_adds(desk: Desk) -> None:
    desk.write("knowledge/faq.csv", FAQ)
    await desk.run()
    home, desk.folder = desk.folder, desk.folder.parent / "elsewhere"
    desk.write("knowledge/p.md", POLICY)
    await desk.run()
    assert len(await desk.locators()) == 4
    desk.folder = home
    await desk.run()
    assert len(await desk.locators()) == 2


async def test_a_file_that_is_gone_vanishes_from_the_next_release(desk: Desk) -> None:
    desk.write("knowledge/faq.csv", FAQ)
    file = desk.write("knowledge/p.md", POLICY)
    await desk.run()
    file.unlink()
    report = await desk.run()
    assert [(f.path, f.vanished) for f in report.files] == [("knowledge/faq.csv", 0), ("knowledge/p.md", 2)]
    assert len(await desk.locators()) == 2


def _encrypted_pdf() -> bytes:
    page = fpdf.FPDF()
    page.add_page()
    page.set_font("helvetica", size=12)
    page.cell(text="secret")
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(bytes(page.output())))
    writer.encrypt("password", algorithm="AES-256")
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def _empty_pdf() -> bytes:
    page = fpdf.FPDF()
    page.add_page()
    return bytes(page.output())


BAD_FILES: list[tuple[str, Callable[[], bytes], str]] = [
    ("zeros.xlsx", lambda: b"\x00" * 4096, "zeros"),
    ("text.xlsx", lambda: b"hello", "damaged"),
    ("zeros.csv", lambda: b"\x00" * 4096, "zeros"),
    ("encrypted.pdf", _encrypted_pdf, "encrypted"),
    ("scan.pdf", _empty_pdf, "no text"),
    ("no.pdf", lambda: b"\x00" * 4096, "no pdf"),
    ("cut.docx", lambda: b"PK\x03\x04" + b"x" * 100, "damaged"),
    ("one-column.csv", "问题^答案\n多久发货^当天\n".encode, "separated"),
    ("empty.md", bytes, "empty"),
    ("menu.html", lambda: b"<nav>Home</nav><script>x()</script>", "no readable text"),
    ("broken.jsonl", lambda: b"{]\n", "no line holds a JSON object"),
    ("old.doc", lambda: b"\xd0\xcf\x11\xe0", "save it as docx"),
]


@pytest.mark.parametrize(("name", "make", "reason"), BAD_FILES, ids=[name for name, _, _ in BAD_FILES])
async def test_one_bad_file_keeps_the_live_release_and_the_rest_is_built(
    desk: Desk, name: str, make: Callable[[], bytes], reason: str
) -> None:
    desk.write("knowledge/faq.csv", FAQ)
    await desk.run()
    desk.write("knowledge/p.md", POLICY)
    desk.write(f"knowledge/{name}", make())
    report = await desk.run()
    assert report.exit_code == 1
    assert reason in errors(report)[f"knowledge/{name}"]
    assert (report.live_release, report.release) == (1, 2)
    assert "xiaoer releases publish 2 --shop s" in report.summary()
    assert len(await desk.catalogue.chunks("s", 2)) == 4


async def test_a_file_that_fails_keeps_the_chunks_it_had(desk: Desk) -> None:
    desk.write("knowledge/faq.csv", FAQ)
    desk.write("knowledge/p.md", POLICY)
    await desk.run()
    desk.write("knowledge/p.md", b"\x00" * 100)
    report = await desk.run()
    assert (report.exit_code, report.release) == (1, 1)
    assert len(await desk.locators()) == 4


async def test_an_empty_folder_is_an_error_and_changes_nothing(desk: Desk) -> None:
    desk.write("knowledge/faq.csv", FAQ)
    await desk.run()
    (desk.folder / "knowledge/faq.csv").unlink()
    with pytest.raises(BadInput, match="the knowledge stays as it is"):
        await desk.run()
    assert await desk.catalogue.live_release("s") == 1


async def test_a_folder_outside_the_shop_can_not_be_reached_by_its_name(desk: Desk) -> None:
    with pytest.raises(BadInput, match="no name for a shop"):
        await ingest(
            desk.folder, "../x", home=desk.home, catalogue=desk.catalogue, index=desk.index,
            embedder=desk.embedder, publish=True,
        )  # fmt: skip


async def test_a_huge_cell_skips_its_row_and_no_other(desk: Desk) -> None:
    desk.write("knowledge/faq.csv", FAQ + f"大？,,{'长' * 3_500_000},,\n有发票吗？,,有。,,\n")
    report = await desk.run()
    assert report.exit_code == 0
    assert reasons(report) == ["4: a cell has 3,500,000 characters; at most 100,000 are read"]
    assert (await desk.locators())[-1] == "row 5 | 有发票吗？"


async def test_rows_that_cannot_be_used_are_skipped_with_their_reason(desk: Desk) -> None:
    rows = ["只有问题,,,,", ",,只有答案,,", "坏日期？,,答,下周,", "反了？,,答,2026-11-05,2026-11-01", "多,了,逗,,,,号", "包邮吗？,,满99元包邮。不满收8元。,,"]  # fmt: skip
    desk.write("knowledge/faq.csv", FAQ + "\n".join(rows) + "\n")
    report = await desk.run()
    assert report.exit_code == 0
    found = reasons(report)
    for row, word in zip(range(4, 10), ("no answer", "without a question", "not a date", "ends before", "cells", "row 3"), strict=True):  # fmt: skip
        assert any(reason.startswith(f"{row}: ") and word in reason for reason in found), (row, word, found)
    assert len(await desk.locators()) == 2


async def test_the_same_question_may_have_answers_for_different_days(desk: Desk) -> None:
    desk.write("knowledge/faq.csv", FAQ + "包邮吗？,,双十一满59元包邮。,2026-11-01,2026-11-11\n包邮吗？,,不包。,,\n")
    report = await desk.run()
    zone = ZoneInfo("Asia/Shanghai")
    dated = (await desk.chunks())[2]
    assert dated.valid_from == datetime(2026, 11, 1, tzinfo=zone)
    assert dated.valid_until == datetime(2026, 11, 12, tzinfo=zone)
    assert len(await desk.locators()) == 4
    assert "rows 3 and 5 answer" in report.files[0].warnings[0]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
async def test_tables_are_read_with_any_usual_separator_and_encoding(desk: Desk, separator: str, encoding: str) -> None:
    output = io.StringIO()
    writer = csv.writer(output, delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writerows(
        [["提问", "扩展问", "回复", "类目"], ["A，B；能换吗？", "换a\n换b｜换c", "能,7天;内\n免费换。", "售后"]]
    )
    desk.write("knowledge/t.csv", output.getvalue().encode(encoding))
    await desk.run()
    (chunk,) = await desk.chunks()
    assert chunk.locator == "row 2 | A，B；能换吗？"
    assert chunk.phrasings == ("A，B；能换吗？", "换a", "换b", "换c")
    assert (chunk.text, chunk.section) == ("能,7天;内\n免费换。", "售后")


async def test_a_workbook_may_hold_titles_and_several_tables(desk: Desk) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "运费"
    for row in (
        ["2026年运费标准", None, None],
        ["地区", "首重", "续重"],
        ["海南", 8, 0.5],
        [None, 9, 1],
        ["注：以结算页为准"],
    ):
        sheet.append(row)
    sheet.merge_cells("A1:C1")
    sheet.merge_cells("A3:A4")
    faq = book.create_sheet("问答")
    for row in (
        ["常见问题汇总", None, None],
        ["问题", "答案", "失效日期"],
        ["包邮吗？", "包邮", datetime(2026, 11, 11)],
    ):
        faq.append(row)
    book.save(desk.folder / "book.xlsx")
    await desk.run()
    question, rates = sorted(await desk.chunks(), key=lambda chunk: chunk.kind.value)
    assert question.locator == "row 3 | 包邮吗？"
    assert question.valid_until == datetime(2026, 11, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert (rates.locator, rates.title) == ("运费", "book > 运费")
    assert "| 海南 | 8 | 0.5 |\n| 海南 | 9 | 1 |\n注：以结算页为准" in rates.text


SHOPIFY = (
    "Handle,Title,Body (HTML),Vendor,Option1 Name,Option1 Value,Variant SKU,Variant Grams,Variant Inventory Qty,"
    "Variant Price,Image Src,SEO Title,Status,Cost per item\n"
    "mug,Camp Mug,<p>Holds <b>300 ml</b></p>,Us,Colour,Red,M-R,120,4,9.00,https://x/1.jpg,seo,active,3.00\n"
    "mug,,,,,Blue,M-B,0,0,9.50,,,,3.00\n"
    "mug,,,,,,,,,,https://x/2.jpg,,,\n"
    "old,Old Mug,,Us,Title,Default Title,O-1,,1,5.00,,,draft,\n"
)


async def test_a_shopify_export_and_its_spec_sheet_become_one_product(desk: Desk) -> None:
    desk.write("knowledge/a-spec.csv", "SKU,Material,Price\nM-R,steel,8\nX-9,wood,1\n")
    desk.write("knowledge/export.csv", SHOPIFY)
    report = await desk.run()
    red, blue, alone = sorted(await desk.chunks(), key=lambda c: ("M-R", "M-B", "X-9").index(c.locator))
    assert dict(red.attributes) == {
        "Name": "Camp Mug", "Description": "Holds 300 ml", "Brand": "Us", "Colour": "Red", "Shipping weight": "120 g",
        "Stock": "4", "Price": "9.00", "Material": "steel",
    }  # fmt: skip
    assert (red.path, red.kind, red.group, red.title) == ("knowledge/export.csv", Kind.PRODUCT, "mug", "Camp Mug")
    assert blue.text == "Camp Mug\nSKU: M-B\nDescription: Holds 300 ml\nBrand: Us\nColour: Blue\nStock: 0\nPrice: 9.50"
    assert (alone.path, alone.title) == ("knowledge/a-spec.csv", "X-9")
    assert reasons(report) == ["5: O-1 is draft in the shop"]
    assert any("Price of M-R is “8” here and “9.00”" in warning for file in report.files for warning in file.warnings)


async def test_ingesting_the_spec_sheet_alone_renews_the_products_it_speaks_of(desk: Desk) -> None:
    desk.write("knowledge/export.csv", SHOPIFY)
    desk.write("knowledge/p.md", POLICY)
    desk.write("knowledge/spec.csv", "SKU,Material\nM-R,steel\n")
    await desk.run()
    desk.write("knowledge/spec.csv", "SKU,Material\nM-R,tin\n")
    await desk.run("knowledge/spec.csv")
    chunks = await desk.chunks()
    assert len(chunks) == 4
    assert chunks[0].attributes["Material"] == "tin"


async def test_a_value_is_known_by_the_file_and_row_it_was_read_in(desk: Desk) -> None:
    desk.write("knowledge/export.csv", SHOPIFY)
    desk.write("knowledge/spec.csv", "SKU,Material,Stock\nM-R,steel,4\n")
    desk.write("knowledge/care.csv", "Handle,Dishwasher safe\nmug,Yes\n")
    await desk.run()
    red, blue = await desk.chunks()
    assert red.attribute_paths == {"Material": "knowledge/spec.csv", "Dishwasher safe": "knowledge/care.csv"}
    assert red.attribute_locators == {"Dishwasher safe": "mug"}
    assert blue.attribute_paths == {"Dishwasher safe": "knowledge/care.csv"}


async def test_a_spec_sheet_under_a_new_name_is_cited_by_it_and_embeds_nothing(desk: Desk) -> None:
    desk.write("knowledge/export.csv", SHOPIFY)
    spec = desk.write("knowledge/spec.csv", "SKU,Material\nM-R,steel\n")
    await desk.run()
    desk.embedder.embedded.clear()
    spec.rename(spec.with_name("materials.csv"))
    await desk.run()
    assert (await desk.chunks())[0].attribute_paths == {"Material": "knowledge/materials.csv"}
    assert desk.embedder.embedded == []


async def test_a_sku_that_stands_twice_is_read_once(desk: Desk) -> None:
    desk.write("knowledge/p.csv", "sku,名称,价格,颜色\nA,杯,9,\nA,杯,8,红\n,壶,5,\n,,7,\n")
    report = await desk.run()
    assert reasons(report) == ["5: neither a SKU nor a name", "3: the SKU A stands in row 2 already"]
    cup, pot = await desk.chunks()
    assert (cup.locator, dict(cup.attributes), pot.locator) == ("A", {"名称": "杯", "价格": "9"}, "壶")


async def test_jsonl_records_are_read_by_their_kind(desk: Desk) -> None:
    lines = [
        '{"id": "n1", "title": "Visit", "text": "We are in Kendal.", "language": "en", "kind": "note"}',
        '{"id": "q1", "title": "Open on Sunday?", "text": "No.", "language": "en", "kind": "faq", "valid_to": "2026-12-01"}',
        '{"id": "P-1", "title": "Tin cup", "price": 4.5, "colour": "red", "kind": "product"}',
        '{"id": "n1", "title": "again", "text": "x"}',
        "broken",
    ]
    desk.write("knowledge/n.jsonl", "\n".join(lines))
    report = await desk.run()
    assert reasons(report) == ["4: the id n1 stands in line 1 already", "5: not valid JSON"]
    note, question, cup = await desk.chunks()
    assert (note.locator, note.document_id, note.kind) == ("Visit", "knowledge/n.jsonl#n1", Kind.POLICY)
    assert question.locator == "row 2 | Open on Sunday?"
    assert question.valid_until is not None
    assert (cup.locator, dict(cup.attributes)) == ("P-1", {"title": "Tin cup", "price": "4.5", "colour": "red"})


async def test_word_headings_are_found_without_styles(desk: Desk) -> None:
    document = docx.Document()
    for text, bold in (("保修政策", True), ("适用于全部小家电产品，以订单记录为准，不需要保修卡也可以办理。", False), ("一、期限", True), ("整机保修一年，电机保修三年，电池保修六个月，自签收日起算。", False)):  # fmt: skip
        document.add_paragraph().add_run(text).bold = bold
    table = document.add_table(2, 2)
    for cell, text in zip((c for row in table.rows for c in row.cells), ("部件", "期限", "电机", "3年"), strict=True):
        cell.text = text
    document.save(str(desk.folder / "w.docx"))
    await desk.run()
    assert (await desk.chunks())[-1].locator == "一、期限"
    assert (await desk.chunks())[-1].text.endswith("| 部件 | 期限 |\n| --- | --- |\n| 电机 | 3年 |")


async def test_pdf_headings_paragraphs_and_tables_come_back(desk: Desk) -> None:
    page = fpdf.FPDF()
    for number in (1, 2):
        page.add_page()
        page.set_font("helvetica", size=8)
        page.text(20, 10, "Confidential draft of the shop")
        page.text(100, 290, f"Page {number} of 2")
        page.set_y(25)
        page.set_font("helvetica", "B", 12)
        page.multi_cell(0, 8, f"{number}. Part {number} of the terms", new_x="LMARGIN", new_y="NEXT")
        page.set_font("helvetica", size=11)
        page.multi_cell(0, 6, f"Rule {number} is long enough to be broken over several lines by the page. " * 4, new_x="LMARGIN", new_y="NEXT")  # fmt: skip
        with page.table() as table:
            for row in (("Item", "Fee"), ("Boots", f"{number} pounds")):
                table.row(row)
    desk.write("knowledge/t.pdf", bytes(page.output()))
    await desk.run()
    chunks = await desk.chunks()
    assert [chunk.locator for chunk in chunks] == ["1. Part 1 of the terms", "2. Part 2 of the terms"]
    assert chunks[0].text.count("Rule 1 is long enough to be broken over several lines by the page.") == 4
    assert chunks[1].text.endswith("| Item | Fee |\n| --- | --- |\n| Boots | 2 pounds |")
    assert "Confidential" not in chunks[0].text + chunks[1].text


async def test_a_page_is_read_without_its_furniture_and_without_entities(desk: Desk) -> None:
    page = """<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]><html><head><title>Help</title></head><body>
    <nav>Home</nav><div class="breadcrumb">Home > Help</div><h1>Returns</h1><p>Home > Help > Returns</p>
    <ul><li>Window</li><li>Costs</li></ul><h2>Window</h2><p>30 days &x; from the day of delivery.</p>
    <h2>Costs</h2><table><tr><th>Who</th><th>Fee</th></tr><tr><td rowspan=2>UK</td><td>2.95</td></tr>
    <tr><td>free for members</td></tr></table><h2>Empty</h2><footer>© us</footer></body></html>"""
    desk.write("knowledge/h.html", page)
    await desk.run()
    window, costs = await desk.chunks()
    assert (window.title, window.text) == ("Returns > Window", "30 days &x; from the day of delivery.")
    assert costs.text == "| Who | Fee |\n| --- | --- |\n| UK | 2.95 |\n| UK | free for members |"


async def test_invisible_characters_are_removed_and_reported(desk: Desk) -> None:
    desk.write("knowledge/p.md", "# A\n\n## 退货\n\n七天\u202e内\u200b可以\U000e0041退货，运费由买家自己承担。\x00")
    report = await desk.run()
    assert (await desk.chunks())[0].text == "七天内可以退货，运费由买家自己承担。"
    assert report.files[0].warnings == ["4 invisible characters were removed"]


async def test_a_long_section_is_cut_between_paragraphs_under_the_same_heading(desk: Desk) -> None:
    paragraph = "".join(f"第{i}条规则说明了很多细节，请您逐字阅读后再下单购买。" for i in range(6))
    long = "".join(f"第{i}款说明了很多细节，请您逐字阅读后再下单购买。" for i in range(30))
    desk.write("knowledge/p.md", f"# 规则\n\n## 细则\n\n{paragraph}\n\n{paragraph}\n\n{paragraph}\n\n## 长\n\n{long}")
    await desk.run()
    chunks = await desk.chunks()
    assert [c.locator for c in chunks][:2] == ["细则", "细则"]
    assert all(len(chunk.text) < 420 for chunk in chunks)
    assert "".join(c.text for c in chunks if c.locator == "长") == long


async def test_a_run_left_unfinished_is_undone_by_the_next(desk: Desk) -> None:
    desk.write("knowledge/p.md", POLICY)
    await desk.run()
    desk.write("knowledge/p.md", POLICY.replace("7天", "8天"))

    async def die(number: int) -> None:
        raise KeyboardInterrupt

    check, desk.index.flush = desk.index.flush, die  # type: ignore[method-assign, assignment]
    with pytest.raises(TypeError):
        await desk.run()
    desk.index.flush = check  # type: ignore[method-assign]
    assert await desk.catalogue.live_release("s") == 1
    desk.write("knowledge/p.md", POLICY.replace("7天", "9天"))
    report = await desk.run()
    states = [release.state for release in await desk.catalogue.releases("s")]
    assert states == [ReleaseState.BUILT, ReleaseState.FAILED, ReleaseState.BUILT]
    assert report.live_release == 3
    assert "9天" in (await desk.chunks())[0].text
    assert await desk.agreement() == (True, 0)
    for number in (1, 3):
        assert await desk.index.count("s", number) == await desk.catalogue.point_count("s", number)


async def test_old_releases_are_swept_and_the_rest_stays_exactly_as_it_was(desk: Desk) -> None:
    for days in range(7, 13):
        desk.write("knowledge/p.md", POLICY.replace("7天", f"{days}天"))
        await desk.run()
    await desk.catalogue.publish("s", 2)
    before = {n: await desk.catalogue.chunks("s", n) for n in (2, 5, 6)}
    kept: dict[str, Any] = {"home": desk.home, "catalogue": desk.catalogue, "index": desk.index, "kept": 2}
    assert (await sweep("s", **kept)).releases == ()  # all were live a moment ago
    swept = await sweep("s", **kept, now=datetime.now(UTC) + timedelta(hours=1))
    assert (swept.releases, swept.chunks) == ((1, 3, 4), 3)
    assert swept.points > 0
    assert {n: await desk.catalogue.chunks("s", n) for n in before} == before
    assert await desk.agreement() == (True, 0)
    assert (await sweep("s", **kept, now=datetime.now(UTC) + timedelta(hours=2))) == Swept()
    assert (await desk.run()).release == 6


async def test_a_sweep_that_was_cut_short_is_finished_by_the_next(desk: Desk) -> None:
    for days in range(7, 10):
        desk.write("knowledge/p.md", POLICY.replace("7天", f"{days}天"))
        await desk.run()
    later = datetime.now(UTC) + timedelta(hours=1)
    kept: dict[str, Any] = {"home": desk.home, "catalogue": desk.catalogue, "index": desk.index, "kept": 1}
    desk.index.down = True
    with pytest.raises(Unavailable):
        await sweep("s", **kept, now=later)
    with pytest.raises(Conflict, match="swept"):
        await desk.catalogue.publish("s", 1)
    desk.index.down = False
    swept = await sweep("s", **kept, now=later)
    assert (swept.releases, swept.chunks) == ((), 2)
    assert await desk.agreement() == (True, 0)


async def test_an_index_is_rebuilt_from_the_database_without_embedding_and_without_a_gap(desk: Desk) -> None:
    desk.write("knowledge/p.md", POLICY)
    await desk.run()
    desk.write("knowledge/p.md", POLICY.replace("7天", "9天"))
    await desk.run()
    lost, *others = list(desk.index.points_by_id)
    del desk.index.points_by_id[lost]
    stray = replace(desk.index.points_by_id[others[0]], point_id=str(uuid.uuid4()), chunk_id="gone")
    await desk.index.upsert([stray])
    assert (await desk.agreement())[0] is False
    desk.embedder.embedded.clear()
    counts: list[int] = []

    async def watch(points: Sequence[IndexPoint]) -> None:
        await upsert(points)
        counts.append(await desk.index.count("s", 2))

    upsert, desk.index.upsert = desk.index.upsert, watch  # type: ignore[method-assign]
    rebuilt = await reindex("s", home=desk.home, catalogue=desk.catalogue, index=desk.index, embedder=desk.embedder)
    assert (rebuilt.stray, desk.embedder.embedded) == (1, [])
    assert await desk.agreement() == (True, 0)
    assert min(counts) >= await desk.catalogue.point_count("s", 2)
    with pytest.raises(NotFound):
        await reindex("t", home=desk.home, catalogue=desk.catalogue, index=desk.index, embedder=desk.embedder)


async def test_an_index_that_lost_its_points_is_rebuilt(desk: Desk) -> None:
    desk.write("knowledge/p.md", POLICY)
    await desk.run()
    desk.index = FakeIndex()
    await desk.run()
    assert await desk.index.count("s", 1) == await desk.catalogue.point_count("s", 1)


async def test_another_embedder_renews_every_vector(desk: Desk) -> None:
    desk.write("knowledge/p.md", POLICY)
    await desk.run()
    desk.embedder = FakeEmbedder(name="fake-embedder-2")
    report = await desk.run()
    assert (report.live_release, len(desk.embedder.embedded)) == (2, await desk.catalogue.point_count("s", 2))
    assert (await desk.run()).release == 2


async def test_two_jobs_on_one_shop_do_not_meet(desk: Desk) -> None:
    desk.write("knowledge/p.md", POLICY)
    with only_one_job(desk.home, "s"), pytest.raises(Conflict, match="another ingest"):
        await desk.run()


KILLED = """
import asyncio, sys, time
from pathlib import Path
from app.adapters.db.engine import Database
from app.adapters.db.knowledge import SqlCatalogue
from app.adapters.db.migrate import upgrade
from ingestion.agree import agree
from ingestion.job import ingest
from ingestion.reindex import reindex
from tests.fakes import FakeEmbedder, FakeIndex

async def main():
    home, folder = Path(sys.argv[1]), Path(sys.argv[2])
    database = Database(f"sqlite:///{home.parent / 'x.sqlite3'}")
    upgrade(database)
    def progress(stage, done, total):
        print(stage, done, total, flush=True)
        time.sleep(0.05)
    await ingest(folder, "s", home=home, catalogue=SqlCatalogue(database), index=FakeIndex(),
                 embedder=FakeEmbedder(), publish=True, progress=progress)
    print("finished", flush=True)

asyncio.run(main())
"""


def _run_until_killed(desk: Desk, stage: str) -> None:
    command = [sys.executable, "-c", KILLED, str(desk.home), str(desk.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        for line in process.stdout:
            assert line != "finished\n"
            if line.startswith(stage):
                os.kill(process.pid, signal.SIGKILL)
                break
    assert process.wait() == -signal.SIGKILL


@pytest.mark.parametrize("stage", ["read", "embed", "index"])
async def test_a_job_killed_at_any_stage_leaves_the_live_release_and_is_finished_by_the_next(
    desk: Desk, stage: str
) -> None:
    desk.write("knowledge/faq.csv", FAQ)
    await desk.run()
    before = await desk.chunks()
    desk.write("knowledge/faq.csv", FAQ + "".join(f"问题{i}？,,第{i}个答案。,,\n" for i in range(150)))
    await asyncio.to_thread(_run_until_killed, desk, stage)
    assert await desk.catalogue.live_release("s") == 1
    assert await desk.chunks() == before
    started = time.monotonic()
    report = await desk.run()
    assert time.monotonic() - started < 60
    assert report.live_release == report.release
    assert len(await desk.chunks()) == 152
    assert await desk.index.count("s", report.release or 0) == await desk.catalogue.point_count(
        "s", report.release or 0
    )


@pytest.mark.parametrize("shop", ["tangli", "larchwood"])
async def test_the_sample_shops_are_read_without_a_complaint(desk: Desk, shop: str) -> None:
    desk.folder = Path(__file__).parents[2] / "shops" / shop
    report = await desk.run()
    assert report.exit_code == 0
    assert reasons(report) == []
    assert [warning for file in report.files for warning in file.warnings] == []
    kinds = {kind: sum(1 for chunk in await desk.chunks() if chunk.kind is kind) for kind in Kind}
    assert kinds[Kind.FAQ] >= 60
    assert kinds[Kind.PRODUCT] >= 60
    assert kinds[Kind.POLICY] >= 30
