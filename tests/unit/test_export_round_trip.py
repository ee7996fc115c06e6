"""Whatever editors write and files hold: an export reads back as what the release has, and no cell is a formula."""

from __future__ import annotations

import csv
import io
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.knowledge.chunk import Chunk, Kind
from app.knowledge.edits import Action, Edit, LayeredRow
from app.knowledge.row_keys import keyed, numbered, short
from ingestion.columns import columns_of
from ingestion.converters.html import html_to_text
from ingestion.edited_chunks import content_of, live_chunk
from ingestion.editing.fields import checked_fields, differing, shown
from ingestion.exporting.cells import cell_for
from ingestion.exporting.changes import plan_files
from ingestion.exporting.export import _Export
from ingestion.formulas import guarded, is_formula, unguarded
from ingestion.mirror import Mirror
from ingestion.reading import Reader
from ingestion.shop_files import ShopFiles
from ingestion.sources import SourceFile
from ingestion.text import clean

ZONE = ZoneInfo("Asia/Shanghai")
ODD = "=+-@'\"<>&|;,，。？ \n\t—·abcXYZ019中文问答🚚👨\u200d👩｜＝\u2028#*_[]()`~"
texts = st.text(alphabet=ODD, min_size=1, max_size=40)
slow = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(texts)
def test_a_guarded_cell_is_no_formula_and_reads_as_it_was(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not is_formula(guarded(text)) or guarded(text).startswith("'")


@given(texts.map(clean).filter(bool))
def test_a_cell_is_read_as_the_text_it_was_written_for(text: str) -> None:
    assert html_to_text(clean(cell_for(text))) == text


@given(texts)
def test_cleaning_a_text_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@st.composite
def faq_tables(draw: st.DrawFn) -> list[list[str]]:
    header = ["问题", "答案", *draw(st.lists(st.sampled_from(["相似问法", "分类", "关联问题", "备注"]), unique=True))]
    rows = draw(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=6))
    body = [[f"问{i} {q}", f"答{i} {a}", *([x] * (len(header) - 2))] for i, (q, a, x) in enumerate(rows)]
    return [header, *body]


@st.composite
def faq_fields(draw: st.DrawFn) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if draw(st.booleans()):
        fields["question"] = f"Q {draw(texts)}"
    if draw(st.booleans()):
        fields["answer"] = f"{draw(texts)} A"
    if draw(st.booleans()):
        fields["phrasings"] = [f"p {text}" for text in draw(st.lists(texts, max_size=3))]
    if draw(st.booleans()):
        fields["related"] = [f"r {text}" for text in draw(st.lists(texts, max_size=3))]
    if draw(st.booleans()):
        fields["valid_until"] = draw(st.sampled_from(["2026-11-11", "2026-11-11 18:30", ""]))
    return fields


def read(files: dict[str, Path]) -> list[Chunk]:
    reader = Reader(ZONE)
    reader.read(SourceFile(file, path) for path, file in files.items())
    return [chunk for found in reader.finish() for chunk in numbered(found.chunked.chunks)]


def edit_of(chunk: Chunk, key: str, action: Action, fields: dict[str, Any]) -> LayeredRow:
    now = datetime.now(UTC)
    edit = Edit(1, short(key), action, fields, "Lin", now, "b", staged_at=now)
    return LayeredRow(short(key), key, chunk.kind.value, chunk.path, content_of(chunk), edits=(edit,))


def exported(
    home: Path, path: str, rows: list[LayeredRow], chunks: list[Chunk]
) -> tuple[list[Chunk], list[Chunk], Path]:
    """(what the release has, what the export reads as, the file) after these edits."""
    layered = {row.key: row for row in rows}
    live = [live_chunk(layered[key], ZONE, drafts=False) if key in layered else c for key, c in keyed(chunks).items()]
    wanted = [chunk for chunk in live if chunk is not None]
    out = home / "out"
    _Export("s", out, plan_files(wanted, rows, ZONE), Mirror(home, "s"), ZONE).run(ShopFiles(home, "s"))
    return wanted, read({path: out / path}) if (out / path).is_file() else [], out / path


