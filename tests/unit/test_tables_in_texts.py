"""Questions and answers that stand as a table in a page, a Word file or Markdown are FAQ rows, as in a sheet."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import docx
import pytest

from app.knowledge.chunk import Kind
from ingestion.reading import FileRead, Reader
from ingestion.sources import SourceFile

ROWS = [
    ("Question", "Answer", "Valid until"),
    ("Do you gift-wrap?", "Yes, for £3.", "2026-12-24"),
    ("Is there a shop?", "In Leeds.", ""),
]


def read(file: Path) -> FileRead:
    reader = Reader(ZoneInfo("Europe/London"))
    reader.read([SourceFile(file, f"knowledge/{file.name}")])
    return reader.finish()[0]


def html(path: Path) -> Path:
    cells = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in ROWS)
    path.write_text(f"<h1>Help</h1><p>Ask us anything at the desk.</p><h2>Gifts</h2><table>{cells}</table>")
    return path


def markdown(path: Path) -> Path:
    lines = [f"| {' | '.join(row)} |" for row in ROWS]
    table = "\n".join([lines[0], "|---|---|---|", *lines[1:]])
    path.write_text(f"# Help\n\nAsk us anything at the desk.\n\n## Gifts\n\n{table}\n")
    return path


def word(path: Path) -> Path:
    document = docx.Document()
    document.add_heading("Help", 1)
    document.add_paragraph("Ask us anything at the desk.")
    document.add_heading("Gifts", 2)
    table = document.add_table(rows=0, cols=3)
    for row in ROWS:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    document.save(str(path))
    return path


@pytest.mark.parametrize(("make", "name"), [(html, "a.html"), (markdown, "a.md"), (word, "a.docx")])
def test_rows_become_questions_and_the_rest_stays_a_policy(tmp_path: Path, make: object, name: str) -> None:
    found = read(make(tmp_path / name))  # type: ignore[operator]
    questions = [chunk for chunk in found.chunked.chunks if chunk.kind is Kind.FAQ]
    texts = [chunk for chunk in found.chunked.chunks if chunk.kind is Kind.POLICY]
    assert [(chunk.title, chunk.text) for chunk in questions] == [row[:2] for row in ROWS[1:]]
    assert questions[0].locator.endswith("| Do you gift-wrap?")
    assert questions[0].valid_until is not None
    assert [chunk.text for chunk in texts] == ["Ask us anything at the desk."]
    documents = [document.document_id for document in found.chunked.documents]
    assert len(documents) == len(set(documents)) == 2


def test_no_row_counts_longer_than_the_document_it_stands_in(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text(
        "---\nvalid_until: 2026-11-30\n---\n# Sale\n\n| 问题 | 答案 |\n|---|---|\n| 打几折？ | 八折。 |\n",
        encoding="utf-8",
    )
    [chunk] = read(file).chunked.chunks
    assert chunk.kind is Kind.FAQ
    assert chunk.valid_until is not None
    assert chunk.valid_until.isoformat() == "2026-12-01T00:00:00+00:00"


def test_a_table_of_terms_is_no_list_of_questions(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("# Terms\n\n| Title | Content |\n|---|---|\n| Window | 30 days |\n| Fee | None |\n")
    assert {chunk.kind for chunk in read(file).chunked.chunks} == {Kind.POLICY}
