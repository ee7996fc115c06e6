"""A numbered, immutable state of a shop's knowledge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReleaseState(StrEnum):
    """Where a release is in its life. A crash leaves `staged`; running the job again finishes it."""

    STAGED = "staged"
    BUILT = "built"
    FAILED = "failed"


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
