"""A value is cited to the file it was read in, and an order to the order book as the shop laid it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from app.adapters.orders.file import FileOrderBook
from app.chat.compose import Composer
from app.chat.products import Reading, facts_of
from app.chat.turn import Citation, Question
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.view import Product

TABLE, SPEC, CARE = "knowledge/p.csv", "knowledge/spec.xlsx", "knowledge/care.csv"


def mug(sku: str, colour: str) -> Chunk:
    return Chunk(
        chunk_id=sku, document_id=TABLE, path=TABLE, locator=sku, kind=Kind.PRODUCT, title="Camp Mug", text=colour,
        language="en", content_hash=sku, group="camp-mug",
        attributes={"Colour": colour, "Material": f"{colour} steel", "Dishwasher safe": "Yes"},
        attribute_paths={"Material": SPEC, "Dishwasher safe": CARE},
        attribute_locators={"Dishwasher safe": "camp-mug"},
    )  # fmt: skip


MUGS = (mug("M-R", "red"), mug("M-B", "blue"))


def drafted(*columns: str) -> list[tuple[Citation, ...]]:
    product = Product("camp-mug", "Camp Mug", MUGS)
    reading = Reading(((product, 1.0),), MUGS, (), columns, facts_of(MUGS, columns), False)
    question = Question("?", "?", "en")
    evidence = Composer().from_products(question, reading)
    return [sentence.citations for sentence in evidence.draft]


def row(sku: str) -> Citation:
    return Citation(TABLE, sku, TABLE, "Camp Mug")


def test_a_value_of_the_products_own_file_is_cited_there_once() -> None:
    assert drafted("Colour") == [(Citation(TABLE, "M-R", TABLE, "red"), Citation(TABLE, "M-B", TABLE, "blue"))]


def test_a_value_of_a_spec_sheet_is_cited_there_first_and_then_the_product() -> None:
    assert drafted("Material") == [
        (Citation(SPEC, "M-R", SPEC, "red steel"), Citation(SPEC, "M-B", SPEC, "blue steel"), row("M-R"), row("M-B"))
    ]


def test_a_spec_row_that_goes_by_the_handle_is_cited_by_it_once_for_all_variants() -> None:
    assert drafted("Dishwasher safe") == [(Citation(CARE, "camp-mug", CARE, "Yes"), row("M-R"), row("M-B"))]


async def test_an_order_is_cited_to_the_place_the_order_book_has_in_the_shop_folder(tmp_path: Path) -> None:
    book = tmp_path / "orders.jsonl"
    book.write_text(json.dumps({"order_id": "A1", "phone_last4": "0042"}) + "\n", encoding="utf-8")
    orders = FileOrderBook(lambda shop: book)
    found = await orders.find("s", "A1", "0042")
    assert found is not None
    assert found.path == "orders.jsonl"
    (tmp_path / "orders.source.json").write_text('{"path": "shop/orders.jsonl"}', encoding="utf-8")
    moved = await orders.find("s", "A1", "0042")
    assert moved is not None
    assert moved.path == "shop/orders.jsonl"


async def test_a_damaged_note_about_the_order_book_loses_no_order(tmp_path: Path) -> None:
    book = tmp_path / "orders.jsonl"
    book.write_text(json.dumps({"order_id": "A1", "phone_last4": "0042"}) + "\n", encoding="utf-8")
    note = tmp_path / "orders.source.json"
    orders = FileOrderBook(lambda shop: book)
    for number, damaged in enumerate(("", "[]", '{"path": 3}', "\ufeff{")):
        note.write_text(damaged, encoding="utf-8")
        os.utime(note, ns=(number, number))
        found = await orders.find("s", "A1", "0042")
        assert found is not None
        assert found.path == "orders.jsonl"
