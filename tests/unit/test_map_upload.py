"""What the tables of an uploaded file hold, and what an editor says they do."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from app.errors import BadInput, NotFound
from ingestion.map_upload import say_what_it_holds, uploaded_tables
from ingestion.mapping import read_rules

TABLE = "咨询内容,客服话术,小组\n支不支持开收据,可以。,售后\n能不能代写贺卡,可以。,售前\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "sources" / "uploads"
    place.mkdir(parents=True)
    (place / "old.csv").write_text(TABLE, encoding="utf-8")
    (place / "note.md").write_text("# Hours\n\nNine to five.\n", encoding="utf-8")
    (tmp_path / "brand.yaml").write_text("name: Hill\n", encoding="utf-8")
    return tmp_path


def entry(**more: object) -> dict[str, object]:
    columns = {"question": "咨询内容", "answer": "客服话术"}
    return {"files": "old.csv", "sheet": "", "header_row": 1, "kind": "faq", "columns": columns} | more


def test_a_table_is_shown_with_its_first_rows_and_a_guess(root: Path) -> None:
    (table,) = uploaded_tables(root, "old.csv")["tables"]
    assert table["names"] == ["咨询内容", "客服话术", "小组"]
    assert table["sample"][0] == ["支不支持开收据", "可以。", "售后"]
    assert (table["read_as"], table["guess"], table["by_rule"]) == ("text", "faq", False)
    assert table["columns"] == {"question": "咨询内容", "answer": "客服话术"}


def test_what_was_said_is_what_the_table_is_read_as(root: Path, tmp_path: Path) -> None:
    say_what_it_holds(root, entry(), root / "sources" / "uploads")
    (table,) = uploaded_tables(root, "old.csv")["tables"]
    assert (table["read_as"], table["by_rule"]) == ("faq", True)


def test_saying_it_again_replaces_what_was_said_and_keeps_the_rest(root: Path) -> None:
    place = root / "sources" / "uploads"
    (place / "mapping.yaml").write_text("tables:\n- {files: other.csv, kind: ignore}\n", encoding="utf-8")
    say_what_it_holds(root, entry(), place)
    say_what_it_holds(root, entry(kind="ignore", columns={}), place)
    told = yaml.safe_load((place / "mapping.yaml").read_text(encoding="utf-8"))["tables"]
    assert [(one["files"], one["kind"]) for one in told] == [("old.csv", "ignore"), ("other.csv", "ignore")]
    assert len(read_rules([place])) == 2
    assert uploaded_tables(root, "old.csv")["tables"][0]["read_as"] == "ignore"


@pytest.mark.parametrize("path", ["../../brand.yaml", "/etc/passwd", "gone.csv", ""])
def test_only_uploaded_files_are_looked_at(root: Path, path: str) -> None:
    with pytest.raises(NotFound):
        uploaded_tables(root, path)
    with pytest.raises(NotFound):
        say_what_it_holds(root, entry(files=path), root)


def test_a_file_without_tables_says_so(root: Path) -> None:
    with pytest.raises(BadInput, match="no table"):
        uploaded_tables(root, "note.md")
