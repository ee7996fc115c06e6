"""Generated harm is noticed and generated tidying is let through: a small part of `python -m eval.mutations`."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from eval.mutations.editable import add_row, shuffle_rows, slots_of, tables
from eval.mutations.measure import HARMFUL, HARMLESS, Shop, mutations, open_shop, results

FAQ = (
    "question,similar,answer\n"
    "How long is delivery?,When will it come?,Delivery takes 3 working days and costs £4.50.\n"
    'May I send it back?,Returns?,"Yes, within 30 days, if it is unused."\n'
    "Do you ship abroad?,Norway?,We ship to Norway in 8 working days.\n"
)
PRODUCTS = "sku,name,price,material\nTP-1,Clay Teapot,32.00,clay\nTP-2,Iron Kettle,58.00,iron\n"
RETURNS = (
    "# Returns\n\n## Time\n\nUnused items may be returned within 30 days, except gift cards.\n\n"
    "## Refunds\n\nRefunds are paid within 5 working days. Postage is not refunded.\n"
)
NOTES = '{"id": "n1", "title": "Workshop", "text": "Repairs take 14 days. Bring the receipt.", "kind": "note"}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    knowledge = tmp_path / "tea" / "knowledge"
    (knowledge / "policies").mkdir(parents=True)
    (tmp_path / "tea" / "brand.yaml").write_text("name: Tea Corner\nservice_hours: {timezone: Europe/London}\n")
    for path, text in {
        "faq.csv": FAQ,
        "products.csv": PRODUCTS,
        "policies/returns.md": RETURNS,
        "notes.jsonl": NOTES,
    }.items():
        (knowledge / path).write_text(text)
    return tmp_path / "tea"


@pytest.fixture
def shop(folder: Path) -> Shop:
    return open_shop("tea", folder)


@pytest.mark.parametrize("kind", HARMFUL)
def test_harm_is_noticed(shop: Shop, kind: str) -> None:
    found = list(results(shop, kind, 4, seed=7))
    assert len(found) >= 2
    assert [one.mutation.told for one in found if not one.flagged] == []


@pytest.mark.parametrize("kind", HARMLESS)
def test_a_harmless_edit_is_never_blocked(shop: Shop, kind: str) -> None:
    found = list(results(shop, kind, 4, seed=7))
    assert len(found) == 4
    assert [one.mutation.told for one in found if one.blocked] == []


def test_the_same_seed_makes_the_same_mutations(shop: Shop) -> None:
    first, again = ([m.told for m in mutations(shop, "value edited", 3)] for _ in range(2))
    assert first == again
    assert first != [m.told for m in mutations(shop, "value edited", 4)]


def test_the_shop_itself_is_never_touched(shop: Shop, folder: Path) -> None:
    list(results(shop, "document deleted", 3, seed=1))
    assert (folder / "knowledge" / "faq.csv").read_text() == FAQ


def test_rows_are_added_and_moved_as_an_editor_would(folder: Path) -> None:
    slot = next(slot for slot in slots_of(folder) if slot.kind == "answer")
    add_row(folder, slot, "Gift cards?", "From £10.")
    file = folder / "knowledge" / "faq.csv"
    assert tables(file)[""][-1] == ["Gift cards?", "", "From £10."]
    shuffle_rows(folder, "knowledge/faq.csv", random.Random(1))
    assert tables(file)[""][0] == ["question", "similar", "answer"]
    assert len(tables(file)[""]) == 5


def test_cells_prose_and_records_are_all_places_to_edit(folder: Path) -> None:
    assert {(slot.path.rsplit("/", 1)[-1], slot.kind) for slot in slots_of(folder)} >= {
        ("faq.csv", "answer"), ("faq.csv", "question"), ("products.csv", "price"), ("returns.md", "prose"),
        ("notes.jsonl", "prose"),
    }  # fmt: skip
