"""Files that an editor uploads: kept under the shop's home, a scope of their own.

An upload speaks for its own files and no others: sending one file deletes nothing of another, nor of the folder.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.errors import BadInput, NotFound
from ingestion.converters import SUFFIXES
from ingestion.mapping import NAMES as MAPPINGS
from ingestion.mapping import read_rules
from ingestion.sources import UPLOADS, Progress, Scope, Shelf, Source, SourceFile
from ingestion.sources.archive import remove, safe_path, unpack
from ingestion.sources.folder import BRANDS, ORDERS, UNREAD_DOCUMENTS, open_folder

_BEFORE = ".before-"


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file that is kept. `changed_at` is when it was last uploaded."""

    path: str
    size_bytes: int
    changed_at: datetime


def uploaded_files(root: Path) -> list[UploadedFile]:
    """What was uploaded to a shop and is still there; `root` is the shop's own folder under home."""
    found = []
    for source in (source for source in Shelf(root).kept() if source.path.startswith(f"{UPLOADS}/")):
        status = source.file.stat()
        changed_at = datetime.fromtimestamp(status.st_mtime, UTC)
        found.append(UploadedFile(source.path.removeprefix(f"{UPLOADS}/"), status.st_size, changed_at))
    return found


class _Kept(Source):
    """Files under the uploads' place; what is replaced or removed lies aside until the run is over."""

    def __init__(self) -> None:
        self._place = Path()
        self._aside = Path()
        self._moved: set[str] = set()

    def _open(self, shelf: Shelf) -> None:
        self._place = shelf.place(UPLOADS)
        self._place.mkdir(parents=True, exist_ok=True)
        for left in self._place.parent.glob(f"{_BEFORE}*"):
            remove(left)  # of a run that was killed: its files are newer, and are read now or with the next run
        self._aside = self._place.parent / f"{_BEFORE}{secrets.token_hex(4)}"

    def _put_aside(self, path: str) -> None:
        target, before = self._place / path, self._aside / path
        self._moved.add(path)
        if target.is_file():
            before.parent.mkdir(parents=True, exist_ok=True)
            target.replace(before)

    async def settle(self, failed: Collection[str] | None) -> None:
        """Put back what stood under these paths before."""
        await asyncio.to_thread(self._put_back, failed)

    def _put_back(self, failed: Collection[str] | None) -> None:
        for path in self._moved:
            if failed is not None and f"{UPLOADS}/{path}" not in failed:
                continue
            target, before = self._place / path, self._aside / path
            if before.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                before.replace(target)
            else:
                target.unlink(missing_ok=True)
        remove(self._aside)
        _remove_empty(self._place)


class Upload(_Kept):
    """Files that have just come in, in a folder of their own: they replace those of the same path, zips unpacked."""

    def __init__(self, incoming: Path) -> None:
        super().__init__()
        self._incoming = incoming

    async def bring(self, shelf: Shelf, progress: Progress) -> Scope:
        """Move them into their place. Raises BadInput when none is of a format that is read, or a zip is unsafe."""
        try:
            return await asyncio.to_thread(self._bring, shelf, progress)
        finally:
            await asyncio.to_thread(remove, self._incoming)

    def _bring(self, shelf: Shelf, progress: Progress) -> Scope:
        self._open(shelf)
        _unpack_all(self._incoming)
        paths = sorted(file.relative_to(self._incoming).as_posix() for file in _files(self._incoming))
        settings = [path for path in paths if path in MAPPINGS]
        if settings:
            read_rules([self._incoming])  # raises before anything is moved
        good = [path for path in paths if _is_read(path) or path in settings]
        if not good:
            raise BadInput("no csv, xlsx, md, html, docx, pdf, jsonl, xml or json file came; nothing was changed")
        _check_names(self._place, good)
        for number, path in enumerate(good, start=1):
            self._put_aside(path)
            target = self._place / path
            target.parent.mkdir(parents=True, exist_ok=True)
            (self._incoming / path).replace(target)
            progress("fetch", number, len(good))
        ignored = tuple(f"{UPLOADS}/{path}" for path in paths if path not in good)
        if settings:  # what the mapping says may be about any of them
            everything = [source.path.removeprefix(f"{UPLOADS}/") for source in _kept(shelf)]
            return _scope(shelf, everything, everything, ignored)
        return _scope(shelf, good, good, ignored)


