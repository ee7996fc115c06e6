"""What a shop knows, in the pieces it is stored and retrieved in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """What sort of source a chunk came from; each is chunked and answered in its own way."""

    FAQ = "faq"
    POLICY = "policy"
    PRODUCT = "product"


@dataclass(frozen=True, slots=True)
class Document:
    """A source as read: one file, or one record of a file that holds many documents.

    `path` is relative to the shop folder, with forward slashes.
    """

    document_id: str
    path: str
    title: str
    kind: Kind
    language: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece of knowledge as stored. Immutable: a changed source makes a new chunk.

    chunk_id      stable while document, locator and content stay the same
    locator       `row N | question` for an FAQ row, the SKU for a product row, the heading for a policy
    title         FAQ: the question. Policy: the heading path, outermost first, joined by " > ". Product: its name
    text          FAQ: the answer. Policy: its body, tables as Markdown. Product: the card, an attribute per line
    phrasings     FAQ: the question and its similar questions
    valid_from    aware, inclusive; None = since ever
    valid_until   aware, exclusive; None = for ever
    related       FAQ: questions to suggest next
    attributes    product: column name as the shop wrote it → value as text, in column order
    group         product: what its variants share (handle or name)
    attribute_paths     product: attribute → file it was read in, only where that is not `path` (a spec sheet)
    attribute_locators  product: attribute → how that file names the row, only where that is not `locator`
    content_hash  of everything above that a shopper or the embedder could see
    row_key       the id its row has in its file, where it has one or where editors changed what else it is known by
    """

    chunk_id: str
    document_id: str
    path: str
    locator: str
    kind: Kind
    title: str
    text: str
    language: str
    content_hash: str
    phrasings: tuple[str, ...] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    related: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    group: str = ""
    section: str = ""
    attribute_paths: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    attribute_locators: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    row_key: str = ""

    @property
    def window_seconds(self) -> float:
        """How long the chunk is valid; infinite where an end is open."""
        if self.valid_from is None or self.valid_until is None:
            return float("inf")
        return (self.valid_until - self.valid_from).total_seconds()

    def is_valid(self, as_of: datetime) -> bool:
        """Whether the chunk may be used at that moment."""
        if self.valid_from is not None and as_of < self.valid_from:
            return False
        return self.valid_until is None or as_of < self.valid_until
