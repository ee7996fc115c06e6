"""Every note of an ingest has its Chinese."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ingestion.in_chinese import in_chinese, with_chinese

ROOT = Path(__file__).parent.parent.parent / "ingestion"
READ = [*(ROOT / "converters").glob("*.py"), *(ROOT / "chunkers").glob("*.py"), ROOT / "reading.py", ROOT / "text.py"]
NOTED = {"BadInput", "SkippedRow", "_Unusable"}


def _text(node: ast.expr) -> str:
    """A literal with 7 in the place of what is filled in; "" for what is none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "7" for part in node.values)  # type: ignore[misc]
    return ""


def notes() -> list[str]:
    """Every literal that is raised, skipped with, or noted while a file is read."""
    found: set[str] = set()
    for path in READ:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            warns = name == "append" and "warnings" in ast.dump(node.func)
            if name in NOTED or warns:
                found |= {text for argument in node.args if len(text := _text(argument)) > 12 and " " in text}
    return sorted(found)


@pytest.mark.parametrize("note", notes())
def test_each_note_that_the_code_writes_has_its_chinese(note: str) -> None:
    assert in_chinese(note) != note


def test_a_report_keeps_its_english_and_has_chinese_beside_it() -> None:
    file = {"error": "", "warnings": ["7 invisible characters were removed"], "tables": [],
            "skipped": [{"row": 4, "reason": "the question “多久发货” has no answer"}]}  # fmt: skip
    told = with_chinese({"release": 2, "files": [file]})["files"][0]
    assert told["warnings"] == ["7 invisible characters were removed"]
    assert told["warnings_zh"] == ["去掉了 7 个看不见的字符"]
    assert told["skipped"][0]["reason_zh"] == "问题“多久发货”没有答案"
    assert told["error_zh"] == ""


def test_a_note_nobody_translated_is_shown_as_it_is() -> None:
    assert in_chinese("something new") == "something new"
