"""The catalogue in SQL: what the server reads, and the writing side that ingestion needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, and_, bindparam, delete, func, insert, not_, select, update

from app.adapters.db.edits import SqlEdits
from app.adapters.db.engine import Database
from app.adapters.db.inspections import inspection_in, inspections_in, save_inspection
from app.adapters.db.knowledge_rows import (
    batches,
    close_chunks,
    free_ids,
    insert_chunks,
    newest_number,
    releases_of,
    versions_where,
    write_documents,
)
from app.adapters.db.knowledge_tables import (
    chunks,
    documents,
    embeddings,
    releases,
    shops,
)
from app.adapters.db.release_rows import drop_garbage, garbage, move_pointer, moves_of, retire
from app.errors import Conflict, NotFound
from app.knowledge.catalogue import ChunkVersion, Leftover, NewChunk, Staged
from app.knowledge.chunk import Chunk, Document
from app.knowledge.edits import EditStore
from app.knowledge.inspection import Inspection
from app.knowledge.ports import FOREVER, Vector
from app.knowledge.release import PointerMove, Release, ReleaseState

_LIVE = select(shops.c.live_release).where(shops.c.name == bindparam("of_shop"))
_LIVE_LOOK = "SELECT live_release FROM shops WHERE name = ?"
"""Asked in every turn, so it is put together once, and not queued behind commits where that can be helped."""


class SqlCatalogue:
    """Implements app.knowledge.ports.Catalogue over SQLite or PostgreSQL. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.edits: EditStore = SqlEdits(database)

    async def live_release(self, shop: str) -> int | None:
        """The release the shop's pointer names, or None before the first publish."""
        try:
            live: int | None = self._database.look(_LIVE_LOOK, (shop,))
        except LookupError:
            return await self._database.run(lambda connection: connection.execute(_LIVE, {"of_shop": shop}).scalar())
        return live

    async def releases(self, shop: str) -> list[Release]:
        """All releases, newest first."""
        return await self._database.run(lambda connection: releases_of(connection, shop))

    async def newest_built(self, shop: str) -> Release | None:
        """The newest release that is complete, live or not: what a new one is compared with."""
        built = (r for r in await self.releases(shop) if r.state is ReleaseState.BUILT)
        return next(built, None)

    async def chunks(self, shop: str, release: int) -> list[Chunk]:
        """Every chunk that is part of the release, in a stable order: by path, then by place in the file."""
        within = (chunks.c.from_release <= release, chunks.c.to_release > release)
        versions = await self._database.run(lambda connection: versions_where(connection, shop, within))
        return [version.chunk for version in versions]

    async def versions(self, shop: str) -> list[ChunkVersion]:
        """Every chunk of every release that is not abandoned: all that is needed to rebuild the index."""
        return await self._database.run(lambda connection: versions_where(connection, shop, ()))

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
        """Write the next release: `added` begin with it, the chunks named in `closed` end before it."""

        def work(connection: Connection) -> Staged:
            number = (newest_number(connection, shop) or 0) + 1
            renamed = free_ids(connection, shop, [new.chunk.chunk_id for new in added], number)
            close_chunks(connection, shop, list(closed), number)
            insert_chunks(connection, shop, added, renamed, number)
            write_documents(connection, shop, read_documents, number)
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

    async def staged(self, shop: str) -> Leftover | None:
        """What a run that did not finish left behind; None when there is nothing to tidy up."""

        def work(connection: Connection) -> Leftover | None:
            number = connection.execute(
                select(releases.c.number).where(releases.c.shop == shop, releases.c.state == ReleaseState.STAGED.value)
            ).scalar()
            if number is None:
                return None
            ids = select(chunks.c.chunk_id).where(chunks.c.shop == shop, chunks.c.from_release == number)
            closed = versions_where(connection, shop, (chunks.c.to_release == number,))
            return Leftover(number, tuple(connection.execute(ids).scalars()), tuple(closed))

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

    async def publish(self, shop: str, number: int, *, by: str = "", reason: str = "") -> Release:
        """Move the shop's pointer to a built release; an older one is a rollback.

        Raises NotFound when there is no such release, Conflict when it is not complete; the pointer then stays.
        """
        return await self._database.run(lambda connection: move_pointer(connection, shop, number, by, reason))

    async def moves(self, shop: str) -> list[PointerMove]:
        """Every publish and rollback of the shop, newest first."""
        return await self._database.run(lambda connection: moves_of(connection, shop))

    async def save_inspection(self, shop: str, inspection: Inspection) -> None:
        """Keep what the checks and the suite said of a release; what they said before gives way."""
        await self._database.run(lambda connection: save_inspection(connection, shop, inspection))

    async def inspection(self, shop: str, number: int) -> Inspection | None:
        """What is known of that release; None when nobody looked at it."""
        return await self._database.run(lambda connection: inspection_in(connection, shop, number))

    async def inspections(self, shop: str) -> dict[int, Inspection]:
        """What is known of the shop's releases, by number."""
        return await self._database.run(lambda connection: inspections_in(connection, shop))

    async def retire(self, shop: str, kept: int, live_since: datetime) -> list[int]:
        """Mark as swept what is older than the `kept` newest releases, neither live nor live at `live_since`."""
        return await self._database.run(lambda connection: retire(connection, shop, kept, live_since))

    async def garbage(self, shop: str) -> list[str]:
        """Ids of the chunks that are part of no release that is kept."""
        return await self._database.run(lambda connection: garbage(connection, shop))

    async def drop_garbage(self, shop: str, chunk_ids: Sequence[str]) -> None:
        """Delete those chunks, and documents that no kept release has."""
        await self._database.run(lambda connection: drop_garbage(connection, shop, chunk_ids))

    async def differing(self, shop: str, before: int, after: int) -> tuple[list[Chunk], list[Chunk]]:
        """The chunks that only the first, and those that only the second of two releases has."""
        first = and_(chunks.c.from_release <= before, chunks.c.to_release > before)
        second = and_(chunks.c.from_release <= after, chunks.c.to_release > after)

        def work(connection: Connection) -> tuple[list[Chunk], list[Chunk]]:
            old = versions_where(connection, shop, (first, not_(second)))
            new = versions_where(connection, shop, (second, not_(first)))
            return [version.chunk for version in old], [version.chunk for version in new]

        return await self._database.run(work)

    async def vectors(self, model: str, text_hashes: Sequence[str]) -> dict[str, Vector]:
        """Cached vectors of a model by text hash; what is not known is left out."""

        def work(connection: Connection) -> dict[str, Vector]:
            found: dict[str, Vector] = {}
            for batch in batches(list(text_hashes)):
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
            for batch in batches(list(vectors)):
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
