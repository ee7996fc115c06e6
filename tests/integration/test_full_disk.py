"""A disk that fills up while a release is staged: said in words, nothing live is lost, and the next run finishes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

PROJECT = Path(__file__).parents[2]
DISK_MB = 400
FIRST = "question,answer\nDo you sell hammocks?,Yes: two models.\n"
MORE = "".join(f"Is shelf {n} in the shop?,Shelf {n} is on the left.\n" for n in range(40))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own; making one takes root and a kernel that lets us."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if not mount or os.geteuid():
        pytest.skip("making a small disk takes root")
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(place)], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("this machine mounts no tmpfs")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "knowledge").mkdir(parents=True)
    (folder / "brand.yaml").write_text("name: Hill\n")
    (folder / "knowledge" / "faq.csv").write_text(FIRST)
    return folder


def xiaoer(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *command],
        check=False, cwd=PROJECT, capture_output=True, text=True, timeout=120,
        env=os.environ | {"XIAOER_HOME": str(home), "XIAOER_MODEL": "none", "COLUMNS": "200"},
    )  # fmt: skip


@pytest.mark.parametrize("left_kb", [90_000, 40_000])
def test_a_full_disk_is_told_keeps_what_is_live_and_is_forgotten_when_there_is_room(
    disk: Path, folder: Path, left_kb: int
) -> None:
    home = disk / "home"
    assert xiaoer(home, "ingest", str(folder), "--shop", "hill").returncode == 0
    (folder / "knowledge" / "faq.csv").write_text(FIRST + MORE)
    free = shutil.disk_usage(disk).free
    filler = disk / "filler"
    filler.write_bytes(bytes(free - left_kb * 1024))
    full = xiaoer(home, "ingest", str(folder), "--shop", "hill")
    assert full.returncode == 75, (full.returncode, full.stderr)
    assert "disk" in full.stderr
    assert "Traceback" not in full.stderr
    filler.unlink()
    asked = xiaoer(home, "ask", "Do you sell hammocks?", "--shop", "hill", "--json")
    assert '"release": 1' in asked.stdout, asked.stderr
    again = xiaoer(home, "ingest", str(folder), "--shop", "hill")
    assert again.returncode == 0, again.stderr
    assert "is live" in again.stdout
    found = xiaoer(home, "search", "Is shelf 7 in the shop?", "--shop", "hill", "--json")
    assert "row 10 | Is shelf 7 in the shop?" in found.stdout
