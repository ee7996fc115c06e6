"""One chunker a kind of knowledge: FAQ rows, policies by heading, products as cards with structured rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from app.knowledge.chunk import Chunk, Document, Kind
from ingestion.converted import Disagreement, SkippedRow


@dataclass(slots=True)
class Chunked:
    """What came of one file: chunks in reading order, and what was left out or looks odd."""

    chunks: list[Chunk] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    skipped: list[SkippedRow] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    disagreements: list[Disagreement] = field(default_factory=list)

    def extend(self, other: Chunked) -> None:
        """Take over what another chunker made of the same file."""
        self.chunks.extend(other.chunks)
        self.documents.extend(other.documents)
        self.skipped.extend(other.skipped)
        self.warnings.extend(other.warnings)
        self.disagreements.extend(other.disagreements)


def make_chunk(
    document: Document,
    *,
    locator: str,
    title: str,
    text: str,
    language: str,
    phrasings: Iterable[str] = (),
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    related: Iterable[str] = (),
    attributes: Mapping[str, str] | None = None,
    group: str = "",
    section: str = "",
    attribute_paths: Mapping[str, str] | None = None,
    attribute_locators: Mapping[str, str] | None = None,
    row_key: str = "",
) -> Chunk:
    """A chunk with its hash and id. The id holds as long as document, locator and content do."""
    content = {
        "kind": document.kind.value,
        "title": title,
        "text": text,
        "language": language,
        "phrasings": list(phrasings),
        "valid_from": valid_from.timestamp() if valid_from else None,
        "valid_until": valid_until.timestamp() if valid_until else None,
        "related": list(related),
        "attributes": list((attributes or {}).items()),
        "group": group,
        "section": section,
    }
    if attribute_paths:
        # A shopper sees them in citations: a spec sheet under a new name makes new chunks, with the vectors they had.
        content["attribute_paths"] = sorted(attribute_paths.items())
        content["attribute_locators"] = sorted((attribute_locators or {}).items())
    content_hash = hash_of(json.dumps(content, ensure_ascii=False))
    return Chunk(
        chunk_id=hash_of(f"{document.document_id}\n{locator}\n{content_hash}")[:24],
        document_id=document.document_id,
        path=document.path,
        locator=locator,
        kind=document.kind,
        title=title,
        text=text,
        language=language,
        content_hash=content_hash,
        phrasings=tuple(content["phrasings"]),  # type: ignore[arg-type]
        valid_from=valid_from,
        valid_until=valid_until,
        related=tuple(content["related"]),  # type: ignore[arg-type]
        attributes=MappingProxyType(dict(attributes or {})),
        group=group,
        section=section,
        attribute_paths=MappingProxyType(dict(attribute_paths or {})),
        attribute_locators=MappingProxyType(dict(attribute_locators or {})),
        row_key=row_key,
    )


def hash_of(text: str) -> str:
    """A short stable hash of a text, in hex."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def document_for(path: str, title: str, kind: Kind, language: str, record_id: str = "") -> Document:
    """A document whose id is its path, and the record's id where a file holds many."""
    return Document(f"{path}#{record_id}" if record_id else path, path, title, kind, language)
