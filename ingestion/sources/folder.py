"""A shop folder, or a part of one, as a list of files to read and the part of the knowledge they speak for."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.errors import BadInput
from ingestion.converters import SUFFIXES
from ingestion.sources import ELSEWHERE, Progress, Scope, Shelf, Source, SourceFile

UNREAD_DOCUMENTS = frozenset(
    {".doc", ".xls", ".ppt", ".pptx", ".rtf", ".odt", ".ods", ".numbers", ".pages", ".et", ".wps"}
)
EXPORT_MARK = ".xiaoer-export.json"
"""Tells that a folder was written by an export."""
BRANDS = ("brand.yaml", "brand.yml")
ORDERS = "orders.jsonl"
SUITE = "suite.jsonl"
SETTINGS = ("mapping.yaml", "mapping.yml", "sources.yaml", "sources.yml", SUITE)
_README = re.compile(r"readme(?:[._-].*)?|license|changelog", re.IGNORECASE)
MAX_FILES = 5_000


@dataclass(frozen=True, slots=True)
class ShopFolder:
    """What is to be read.

    root       the shop folder
    files      the files within the scope, in a stable order
    others     the shop's remaining files: product tables among them may be needed to complete those in scope
    ignored    paths of files that are of no format that is read
    whole      whether all of the shop's knowledge is in scope
    prefix     the sub-folder in scope, "" for all; a single file's own path
    """

    root: Path
    files: tuple[SourceFile, ...]
    others: tuple[SourceFile, ...]
    ignored: tuple[str, ...]
    whole: bool
    prefix: str

    @property
    def brand(self) -> Path:
        """Where the brand is, if the shop has one."""
        return _own_file(self.root, *BRANDS) or self.root / BRANDS[0]

    @property
    def orders(self) -> Path | None:
        """The order book, at the root or under shop/."""
        return _own_file(self.root, ORDERS) or _own_file(self.root / "shop", ORDERS)

    @property
    def suite(self) -> Path | None:
        """The questions that a release is asked before it goes live."""
        return _own_file(self.root, SUITE)

    def speaks_for(self, path: str) -> bool:
        """Whether a file that is gone would be missed. What was brought from elsewhere is no business of a folder."""
        if path.startswith(ELSEWHERE):
            return False
        return self.whole or path == self.prefix or path.startswith(f"{self.prefix}/")


class FolderSource(Source):
    """A shop folder, a sub-folder or one file of it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def bring(self, shelf: Shelf, progress: Progress) -> Scope:
        """Its files, where they lie. Raises BadInput when there is nothing to read."""
        folder = await asyncio.to_thread(open_folder, self._path, shelf.folder)
        return Scope(
            files=folder.files,
            others=(*folder.others, *shelf.kept()),
            ignored=folder.ignored,
            speaks_for=folder.speaks_for,
            folder=folder,
        )


def open_folder(path: Path, known_root: str = "") -> ShopFolder:
    """Look at a shop folder, a sub-folder or one file of it. Raises BadInput when there is nothing to read."""
    path = path.resolve()
    if not path.exists():
        raise BadInput(f"{path} does not exist; nothing was read")
    root = root_of(path, Path(known_root) if known_root else None)
    knowledge = root / "knowledge"
    top = knowledge if knowledge.is_dir() else root
    found = list(_walk(top, root))
    if (root / EXPORT_MARK).is_file():
        # What came from elsewhere lies in an export under its own name, and is read back as that.
        for folder in sorted(root.glob(f"{ELSEWHERE}*")):
            found += _walk(folder, root)
    if path.is_file() and _is_shop_file(path, root):
        return ShopFolder(root, (), (), (), whole=False, prefix=_relative(path, root))
    if path.is_file() and all(source.file != path for source in found):
        found.append(SourceFile(path, _relative(path, root)))
    # A folder without a brand speaks for the whole shop only if the shop came from there, or from nowhere yet.
    marked = _own_file(root, *BRANDS) is not None or known_root in ("", str(root))
    inside = path if path.is_file() or path not in (root, knowledge) else None
    scope = [s for s in found if inside is None or s.file == inside or inside in s.file.parents]
    readable = [s for s in scope if s.file.suffix.lower() in SUFFIXES | UNREAD_DOCUMENTS]
    if not readable:
        raise BadInput(f"{path} holds no csv, xlsx, md, html, docx, pdf or jsonl file; the knowledge stays as it is")
    chosen = {s.path for s in scope}
    return ShopFolder(
        root=root,
        files=tuple(readable),
        others=tuple(s for s in found if s.path not in chosen and s.file.suffix.lower() in SUFFIXES),
        ignored=tuple(s.path for s in scope if s.file.suffix.lower() not in SUFFIXES | UNREAD_DOCUMENTS),
        whole=inside is None and marked,
        prefix=_relative(inside, root) if inside is not None else "\0",
    )


def root_of(path: Path, known: Path | None) -> Path:
    """The shop folder a path belongs to: the nearest with a brand or a knowledge folder, else the known one."""
    folder = path if path.is_dir() else path.parent
    for candidate in (folder, *folder.parents[:6]):
        if _own_file(candidate, *BRANDS) or (candidate / "knowledge").is_dir():
            return candidate
        if candidate == known:
            return candidate
    return folder


def _walk(top: Path, root: Path) -> Iterator[SourceFile]:
    count = 0
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(
            name for name in folders if not name.startswith((".", "__", ELSEWHERE)) and (top != root or name != "shop")
        )
        for name in sorted(names):
            file = Path(folder) / name
            if name.startswith((".", "~$", ELSEWHERE)) or _is_shop_file(file, root) or not file.is_file():
                continue
            if top == root and file.parent == root and _README.fullmatch(file.stem):
                continue
            if not file.resolve().is_relative_to(root):
                continue  # a link that leads out of the shop
            count += 1
            if count > MAX_FILES:
                raise BadInput(f"{top} holds more than {MAX_FILES} files; is it the right folder?")
            yield SourceFile(file, _relative(file, root))


def _is_shop_file(file: Path, root: Path) -> bool:
    """Whether it is the brand, the order book or a setting: never knowledge, however the name is spelt."""
    name = file.name.lower()
    return (file.parent == root and name in (*BRANDS, *SETTINGS, ORDERS)) or (
        file.parent == root / "shop" and name == ORDERS
    )


def _own_file(folder: Path, *names: str) -> Path | None:
    """The first of these files that the folder has, in any case; as spelt here if it has that."""
    if not folder.is_dir():
        return None
    found = {file.name: file for file in folder.iterdir() if file.name.lower() in names and file.is_file()}
    return next((found[n] for name in names for n in sorted(found, key=lambda n: n != name) if n.lower() == name), None)


def _relative(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix()
