"""What changed between two releases, side by side."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from app.knowledge.chunk import Chunk, Kind
from app.knowledge.diff import ChunkChange, diff_of
from tests.builders import a_chunk

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)


def row(question: str, answer: str, number: int = 2, **fields: object) -> Chunk:
    made = {"kind": Kind.FAQ, "locator": f"row {number} | {question}", "document_id": "f.csv", "path": "f.csv"} | fields
    return a_chunk(question, answer, chunk_id=f"{question}/{answer}/{number}", **made)


def cup(price: str, **attributes: str) -> Chunk:
    values = {"价格": price, **attributes}
    return a_chunk("Cup", f"Cup {price}", kind=Kind.PRODUCT, locator="C-1", attributes=values, content_hash=str(values))


def test_a_price_that_changed_stands_beside_the_old_one() -> None:
    (change,) = diff_of([cup("12", 颜色="red")], [cup("15", 颜色="red")])
    assert [(v.name, v.before, v.after, v.attribute) for v in change.values()] == [("价格", "12", "15", True)]


def test_a_row_that_only_moved_down_its_file_is_no_change() -> None:
    assert diff_of([row("几天发货？", "两天。", 2)], [row("几天发货？", "两天。", 3)]) == ()


def test_a_row_whose_dates_changed_is_changed_not_removed_and_added() -> None:
    later = row("几天发货？", "两天。", valid_from=NOVEMBER, content_hash="dated")
    (change,) = diff_of([row("几天发货？", "两天。")], [later])
    assert change.change == "changed"
    assert [(v.name, v.after) for v in change.values()] == [("valid_from", "2026-11-01T00:00:00+00:00")]


def test_of_rows_that_ask_the_same_each_is_compared_with_its_own_dates() -> None:
    plain, dated = row("包邮吗？", "满99元。"), row("包邮吗？", "全场包邮。", 3, valid_from=NOVEMBER)
    newer = row("包邮吗？", "全场包邮哦。", 2, valid_from=NOVEMBER)
    (change,) = diff_of([plain, dated], [newer, row("包邮吗？", "满99元。", 3)])
    assert (change.before, change.after) == (dated, newer)


def test_a_file_under_a_new_name_is_moved() -> None:
    (change,) = diff_of([row("几天？", "两天。")], [row("几天？", "两天。", path="g.csv", document_id="g.csv")])
    assert (change.change, [(v.name, v.before, v.after) for v in change.values()]) == (
        "moved",
        [("path", "f.csv", "g.csv")],
    )


def test_what_is_new_and_what_is_gone_is_told_apart() -> None:
    changes = diff_of([row("一？", "一。")], [row("二？", "二。")])
    assert [(c.change, c.chunk.title) for c in changes] == [("removed", "一？"), ("added", "二？")]


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_spans_of_a_change_hold_both_texts_whole(before: str, after: str) -> None:
    spans = ChunkChange("changed", a_chunk(text=f".{before}"), a_chunk(text=f".{after}")).spans()
    assert "".join(s.text for s in spans if s.side != "after") == f".{before}"
    assert "".join(s.text for s in spans if s.side != "before") == f".{after}"