def told(chunks: list[Chunk]) -> Counter[tuple[str, str]]:
    return Counter((chunk.locator, chunk.content_hash) for chunk in chunks)


def write_csv(file: Path, records: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(records)
    file.write_text(out.getvalue(), encoding="utf-8", newline="")


def write_xlsx(file: Path, records: list[list[str]]) -> None:
    book: Any = openpyxl.Workbook()
    for row, record in enumerate(records, start=1):
        for column, text in enumerate(record, start=1):
            cell = book.active.cell(row, column, text.replace("\u2028", " "))
            cell.data_type = "s"
    book.save(file)


@slow
@given(faq_tables(), st.lists(faq_fields(), max_size=4), st.booleans(), st.sampled_from(["csv", "xlsx"]))
def test_any_edit_of_any_faq_table_comes_back_from_its_export(
    records: list[list[str]], edits: list[dict[str, Any]], disable: bool, suffix: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home, path = Path(folder), f"knowledge/faq.{suffix}"
        file = home / "shops/s/mirror" / path
        file.parent.mkdir(parents=True)
        (write_csv if suffix == "csv" else write_xlsx)(file, records)
        chunks = read({path: file})
        rows: list[LayeredRow] = []
        for number, ((key, chunk), sent) in enumerate(zip(keyed(chunks).items(), edits, strict=False)):
            if "question" in sent:
                sent["question"] += f" {number}"  # two rows that say the same are one when they are read
            fields = differing(checked_fields(Kind.FAQ, sent, (), ZONE), shown(chunk, ZONE))
            if disable and not rows:
                rows.append(edit_of(chunk, key, Action.DISABLE, {}))
            elif fields:
                rows.append(edit_of(chunk, key, Action.CHANGE, fields))
        wanted, found, target = exported(home, path, rows, chunks)
        assert told(found) == told(wanted)
        if suffix == "csv" and target.is_file():
            data = target.read_text(encoding="utf-8-sig")
            cells = [cell for record in csv.reader(data.splitlines(keepends=True)) for cell in record]
            assert not [cell for cell in cells if is_formula(cell) and not cell.startswith("'")]


@st.composite
def product_tables(draw: st.DrawFn) -> list[list[str]]:
    header = ["sku", "名称", "价格", *draw(st.lists(st.sampled_from(["颜色", "材质", "备注", "产地"]), unique=True))]
    count = draw(st.integers(1, 5))
    body = [
        [f"S-{i}", f"品{i}", str(draw(st.integers(1, 999))), *(draw(st.one_of(st.just(""), texts)) for _ in header[3:])]
        for i in range(count)
    ]
    return [header, *body]


@slow
@given(product_tables(), st.data(), st.sampled_from(["csv", "xlsx"]))
def test_any_value_set_in_any_product_table_comes_back_from_its_export(
    records: list[list[str]], data: st.DataObject, suffix: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home, path = Path(folder), f"knowledge/goods.{suffix}"
        file = home / "shops/s/mirror" / path
        file.parent.mkdir(parents=True)
        (write_csv if suffix == "csv" else write_xlsx)(file, records)
        chunks = read({path: file})
        columns = columns_of(file, (), path)
        rows: list[LayeredRow] = []
        for key, chunk in keyed(chunks).items():
            names = data.draw(st.lists(st.sampled_from(columns), unique=True, max_size=2))
            values = {name: data.draw(st.one_of(st.just(""), texts)) for name in names if name != "名称"}
            fields = differing(checked_fields(Kind.PRODUCT, {"values": values}, columns, ZONE), shown(chunk, ZONE))
            if fields:
                rows.append(edit_of(chunk, key, Action.CHANGE, fields))
        wanted, found, _ = exported(home, path, rows, chunks)
        assert told(found) == told(wanted)
