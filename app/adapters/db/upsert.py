"""What SQLite and PostgreSQL each spell their own way: an insert that may meet a row, and the database's clock."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Float, cast, func, literal_column
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.adapters.db.engine import Database

APART_SECONDS = 300.0
"""Clocks of instances differ by less; what lies further ahead was written while a clock stood elsewhere"""


def insert_of(database: Database) -> Any:
    """`insert` with `on_conflict_do_update`."""
    return sqlite_insert if database.engine.dialect.name == "sqlite" else postgres_insert


def clock_of(database: Database) -> ColumnElement[float]:
    """Seconds since 1970, by the clock that all instances share."""
    if database.engine.dialect.name == "sqlite":
        return literal_column("(julianday('now') - 2440587.5) * 86400.0", Float)
    return cast(func.extract("epoch", func.clock_timestamp()), Float)
