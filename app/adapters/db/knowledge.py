"""The catalogue in SQL: what the server reads, and the writing side that ingestion needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Select, Table, delete, func, insert, select, update

from app.adapters.db.engine import Database
from app.adapters.db.knowledge_tables import (
    chunks,
    documents,
    embeddings,
    product_attributes,
    products,
    releases,
    shops,
)
from app.errors import Conflict, NotFound
from app.knowledge.chunk import Chunk, Document, Kind
from app.knowledge.ports import FOREVER, Vector
from app.knowledge.release import Release, ReleaseState

BATCH = 500


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A chunk to store, with its place in its file and how many index points it has."""

    chunk: Chunk
    position: int
    points: int


@dataclass(frozen=True, slots=True)
class Staged:
    """A release that was staged. `renamed`: chunk id asked for → id given, for content that had been closed before."""

    number: int
    renamed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ChunkVersion:
    """A chunk as stored, with the releases it is part of: from_release ≤ R < to_release."""

    chunk: Chunk
    from_release: int
    to_release: int


@dataclass(frozen=True, slots=True)
class ReleaseDiff:
    """What changed from one release to another; `changed` holds (before, after)."""

    added: tuple[Chunk, ...]
    changed: tuple[tuple[Chunk, Chunk], ...]
    removed: tuple[Chunk, ...]


