"""Room on the disk, asked for before the engine needs it.

The engine maps sparse files into memory. Where the disk has no block left for a page it touches, the kernel ends the
process with a bus error, and no code of ours could catch that: so a full disk is noticed before.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from app.errors import Unavailable

OPENING_BYTES = 16 * 1024 * 1024
WRITING_BYTES = 48 * 1024 * 1024
"""A fresh piece of the write-ahead log, and some air."""
POINT_BYTES = 4 * 1024
"""What a point takes beside its vector: payload, words, filters, write-ahead log."""
VECTOR_COPIES = 3
"""In the write-ahead log, in the segment, and in the segment that an optimisation writes anew."""


def require_room_to_open(folder: Path) -> None:
    """Raises Unavailable when the disk is too full to open an index in that folder: the engine then fills the holes
    in its write-ahead log."""
    _require(folder, OPENING_BYTES + sum(map(_hole, folder.rglob("wal/*"))))


def _hole(file: Path) -> int:
    """How much of a sparse file has no block on the disk yet."""
    status = file.stat()
    return max(0, status.st_size - status.st_blocks * 512)


def require_room_to_write(folder: Path, points: int, dimensions: int) -> None:
    """Raises Unavailable when the disk is too full to write so many points."""
    _require(folder, WRITING_BYTES + points * (POINT_BYTES + VECTOR_COPIES * 4 * dimensions))


def _require(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Unavailable(
            f"The disk of {folder} has {free / 1024**2:.0f} MB left, and the knowledge index needs "
            f"{needed / 1024**2:.0f} MB. The live release is what it was. Free some space, then run this again."
        )
