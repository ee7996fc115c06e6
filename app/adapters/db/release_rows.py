"""The life of releases in SQL: moving a shop's pointer, and letting go of releases nobody goes back to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from app.adapters.db.knowledge_rows import batches, releases_of
from app.adapters.db.knowledge_tables import chunks, documents, pointer_moves, releases, shops
from app.errors import Conflict, NotFound
from app.knowledge.release import PointerMove, Release, ReleaseState, superseded


def lock_shop(connection: Connection, shop: str) -> int | None:
    """Hold the shop's pointer until the transaction ends, and return the live release.

    An update that changes nothing: it takes the row's lock on PostgreSQL and the writer's lock on SQLite, which knows
    no SELECT … FOR UPDATE.
    """
    connection.execute(update(shops).where(shops.c.name == shop).values(live_release=shops.c.live_release))
    return connection.execute(select(shops.c.live_release).where(shops.c.name == shop)).scalar()


def move_pointer(connection: Connection, shop: str, number: int, by: str, reason: str) -> Release:
    """Make a built release live and note the move. Raises NotFound or Conflict; the pointer then stays."""
    live = lock_shop(connection, shop)
    found = next((r for r in releases_of(connection, shop) if r.number == number), None)
    if found is None:
        raise NotFound(f"{shop} has no release {number}; the live one stays")
    if found.state is ReleaseState.SWEPT:
        raise Conflict(
            f"release {number} of {shop} was swept away: XIAOER_RELEASES_KEPT says how many are kept. The live one "
            "stays; ingest the folder as it was then to build that state anew"
        )
    if found.state is not ReleaseState.BUILT:
        raise Conflict(f"release {number} of {shop} is {found.state.value}, not built; the live one stays")
    now = datetime.now(UTC)
    connection.execute(update(shops).where(shops.c.name == shop).values(live_release=number))
    of_release = (releases.c.shop == shop, releases.c.number == number)
    connection.execute(update(releases).where(*of_release).values(published_at=now))
    if live != number:
        _note_move(connection, PointerMove(shop, live, number, now, by, reason))
    return next(r for r in releases_of(connection, shop) if r.number == number)


def _note_move(connection: Connection, move: PointerMove) -> None:
    newest = select(func.coalesce(func.max(pointer_moves.c.number), 0)).where(pointer_moves.c.shop == move.shop)
    connection.execute(
        insert(pointer_moves).values(
            shop=move.shop, number=connection.execute(newest).scalar_one() + 1, from_release=move.from_release,
            to_release=move.to_release, moved_at=move.moved_at, moved_by=move.by, reason=move.reason,
        )
    )  # fmt: skip


def moves_of(connection: Connection, shop: str) -> list[PointerMove]:
    """All moves of the shop's pointer, newest first."""
    query = select(pointer_moves).where(pointer_moves.c.shop == shop).order_by(pointer_moves.c.number.desc())
    return [
        PointerMove(row.shop, row.from_release, row.to_release, row.moved_at, row.moved_by, row.reason)
        for row in connection.execute(query)
    ]


def retire(connection: Connection, shop: str, kept: int, live_since: datetime) -> list[int]:
    """Mark releases that nobody needs as swept, so that no pointer can go back to them. Returns their numbers."""
    lock_shop(connection, shop)
    numbers = superseded(releases_of(connection, shop), moves_of(connection, shop), kept, live_since)
    for batch in batches(numbers):
        connection.execute(
            update(releases)
            .where(releases.c.shop == shop, releases.c.number.in_(batch))
            .values(state=ReleaseState.SWEPT.value)
        )
    return numbers


def garbage(connection: Connection, shop: str) -> list[str]:
    """Ids of the chunks that are part of no release that is kept."""
    held = (
        select(releases.c.number)
        .where(releases.c.shop == chunks.c.shop, releases.c.state.in_(_HELD))
        .where(releases.c.number >= chunks.c.from_release, releases.c.number < chunks.c.to_release)
    )
    query = select(chunks.c.chunk_id).where(chunks.c.shop == shop, ~held.exists()).order_by(chunks.c.chunk_id)
    return list(connection.execute(query).scalars())


def drop_garbage(connection: Connection, shop: str, chunk_ids: Sequence[str]) -> None:
    """Delete those chunks, their product rows with them, and the documents no kept release has."""
    for batch in batches(list(chunk_ids)):
        connection.execute(delete(chunks).where(chunks.c.shop == shop, chunks.c.chunk_id.in_(batch)))
    held = (
        select(releases.c.number)
        .where(releases.c.shop == documents.c.shop, releases.c.state.in_(_HELD))
        .where(releases.c.number >= documents.c.from_release, releases.c.number < documents.c.to_release)
    )
    connection.execute(delete(documents).where(documents.c.shop == shop, ~held.exists()))


_HELD = (ReleaseState.BUILT.value, ReleaseState.STAGED.value)