class SqlCatalogue:
    """Implements app.knowledge.ports.Catalogue over SQLite or PostgreSQL. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def live_release(self, shop: str) -> int | None:
        """The release the shop's pointer names, or None before the first publish."""
        query = select(shops.c.live_release).where(shops.c.name == shop)
        return await self._database.run(lambda connection: connection.execute(query).scalar())

    async def releases(self, shop: str) -> list[Release]:
        """All releases, newest first."""
        return await self._database.run(lambda connection: _releases(connection, shop))

    async def newest_built(self, shop: str) -> Release | None:
        """The newest release that is complete, live or not: what a new one is compared with."""
        built = (r for r in await self.releases(shop) if r.state is ReleaseState.BUILT)
        return next(built, None)

    async def chunks(self, shop: str, release: int) -> list[Chunk]:
        """Every chunk that is part of the release, in a stable order: by path, then by place in the file."""
        within = (chunks.c.from_release <= release, chunks.c.to_release > release)
        versions = await self._database.run(lambda connection: _versions(connection, shop, within))
        return [version.chunk for version in versions]

    async def versions(self, shop: str) -> list[ChunkVersion]:
        """Every chunk of every release that is not abandoned: all that is needed to rebuild the index."""
        return await self._database.run(lambda connection: _versions(connection, shop, ()))

    async def point_count(self, shop: str, release: int) -> int:
        """How many index points the release must have."""
        query = select(func.coalesce(func.sum(chunks.c.points), 0)).where(
            chunks.c.shop == shop, chunks.c.from_release <= release, chunks.c.to_release > release
        )
        return int(await self._database.run(lambda connection: connection.execute(query).scalar_one()))

    async def shops(self) -> list[str]:
        """Names of shops that have at least one release, in order of creation."""
        query = (
            select(shops.c.name)
            .where(select(releases.c.number).where(releases.c.shop == shops.c.name).exists())
            .order_by(shops.c.created_at, shops.c.name)
        )
        return await self._database.run(lambda connection: list(connection.execute(query).scalars()))

    async def brand(self, shop: str) -> dict[str, Any]:
        """What the shop's `brand.yaml` says, as read. Raises NotFound for an unknown shop."""
        query = select(shops.c.brand_json).where(shops.c.name == shop)
        found = await self._database.run(lambda connection: connection.execute(query).first())
        if found is None:
            raise NotFound(f"there is no shop {shop!r}; ingest its folder first")
        return dict(found[0])

    async def folder(self, shop: str) -> str:
        """The folder the shop was last ingested from as a whole; empty when unknown."""
        query = select(shops.c.folder).where(shops.c.name == shop)
        return str(await self._database.run(lambda connection: connection.execute(query).scalar()) or "")

    async def save_shop(self, shop: str, brand: Mapping[str, Any], folder: str) -> None:
        """Create the shop, or renew its brand and folder; releases stay as they are."""

        def work(connection: Connection) -> None:
            values = {"brand_json": dict(brand), "folder": folder}
            if not connection.execute(update(shops).where(shops.c.name == shop).values(values)).rowcount:
                connection.execute(insert(shops).values(name=shop, created_at=datetime.now(UTC), **values))

        await self._database.run(work)

    async def stage(
        self,
        shop: str,
        *,
        added: Sequence[NewChunk],
        closed: Iterable[str],
        read_documents: Sequence[Document],
        embedder: str,
        note: str = "",
    ) -> Staged:
        """Write the next release in one transaction: `added` begin with it, the chunks named in `closed` end before it."""

        def work(connection: Connection) -> Staged:
            number = (_newest_number(connection, shop) or 0) + 1
            renamed = _free_ids(connection, shop, [new.chunk.chunk_id for new in added], number)
            _close(connection, shop, list(closed), number)
            _insert_chunks(connection, shop, added, renamed, number)
            _write_documents(connection, shop, read_documents, number)
            live = (chunks.c.shop == shop, chunks.c.to_release == FOREVER)
            count, points = connection.execute(
                select(func.count(), func.coalesce(func.sum(chunks.c.points), 0)).where(*live)
            ).one()
            connection.execute(
                insert(releases).values(
                    shop=shop, number=number, state=ReleaseState.STAGED.value, chunks=count, points=points,
                    embedder=embedder, note=note, created_at=datetime.now(UTC),
                )
            )  # fmt: skip
            return Staged(number, renamed)

        return await self._database.run(work)

    async def mark_built(self, shop: str, number: int) -> None:
        """Say that the index holds all of a staged release. Raises Conflict when it is not staged."""

        def work(connection: Connection) -> None:
            of_release = (releases.c.shop == shop, releases.c.number == number)
            changed = connection.execute(
                update(releases)
                .where(*of_release, releases.c.state == ReleaseState.STAGED.value)
                .values(state=ReleaseState.BUILT.value, built_at=datetime.now(UTC))
            )
            if not changed.rowcount:
                raise Conflict(f"release {number} of {shop} is not being built")

        await self._database.run(work)

    async def staged(self, shop: str) -> tuple[int, list[str], list[ChunkVersion]] | None:
        """What a run that did not finish left behind: its release number, the ids of the chunks it added, and the
        chunks it closed."""

        def work(connection: Connection) -> tuple[int, list[str], list[ChunkVersion]] | None:
            number = connection.execute(
                select(releases.c.number).where(releases.c.shop == shop, releases.c.state == ReleaseState.STAGED.value)
            ).scalar()
            if number is None:
                return None
            ids = select(chunks.c.chunk_id).where(chunks.c.shop == shop, chunks.c.from_release == number)
            closed = _versions(connection, shop, (chunks.c.to_release == number,))
            return number, list(connection.execute(ids).scalars()), closed

        return await self._database.run(work)

    async def abandon(self, shop: str, number: int) -> None:
        """Undo a staged release: its chunks go, those it closed are open again, and it is marked failed."""

        def work(connection: Connection) -> None:
            for table in (chunks, documents):
                connection.execute(delete(table).where(table.c.shop == shop, table.c.from_release == number))
                connection.execute(
                    update(table).where(table.c.shop == shop, table.c.to_release == number).values(to_release=FOREVER)
                )
            connection.execute(
                update(releases)
                .where(releases.c.shop == shop, releases.c.number == number)
                .values(state=ReleaseState.FAILED.value, chunks=0, points=0)
            )

        await self._database.run(work)

    async def publish(self, shop: str, number: int) -> Release:
        """Move the shop's pointer to a built release; an older one is a rollback.

        Raises NotFound when there is no such release, Conflict when it is not complete; the pointer then stays.
        """

        def work(connection: Connection) -> Release:
            found = next((r for r in _releases(connection, shop) if r.number == number), None)
            if found is None:
                raise NotFound(f"{shop} has no release {number}; the live one stays")
            if found.state is not ReleaseState.BUILT:
                raise Conflict(f"release {number} of {shop} is {found.state.value}, not built; the live one stays")
            now = datetime.now(UTC)
            connection.execute(update(shops).where(shops.c.name == shop).values(live_release=number))
            of_release = (releases.c.shop == shop, releases.c.number == number)
            connection.execute(update(releases).where(*of_release).values(published_at=now))
            return next(r for r in _releases(connection, shop) if r.number == number)

        return await self._database.run(work)

    async def diff(self, shop: str, before: int, after: int) -> ReleaseDiff:
        """What a shopper would find added, changed and removed when going from one release to another."""
        old = keyed(await self.chunks(shop, before))
        new = keyed(await self.chunks(shop, after))
        return ReleaseDiff(
            added=tuple(chunk for key, chunk in new.items() if key not in old),
            changed=tuple((old[k], c) for k, c in new.items() if k in old and old[k].content_hash != c.content_hash),
            removed=tuple(chunk for key, chunk in old.items() if key not in new),
        )

    async def vectors(self, model: str, text_hashes: Sequence[str]) -> dict[str, Vector]:
        """Cached vectors of a model by text hash; what is not known is left out."""

        def work(connection: Connection) -> dict[str, Vector]:
            found: dict[str, Vector] = {}
            for batch in _batches(list(text_hashes)):
                query = select(embeddings.c.text_hash, embeddings.c.vector).where(
                    embeddings.c.model == model, embeddings.c.text_hash.in_(batch)
                )
                found.update(
                    {h: np.frombuffer(v, dtype="<f4").astype(np.float32) for h, v in connection.execute(query)}
                )
            return found

        return await self._database.run(work)

    async def save_vectors(self, model: str, vectors: Mapping[str, Vector]) -> None:
        """Remember vectors; known ones are left alone."""

        def work(connection: Connection) -> None:
            for batch in _batches(list(vectors)):
                query = select(embeddings.c.text_hash).where(
                    embeddings.c.model == model, embeddings.c.text_hash.in_(batch)
                )
                known = set(connection.execute(query).scalars())
                rows = [
                    {"model": model, "text_hash": h, "vector": np.asarray(vectors[h], dtype="<f4").tobytes()}
                    for h in batch
                    if h not in known
                ]
                if rows:
                    connection.execute(insert(embeddings), rows)

        await self._database.run(work)


