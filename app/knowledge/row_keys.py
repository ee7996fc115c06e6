"""Which row of which source a chunk stands for, whatever it says and wherever it stands."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from app.knowledge.chunk import Chunk, Kind

_NUMBER = "\x1f"
"""Stands in a chunk's row key between its place and its number among rows of that place."""


def place_of(chunk: Chunk) -> str:
    """How the row is known within its document: its id where the file has one, else the question with its dates, the
    SKU, or the heading path; never the row number."""
    if chunk.row_key:
        return chunk.row_key.partition(_NUMBER)[0]
    if chunk.kind is Kind.PRODUCT:
        return chunk.locator
    dates = [moment.timestamp() if moment else None for moment in (chunk.valid_from, chunk.valid_until)]
    return chunk.title if dates == [None, None] else f"{chunk.title}\n{dates[0]}..{dates[1]}"


def keyed(all_chunks: Iterable[Chunk]) -> dict[str, Chunk]:
    """Row key → chunk, in order: how two states of a shop are compared. Rows of one place are numbered."""
    found: dict[str, Chunk] = {}
    for chunk in all_chunks:
        start = f"{chunk.document_id}\n{chunk.kind.value}\n{place_of(chunk)}"
        number = int(chunk.row_key.partition(_NUMBER)[2] or 0)
        while (key := f"{start}\n{number}") in found:
            number += 1
        found[key] = chunk
    return found


def numbered(chunks: list[Chunk]) -> list[Chunk]:
    """The chunks of a file, where the second of one place and those after it carry their number: it stays theirs when
    the first one goes."""
    return [
        chunk if key.endswith("\n0") or chunk.row_key.endswith(number := f"{_NUMBER}{key.rpartition(chr(10))[2]}")
        else replace(chunk, row_key=f"{place_of(chunk)}{number}")
        for key, chunk in keyed(chunks).items()
    ]  # fmt: skip


def row_key_in(key: str) -> str:
    """What a chunk of that key carries as its own row key."""
    place, _, number = key.split("\n", 2)[2].rpartition("\n")
    return place if number == "0" else f"{place}{_NUMBER}{number}"


def short(key: str) -> str:
    """A row key as it stands in addresses."""
    return hashlib.blake2b(key.encode(), digest_size=12).hexdigest()
