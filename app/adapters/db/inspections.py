"""What the checks and the suite said of each release, in SQL."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Connection, ForeignKeyConstraint, Integer, String, Table, insert, select, update

from app.adapters.db.engine import metadata
from app.knowledge.inspection import Inspection, inspection_of

release_checks = Table(
    "release_checks",
    metadata,
    Column("shop", String(100), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("inspection", JSON, nullable=False),
    ForeignKeyConstraint(["shop"], ["shops.name"], ondelete="CASCADE"),
)


def save_inspection(connection: Connection, shop: str, inspection: Inspection) -> None:
    """Keep it; the one kept before gives way."""
    row = (release_checks.c.shop == shop, release_checks.c.number == inspection.release)
    told = inspection.as_json()
    if not connection.execute(update(release_checks).where(*row).values(inspection=told)).rowcount:
        connection.execute(insert(release_checks).values(shop=shop, number=inspection.release, inspection=told))


def inspection_in(connection: Connection, shop: str, number: int) -> Inspection | None:
    """What is known of that release; None when nobody looked at it."""
    query = select(release_checks.c.inspection).where(release_checks.c.shop == shop, release_checks.c.number == number)
    told = connection.execute(query).scalar()
    return inspection_of(told) if told is not None else None


def inspections_in(connection: Connection, shop: str) -> dict[int, Inspection]:
    """By release."""
    query = select(release_checks.c.number, release_checks.c.inspection).where(release_checks.c.shop == shop)
    return {number: inspection_of(told) for number, told in connection.execute(query)}
