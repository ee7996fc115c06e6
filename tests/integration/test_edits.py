"""The editors' layer over real files and a real database: what it shows, what it keeps, and when it asks."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.adapters.db.engine import Database
from app.adapters.db.knowledge import SqlCatalogue
from app.adapters.db.migrate import upgrade
from app.errors import BadInput, Conflict, NotFound, OutdatedEdit
from app.knowledge.chunk import Chunk
from app.knowledge.diff import compare_releases
from ingestion.editing import OpenEditing, open_editing
from ingestion.job import ingest
from ingestion.report import IngestReport
from ingestion.sources import Source
from ingestion.sources.edits import StagedEdits
from tests.fakes import FakeEmbedder, FakeIndex

pytestmark = pytest.mark.integration

FAQ = [
    ["问题", "相似问法", "答案", "分类", "关联问题", "生效日期", "失效日期"],
    ["多久发货？", "几天发|啥时候发", "当天发出。", "物流", "", "", ""],
    ["包邮吗？", "", "满99元包邮。", "物流", "", "", ""],
    ["能开发票吗？", "", "可以开电子发票。", "售后", "", "", ""],
]
PRODUCTS = [
    ["sku", "名称", "价格", "颜色", "库存"],
    ["A-1", "棉被", "199", "白", "12"],
    ["A-2", "棉被", "209", "灰", "3"],
    ["B-1", "枕头", "59", "白", "40"],
]
POLICY = "# 退换货\n\n## 期限\n\n签收后7天内可以退货。\n\n## 运费\n\n无理由退货的运费由买家承担。\n"


def as_csv(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


@dataclass
class Desk:
    folder: Path
    home: Path
    catalogue: SqlCatalogue
    index: FakeIndex = field(default_factory=FakeIndex)
    embedder: FakeEmbedder = field(default_factory=FakeEmbedder)

    def __post_init__(self) -> None:
        self.editing: OpenEditing = open_editing(self.home, self.catalogue)

    def write(self, path: str, content: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")

    async def ingest(self, source: Path | Source | None = None, *, publish: bool = True) -> IngestReport:
        return await ingest(
            source or self.folder, "s", home=self.home, catalogue=self.catalogue, index=self.index,
            embedder=self.embedder, publish=publish,
        )  # fmt: skip

    async def stage(self, *, publish: bool = True) -> IngestReport:
        await self.catalogue.edits.mark_staged("s")
        return await self.ingest(StagedEdits(), publish=publish)

    async def live(self) -> dict[str, Chunk]:
        number = await self.catalogue.live_release("s")
        return {c.locator: c for c in await self.catalogue.chunks("s", number or 0)}

    async def find(self, words: str) -> dict[str, Any]:
        found = await self.editing.rows.chunks("s", {"q": words}, 0, 10)
        assert found["total"] == 1, found
        return dict(await self.editing.rows.chunk("s", found["chunks"][0]["key"]))

    async def change(self, words: str, by: str = "Lin", **fields: Any) -> dict[str, Any]:
        row = await self.find(words)
        return await self.editing.rows.change("s", row["key"], row["version"], fields, by)


@pytest.fixture
async def desk(tmp_path: Path) -> Any:
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    upgrade(database)
    desk = Desk(tmp_path / "shop", tmp_path / "home", SqlCatalogue(database))
    desk.write("brand.yaml", "name: 小店\n")
    desk.write("knowledge/faq.csv", as_csv(FAQ))
    desk.write("knowledge/products.csv", as_csv(PRODUCTS))
    desk.write("knowledge/policy.md", POLICY)
    await desk.ingest()
    yield desk
    database.close()


def with_cell(rows: Sequence[Sequence[str]], row: int, column: int, value: str) -> str:
    changed = [list(cells) for cells in rows]
    changed[row][column] = value
    return as_csv(changed)


async def test_a_draft_changes_nothing_until_it_is_staged_and_published(desk: Desk) -> None:
    row = await desk.change("多久发货", answer="24小时内发出。🚚")
    assert (row["state"], row["pending"], row["built"]["answer"]) == ("edited", True, "当天发出。")
    assert (await desk.live())["row 2 | 多久发货？"].text == "当天发出。"
    report = await desk.stage(publish=False)
    assert (await desk.live())["row 2 | 多久发货？"].text == "当天发出。"
    await desk.catalogue.publish("s", report.release or 0)
    assert (await desk.live())["row 2 | 多久发货？"].text == "24小时内发出。🚚"


async def test_an_edit_survives_every_later_ingest_of_the_file_that_did_not_change_the_row(desk: Desk) -> None:
    await desk.change("多久发货", answer="24小时内发出。", question="什么时候发货？")
    await desk.stage()
    reordered = [FAQ[0], FAQ[3], FAQ[2], FAQ[1]]
    desk.write("knowledge/faq.csv", as_csv(reordered))
    await desk.ingest()
    live = await desk.live()
    assert live["row 4 | 什么时候发货？"].text == "24小时内发出。"
    assert len([c for c in live.values() if c.path == "knowledge/faq.csv"]) == 3
    assert (await desk.editing.rows.conflicts("s"))["total"] == 0


async def test_a_row_changed_on_both_sides_keeps_the_editors_text_and_shows_both(desk: Desk) -> None:
    await desk.change("多久发货", answer="24小时内发出。")
    await desk.stage()
    desk.write("knowledge/faq.csv", with_cell(FAQ, 1, 2, "48小时内发出。"))
    report = await desk.ingest()
    assert any("changed both here and in the console" in w for f in report.files for w in f.warnings)
    assert (await desk.live())["row 2 | 多久发货？"].text == "24小时内发出。"
    [conflict] = (await desk.editing.rows.conflicts("s"))["conflicts"]
    assert (conflict["mine"]["answer"], conflict["theirs"]["answer"], conflict["base"]["answer"]) == (
        "24小时内发出。", "48小时内发出。", "当天发出。",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("choice", "fields", "text"),
    [
        ("mine", {}, "24小时内发出。"),
        ("theirs", {}, "48小时内发出。"),
        ("merged", {"answer": "24到48小时内发出。"}, "24到48小时内发出。"),
    ],
)
async def test_the_choice_in_a_conflict_is_what_is_built_and_it_is_asked_only_once(
    desk: Desk, choice: str, fields: dict[str, str], text: str
) -> None:
    await desk.change("多久发货", answer="24小时内发出。")
    await desk.stage()
    desk.write("knowledge/faq.csv", with_cell(FAQ, 1, 2, "48小时内发出。"))
    await desk.ingest()
    [conflict] = (await desk.editing.rows.conflicts("s"))["conflicts"]
    await desk.editing.rows.resolve("s", conflict["key"], conflict["version"], choice, fields, "Lin")
    await desk.stage()
    assert (await desk.live())["row 2 | 多久发货？"].text == text
    await desk.ingest()
    assert (await desk.live())["row 2 | 多久发货？"].text == text
    assert (await desk.editing.rows.conflicts("s"))["total"] == 0


async def test_a_file_that_says_what_the_editor_says_ends_the_edit_without_a_question(desk: Desk) -> None:
    await desk.change("多久发货", answer="24小时内发出。")
    await desk.stage()
    before = await desk.catalogue.live_release("s")
    desk.write("knowledge/faq.csv", with_cell(FAQ, 1, 2, "24小时内发出。"))
    report = await desk.ingest()
    assert report.release == before
    row = await desk.find("多久发货")
    assert (row["state"], row["conflict"], row["edits"][0]["settled"]) == ("file", False, "in file")


async def test_a_row_that_left_the_file_stays_with_the_editors_text_until_an_editor_lets_it_go(desk: Desk) -> None:
    await desk.change("包邮", answer="全场包邮。")
    await desk.stage()
    desk.write("knowledge/faq.csv", as_csv([FAQ[0], FAQ[1], FAQ[3]]))
    await desk.ingest()
    assert any(chunk.text == "全场包邮。" for chunk in (await desk.live()).values())
    [conflict] = (await desk.editing.rows.conflicts("s"))["conflicts"]
    assert (conflict["gone"], conflict["theirs"]) == (True, None)
    await desk.editing.rows.resolve("s", conflict["key"], conflict["version"], "theirs", {}, "Lin")
    await desk.stage()
    assert not any("包邮" in chunk.title for chunk in (await desk.live()).values())


async def test_a_row_that_left_the_file_can_be_kept_for_good(desk: Desk) -> None:
    await desk.change("包邮", answer="全场包邮。")
    await desk.stage()
    desk.write("knowledge/faq.csv", as_csv([FAQ[0], FAQ[1], FAQ[3]]))
    await desk.ingest()
    [conflict] = (await desk.editing.rows.conflicts("s"))["conflicts"]
    await desk.editing.rows.resolve("s", conflict["key"], conflict["version"], "mine", {}, "Lin")
    await desk.ingest()
    assert any(chunk.text == "全场包邮。" for chunk in (await desk.live()).values())
    assert (await desk.editing.rows.conflicts("s"))["total"] == 0


async def test_a_question_renamed_in_the_file_is_the_same_row(desk: Desk) -> None:
    await desk.change("包邮", section="运费")
    await desk.stage()
    desk.write("knowledge/faq.csv", with_cell(FAQ, 2, 0, "要付邮费吗？"))
    await desk.ingest()
    [conflict] = (await desk.editing.rows.conflicts("s"))["conflicts"]
    assert (conflict["theirs"]["question"], conflict["gone"]) == ("要付邮费吗？", False)
    assert len([c for c in (await desk.live()).values() if c.path == "knowledge/faq.csv"]) == 3


async def test_two_editors_of_one_row_get_a_conflict_with_both_texts(desk: Desk) -> None:
    row = await desk.find("多久发货")
    await desk.editing.rows.change("s", row["key"], row["version"], {"answer": "甲"}, "A")
    with pytest.raises(OutdatedEdit) as caught:
        await desk.editing.rows.change("s", row["key"], row["version"], {"answer": "乙"}, "B")
    assert caught.value.status == 409
    assert caught.value.members["mine"] == {"answer": "乙"}
    assert caught.value.members["theirs"]["answer"] == "甲"
    assert caught.value.members["edits"][0]["author"] == "A"


async def test_undoing_takes_back_exactly_what_was_done_and_staging_brings_the_files_text_back(desk: Desk) -> None:
    first = await desk.change("多久发货", answer="24小时内发出。")
    await desk.change("多久发货", section="发货")
    await desk.stage()
    await desk.editing.rows.undo("s", [first["edits"][0]["number"]], "", "Lin")
    row = await desk.find("多久发货")
    assert (row["fields"]["answer"], row["fields"]["section"], row["pending"]) == ("当天发出。", "发货", True)
    await desk.stage()
    assert (await desk.live())["row 2 | 多久发货？"].text == "当天发出。"
    with pytest.raises(Conflict):
        await desk.editing.rows.undo("s", [first["edits"][0]["number"]], "", "Lin")


async def test_a_disabled_row_answers_nothing_and_comes_back_when_enabled(desk: Desk) -> None:
    row = await desk.find("多久发货")
    row = await desk.editing.rows.toggle("s", row["key"], row["version"], "Lin", disabled=True)
    assert row["state"] == "disabled"
    await desk.stage()
    await desk.ingest()
    assert "row 2 | 多久发货？" not in await desk.live()
    row = await desk.find("多久发货")
    await desk.editing.rows.toggle("s", row["key"], row["version"], "Lin", disabled=False)
    await desk.stage()
    assert (await desk.live())["row 2 | 多久发货？"].text == "当天发出。"


async def test_an_added_row_is_part_of_the_release_and_undoing_removes_it(desk: Desk) -> None:
    row = await desk.editing.rows.add(
        "s", {"question": "有实体店吗？", "answer": "没有。", "phrasings": ["门店在哪|地址"]}, "Lin"
    )
    assert (row["state"], row["fields"]["phrasings"]) == ("added", ["门店在哪", "地址"])
    await desk.stage()
    await desk.ingest()
    assert (await desk.live())["row 2 | 有实体店吗？"].path == "@console/faq.csv"
    await desk.editing.rows.undo("s", [row["edits"][0]["number"]], "", "Lin")
    await desk.stage()
    assert "row 2 | 有实体店吗？" not in await desk.live()


async def test_a_bulk_edit_is_one_batch_and_undone_as_one(desk: Desk) -> None:
    rows = (await desk.editing.rows.chunks("s", {"section": "物流"}, 0, 10))["chunks"]
    done = await desk.editing.rows.bulk(
        "s", [(r["key"], r["version"]) for r in rows], "set", {"section": "发货"}, "Lin"
    )
    assert (done["changed"], {r["section"] for r in done["chunks"]}) == (2, {"发货"})
    await desk.editing.rows.undo("s", [], done["batch"], "Lin")
    assert (await desk.editing.rows.chunks("s", {"section": "物流"}, 0, 10))["total"] == 2


async def test_replacing_a_word_touches_only_rows_that_have_it(desk: Desk) -> None:
    rows = (await desk.editing.rows.chunks("s", {"kind": "faq"}, 0, 10))["chunks"]
    items = [(r["key"], r["version"]) for r in rows]
    done = await desk.editing.rows.bulk("s", items, "replace", {"find": "99元", "replace": "88元"}, "Lin")
    assert done["changed"] == 1
    assert (await desk.find("包邮"))["fields"]["answer"] == "满88元包邮。"


async def test_a_value_edited_in_the_grid_stays_while_the_file_changes_the_others(desk: Desk) -> None:
    grid = await desk.editing.rows.products("s", {}, 0, 10)
    assert grid["columns"] == ["名称", "价格", "颜色", "库存"]
    cell = {"key": grid["rows"][0]["key"], "version": grid["rows"][0]["version"], "column": "颜色", "value": "米白"}
    await desk.editing.rows.set_values("s", [cell], "Lin")
    await desk.stage()
    desk.write("knowledge/products.csv", with_cell(PRODUCTS, 1, 2, "189"))
    await desk.ingest()
    assert dict((await desk.live())["A-1"].attributes) == {"名称": "棉被", "价格": "189", "颜色": "米白", "库存": "12"}
    assert (await desk.editing.rows.conflicts("s"))["total"] == 0


async def test_a_value_changed_on_both_sides_is_in_dispute_and_the_rest_follows_the_file(desk: Desk) -> None:
    grid = await desk.editing.rows.products("s", {}, 0, 10)
    cell = {"key": grid["rows"][0]["key"], "version": grid["rows"][0]["version"], "column": "价格", "value": "149"}
    await desk.editing.rows.set_values("s", [cell], "Lin")
    await desk.stage()
    changed = [list(cells) for cells in PRODUCTS]
    changed[1][2], changed[1][4] = "189", "7"
    desk.write("knowledge/products.csv", as_csv(changed))
    await desk.ingest()
    live = (await desk.live())["A-1"].attributes
    assert (live["价格"], live["库存"]) == ("149", "7")
    [conflict] = (await desk.editing.rows.conflicts("s"))["conflicts"]
    await desk.editing.rows.resolve("s", conflict["key"], conflict["version"], "theirs", {}, "Lin")
    await desk.stage()
    assert (await desk.live())["A-1"].attributes["价格"] == "189"


async def test_a_section_of_a_document_can_be_edited(desk: Desk) -> None:
    await desk.change("期限", text="签收后15天内可以退货。")
    await desk.stage()
    await desk.ingest()
    assert (await desk.live())["期限"].text == "签收后15天内可以退货。"


async def test_an_edited_question_is_a_change_in_the_diff_not_a_new_row(desk: Desk) -> None:
    before = await desk.catalogue.live_release("s")
    await desk.change("多久发货", question="什么时候发货？", valid_from="2026-11-01", valid_until="2026-11-11")
    report = await desk.stage()
    diff = await compare_releases(desk.catalogue, "s", before or 0, report.release or 0)
    assert diff.counts() == {"changed": 1, "added": 0, "removed": 0, "moved": 0}


@pytest.mark.parametrize(
    "fields",
    [
        {"answer": ""}, {"question": " "}, {"related": ["1", "2", "3", "4", "5", "6"]}, {"colour": "red"},
        {"valid_from": "soon"}, {"valid_from": "2026-02-02", "valid_until": "2026-01-01"}, {"phrasings": 3},
        {"answer": "x" * 20_001},
    ],
)  # fmt: skip
async def test_fields_that_do_not_fit_save_nothing(desk: Desk, fields: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="Nothing was saved"):
        await desk.change("多久发货", **fields)
    assert (await desk.find("多久发货"))["state"] == "file"


async def test_an_unknown_row_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.editing.rows.chunk("s", "nothing")


async def test_a_shop_can_begin_in_the_console_with_no_file_at_all(desk: Desk) -> None:
    await desk.editing.rows.add("new", {"question": "多久发货？", "answer": "当天。"}, "Lin")
    await desk.catalogue.edits.mark_staged("new")
    report = await ingest(
        StagedEdits(), "new", home=desk.home, catalogue=desk.catalogue, index=desk.index, embedder=desk.embedder,
        publish=True,
    )  # fmt: skip
    assert (report.release, report.live_release) == (1, 1)


async def test_a_brand_setting_holds_at_once_and_through_later_ingests(desk: Desk) -> None:
    brand = await desk.editing.brand.brand("s")
    told = {"greeting.zh": "您好！", "quick_questions.zh": ["多久发货？", "包邮吗？"]}
    brand = await desk.editing.brand.change("s", brand["version"], told, "Lin")
    assert brand["edited"] == ["greeting.zh", "quick_questions.zh"]
    kept = desk.home / "shops/s/brand.yaml"
    assert yaml.safe_load(kept.read_text())["greeting"] == {"zh": "您好！"}
    desk.write("brand.yaml", "name: 大店\n")
    await desk.ingest()
    assert yaml.safe_load(kept.read_text()) == {
        "name": "大店", "greeting": {"zh": "您好！"}, "quick_questions": {"zh": ["多久发货？", "包邮吗？"]},
    }  # fmt: skip
    await desk.editing.rows.undo("s", [brand["edits"][0]["number"]], "", "Lin")
    assert yaml.safe_load(kept.read_text()) == {"name": "大店"}


async def test_a_setting_changed_on_both_sides_is_a_conflict_of_the_brand(desk: Desk) -> None:
    brand = await desk.editing.brand.brand("s")
    await desk.editing.brand.change("s", brand["version"], {"name": "我的店"}, "Lin")
    desk.write("brand.yaml", "name: 大店\n")
    await desk.ingest()
    kept = desk.home / "shops/s/brand.yaml"
    assert yaml.safe_load(kept.read_text())["name"] == "我的店"
    [conflict] = (await desk.editing.rows.conflicts("s"))["conflicts"]
    assert (conflict["kind"], conflict["mine"], conflict["theirs"]) == ("brand", {"name": "我的店"}, {"name": "大店"})
    await desk.editing.rows.resolve("s", conflict["key"], conflict["version"], "theirs", {}, "Lin")
    assert yaml.safe_load(kept.read_text())["name"] == "大店"
    assert (await desk.editing.rows.conflicts("s"))["total"] == 0


async def test_two_editors_of_the_brand_get_a_conflict_with_both_texts(desk: Desk) -> None:
    brand = await desk.editing.brand.brand("s")
    await desk.editing.brand.change("s", brand["version"], {"tone": "亲切"}, "A")
    with pytest.raises(OutdatedEdit) as caught:
        await desk.editing.brand.change("s", brand["version"], {"tone": "利落"}, "B")
    assert (caught.value.members["mine"], caught.value.members["theirs"]) == ({"tone": "利落"}, {"tone": "亲切"})


@pytest.mark.parametrize(
    "settings",
    [{}, {"a.b.c": "x"}, {"languages": ["fr"]}, {"service_hours.timezone": "Mars/Base"}, {"tone": True},
     {"quick_questions.zh": ["?"] * 3 + [str(n) for n in range(9)]}, {"default_language": "fr"}],
)  # fmt: skip
async def test_settings_that_do_not_fit_save_nothing(desk: Desk, settings: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="Nothing was saved"):
        await desk.editing.brand.change("s", "0", settings, "Lin")


async def test_the_wizard_shows_what_it_would_answer_and_then_adds_just_that(desk: Desk) -> None:
    known = {"shipping_time": "24小时内", "courier": "中通快递", "ship_from": "浙江杭州"}
    seen = await desk.editing.packs.fill("s", "apparel", "zh", known, {}, "Lin", apply=False)
    assert (await desk.editing.rows.chunks("s", {"path": "@console/faq.csv"}, 0, 10))["total"] == 0
    answers = {"apparel/fabric": "成分写在商品页和水洗标上。"}
    done = await desk.editing.packs.fill("s", "apparel", "zh", known, answers, "Lin", apply=True)
    assert len(done["filled"]) == len(seen["filled"]) + 1
    row = await desk.find("仓库在哪个城市")
    assert (row["fields"]["answer"], row["state"]) == ("从浙江杭州的仓库发出。", "added")
    assert len(row["fields"]["phrasings"]) >= 10
    await desk.stage()
    assert any(chunk.title == "从哪里发货？" for chunk in (await desk.live()).values())


async def test_filling_again_changes_only_what_differs_and_leaves_alone_what_editors_disabled(desk: Desk) -> None:
    known = {"shipping_time": "24小时内", "courier": "中通快递", "ship_from": "浙江杭州"}
    await desk.editing.packs.fill("s", "general", "zh", known, {}, "Lin", apply=True)
    row = await desk.find("用哪家快递")
    await desk.editing.rows.toggle("s", row["key"], row["version"], "Lin", disabled=True)
    again = await desk.editing.packs.fill(
        "s", "general", "zh", {**known, "ship_from": "江苏苏州"}, {}, "Lin", apply=True
    )
    assert again["left_out"] == ["发什么快递？"]
    assert (await desk.find("仓库在哪个城市"))["fields"]["answer"] == "从江苏苏州的仓库发出。"
    assert again["changed"] == 1


async def test_a_question_that_a_file_answers_already_is_not_asked_twice(desk: Desk) -> None:
    desk.write("knowledge/more.csv", "问题,答案\n从哪里发货？,苏州。\n")
    await desk.ingest()
    done = await desk.editing.packs.fill("s", "general", "zh", {"ship_from": "杭州"}, {}, "Lin", apply=True)
    assert "从哪里发货？" in done["left_out"]


async def test_an_unknown_field_or_question_of_the_wizard_saves_nothing(desk: Desk) -> None:
    with pytest.raises(BadInput, match="Nothing was saved"):
        await desk.editing.packs.fill("s", "general", "zh", {"colour": "red"}, {}, "Lin", apply=True)
    with pytest.raises(BadInput, match="Nothing was saved"):
        await desk.editing.packs.fill("s", "general", "zh", {}, {"general/nothing": "x"}, "Lin", apply=True)
