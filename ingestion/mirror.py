"""A copy of every file as it was last read, so that an export can give back what came in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath

from app.errors import BadInput
from ingestion.mapping import NAMES, TableRule, read_rules
from ingestion.sources import SourceFile


class Mirror:
    """The copies of one shop, under `<home>/shops/<shop>/mirror/`, each by the path it is cited with."""

    def __init__(self, home: Path, shop: str) -> None:
        self._root = home / "shops" / shop / "mirror"

    def keep(self, files: Iterable[SourceFile], failed: Collection[str], roots: Iterable[tuple[Path, str]]) -> None:
        """Copy what was read and is new; of each root (folder, path of its files) the mapping of its tables too."""
        for source in files:
            if source.path not in failed:
                self._copy(source.file, source.path)
        for folder, path in roots:
            for name in NAMES if folder.is_dir() else ():
                if (folder / name).is_file():
                    self._copy(folder / name, f"{path}{name}")
                else:
                    self._place(f"{path}{name}").unlink(missing_ok=True)

    def file(self, path: str) -> Path | None:
        """The copy; None when there is none."""
        place = self._place(path)
        return place if place.is_file() else None

    def mappings(self) -> list[tuple[Path, str]]:
        """(copy, path) of the files that tell how tables are mapped."""
        found = [path for name in NAMES for path in (name, f"@uploads/{name}")]
        return [(file, path) for path in found if (file := self.file(path))]

    def rules(self) -> tuple[TableRule, ...]:
        """What the mappings say; nothing where one can't be read."""
        try:
            return read_rules([self._root, self._root / "@uploads"])
        except BadInput:
            return ()

    def _copy(self, file: Path, path: str) -> None:
        target = self._place(path)
        try:
            have, now = target.stat(), file.stat()
            if (have.st_size, have.st_mtime_ns) == (now.st_size, now.st_mtime_ns):
                return
        except OSError:
            pass
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.new")
        try:
            shutil.copy2(file, fresh)
        except FileNotFoundError:  # it went while it was read; what it held is in the release
            return
        os.replace(fresh, target)

    def _place(self, path: str) -> Path:
        parts = [part for part in PurePosixPath(path).parts if part not in ("..", "/", ".")]
        return self._root.joinpath(*parts)
