"""Texts that say themselves from when until when they count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.knowledge.chunk import Chunk, Document, Kind
from ingestion.chunkers.policy import chunk_policy
from ingestion.converted import Block, Heading, Paragraph
from ingestion.reading import FileRead, Reader
from ingestion.sources import SourceFile
from ingestion.validity import ALWAYS, Window, stated_window, window_of_fields

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
POLICY = Document("p.md", "p.md", "Returns", Kind.POLICY, "en")


def moment(text: str, zone: tzinfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("line", "starts", "ends"),
    [
        ("有效期：2026-11-01 至 2026-11-11", "2026-11-01", "2026-11-12"),
        ("**有效期**：2026年11月1日至11日", "2026-11-01", "2026-11-12"),
        ("有效期 2026.11.01-2026.11.11", "2026-11-01", "2026-11-12"),
        ("有效期：2026年12月20日至1月5日", "2026-12-20", "2027-01-06"),
        ("> 有效期至 2026-12-31。", "", "2027-01-01"),
        ("生效日期：2026/11/1", "2026-11-01", ""),
        ("本政策自2026年11月1日起执行。", "2026-11-01", ""),
        ("失效日期: 2026-11-30 18:00", "", "2026-11-30T18:00"),
        ("Valid from 1 November 2026 to 30 November 2026", "2026-11-01", "2026-12-01"),
        ("This policy is valid from 2026-11-01 until 2026-11-11.", "2026-11-01", "2026-11-12"),
        ("(Valid through 11/30/2026)", "", "2026-12-01"),
        ("Effective date: March 1, 2026", "2026-03-01", ""),
        ("Valid 2026-11-01T08:00 to 2026-11-02T08:00", "2026-11-01T08:00", "2026-11-02T08:00"),
    ],
)
def test_a_line_of_its_own_states_a_window(line: str, starts: str, ends: str) -> None:
    assert stated_window(line, SHANGHAI) == Window(moment(starts) if starts else None, moment(ends) if ends else None)


@pytest.mark.parametrize(
    "line",
    [
        "有效期：12个月",
        "等级有效期12个月，到期时按近12个月金额重新核定。",
        "8月1日起执行。",
        "活动时间：2026-11-01 至 2026-11-11",
        "Valid for 30 days from 2026-11-01",
        "The warranty is valid until you open the battery cover.",
        "Last updated: 2026-11-01",
        "有效期：2026-13-45 至 2026-11-11",
    ],
)
def test_what_tells_of_something_else_states_none(line: str) -> None:
    assert stated_window(line, SHANGHAI) is None


def test_a_day_is_a_day_in_the_shops_time_zone() -> None:
    window = stated_window("Valid until 2026-11-01", NEW_YORK)
    assert window is not None
    assert window.ends == datetime(2026, 11, 2, 5, tzinfo=UTC)  # the night of 1 November has 25 hours there


def test_fields_may_give_either_end_or_the_whole_period() -> None:
    whole = Window(moment("2026-11-01"), moment("2026-11-12"))
    assert window_of_fields({"valid_from": "2026-11-01", "失效日期": "2026-11-11", "author": "x"}, SHANGHAI) == whole
    assert window_of_fields({"有效期": "2026-11-01 至 2026-11-11"}, SHANGHAI) == whole
    assert window_of_fields({"title": "x"}, SHANGHAI) == Window()
    with pytest.raises(ValueError, match="not a date"):
        window_of_fields({"valid_until": "soon"}, SHANGHAI)


def windows(blocks: Sequence[Block], window: Window = ALWAYS) -> dict[str, tuple[str, str]]:
    def day(value: datetime | None) -> str:
        return value.astimezone(SHANGHAI).date().isoformat() if value else ""

    chunks = chunk_policy(POLICY, blocks, SHANGHAI, window).chunks
    return {chunk.locator: (day(chunk.valid_from), day(chunk.valid_until)) for chunk in chunks}


def test_a_line_dates_its_section_and_those_below_it_and_no_other() -> None:
    blocks: list[Block] = [
        Heading(1, "Returns"),
        Heading(2, "Autumn"),
        Paragraph("Valid from 2026-09-01 to 2026-11-30"),
        Paragraph("Autumn orders may be returned for sixty days."),
        Heading(3, "Sale"),
        Paragraph("Sale items may be exchanged only, within ten days.\nValid from 2026-11-01 to 2026-11-11"),
        Heading(2, "Always"),
        Paragraph("Unused items may be returned within thirty days of delivery."),
    ]
    assert windows(blocks) == {
        "Autumn": ("2026-09-01", "2026-12-01"),
        "Sale": ("2026-11-01", "2026-11-12"),
        "Always": ("", ""),
    }


def test_a_line_at_the_top_and_the_front_matter_date_the_whole_document() -> None:
    blocks: list[Block] = [
        Heading(1, "Returns"),
        Paragraph("Valid until 2026-12-31"),
        Heading(2, "How"),
        Paragraph("Write to us and we send a label for the parcel."),
    ]
    assert windows(blocks, Window(moment("2026-03-01"))) == {"How": ("2026-03-01", "2027-01-01")}


def test_a_section_that_ends_before_it_begins_is_left_out_with_a_warning() -> None:
    chunked = chunk_policy(POLICY, [Paragraph("Valid from 2026-11-11 to 2026-11-01")], SHANGHAI)
    assert (chunked.chunks, len(chunked.warnings)) == ([], 1)


def read(path: Path, text: str) -> FileRead:
    path.write_text(text, encoding="utf-8")
    reader = Reader(SHANGHAI)
    reader.read([SourceFile(path, path.name)])
    return reader.finish()[0]


def dated(chunks: Sequence[Chunk]) -> list[tuple[datetime | None, datetime | None]]:
    return [(chunk.valid_from, chunk.valid_until) for chunk in chunks]


def test_front_matter_is_read_and_a_date_nobody_can_read_stops_the_file(tmp_path: Path) -> None:
    text = "---\ntitle: 双11\nvalid_from: 2026-11-01\nvalid_until: '2026-11-11'  # 含当天\n---\n"
    text += "# 双11\n\n全场包邮，不限金额。\n"
    assert dated(read(tmp_path / "a.md", text).chunked.chunks) == [(moment("2026-11-01"), moment("2026-11-12"))]
    assert "not a date" in read(tmp_path / "b.md", text.replace("2026-11-01", "soon")).error


def test_a_policy_record_has_dates_in_its_fields(tmp_path: Path) -> None:
    record = '{"id": "r", "title": "Sale", "text": "Free delivery for all.", "kind": "policy", "valid_to": "%s"}\n'
    assert dated(read(tmp_path / "a.jsonl", record % "2026-11-11").chunked.chunks) == [(None, moment("2026-11-12"))]
    assert [row.row for row in read(tmp_path / "b.jsonl", record % "soon").chunked.skipped] == [1]
