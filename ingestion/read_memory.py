"""Remembers what came of each file: one that has not changed since the last run is not converted and cut again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from app.knowledge.chunk import Chunk, Document, Kind
from ingestion.chunkers import Chunked
from ingestion.converted import SkippedRow
from ingestion.reading import FileRead
from ingestion.recognise import TableSeen
from ingestion.sources import SourceFile

_CODE = ("ingestion", "app/knowledge")
_PLAIN_FIELDS = (
    "chunk_id", "document_id", "path", "locator", "title", "text", "language", "content_hash", "group", "section",
    "row_key",
)  # fmt: skip


class ReadMemory:
    """What a shop's files came to, by the digest of their bytes. Only a cache: without it everything is read.

    It is good for the code that wrote it, the time zone and the table rules of the run: anything else starts anew.
    Only files that stand alone are kept; products are brought together from all files in every run.
    """

    def __init__(self, file: Path, *settings: object) -> None:
        self._file = file
        self._key = _digest("\n".join([code_digest(), *map(repr, settings)]).encode())
        self._kept = _load(file, self._key)
        self._fresh: dict[str, Any] = {}
        self._digests: dict[str, str] = {}

    def recall(self, source: SourceFile) -> FileRead | None:
        """What came of the file, if it is the same to the byte."""
        digest = self._digests[source.path] = _digest_of(source.file)
        kept = self._kept.get(source.path)
        if not digest or kept is None or kept["digest"] != digest:
            return None
        self._fresh[source.path] = kept
        return _read_of(source.path, kept)

    def remember(self, source: SourceFile, read: FileRead) -> None:
        """Keep what came of a file that stands alone; not while somebody is writing it."""
        digest = _digest_of(source.file)
        if not digest or digest != self._digests.get(source.path) or read.error:
            return
        told = _told(read)
        if _read_of(source.path, told) == read:  # whatever can't be told in full is read anew
            self._fresh[source.path] = {"digest": digest, **told}

    def save(self, in_scope: Callable[[str], bool]) -> None:
        """Write it down for the next run; what was out of scope stays as it is."""
        wanted = {path: kept for path, kept in self._kept.items() if not in_scope(path)} | self._fresh
        if wanted == self._kept:
            return
        body = orjson.dumps(wanted)
        draft = self._file.with_name(f"{self._file.name}.new")
        draft.write_bytes(f"{self._key} {_digest(body)}\n".encode() + body)
        os.replace(draft, self._file)
        self._kept = wanted


@cache
def code_digest() -> str:
    """Names the code that reads: what another version made of a file must not be taken for this one's."""
    root = Path(__file__).parent.parent
    files = sorted(file for folder in _CODE for file in (root / folder).rglob("*.py"))
    return _digest(b"".join(file.read_bytes() for file in files))


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _digest_of(file: Path) -> str:
    try:
        return _digest(file.read_bytes())
    except OSError:
        return ""


def _load(file: Path, key: str) -> dict[str, Any]:
    """What was written down by the same code; nothing where the file is torn, old or not there."""
    try:
        head, _, body = file.read_bytes().partition(b"\n")
        if head.decode() != f"{key} {_digest(body)}":
            return {}
        loaded: dict[str, Any] = orjson.loads(body)
    except (OSError, ValueError):
        return {}
    return loaded


def _told(read: FileRead) -> dict[str, Any]:
    """A read as plain values. Not asdict: it copies deeply, and there may be ten thousand chunks."""
    return {
        "chunks": [_told_chunk(chunk) for chunk in read.chunked.chunks],
        "documents": [[d.document_id, d.path, d.title, d.kind.value, d.language] for d in read.chunked.documents],
        "skipped": [asdict(row) for row in read.chunked.skipped],
        "warnings": read.chunked.warnings,
        "tables": [asdict(table) for table in read.tables],
        "foreign": read.foreign,
    }


def _told_chunk(chunk: Chunk) -> list[Any]:
    moments = [moment.isoformat() if moment else None for moment in (chunk.valid_from, chunk.valid_until)]
    plain = [getattr(chunk, name) for name in _PLAIN_FIELDS]
    return [chunk.kind.value, list(chunk.phrasings), list(chunk.related), *moments, *plain]


def _read_of(path: str, told: dict[str, Any]) -> FileRead:
    chunked = Chunked(
        chunks=[_chunk(values) for values in told["chunks"]],
        documents=[Document(a, b, c, Kind(kind), d) for a, b, c, kind, d in told["documents"]],
        skipped=[SkippedRow(**row) for row in told["skipped"]],
        warnings=list(told["warnings"]),
    )
    tables = [
        TableSeen(**{**table, "columns": tuple(table["columns"]), "unused": tuple(table["unused"])})
        for table in told["tables"]
    ]
    return FileRead(path, chunked, "", tables, told["foreign"])


def _chunk(values: Sequence[Any]) -> Chunk:
    kind, phrasings, related, begins, ends, *plain = values
    return Chunk(
        kind=Kind(kind),
        phrasings=tuple(phrasings),
        related=tuple(related),
        valid_from=datetime.fromisoformat(begins) if begins else None,
        valid_until=datetime.fromisoformat(ends) if ends else None,
        **dict(zip(_PLAIN_FIELDS, plain, strict=True)),
    )
