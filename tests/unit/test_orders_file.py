"""The order book in a file: read again when it changes, one broken line costs no other, and no probing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.adapters.orders.file import FileOrderBook

GOOD = {"order_id": "TC20260001", "phone_last4": "4821", "status": "shipped", "items": [{"sku": "TP-100", "qty": 2}]}


def written(path: Path, *lines: object, stamp: int = 1_000) -> Path:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (stamp, stamp))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "orders.jsonl", GOOD)


async def test_a_customers_orders_are_theirs_alone_newest_first(tmp_path: Path) -> None:
    mine = [
        {**GOOD, "order_id": f"TC2026000{n}", "customer_id": "c1", "created_at": f"2026-01-0{n}"} for n in (1, 3, 2)
    ]
    other = {**GOOD, "order_id": "TC20260009", "customer_id": "c2"}
    book = book_of(written(tmp_path / "orders.jsonl", *mine, other, {**GOOD, "order_id": "TC20260008"}))
    assert [o.order_id for o in await book.of_customer("tea", "c1")] == ["TC20260003", "TC20260002", "TC20260001"]
    assert list(await book.of_customer("tea", "")) == list(await book.of_customer("tea", "c3")) == []
    assert await book.find("tea", "TC20260009", "", "c2") is not None
    for customer in ("c1", "", "C2"):
        assert await book.find("tea", "TC20260009", "", customer) is None
    assert await book.find("tea", "TC20260008", "", "") is None


def book_of(path: Path) -> FileOrderBook:
    return FileOrderBook(lambda _shop: path)


async def test_an_order_is_found_by_number_and_phone_tail_together(path: Path) -> None:
    order = await book_of(path).find("tea", "TC20260001", "4821")
    assert order is not None
    assert (order.status, order.items[0].sku, order.items[0].qty) == ("shipped", "TP-100", 2)


@pytest.mark.parametrize("number", ["tc20260001", "TC-2026-0001", "TC 20260001", "tc_20260001"])
async def test_case_spaces_and_hyphens_of_a_number_do_not_matter(path: Path, number: str) -> None:
    assert await book_of(path).find("tea", number, "4821") is not None


@pytest.mark.parametrize(
    ("number", "tail"), [("TC20260001", "1111"), ("TC20269999", "4821"), ("TC20260001", ""), ("", ""), ("TC2", "4821")]
)
async def test_a_wrong_tail_is_like_an_unknown_order(path: Path, number: str, tail: str) -> None:
    assert await book_of(path).find("tea", number, tail) is None


async def test_a_tail_that_lost_its_zeros_in_a_spreadsheet_still_fits(tmp_path: Path) -> None:
    path = written(tmp_path / "orders.jsonl", {**GOOD, "phone_last4": 21})
    assert await book_of(path).find("tea", "TC20260001", "0021") is not None


async def test_broken_lines_are_left_out_and_logged_by_number_never_by_content(tmp_path: Path) -> None:
    lines = ["{not json 4821", {"phone_last4": "4821"}, "[1]", '"x"', {**GOOD, "items": [{"qty": "many"}]}, "", GOOD]
    path = written(tmp_path / "orders.jsonl", *lines)
    with capture_logs() as logs:
        assert await book_of(path).find("tea", "TC20260001", "4821") is not None
    assert [entry["line"] for entry in logs] == [1, 2, 3, 4, 5]
    assert "4821" not in str(logs)


async def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "orders.jsonl"
    path.write_text(json.dumps(GOOD), encoding="utf-8-sig")
    assert await book_of(path).find("tea", "TC20260001", "4821") is not None


async def test_a_changed_file_is_read_again(path: Path) -> None:
    book = book_of(path)
    assert await book.find("tea", "TC20260002", "1111") is None
    written(path, GOOD, {**GOOD, "order_id": "TC20260002", "phone_last4": "1111"}, stamp=2_000)
    assert await book.find("tea", "TC20260002", "1111") is not None


async def test_an_unchanged_file_is_read_once(path: Path) -> None:
    book = book_of(path)
    first = await book.find("tea", "TC20260001", "4821")
    assert await book.find("tea", "TC20260001", "4821") is first


async def test_a_shop_without_a_file_has_no_orders_until_one_appears(tmp_path: Path) -> None:
    path = tmp_path / "orders.jsonl"
    book = book_of(path)
    assert await book.find("tea", "TC20260001", "4821") is None
    assert not book.looks_like_order_number("tea", "TC20260001")
    written(path, GOOD)
    assert await book.find("tea", "TC20260001", "4821") is not None
    path.unlink()
    assert await book.find("tea", "TC20260001", "4821") is None


@pytest.mark.parametrize("text", ["TC20260001", "TC20269999", "tc2026999", "TC202699991", "60001000", "69999"])
def test_a_number_of_the_same_shape_is_an_order_number_known_or_mistyped(path: Path, text: str) -> None:
    assert book_of(path).looks_like_order_number("tea", text)


@pytest.mark.parametrize("text", ["AB20260001", "20261111", "13800138000", "TP-100", "TC2026", "0001", ""])
def test_a_number_of_another_shape_is_none(path: Path, text: str) -> None:
    assert not book_of(path).looks_like_order_number("tea", text)


async def test_the_digits_of_a_number_stand_for_it_when_they_fit_one_order_only(path: Path) -> None:
    written(path, GOOD, {**GOOD, "order_id": "TD20260001"}, {**GOOD, "order_id": "TC20260002"}, stamp=3_000)
    book = book_of(path)
    assert book.looks_like_order_number("tea", "20260002")
    assert await book.find("tea", "20260002", "4821") is not None
    assert await book.find("tea", "20260002", "0000") is None
    assert await book.find("tea", "20260001", "4821") is None


async def test_an_order_names_the_file_of_the_shop_it_came_from(path: Path) -> None:
    order = await book_of(path).find("tea", "TC20260001", "4821")
    assert order is not None
    assert order.path == "orders.jsonl"
    path.with_suffix(".source.json").write_text('{"path": "shop/orders.jsonl"}', encoding="utf-8")
    order = await book_of(path).find("tea", "TC20260001", "4821")
    assert order is not None
    assert order.path == "shop/orders.jsonl"


@pytest.mark.parametrize("note", ["", "{", "[]", '{"path": 7}'])
async def test_a_broken_note_about_the_file_is_ignored(path: Path, note: str) -> None:
    path.with_suffix(".source.json").write_text(note, encoding="utf-8")
    order = await book_of(path).find("tea", "TC20260001", "4821")
    assert order is not None
    assert order.path == "orders.jsonl"


async def test_a_line_separator_inside_a_text_does_not_cut_the_order(tmp_path: Path) -> None:
    path = written(tmp_path / "orders.jsonl", {**GOOD, "carrier": "Royal\u2028Mail\x85"})
    order = await book_of(path).find("tea", "TC20260001", "4821")
    assert order is not None
    assert order.carrier == "Royal\u2028Mail\x85"
