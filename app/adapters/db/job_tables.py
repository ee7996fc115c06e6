"""The table by which instances see each other's jobs."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, String, Table, Text

from app.adapters.db.engine import metadata

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("shop", String(100), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("told", Text, nullable=False),
    Column("until", Float, nullable=False),
    Index("ix_jobs_shop", "shop", "created_at"),
)
"""`told` is JSON, `until` seconds since 1970 by the database's own clock: so long is good what it says
of a job that is not over. Nothing in here is worth keeping: what jobs leave stands in releases."""
