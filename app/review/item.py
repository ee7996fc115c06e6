"""What is looked at again: turns that went wrong or may have, without a word of what anybody said.

The words stay in the event log and are read from there when an editor opens an item: an erased conversation has none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class Kind(StrEnum):
    """Why a turn is in the queue. One turn may have several reasons."""

    THUMBS_DOWN = "thumbs_down"
    LOW_CONFIDENCE = "low_confidence"
    HANDOFF = "handoff"
    CORRECTION = "correction"
    """a person sent something else than what the bot had drafted"""
    ANSWERED = "answered"
    """a person answered it: what drafted FAQ rows are made of"""


QUEUED = (Kind.THUMBS_DOWN, Kind.LOW_CONFIDENCE, Kind.HANDOFF, Kind.CORRECTION)
"""What the queue shows unless it is asked for something else."""


class Outcome(StrEnum):
    """What an editor made of an item."""

    EDIT = "edit"
    ROW = "row"
    PHRASING = "phrasing"
    SAMPLE = "sample"
    CORRECT = "correct"
    """it was right as it was, or nothing can be learned from it"""


@dataclass(frozen=True, slots=True)
class Item:
    """One turn of a conversation. Times are ISO texts, "" = not yet.

    message_id    the shopper's message; "@7" for event 7 where it is about no message
    confidence    of the bot's decision, 0 where it made none
    batch         the edits that came of it, undone together; `row` is the row they are about
    """

    id: int
    shop: str
    conversation_id: str
    message_id: str
    kinds: tuple[str, ...]
    reason: str = ""
    decision: str = ""
    confidence: float = 0.0
    language: str = ""
    release: int = 0
    at: str = ""
    updated_at: str = ""
    state: str = "open"
    outcome: str = ""
    done_by: str = ""
    done_at: str = ""
    batch: str = ""
    row: str = ""
    sample: str = ""
    after_release: int = 0
    after_decision: str = ""
    after_confidence: float = 0.0
    after_row: str = ""
    after_at: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items are looked for; empty = any. `every`: also kinds that the queue does not show by itself."""

    kinds: tuple[str, ...] = ()
    state: str = ""
    outcome: str = ""
    language: str = ""
    since: str = ""
    conversation: str = ""
    batch: str = ""
    outcomes: tuple[str, ...] = ()
    every: bool = False
    newest_first: bool = True


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of items."""

    outcome: str
    by: str
    at: str
    batch: str = ""
    row: str = ""
    sample: str = ""


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """What a later release does with the same question. `row`: the locator of what it answers from."""

    release: int
    decision: str
    confidence: float
    row: str
    at: str


class ReviewQueue(Protocol):
    """Where items are kept. They come from the event log, in the transaction that writes it, and go with an erasure."""

    async def find(self, shop: str, wanted: Wanted, offset: int = 0, limit: int = 50) -> tuple[list[Item], int]:
        """Items of a shop, and how many there are in all."""

    async def counts(self, shop: str) -> Mapping[str, int]:
        """Open items by kind; `open` and `done` in all."""

    async def item(self, shop: str, id_: int) -> Item:
        """One of them. Raises NotFound."""

    async def settle(self, shop: str, ids: Collection[int], settled: Settled) -> list[Item]:
        """Write what became of open items, all or none. Raises NotFound, or Conflict for one that is done."""

    async def reopen(self, shop: str, ids: Collection[int]) -> list[Item]:
        """Take that back; returns them as they were. Raises NotFound, or Conflict for one that is open."""

    async def note_again(self, shop: str, id_: int, again: AskedAgain) -> None:
        """Keep what a later release does with it."""

    async def answered(self, shop: str, limit: int) -> Sequence[Item]:
        """Open items that a person answered, newest first."""


class SampleBook(Protocol):
    """The samples that came out of the queue: they run with the shop's suite before every publish."""

    async def add(self, shop: str, sample: Mapping[str, Any]) -> None:
        """Add one, by its `id`; one of that id is replaced. Raises BadInput for what is no sample."""

    async def drop(self, shop: str, id_: str) -> None:
        """Take one out. One that is not there is no error."""

    async def count(self, shop: str) -> int:
        """How many there are."""
