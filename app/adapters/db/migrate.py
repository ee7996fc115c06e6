"""Brings a database to the newest revision; costs one query when it is there already."""

from __future__ import annotations

import importlib
from importlib import resources
from typing import Any

from sqlalchemy import Connection, inspect, text

from app.adapters.db.engine import Database

POSTGRES_LOCK = 7_204_331
"""Key of the advisory lock that makes instances that start together migrate one after the other."""


def head_revision() -> str:
    """The newest revision there is. A revision's id is its file's name, so no Alembic is needed to know it."""
    versions = resources.files("app.adapters.db.migrations") / "versions"
    return max(file.name[:-3] for file in versions.iterdir() if file.name.endswith(".py") and file.name[0].isdigit())


def current_revision(connection: Connection) -> str | None:
    """The revision the database is at; None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def upgrade(database: Database) -> None:
    """Create or upgrade the tables. Safe to call at every start and from several processes at once."""
    with database.engine.connect() as connection:
        if current_revision(connection) == head_revision():
            return
    with database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # Python's driver opens no transaction for DDL: take the write lock ourselves, so that two starts queue up.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": POSTGRES_LOCK})
        if current_revision(connection) != head_revision():
            _run_alembic(connection)
        connection.commit()


def downgrade(database: Database, revision: str) -> None:
    """Go back to an older revision ("base" = no tables at all). What newer tables held is lost: keep a backup."""
    with database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": POSTGRES_LOCK})
        _alembic().downgrade(_config(connection), revision)
        connection.commit()


def _run_alembic(connection: Connection) -> None:
    _alembic().upgrade(_config(connection), "head")


def _alembic() -> Any:
    # Imported here: a database at head, the usual case, must not pay for it.
    return importlib.import_module("alembic.command")


def _config(connection: Connection) -> Any:
    config = importlib.import_module("alembic.config").Config()
    config.set_main_option("script_location", "app.adapters.db:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
