"""A file that has not changed since the last run is not converted again."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ingestion.read_memory import ReadMemory
from ingestion.reading import FileRead, Reader
from ingestion.sources import SourceFile

SHANGHAI = ZoneInfo("Asia/Shanghai")
FAQ = "问题,相似问法,答案,关联问题,生效日期,失效日期\n几天到？,多久到|几时到,三天。,包邮吗？,2026-11-01,2026-11-11\n"
FAQ += ",,没有问题,,,\n"
POLICY = "# Returns\n\nValid until 2027-03-05\n\n## How\n\nWrite to us and we send you a label for it.\n"
PRODUCTS = "SKU,名称,价格\nT-1,陶壶,199\n"


def sources(folder: Path, **texts: str) -> list[SourceFile]:
    files = []
    for name, text in texts.items():
        file = folder / name.replace("_", ".")
        file.write_text(text, encoding="utf-8")
        files.append(SourceFile(file, f"knowledge/{file.name}"))
    return files


def read(files: list[SourceFile], memory: ReadMemory) -> tuple[list[FileRead], int]:
    """Everything, and how many files were taken from memory."""
    reader, recalled = Reader(SHANGHAI), 0
    for source in files:
        if known := memory.recall(source):
            reader.take(known)
            recalled += 1
            continue
        reader.read([source])
        if alone := reader.alone(source.path):
            memory.remember(source, alone)
    memory.save(lambda path: True)
    return reader.finish(), recalled


def test_what_is_recalled_is_what_was_read(tmp_path: Path) -> None:
    files = sources(tmp_path, faq_csv=FAQ, returns_md=POLICY, empty_md="# Nothing\n")
    first, none = read(files, ReadMemory(tmp_path / "reads", SHANGHAI))
    again, all_of_them = read(files, ReadMemory(tmp_path / "reads", SHANGHAI))
    assert (none, all_of_them) == (0, 3)
    assert again == first
    assert again[1].chunked.chunks[0].valid_until is not None
    assert read(files, ReadMemory(tmp_path / "reads", SHANGHAI)) == (first, 3)


def test_a_byte_that_changed_is_read_and_products_always_are(tmp_path: Path) -> None:
    files = sources(tmp_path, faq_csv=FAQ, returns_md=POLICY, p_csv=PRODUCTS)
    read(files, ReadMemory(tmp_path / "reads", SHANGHAI))
    sources(tmp_path, faq_csv=FAQ.replace("三天", "四天"))
    reads, recalled = read(files, ReadMemory(tmp_path / "reads", SHANGHAI))
    assert (recalled, reads[0].chunked.chunks[0].text) == (1, "四天。")
    assert reads[2].chunked.chunks[0].attributes["价格"] == "199"


def test_a_file_that_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    files = sources(tmp_path, bad_md="---\nvalid_until: soon\n---\nThe text of the policy.\n")
    assert read(files, ReadMemory(tmp_path / "reads", SHANGHAI))[0][0].error
    assert read(files, ReadMemory(tmp_path / "reads", SHANGHAI))[1] == 0


@pytest.mark.parametrize("harm", ["zone", "torn", "gone", "foreign"])
def test_a_memory_of_something_else_is_no_memory(tmp_path: Path, harm: str) -> None:
    files, file = sources(tmp_path, faq_csv=FAQ), tmp_path / "reads"
    read(files, ReadMemory(file, SHANGHAI))
    zone = ZoneInfo("Europe/London") if harm == "zone" else SHANGHAI
    if harm == "torn":
        file.write_bytes(file.read_bytes()[:-40])
    elif harm == "foreign":
        file.write_bytes(b"0" * 32 + b" 0\n{}")
    elif harm == "gone":
        file.unlink()
    assert read(files, ReadMemory(file, zone))[1] == 0


def test_what_was_out_of_scope_stays_in_memory_and_what_is_gone_does_not(tmp_path: Path) -> None:
    files = sources(tmp_path, faq_csv=FAQ, returns_md=POLICY)
    read(files, ReadMemory(tmp_path / "reads", SHANGHAI))
    part = ReadMemory(tmp_path / "reads", SHANGHAI)
    part.recall(files[0])
    part.save(lambda path: path == files[0].path)
    assert read(files, ReadMemory(tmp_path / "reads", SHANGHAI))[1] == 2
    whole = ReadMemory(tmp_path / "reads", SHANGHAI)
    whole.recall(files[0])
    whole.save(lambda path: True)
    assert read(files, ReadMemory(tmp_path / "reads", SHANGHAI))[1] == 1
