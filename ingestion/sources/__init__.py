"""Where knowledge comes from. Every source brings files; what a file holds is the converters' business.

A path without `@` is relative to the shop's own folder. What comes from elsewhere is kept under the shop's home, and
its paths begin with `@` and the name of its source: `@uploads/faq.csv`. So every source is a scope of its own, and
reading one deletes nothing of another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from ingestion.sources.folder import ShopFolder

ELSEWHERE = "@"
UPLOADS = "@uploads"

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a stage ("fetch", "read", "embed", "index"), how much is done, and of how much."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read; `path` is how the shop knows it, with forward slashes."""

    file: Path
    path: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is kept of a shop between runs: the folder it was last read from, and the files brought from elsewhere."""

    root: Path
    folder: str = ""

    def place(self, source: str) -> Path:
        """Where the files of a source (`@uploads`) are kept."""
        return self.root / "sources" / source.removeprefix(ELSEWHERE)

    def kept(self) -> Iterator[SourceFile]:
        """Every file that was brought from elsewhere, in a stable order."""
        top = self.root / "sources"
        for folder, folders, names in os.walk(top):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                file = Path(folder) / name
                if not name.startswith(".") and file.is_file() and not file.is_symlink():
                    yield SourceFile(file, ELSEWHERE + file.relative_to(top).as_posix())


def _nothing(_: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run reads, and the part of the knowledge it speaks for.

    files       to be read, in a stable order
    others      the shop's remaining files: product tables among them may be needed to complete those in scope
    ignored     paths of files that are of no format that is read
    failed      path → why it could not be brought; its chunks stay as they were
    speaks_for  whether a path that is gone would be missed
    folder      the shop's own folder, when that was read: the brand and the orders are there
    """

    files: tuple[SourceFile, ...] = ()
    others: tuple[SourceFile, ...] = ()
    ignored: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    speaks_for: Callable[[str], bool] = _nothing
    folder: ShopFolder | None = None

    def in_scope(self, path: str) -> bool:
        """Whether a chunk of that path ends when it was not read again."""
        return self.speaks_for(path) or any(file.path == path for file in self.files)

    def __or__(self, other: Scope) -> Scope:
        """Both, read in one run."""
        files = {source.path: source for source in (*self.files, *other.files)}
        others = {source.path: source for source in (*self.others, *other.others) if source.path not in files}
        return Scope(
            files=tuple(files.values()),
            others=tuple(others.values()),
            ignored=tuple(dict.fromkeys((*self.ignored, *other.ignored))),
            failed={**self.failed, **other.failed},
            speaks_for=lambda path: self.speaks_for(path) or other.speaks_for(path),
            folder=self.folder or other.folder,
        )


class Source(Protocol):
    """One place that knowledge comes from."""

    async def bring(self, shelf: Shelf, progress: Progress) -> Scope:
        """Fetch what is to be read. Raises BadInput when there is nothing; then nothing was changed."""

    async def settle(self, failed: Collection[str] | None) -> None:
        """The run is over. Take back what was brought under these paths; under all of them for None."""
        return
