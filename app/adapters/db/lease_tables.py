"""The table of leases: who works on which conversation's turn, and until when by the database's own clock."""

from __future__ import annotations

from sqlalchemy import Column, Float, String, Table

from app.adapters.db.engine import metadata

leases = Table(
    "leases",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("holder", String(40), nullable=False),
    Column("until", Float, nullable=False),
)
"""`until` is seconds since 1970. Nothing in here is worth keeping: a row that has lapsed means nothing."""
