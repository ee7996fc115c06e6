"""A report on terminals of all widths: a path can be copied and searched for, whatever else has to give way."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ingestion.converted import SkippedRow
from ingestion.report import FileReport, IngestReport
from ingestion.report_table import print_report

PATHS = ("knowledge/faq.csv", "knowledge/policies/小家电保修条例与延保服务（2026 年修订版）.docx")
LONG = "the answer is empty, and a question that nobody answers would only be found and then handed over to a person"


def printed(width: int, *files: FileReport) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_report(IngestReport("tangli", 1, list(files), live_release=1), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_paths_are_whole_at_any_width(width: int) -> None:
    skipped = [SkippedRow(12, LONG)]
    text = printed(width, *(FileReport(path, chunks=3, new=3, skipped=skipped, warnings=[LONG]) for path in PATHS))
    for path in PATHS:
        assert text.count(path) == 3
        assert f"{path} row 12" in text


def test_paths_that_fit_make_a_table_and_long_ones_two_lines_a_file() -> None:
    short, long = (FileReport(path, chunks=4, changed=1, unchanged=3) for path in PATHS)
    assert "┃ unchanged ┃" in printed(80, short)
    assert f"{PATHS[1]}\n    4 chunks, 1 changed, 3 unchanged\n" in printed(80, short, long)
    assert "┃ unchanged ┃" in printed(200, short, long)


def test_a_file_of_which_nothing_came_says_so_and_why() -> None:
    text = printed(60, FileReport(PATHS[1], error="it is encrypted"))
    assert f"✗ {PATHS[1]}\n    nothing\nfailed  {PATHS[1]}\n        it is encrypted\n" in text


def test_a_reason_that_fits_stands_beside_its_place_and_a_long_one_below_it() -> None:
    assert f"skipped {PATHS[0]} row 2: no question" in printed(
        80, FileReport(PATHS[0], skipped=[SkippedRow(2, "no question")])
    )
    assert f"skipped {PATHS[0]} row 2\n        the answer is empty, and" in printed(
        80, FileReport(PATHS[0], skipped=[SkippedRow(2, LONG)])
    )