def keyed(all_chunks: Iterable[Chunk]) -> dict[tuple[object, ...], Chunk]:
    """Chunks by what they are about, whatever they say and wherever they stand: how releases are compared."""
    found: dict[tuple[object, ...], Chunk] = {}
    for chunk in all_chunks:
        # An FAQ row keeps its identity when rows are inserted above it.
        place = chunk.locator if chunk.kind is Kind.PRODUCT else chunk.title
        key: tuple[object, ...] = (chunk.document_id, chunk.kind.value, place, chunk.valid_from, chunk.valid_until)
        number = 0
        while (*key, number) in found:
            number += 1
        found[(*key, number)] = chunk
    return found


def _batches(items: list[Any]) -> Iterable[list[Any]]:
    return (items[i : i + BATCH] for i in range(0, len(items), BATCH))


def _newest_number(connection: Connection, shop: str) -> int | None:
    return connection.execute(select(func.max(releases.c.number)).where(releases.c.shop == shop)).scalar()


def _releases(connection: Connection, shop: str) -> list[Release]:
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


def _free_ids(connection: Connection, shop: str, wanted: list[str], number: int) -> dict[str, str]:
    """Ids for chunks whose content was part of an earlier release and is back: the old row must stay as it is."""
    taken: set[str] = set()
    for batch in _batches(wanted):
        query = select(chunks.c.chunk_id).where(chunks.c.shop == shop, chunks.c.chunk_id.in_(batch))
        taken.update(connection.execute(query).scalars())
    return {chunk_id: f"{chunk_id}-{number}" for chunk_id in wanted if chunk_id in taken}


def _close(connection: Connection, shop: str, chunk_ids: list[str], number: int) -> None:
    for batch in _batches(chunk_ids):
        connection.execute(
            update(chunks)
            .where(chunks.c.shop == shop, chunks.c.chunk_id.in_(batch), chunks.c.to_release == FOREVER)
            .values(to_release=number)
        )


def _insert_chunks(
    connection: Connection, shop: str, added: Sequence[NewChunk], renamed: Mapping[str, str], number: int
) -> None:
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
                "from_release": number, "to_release": FOREVER,
            }
        )  # fmt: skip
        if chunk.kind is Kind.PRODUCT:
            rows[products].append({**key, "sku": chunk.locator, "name": chunk.title})
            rows[product_attributes].extend(
                {**key, "position": i, "name": name, "value": value}
                for i, (name, value) in enumerate(chunk.attributes.items())
            )
    for table, values in rows.items():
        for batch in _batches(values):
            connection.execute(insert(table), batch)


def _write_documents(connection: Connection, shop: str, read: Sequence[Document], number: int) -> None:
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
    for batch in _batches(rows):
        connection.execute(insert(documents), batch)


def _versions(connection: Connection, shop: str, where: Sequence[Any]) -> list[ChunkVersion]:
    query = (
        select(chunks)
        .where(chunks.c.shop == shop, *where)
        .order_by(chunks.c.path, chunks.c.position, chunks.c.chunk_id)
    )
    attributes = _attributes(connection, select(chunks.c.chunk_id).where(chunks.c.shop == shop, *where), shop)
    return [
        ChunkVersion(_chunk(row, attributes.get(row.chunk_id, {})), row.from_release, row.to_release)
        for row in connection.execute(query)
    ]


def _attributes(connection: Connection, ids: Select[tuple[str]], shop: str) -> dict[str, dict[str, str]]:
    query = (
        select(product_attributes.c.chunk_id, product_attributes.c.name, product_attributes.c.value)
        .where(product_attributes.c.shop == shop, product_attributes.c.chunk_id.in_(ids))
        .order_by(product_attributes.c.chunk_id, product_attributes.c.position)
    )
    found: dict[str, dict[str, str]] = {}
    for chunk_id, name, value in connection.execute(query):
        found.setdefault(chunk_id, {})[name] = value
    return found


def _chunk(row: Row[Any], attributes: dict[str, str]) -> Chunk:
    return Chunk(
        chunk_id=row.chunk_id, document_id=row.document_id, path=row.path, locator=row.locator, kind=Kind(row.kind),
        title=row.title, text=row.text, language=row.language, content_hash=row.content_hash,
        phrasings=tuple(row.phrasings), valid_from=row.valid_from, valid_until=row.valid_until,
        related=tuple(row.related), attributes=MappingProxyType(attributes), group=row.product_group, section=row.section,
    )  # fmt: skip
