"""Prices and product rows that hold for a time only."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.knowledge.chunk import Chunk
from app.knowledge.view import KnowledgeView
from ingestion.reading import FileRead, Reader
from ingestion.sources import SourceFile
from tests.unit.test_pipeline import Shop

SHANGHAI = ZoneInfo("Asia/Shanghai")


def read(folder: Path, **files: str) -> list[FileRead]:
    reader = Reader(SHANGHAI)
    for name, text in files.items():
        path = folder / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        reader.read([SourceFile(path, path.name)])
    return reader.finish()


def chunks(folder: Path, **files: str) -> list[Chunk]:
    return [chunk for one in read(folder, **files) for chunk in one.chunked.chunks]


def at(found: list[Chunk], day: str) -> dict[str, str]:
    moment = datetime.fromisoformat(day).replace(tzinfo=SHANGHAI)
    held = KnowledgeView("s", 1, found).at(moment).by_sku.get("t-1")
    return {name: value for name, value in held.attributes.items() if "价" in name or "rice" in name} if held else {}


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("价格,活动价,活动开始时间,活动结束时间", "199,149,2026-11-01,2026-11-11"),
        ("价格,活动价,活动时间", "199,149,2026年11月1日至11日"),
        ("价格,活动价,活动时间", "199,149,2026-11-01 00:00:00 至 2026-11-11 23:59:59"),
        ("价格,双11价,双11有效期", "199,149,2026.11.01-2026.11.11"),
    ],
)
def test_a_sale_price_is_there_on_its_days_only(tmp_path: Path, header: str, cells: str) -> None:
    found = chunks(tmp_path, products=f"商家编码,宝贝名称,{header}\nT-1,陶壶,{cells}\n")
    usual, sale = {"价格": "199"}, {"价格": "199", header.split(",")[1]: "149"}
    assert [at(found, day) for day in ("2026-10-31T23:59:59", "2026-11-01", "2026-11-11T23:59:59", "2026-11-12")] == [
        usual, sale, sale, usual,
    ]  # fmt: skip
    assert len({chunk.chunk_id for chunk in found}) == 2


def test_a_google_feeds_dates_are_understood(tmp_path: Path) -> None:
    window = "2026-11-01T10:00+0800/2026-11-11T20:00+0800"
    text = f"id,sku,title,price,sale price,sale_price_effective_date\n1,T-1,Pot,32 GBP,24 GBP,{window}\n"
    found = chunks(tmp_path, products=text)
    assert [len(at(found, day)) for day in ("2026-11-01T09:59:59", "2026-11-01T10:00", "2026-11-11T20:00")] == [1, 3, 1]


def test_rows_of_one_sku_hold_on_their_own_days(tmp_path: Path) -> None:
    text = "SKU,名称,价格,生效日期,失效日期\nT-1,陶壶,199,,\nT-1,陶壶,149,2026-11-01,2026-11-11\n"
    text += "T-1,陶壶,99,2026-11-11,2026-11-11\n"
    (one,) = read(tmp_path, products=text)
    assert one.chunked.skipped == []
    prices = [at(one.chunked.chunks, day)["价格"] for day in ("2026-10-31", "2026-11-05", "2026-11-11", "2026-11-12")]
    assert prices == ["199", "149", "99", "199"]


def test_a_file_of_sale_prices_says_only_what_differs(tmp_path: Path) -> None:
    found = chunks(
        tmp_path,
        a_sale="SKU,价格,生效日期,失效日期\nT-1,149,2026-11-01,2026-11-11\n",
        products="SKU,名称,价格,颜色\nT-1,陶壶,199,褐\n",
    )
    sale = next(chunk for chunk in found if chunk.valid_from)
    assert dict(sale.attributes) == {"名称": "陶壶", "价格": "149", "颜色": "褐"}
    assert (sale.path, dict(sale.attribute_paths)) == ("products.csv", {"价格": "a_sale.csv"})
    assert [at(found, day)["价格"] for day in ("2026-10-31", "2026-11-01")] == ["199", "149"]


def test_a_product_of_the_future_is_not_there_before_its_day(tmp_path: Path) -> None:
    found = chunks(tmp_path, products="SKU,名称,价格,生效日期\nT-1,陶壶,199,2026-11-01\n")
    assert [bool(at(found, day)) for day in ("2026-10-31T23:59:59", "2026-11-01")] == [False, True]


@pytest.mark.parametrize("cells", ["149,bald,", "149,2026-11-11,2026-11-01"])
def test_a_price_whose_days_nobody_can_read_is_told_on_none(tmp_path: Path, cells: str) -> None:
    (one,) = read(tmp_path, products=f"SKU,名称,价格,活动价,活动开始,活动结束\nT-1,陶壶,199,{cells}\n")
    assert ([row.row for row in one.chunked.skipped], one.chunked.chunks) == ([2], [])


def test_a_sale_price_without_dates_and_dates_without_a_sale_price_are_values_like_any(tmp_path: Path) -> None:
    found = chunks(
        tmp_path, products="SKU,名称,价格,活动价,活动时间\nT-1,陶壶,199,149,\nT-2,陶杯,20,,2026-11-01至2026-11-11\n"
    )
    assert [len(chunk.attributes) for chunk in found] == [3, 3]


async def test_a_shopper_hears_the_sale_price_on_its_days(tmp_path: Path) -> None:
    text = "SKU,名称,价格,活动价,活动时间\nT-1,紫砂陶壶,199,149,2026-11-01至2026-11-11\n"
    shop = Shop(*chunks(tmp_path, products=text))
    for day, tells in (("2026-10-31T23:59:59", False), ("2026-11-01", True), ("2026-11-12", False)):
        moment = datetime.fromisoformat(day).replace(tzinfo=SHANGHAI)
        said = (await shop.ask("紫砂陶壶多少钱？", as_of=moment)).text
        assert ("149" in said) is tells, said
