"""A numbered, immutable state of a shop's knowledge, and which states are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReleaseState(StrEnum):
    """Where a release is in its life. A crash leaves `staged`; running the job again finishes it.

    `swept`: it was built once, and its rows are gone. Only its number and story are kept.
    """

    STAGED = "staged"
    BUILT = "built"
    FAILED = "failed"
    SWEPT = "swept"


@dataclass(frozen=True, slots=True)
class Release:
    """One release of one shop. `live` is true for the one the pointer names."""

    shop: str
    number: int
    state: ReleaseState
    created_at: datetime
    live: bool
    chunks: int
    embedder: str
    published_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class PointerMove:
    """One publish or rollback: which release was live before, which is live now.

    by       who moved it, as far as known; may be empty
    reason   why, where somebody had to say so; may be empty
    """

    shop: str
    from_release: int | None
    to_release: int
    moved_at: datetime
    by: str = ""
    reason: str = ""


def superseded(releases: Sequence[Release], moves: Sequence[PointerMove], kept: int, live_since: datetime) -> list[int]:
    """Numbers of the built releases that may be swept: not among the `kept` newest, not live, not live until lately.

    A turn pins the release that was live when it began and is over within minutes. So one that was still live at
    `live_since` or later is left alone: that holds for turns of other processes too, which no register here knows of.
    """
    built = sorted((r for r in releases if r.state is ReleaseState.BUILT), key=lambda r: -r.number)
    # At least the newest: the next ingest compares with it.
    needed = {r.number for r in built[: max(1, kept)]} | {r.number for r in built if r.live}
    needed |= {m.from_release for m in moves if m.from_release is not None and m.moved_at >= live_since}
    return sorted(r.number for r in built if r.number not in needed)
