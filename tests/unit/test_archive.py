"""Zips that strangers made: nothing leaves the folder, nothing fills the disk."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from app.api.multipart import upload_path
from app.errors import BadInput
from ingestion.sources import archive
from ingestion.sources.archive import safe_path, unpack


def zipped(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return path


def test_files_are_unpacked_in_their_folders_and_what_programs_left_is_not(tmp_path: Path) -> None:
    packed = zipped(tmp_path / "a.zip", **{"faq/a.csv": b"x", "__MACOSX/faq/._a.csv": b"x", ".DS_Store": b"x"})
    assert unpack(packed, tmp_path / "out") == ["faq/a.csv"]
    assert (tmp_path / "out" / "faq" / "a.csv").read_bytes() == b"x"


@pytest.mark.parametrize(
    "name",
    ["../a.csv", "faq/../../a.csv", "/etc/a.csv", "..\\a.csv", "C:\\a.csv", "a\nb.csv", "x" * 300, "a/" * 30 + "b"],
)
def test_a_path_that_leads_out_or_is_absurd_refuses_the_whole_zip(tmp_path: Path, name: str) -> None:
    packed = zipped(tmp_path / "a.zip", **{"good.csv": b"x", name: b"x"})
    with pytest.raises(BadInput, match="nothing was read"):
        unpack(packed, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "a.csv").exists()


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("link.csv")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr(entry, "/etc/passwd")
    with pytest.raises(BadInput, match="link"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_names_packed_on_a_chinese_windows_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("XXXXXXXX.csv", "x")
    path.write_bytes(path.read_bytes().replace(b"XXXXXXXX", "常见问题".encode("gbk")))
    assert unpack(path, tmp_path / "out") == ["常见问题.csv"]


def test_a_bomb_is_known_by_what_it_says_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 3_000_000)
    packed = zipped(tmp_path / "a.zip", **{f"{n}.csv": bytes(1_000_000) for n in range(4)})
    assert packed.stat().st_size < 10_000
    with pytest.raises(BadInput, match="unpacks to 3 MB or more"):
        unpack(packed, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILE_BYTES", 1_000_000)
    with pytest.raises(BadInput, match=r"a\.csv unpacks to"):
        unpack(zipped(tmp_path / "a.zip", **{"a.csv": bytes(3_000_000)}), tmp_path / "out")


def test_a_zip_that_lies_about_its_sizes_is_damaged(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", **{"a.csv": bytes(5_000_000)})
    true, lie = struct.pack("<L", 5_000_000), struct.pack("<L", 1_000)
    path.write_bytes(path.read_bytes().replace(true, lie))
    with pytest.raises(BadInput):
        unpack(path, tmp_path / "out")
    assert sum(f.stat().st_size for f in (tmp_path / "out").rglob("*") if f.is_file()) <= 5_000_000


def test_too_many_files_and_the_same_file_twice_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="twice"):
        unpack(zipped(tmp_path / "a.zip", **{"a.csv": b"", "A.csv": b""}), tmp_path / "out")
    monkeypatch.setattr(archive, "MAX_FILES", 3)
    with pytest.raises(BadInput, match="more than 3 files"):
        unpack(zipped(tmp_path / "b.zip", **{f"{n}.csv": b"" for n in range(4)}), tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not really", b"<html>"])
def test_what_is_no_zip_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(BadInput, match="no zip file"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_an_encrypted_zip_says_so(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", **{"a.csv": b"x"})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(BadInput, match="encrypted"):
        unpack(path, tmp_path / "out")


def test_a_name_is_the_same_whichever_way_a_mac_writes_it() -> None:
    assert safe_path("cafe\u0301.md") == safe_path("caf\u00e9.md")


def test_a_browsers_name_for_a_file_stays_below_the_upload() -> None:
    assert upload_path("C:\\Users\\me\\faq.csv") == "faq.csv"
    assert upload_path("faq/运费?.csv") == "faq/运费_.csv"
    for name in ("../faq.csv", "/etc/passwd", "a//b.csv", " ", "x" * 201):
        with pytest.raises(BadInput):
            upload_path(name)


def test_an_archive_in_an_archive_is_left_packed(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as opened:
        opened.writestr("a.csv", "x")
    assert unpack(zipped(tmp_path / "a.zip", **{"in.zip": inner.getvalue()}), tmp_path / "out") == ["in.zip"]
