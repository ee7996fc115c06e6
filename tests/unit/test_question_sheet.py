"""Questions read out of whatever spreadsheet an editor has."""

from __future__ import annotations

import io

import openpyxl
import pytest

from app.api.question_sheet import MOST_ROWS, questions_of
from app.errors import BadInput, TooLarge


def workbook(*rows: tuple[str | int | None, ...]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    book.save(out)
    return out.getvalue()


def test_named_columns_are_found_wherever_they_stand() -> None:
    body = "编号,期望,问题\n1,7天,可以退货吗？\n2,,多久发货\n".encode("utf-8-sig")
    assert questions_of(body) == [("可以退货吗？", "7天"), ("多久发货", "")]


def test_without_headers_the_first_two_columns_count_from_the_first_row() -> None:
    assert questions_of(b"Can I return it?,14 days\nDo you wrap?,\n") == [
        ("Can I return it?", "14 days"),
        ("Do you wrap?", ""),
    ]


def test_pasted_tables_old_encodings_and_workbooks_are_read() -> None:
    assert questions_of("question\texpected\nDo you wrap?\tyes".encode("utf-16")) == [("Do you wrap?", "yes")]
    assert questions_of("问题\n多久发货？\n".encode("gb18030")) == [("多久发货？", "")]
    assert questions_of(workbook(("问题", "期望"), ("多久发货？", 48), (None, None))) == [("多久发货？", "48")]


def test_line_breaks_and_commas_within_a_cell_are_kept() -> None:
    assert questions_of(b'question\n"Hello,\nis it warm?"\n') == [("Hello,\nis it warm?", "")]


@pytest.mark.parametrize("body", [b"", b"\n\n", b"question\n\n", b"\xff\xfe\x00", b"PK\x03\x04 broken"])
def test_what_holds_no_question_is_refused_and_says_what_to_do(body: bytes) -> None:
    with pytest.raises(BadInput, match="Nothing was asked"):
        questions_of(body)


def test_more_questions_than_can_be_asked_are_refused() -> None:
    assert len(questions_of(b"is it warm?\n" * MOST_ROWS)) == MOST_ROWS
    with pytest.raises(TooLarge):
        questions_of(b"is it warm?\n" * (MOST_ROWS + 1))
