"""Tables that nobody recognises: what is said of them, what an editor may say, and what a renamed column does."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from app.errors import BadInput
from app.knowledge.chunk import Kind
from ingestion.map_file import add_entries, look_at
from ingestion.mapping import TableRule, read_rules, rules_of_text
from ingestion.reading import FileRead, Reader
from ingestion.recognise import keep_renamed
from ingestion.sources import SourceFile

ZONE = ZoneInfo("Asia/Shanghai")
SHOES = [
    ["款式", "到手价", "面料成分", "颜色"],
    ["云朵拖鞋", "59.00", "EVA", "白"],
    ["溪边凉鞋", "129.00", "牛皮", "棕"],
]
ASKED = [
    ["客户怎么问", "我们怎么说", "客户说法"],
    ["多久发货？", "当天下午四点前下单，当天发出。", "几天发|啥时候发"],
    ["能开发票吗？", "可以，下单时备注抬头和税号。", "开票"],
]


def written(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def read(file: Path, rules: Sequence[TableRule] = ()) -> FileRead:
    reader = Reader(ZONE, rules)
    reader.read([SourceFile(file, f"knowledge/{file.name}")])
    return reader.finish()[0]


def rules(text: str) -> list[TableRule]:
    return rules_of_text(text, "mapping.yaml")


def test_a_table_nobody_knows_is_named_with_what_it_looks_like(tmp_path: Path) -> None:
    found = read(written(tmp_path / "拖鞋.csv", [["宝贝标题（必填）", "促销价（元）", "材料"], *SHOES[1:]]))
    assert [chunk.kind for chunk in found.chunked.chunks] == [Kind.POLICY]
    note = found.tables[0].note(found.path)
    assert "looks like products" in note
    assert "宝贝标题" in note
    assert note.endswith("xiaoer map knowledge/拖鞋.csv")


def test_a_table_of_fees_is_text_and_said_to_be(tmp_path: Path) -> None:
    found = read(
        written(tmp_path / "运费.csv", [["省份", "首重", "续重"], ["浙江", "6元", "2元"], ["西藏", "20元", "18元"]])
    )
    assert found.tables[0].guess == ""
    assert "was read as plain text (2 rows)" in found.tables[0].note(found.path)


def test_an_editor_says_which_column_is_which(tmp_path: Path) -> None:
    said = rules(
        "tables:\n- files: 拖鞋.csv\n  kind: product\n  columns: {name: 款式, price: 到手价, 材质: 面料成分}\n"
        "- {files: '*.csv', kind: faq, columns: {question: A, answer: 我们怎么说, similar: 客户说法}}\n"
    )
    products = read(written(tmp_path / "拖鞋.csv", SHOES), said).chunked.chunks
    assert [(chunk.kind, chunk.title) for chunk in products] == [(Kind.PRODUCT, "云朵拖鞋"), (Kind.PRODUCT, "溪边凉鞋")]
    assert dict(products[0].attributes) == {"名称": "云朵拖鞋", "价格": "59.00", "材质": "EVA", "颜色": "白"}
    asked = read(written(tmp_path / "问答.csv", ASKED), said).chunked.chunks
    assert asked[0].phrasings == ("多久发货？", "几天发", "啥时候发")
    assert asked[0].locator == "row 2 | 多久发货？"


def test_a_table_without_a_header_or_with_one_further_down_is_mapped(tmp_path: Path) -> None:
    bare = read(
        written(tmp_path / "bare.csv", ASKED[1:]),
        rules("tables: [{files: bare.csv, header_row: 0, kind: faq, columns: {question: A, answer: B}}]"),
    )
    assert [chunk.locator for chunk in bare.chunked.chunks] == ["row 1 | 多久发货？", "row 2 | 能开发票吗？"]
    low = read(
        written(tmp_path / "low.csv", [["2026年款式", "", "", ""], ["更新于3月", "", "", ""], *SHOES]),
        rules("tables: [{files: low.csv, header_row: 3, kind: product, columns: {name: 款式}}]"),
    )
    assert [chunk.title for chunk in low.chunked.chunks] == ["云朵拖鞋", "溪边凉鞋"]


def test_a_sheet_can_be_mapped_or_left_out_alone(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    for name, rows in (("在售", SHOES), ("内部", SHOES), ("运费", [["省", "费"], ["浙江", "6"], ["新疆", "15"]])):
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    del workbook["Sheet"]
    workbook.save(tmp_path / "a.xlsx")
    said = (
        "tables:\n- {files: a.xlsx, sheet: 在售, kind: product, columns: {name: 款式, price: 到手价}}\n"
        "- {files: a.xlsx, sheet: 内部, kind: ignore}\n- {files: a.xlsx, sheet: 运费, kind: text}\n"
    )
    found = read(tmp_path / "a.xlsx", rules(said))
    kinds = [chunk.kind for chunk in found.chunked.chunks]
    assert (kinds.count(Kind.PRODUCT), kinds.count(Kind.POLICY)) == (2, 1)
    assert [table.note("p") for table in found.tables] == ["", ""]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("tables: [{files: x.csv, kind: product, columns: {name: 品名}}]", "“品名”, which is not there"),
        ("tables: [{files: x.csv, kind: product, columns: {price: 到手价}}]", "neither which column is the sku"),
        ("tables: [{files: x.csv, kind: faq, columns: {question: 款式}}]", "the column for answer"),
        ("tables: [{files: x.csv, kind: product, header_row: 9, columns: {name: A}}]", "row 9"),
    ],
)
def test_a_mapping_that_does_not_fit_fails_its_file_and_says_why(tmp_path: Path, said: str, problem: str) -> None:
    assert problem in read(written(tmp_path / "x.csv", SHOES), rules(said)).error


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tables: [", "not valid YAML near line"),
        ("- a", "must hold `tables:`"),
        ("tables: 3", "must hold `tables:`"),
        ("tables: [3]", "entry 1: `files`"),
        ("tables: [{files: x.csv, kind: price}]", "`kind` must be one of"),
        ("tables: [{files: x.csv, kind: faq, columns: 3}]", "`columns`"),
        ("tables: [{files: x.csv, kind: faq, header_row: -1}]", "`header_row`"),
    ],
)
def test_a_mapping_that_cannot_be_read_stops_everything(text: str, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        rules(text)


def test_a_renamed_column_keeps_what_the_file_held(tmp_path: Path) -> None:
    good = [["问题", "答案", "相似问法"], *ASKED[1:]]
    had = read(written(tmp_path / "faq.csv", good)).chunked.chunks
    renamed = read(written(tmp_path / "faq.csv", ASKED))
    keep_renamed([renamed], had)
    assert "2 questions are not recognised any more" in renamed.error
    part = read(written(tmp_path / "faq.csv", [["问题", "答案", "客户说法"], *ASKED[1:]]))
    keep_renamed([part], had)
    assert "the column that held similar is gone, and nobody knows the column “客户说法”" in part.error


def test_a_price_under_a_new_name_is_noticed(tmp_path: Path) -> None:
    had = read(
        written(tmp_path / "p.csv", [["商品名称", "价格"], ["云朵拖鞋", "59"], ["溪边凉鞋", "129"]])
    ).chunked.chunks
    now = read(
        written(tmp_path / "p.csv", [["SKU", "商品名称", "到手"], ["A1", "云朵拖鞋", "59"], ["A2", "溪边凉鞋", "129"]])
    )
    keep_renamed([now], had)
    assert "the column that held price is gone, and nobody knows the column “到手”" in now.error


def test_a_column_that_is_simply_gone_is_the_editors_wish(tmp_path: Path) -> None:
    had = read(written(tmp_path / "faq.csv", [["问题", "答案", "相似问法"], *ASKED[1:]])).chunked.chunks
    now = read(written(tmp_path / "faq.csv", [["问题", "答案"], *(row[:2] for row in ASKED[1:])]))
    keep_renamed([now], had)
    assert now.error == ""


def test_a_proposal_can_be_written_down_and_is_then_read(tmp_path: Path) -> None:
    (tmp_path / "brand.yaml").write_text("name: 店\n", encoding="utf-8")
    file = written(tmp_path / "knowledge" / "拖鞋.csv", [["宝贝标题*", "促销价（元）", "材料"], *SHOES[1:]])
    seen = look_at(file)
    assert (seen.path, seen.tables[0].read_as) == ("knowledge/拖鞋.csv", "text")
    add_entries(seen.mapping_file, seen.entries)
    again = look_at(file)
    assert (again.tables[0].read_as, again.tables[0].by_rule, again.entries) == ("product", True, "")
    found = read(file, read_rules([tmp_path]))
    assert [chunk.title for chunk in found.chunked.chunks] == ["云朵拖鞋", "溪边凉鞋"]
    assert found.chunked.chunks[0].attributes["价格"] == "59.00"


def test_a_second_proposal_keeps_what_the_file_says(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("# ours\ntables:\n  - {files: a.csv, kind: ignore}\n", encoding="utf-8")
    add_entries(mapping, "- files: b.csv\n  kind: text\n")
    assert mapping.read_text(encoding="utf-8").startswith("# ours\n")
    assert [rule.files for rule in read_rules([tmp_path])] == ["a.csv", "b.csv"]


def test_questions_are_found_by_what_stands_in_the_cells(tmp_path: Path) -> None:
    seen = look_at(written(tmp_path / "x.csv", [["甲", "乙"], *(row[:2] for row in ASKED[1:])]))
    proposal = seen.tables[0].proposal
    assert proposal is not None
    assert (proposal.kind.value, proposal.sure) == ("faq", False)
    assert "question: 甲" in seen.entries


def test_columns_nobody_knows_in_a_known_table_are_named(tmp_path: Path) -> None:
    found = read(
        written(tmp_path / "faq.csv", [["问题", "答案", "内部备注", "序号"], ["甲？", "乙。", "不要告诉客户", "1"]])
    )
    assert found.tables[0].note("p") == "the columns “内部备注” are not known and were left out"