class Removal(_Kept):
    """Uploaded files that are to go, with what was read in them."""

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__()
        self._paths = paths

    async def bring(self, shelf: Shelf, progress: Progress) -> Scope:
        """Take them away. Raises NotFound when one was never uploaded; then none was taken away."""
        return await asyncio.to_thread(self._bring, shelf)

    def _bring(self, shelf: Shelf) -> Scope:
        self._open(shelf)
        paths = [safe_path(path) for path in self._paths]
        for path in paths:
            if not (self._place / path).is_file():
                raise NotFound(f"“{path}” is not among the uploads; nothing was removed")
        for path in paths:
            self._put_aside(path)
        return _scope(shelf, paths, ())


class KeptUploads(Source):
    """All uploaded files, read again."""

    async def bring(self, shelf: Shelf, progress: Progress) -> Scope:
        """Every file that was uploaded and is still there."""
        paths = [source.path.removeprefix(f"{UPLOADS}/") for source in _kept(shelf)]
        scope = _scope(shelf, (), paths)
        return Scope(scope.files, scope.others, speaks_for=lambda path: path.startswith(f"{UPLOADS}/"))


def _scope(shelf: Shelf, spoken_for: Collection[str], read: Collection[str], ignored: tuple[str, ...] = ()) -> Scope:
    kept = [source for source in shelf.kept() if source.path.removeprefix(f"{UPLOADS}/") not in MAPPINGS]
    wanted = {f"{UPLOADS}/{path}" for path in read}
    mine = {f"{UPLOADS}/{path}" for path in spoken_for}
    return Scope(
        files=tuple(source for source in kept if source.path in wanted),
        others=(*_of_folder(shelf), *(source for source in kept if source.path not in wanted)),
        ignored=ignored,
        speaks_for=mine.__contains__,
    )


def _of_folder(shelf: Shelf) -> tuple[SourceFile, ...]:
    if not shelf.folder:
        return ()
    try:
        folder = open_folder(Path(shelf.folder), shelf.folder)
    except BadInput:
        return ()  # it is not there now, and an upload does not need it
    return (*folder.files, *folder.others)


def _kept(shelf: Shelf) -> list[SourceFile]:
    """The uploaded files that may hold knowledge."""
    kept = [source for source in shelf.kept() if source.path.startswith(f"{UPLOADS}/")]
    return [source for source in kept if source.path.removeprefix(f"{UPLOADS}/") not in MAPPINGS]


def _is_read(path: str) -> bool:
    """Whether it may hold knowledge. The brand and the orders are the folder's business."""
    name = path.rpartition("/")[2].lower()
    return os.path.splitext(name)[1] in SUFFIXES | UNREAD_DOCUMENTS and name not in (*BRANDS, ORDERS)


def _unpack_all(incoming: Path) -> None:
    for archive in [file for file in _files(incoming) if file.suffix.lower() == ".zip"]:
        beside = archive.with_name(f".{archive.name}.unpacked")
        for path in unpack(archive, beside):
            target = archive.parent / path
            if target.exists():
                raise BadInput(f"{path} came twice, alone and in {archive.name}; nothing was read")
            target.parent.mkdir(parents=True, exist_ok=True)
            (beside / path).replace(target)
        archive.unlink()
        remove(beside)


def _check_names(place: Path, paths: Sequence[str]) -> None:
    """A file cannot stand where a folder stands. Raises BadInput before anything is moved."""
    for path in paths:
        target = place / path
        blocked = [parent for parent in target.parents if parent.is_relative_to(place) and parent.is_file()]
        if target.is_dir() or blocked:
            raise BadInput(f"“{path}” is a file here and a folder there among the uploads; nothing was changed")


def _files(folder: Path) -> list[Path]:
    found = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return [f for f in found if not any(part.startswith(".") for part in f.relative_to(folder).parts)]


def _remove_empty(place: Path) -> None:
    for folder in sorted((f for f in place.rglob("*") if f.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
