"""A chunk as an editor wants it: what its file says, with the editor's fields in place of the file's."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import Any

from app.knowledge.chunk import Chunk, Document, Kind
from app.knowledge.edits import Content, LayeredRow, Wanted, fold
from app.knowledge.row_keys import row_key_in
from ingestion import dates
from ingestion.chunkers import document_for, make_chunk
from ingestion.chunkers.faq import FaqEntry, faq_chunk
from ingestion.chunkers.product import card, section_of
from ingestion.headers import Column, meanings
from ingestion.text import language_of, one_line

_ROW = re.compile(r"row (\d+) \| ")
_MOMENTS = ("valid_from", "valid_until")
_MAPPINGS = ("attributes", "attribute_paths", "attribute_locators")


def content_of(chunk: Chunk) -> dict[str, Any]:
    """The chunk as plain JSON values, from which `chunk_of` makes it again."""
    content: dict[str, Any] = {name: getattr(chunk, name) for name in Chunk.__dataclass_fields__}
    for name in _MOMENTS:
        content[name] = content[name].isoformat() if content[name] else None
    for name in _MAPPINGS:
        content[name] = [list(item) for item in content[name].items()]
    return {**content, "kind": chunk.kind.value, "phrasings": list(chunk.phrasings), "related": list(chunk.related)}


def chunk_of(content: Content) -> Chunk:
    """The chunk that `content_of` told of."""
    values = {name: content[name] for name in Chunk.__dataclass_fields__}
    values["kind"] = Kind(content["kind"])
    values["chunk_id"] = str(content["chunk_id"]).partition("-")[0]
    for name in _MOMENTS:
        values[name] = datetime.fromisoformat(content[name]) if content[name] else None
    for name in _MAPPINGS:
        values[name] = MappingProxyType(dict(content[name]))
    return Chunk(**{**values, "phrasings": tuple(content["phrasings"]), "related": tuple(content["related"])})


def live_chunk(row: LayeredRow, zone: tzinfo, *, drafts: bool) -> Chunk | None:
    """What a release has of the row, or, with `drafts`, what the next one will; None where it has nothing.

    In a conflict it is the editor's text, until an editor chooses; of a product only the values in dispute are.
    """
    wanted = fold(row.edits, drafts=drafts)
    return None if wanted.disabled else _said(row, wanted, zone)


def said_chunk(row: LayeredRow, zone: tzinfo) -> Chunk | None:
    """What editors want the row to say, whether it is disabled or not; None where nothing is left of it."""
    return _said(row, fold(row.edits, drafts=True), zone)


def _said(row: LayeredRow, wanted: Wanted, zone: tzinfo) -> Chunk | None:
    if row.base is None:
        return _added(row, wanted.fields, zone) if {"question", "answer"} <= wanted.fields.keys() else None
    if not wanted.fields and not (wanted.disabled and row.gone):
        return None if row.gone else chunk_of(row.theirs or row.base)
    base = chunk_of(row.base)
    if row.theirs and base.kind is Kind.PRODUCT:
        base = chunk_of(row.theirs)
    elif row.theirs:
        base = _moved(base, chunk_of(row.theirs))
    return edited(base, wanted.fields, zone, row_key_in(row.key))


def edited(base: Chunk, fields: Content, zone: tzinfo, row_key: str) -> Chunk:
    """The chunk with the fields an editor set; `row_key` is how its row was known before."""
    if not fields:
        return base
    if base.kind is Kind.FAQ:
        chunk = _edited_faq(base, fields, zone)
    elif base.kind is Kind.PRODUCT:
        chunk = _edited_product(base, fields)
    else:
        chunk = _edited_policy(base, fields)
    return replace(chunk, row_key=row_key if chunk.kind is not Kind.PRODUCT else base.row_key)


def row_number(chunk: Chunk) -> int:
    """The row an FAQ chunk stands in; 0 where its locator tells of none."""
    match = _ROW.match(chunk.locator)
    return int(match[1]) if match else 0


def moment_of(fields: Content, name: str, base: datetime | None, zone: tzinfo) -> datetime | None:
    """A date as an editor wrote it, else what was there. Raises ValueError when it is no date."""
    if name not in fields:
        return base
    read = dates.valid_from if name == "valid_from" else dates.valid_until
    return read(str(fields[name] or ""), zone)


def _document(chunk: Chunk) -> Document:
    return Document(chunk.document_id, chunk.path, chunk.title, chunk.kind, chunk.language)


def _moved(base: Chunk, theirs: Chunk) -> Chunk:
    """The base where the file has the row now."""
    if base.kind is not Kind.FAQ:
        return base
    return faq_chunk(_document(base), _entry(base, {}, None, row_number(theirs)))


def _added(row: LayeredRow, fields: Content, zone: tzinfo) -> Chunk:
    question, answer = str(fields["question"]), str(fields["answer"])
    entry = FaqEntry(
        row.place,
        question,
        answer,
        tuple(fields.get("phrasings", ())),
        str(fields.get("section", "")),
        tuple(fields.get("related", ())),
        moment_of(fields, "valid_from", None, zone),
        moment_of(fields, "valid_until", None, zone),
        language_of(f"{question} {answer}"),
        row_key_in(row.key),
    )
    return faq_chunk(document_for(row.path, row.path, Kind.FAQ, entry.language), entry)


def _entry(base: Chunk, fields: Content, zone: tzinfo | None, number: int) -> FaqEntry:
    question, answer = str(fields.get("question", base.title)), str(fields.get("answer", base.text))
    told = base.language != language_of(f"{base.title} {base.text}")
    return FaqEntry(
        number,
        question,
        answer,
        tuple(fields.get("phrasings", base.phrasings[1:])),
        str(fields.get("section", base.section)),
        tuple(fields.get("related", base.related)),
        moment_of(fields, "valid_from", base.valid_from, zone) if zone else base.valid_from,
        moment_of(fields, "valid_until", base.valid_until, zone) if zone else base.valid_until,
        base.language if told else language_of(f"{question} {answer}"),
        base.row_key,
    )


def _edited_faq(base: Chunk, fields: Content, zone: tzinfo) -> Chunk:
    return faq_chunk(_document(base), _entry(base, fields, zone, row_number(base)))


def _edited_policy(base: Chunk, fields: Content) -> Chunk:
    return make_chunk(
        _document(base),
        locator=base.locator,
        title=base.title,
        text=str(fields.get("text", base.text)),
        language=base.language,
        section=base.section,
        valid_from=base.valid_from,
        valid_until=base.valid_until,
    )


def _edited_product(base: Chunk, fields: Content) -> Chunk:
    values: Mapping[str, str] = fields.get("values", {})
    # A value that an editor changed is no longer the other file's, which is cited for the rest.
    paths = {name: path for name, path in base.attribute_paths.items() if name not in values}
    wanted = {name: value for name, value in {**base.attributes, **values}.items() if value}
    attributes = in_order(wanted, fields.get("columns", ()), paths)
    named = next((name for name in values if Column.NAME in meanings(name)), None)
    name = one_line(attributes.get(named, "")) or base.title if named else base.title
    sku = base.locator if base.text.startswith(f"{base.title}\nSKU: {base.locator}") else ""
    text = card(name, sku, attributes)
    told = base.language != language_of(base.text)
    return make_chunk(
        _document(base),
        locator=base.locator,
        title=name,
        text=text,
        language=base.language if told else language_of(text),
        attributes=attributes,
        group=name if base.group == base.title else base.group,
        section=section_of(attributes),
        attribute_paths=paths,
        attribute_locators={n: there for n, there in base.attribute_locators.items() if n in paths},
        valid_from=base.valid_from,
        valid_until=base.valid_until,
    )


def in_order(attributes: Mapping[str, str], columns: Sequence[str], elsewhere: Collection[str]) -> dict[str, str]:
    """Attributes as a file with these columns would bring them: its own in column order, then those of other files."""
    placed = {name: place for place, name in enumerate(columns)}
    own = sorted((n for n in attributes if n not in elsewhere), key=lambda n: placed.get(n, len(placed)))
    return {name: attributes[name] for name in [*own, *(n for n in attributes if n in elsewhere)]}
