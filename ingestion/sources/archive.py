"""Unpacks a zip that a stranger may have made: into one folder, never out of it, and never more than it may hold."""

from __future__ import annotations

import re
import shutil
import stat
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from app.errors import BadInput
from ingestion.converters import MAX_FILE_BYTES

MAX_FILES = 5_000
MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
_PIECE_BYTES = 1024 * 1024
_UTF8_NAMES = 0x800
_LEFT_BY_PROGRAMS = re.compile(r"(?:^|/)(?:__MACOSX/|\.|~\$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)


def unpack(archive: Path, into: Path) -> list[str]:
    """Write the files of a zip under a folder; returns their paths in it. What programs leave behind is passed over.

    Raises BadInput for a damaged or encrypted archive, a path that leads out of the folder, a link, or more than the
    limits allow; whoever calls then removes the folder.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = list(_entries(opened))
            _check_sizes(entries)
            left = MAX_UNPACKED_BYTES
            for entry, path in entries:
                left -= _write(opened, entry, into / path, left)
            return [path for _, path in entries]
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise BadInput(f"{archive.name} is damaged or no zip file ({error}); nothing was read") from None
    except RuntimeError:
        raise BadInput(f"{archive.name} is encrypted; send it without a password. Nothing was read") from None


def _entries(opened: zipfile.ZipFile) -> Iterator[tuple[zipfile.ZipInfo, str]]:
    seen: set[str] = set()
    for entry in opened.infolist():
        path = safe_path(_name(entry))
        if entry.is_dir() or _LEFT_BY_PROGRAMS.search(path):
            continue
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise BadInput(f"{path} in the zip is a link; pack the file itself. Nothing was read")
        if path.casefold() in seen:
            raise BadInput(f"{path} is in the zip twice; nothing was read")
        seen.add(path.casefold())
        if len(seen) > MAX_FILES:
            raise BadInput(f"the zip holds more than {MAX_FILES:,} files; is it the right one? Nothing was read")
        yield entry, path


def _name(entry: zipfile.ZipInfo) -> str:
    """The name as its author saw it: Chinese Windows packs names in GBK and does not say so."""
    if entry.flag_bits & _UTF8_NAMES:
        return entry.filename
    try:
        raw = entry.filename.encode("cp437")
    except UnicodeEncodeError:
        return entry.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def safe_path(name: str) -> str:
    """A relative path with forward slashes that stays below its folder. Raises BadInput for any other."""
    plain = unicodedata.normalize("NFC", name).replace("\\", "/")  # a Mac writes é as two characters
    parts = PurePosixPath(plain).parts
    leads_out = plain.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", plain)
    if not parts or leads_out or any(ord(character) < 32 for character in plain):
        raise BadInput(f"“{name[:80]}” is a path that leads out of the upload; nothing was read")
    if any(len(part.encode()) > 200 for part in parts) or len(parts) > 20:
        raise BadInput(f"“{name[:80]}…” is too long a path; nothing was read")
    return "/".join(parts)


def _check_sizes(entries: list[tuple[zipfile.ZipInfo, str]]) -> None:
    """By what the zip says of itself: most bombs are found before anything is written."""
    for entry, path in entries:
        if entry.file_size > MAX_FILE_BYTES:
            raise BadInput(
                f"{path} unpacks to {entry.file_size // 1024**2:,} MB; at most {MAX_FILE_BYTES // 1024**2} MB a file "
                "are read. Nothing was read"
            )
    total = sum(entry.file_size for entry, _ in entries)
    if total > MAX_UNPACKED_BYTES:
        raise _too_much(total)


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Unpack one file, counting what really comes: a zip may lie about its sizes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with opened.open(entry) as packed, target.open("xb") as file:
        while piece := packed.read(_PIECE_BYTES):
            written += len(piece)
            if written > min(left, MAX_FILE_BYTES):
                raise _too_much(written)
            file.write(piece)
    return written


def _too_much(count: int) -> BadInput:
    return BadInput(
        f"the zip unpacks to {count // 1024**2:,} MB or more, beyond what a shop's knowledge has "
        f"({MAX_UNPACKED_BYTES // 1024**2:,} MB); nothing was read"
    )


def remove(folder: Path) -> None:
    """Take a folder away, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)
