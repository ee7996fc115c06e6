"""Rows of the knowledge tables to domain values and back, inside a transaction the catalogue opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, func, insert, select, update

from app.adapters.db.knowledge_tables import chunks, documents, product_attributes, products, releases, shops
from app.knowledge.catalogue import ChunkVersion, NewChunk
from app.knowledge.chunk import Chunk, Document, Kind
from app.knowledge.ports import FOREVER
from app.knowledge.release import Release, ReleaseState

BATCH = 500


def batches(items: list[Any]) -> Iterable[list[Any]]:
    """Lists of at most BATCH items: databases limit the parameters of one statement."""
    return (items[i : i + BATCH] for i in range(0, len(items), BATCH))


def newest_number(connection: Connection, shop: str) -> int | None:
    """The highest release number of a shop; None when it has none."""
    return connection.execute(select(func.max(releases.c.number)).where(releases.c.shop == shop)).scalar()


def releases_of(connection: Connection, shop: str) -> list[Release]:
    """All releases of a shop, newest first."""
    query = (
        select(releases, shops.c.live_release)
        .join(shops, shops.c.name == releases.c.shop)
        .where(releases.c.shop == shop)
        .order_by(releases.c.number.desc())
    )
    return [
        Release(
            shop=row.shop, number=row.number, state=ReleaseState(row.state), created_at=row.created_at,
            live=row.number == row.live_release, chunks=row.chunks, embedder=row.embedder,
            published_at=row.published_at, note=row.note,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def free_ids(connection: Connection, shop: str, wanted: list[str], number: int) -> dict[str, str]:
    """Ids for chunks whose content was part of an earlier release and is back: the old row must stay as it is."""
    taken: set[str] = set()
    for batch in batches(wanted):
        query = select(chunks.c.chunk_id).where(chunks.c.shop == shop, chunks.c.chunk_id.in_(batch))
        taken.update(connection.execute(query).scalars())
    return {chunk_id: f"{chunk_id}-{number}" for chunk_id in wanted if chunk_id in taken}


def close_chunks(connection: Connection, shop: str, chunk_ids: list[str], number: int) -> None:
    """Let open chunks end before release `number`."""
    for batch in batches(chunk_ids):
        connection.execute(
            update(chunks)
            .where(chunks.c.shop == shop, chunks.c.chunk_id.in_(batch), chunks.c.to_release == FOREVER)
            .values(to_release=number)
        )


def insert_chunks(
    connection: Connection, shop: str, added: Sequence[NewChunk], renamed: Mapping[str, str], number: int
) -> None:
    """Write chunks that begin with release `number`, products with their rows and attributes."""
    rows: dict[Table, list[dict[str, Any]]] = {chunks: [], products: [], product_attributes: []}
    for new in added:
        chunk = new.chunk
        chunk_id = renamed.get(chunk.chunk_id, chunk.chunk_id)
        key = {"shop": shop, "chunk_id": chunk_id}
        rows[chunks].append(
            {
                **key, "fingerprint": chunk.chunk_id, "document_id": chunk.document_id, "path": chunk.path,
                "position": new.position, "locator": chunk.locator, "kind": chunk.kind.value, "title": chunk.title,
                "text": chunk.text, "language": chunk.language, "section": chunk.section, "product_group": chunk.group,
                "phrasings": list(chunk.phrasings), "related": list(chunk.related), "content_hash": chunk.content_hash,
                "valid_from": chunk.valid_from, "valid_until": chunk.valid_until, "points": new.points,
                "from_release": number, "to_release": FOREVER, "row_key": chunk.row_key,
            }
        )  # fmt: skip
        if chunk.kind is Kind.PRODUCT:
            rows[products].append({**key, "sku": chunk.locator, "name": chunk.title})
            rows[product_attributes].extend(
                {
                    **key, "position": i, "name": name, "value": value,
                    "path": chunk.attribute_paths.get(name, ""), "locator": chunk.attribute_locators.get(name, ""),
                }
                for i, (name, value) in enumerate(chunk.attributes.items())
            )  # fmt: skip
    for table, values in rows.items():
        for batch in batches(values):
            connection.execute(insert(table), batch)


def write_documents(connection: Connection, shop: str, read: Sequence[Document], number: int) -> None:
    """Bring the documents in line with the chunks that are open now; what is unchanged keeps its row."""
    used = set(
        connection.execute(
            select(chunks.c.document_id).where(chunks.c.shop == shop, chunks.c.to_release == FOREVER).distinct()
        ).scalars()
    )
    wanted = {document.document_id: document for document in read if document.document_id in used}
    open_rows = select(documents).where(documents.c.shop == shop, documents.c.to_release == FOREVER)
    for row in connection.execute(open_rows).all():
        stored = Document(row.document_id, row.path, row.title, Kind(row.kind), row.language)
        if row.document_id in used and wanted.get(row.document_id, stored) == stored:
            wanted.pop(row.document_id, None)
            continue
        connection.execute(
            update(documents)
            .where(
                documents.c.shop == shop,
                documents.c.document_id == row.document_id,
                documents.c.from_release == row.from_release,
            )
            .values(to_release=number)
        )
    rows = [
        {"shop": shop, "document_id": d.document_id, "from_release": number, "to_release": FOREVER,
         "path": d.path, "title": d.title, "kind": d.kind.value, "language": d.language}
        for d in wanted.values()
    ]  # fmt: skip
    for batch in batches(rows):
        connection.execute(insert(documents), batch)


def versions_where(connection: Connection, shop: str, where: Sequence[Any]) -> list[ChunkVersion]:
    """Chunks with their releases, by path and place in the file."""
    query = (
        select(chunks)
        .where(chunks.c.shop == shop, *where)
        .order_by(chunks.c.path, chunks.c.position, chunks.c.chunk_id)
    )
    attributes = _attributes(connection, select(chunks.c.chunk_id).where(chunks.c.shop == shop, *where), shop)
    return [
        ChunkVersion(_chunk(row, attributes.get(row.chunk_id, ())), row.from_release, row.to_release)
        for row in connection.execute(query)
    ]


def _attributes(connection: Connection, ids: Select[tuple[str]], shop: str) -> dict[str, list[Row[Any]]]:
    query = (
        select(product_attributes)
        .where(product_attributes.c.shop == shop, product_attributes.c.chunk_id.in_(ids))
        .order_by(product_attributes.c.chunk_id, product_attributes.c.position)
    )
    found: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.chunk_id, []).append(row)
    return found


def _chunk(row: Row[Any], attributes: Sequence[Row[Any]]) -> Chunk:
    return Chunk(
        chunk_id=row.chunk_id, document_id=row.document_id, path=row.path, locator=row.locator, kind=Kind(row.kind),
        title=row.title, text=row.text, language=row.language, content_hash=row.content_hash,
        phrasings=tuple(row.phrasings), valid_from=row.valid_from, valid_until=row.valid_until,
        related=tuple(row.related), group=row.product_group, section=row.section,
        attributes=MappingProxyType({a.name: a.value for a in attributes}),
        attribute_paths=MappingProxyType({a.name: a.path for a in attributes if a.path}),
        attribute_locators=MappingProxyType({a.name: a.locator for a in attributes if a.locator}),
        row_key=row.row_key,
    )  # fmt: skip
