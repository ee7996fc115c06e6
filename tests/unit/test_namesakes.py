"""Which files of one name count beside each other, and what the editor is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ingestion.in_chinese import in_chinese
from ingestion.sources import Scope, SourceFile
from ingestion.sources.namesakes import namesake_note, namesakes


def files(*paths: str) -> tuple[SourceFile, ...]:
    return tuple(SourceFile(Path(path), path) for path in paths)


def beside(read: str, *others: str, released: Sequence[str] = ()) -> str:
    return namesakes(Scope(files=files(read), others=files(*others)), released).get(read, "")


@pytest.mark.parametrize(
    ("upload", "of_folder"),
    [
        ("faq.csv", "knowledge/faq.csv"),
        ("FAQ.csv", "knowledge/rules/faq.csv"),
        ("hill/knowledge/a.md", "knowledge/a.md"),
    ],
)
def test_an_upload_named_like_a_file_of_the_folder_is_told_that_both_count(upload: str, of_folder: str) -> None:
    assert beside(f"@uploads/{upload}", of_folder) == of_folder
    note = namesake_note(of_folder, products=False)
    assert note.startswith(f"{of_folder} of the shop's folder has the same name: both count, neither")
    assert in_chinese(note) == f"店铺文件夹里的 {of_folder} 和它同名：两个都算数，谁也不替换谁；不要的那个请移除"


def test_so_is_the_folders_file() -> None:
    assert beside("knowledge/faq.csv", "@uploads/faq.csv") == "@uploads/faq.csv"
    assert namesake_note("@uploads/faq.csv", products=False).startswith("the upload faq.csv has the same name")


def test_of_products_it_is_told_whose_values_hold() -> None:
    note = namesake_note("@uploads/products.csv", products=True)
    assert "both count, of a SKU that is in both, the folder's values hold" in note
    assert (
        in_chinese(note)
        == "上传的 products.csv 和它同名：两个都算数，两处都有的 SKU 以文件夹里的为准；不要的那个请移除"
    )


def test_a_folder_that_is_not_there_now_is_known_from_the_release() -> None:
    assert beside("@uploads/faq.csv", released=["knowledge/faq.csv"]) == "knowledge/faq.csv"


def test_so_is_a_file_that_is_read_from_outside_the_folder() -> None:
    assert beside("faq.csv", released=["knowledge/faq.csv"]) == "knowledge/faq.csv"


def test_a_file_that_ends_with_this_run_is_no_namesake() -> None:
    scope = Scope(files=files("knowledge/faq.csv"), speaks_for=lambda path: not path.startswith("@"))
    assert namesakes(scope, ["faq.csv"]) == {}


@pytest.mark.parametrize(
    ("read", "other"),
    [
        ("knowledge/b/index.html", "knowledge/index.html"),
        ("@uploads/a/index.html", "knowledge/b/index.html"),
        ("@uploads/b/index.html", "@uploads/index.html"),
        ("@uploads/index.html", "@pages/hill.example/index.html"),
    ],
)
def test_folders_tell_files_apart_and_the_web_has_names_of_its_own(read: str, other: str) -> None:
    assert beside(read, other) == ""
