"""Migrations up and down, on both databases: what they make is what the code declares."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, create_engine, inspect, text

from app.adapters import db
from app.adapters.db.engine import Database, metadata
from app.adapters.db.migrate import current_revision, downgrade, head_revision, upgrade

pytestmark = pytest.mark.integration


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
        yield made
        made.close()
        return
    server = request.getfixturevalue("postgres_url")
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS migrating"))
        connection.execute(text("CREATE DATABASE migrating"))
    engine.dispose()
    made = Database(server.rsplit("/", 1)[0] + "/migrating")
    yield made
    made.close()


def declared() -> MetaData:
    for module in pkgutil.iter_modules(db.__path__, f"{db.__name__}."):
        importlib.import_module(module.name)
    return metadata


def shape(engine: Engine) -> dict[str, tuple[set[str], set[str]]]:
    """Table → its columns, and those of its primary key."""
    found = inspect(engine)
    return {
        name: (
            {column["name"] for column in found.get_columns(name)},
            set(found.get_pk_constraint(name)["constrained_columns"]),
        )
        for name in found.get_table_names()
        if name != "alembic_version"
    }


def revisions() -> list[str]:
    folder = Path(db.__file__).parent / "migrations" / "versions"
    return sorted(path.stem for path in folder.glob("0*.py"))


def test_migrations_make_what_the_code_declares_and_can_be_taken_back_and_made_again(database: Database) -> None:
    upgrade(database)
    made = shape(database.engine)
    wanted = {
        name: ({column.name for column in table.columns}, {column.name for column in table.primary_key})
        for name, table in declared().tables.items()
    }
    assert made == wanted
    downgrade(database, "base")
    assert shape(database.engine) == {}
    upgrade(database)
    assert shape(database.engine) == made


def test_every_single_migration_goes_down_to_the_one_before_and_up_again(database: Database) -> None:
    upgrade(database)
    newest = shape(database.engine)
    for before in [*reversed(revisions()[:-1]), "base"]:
        downgrade(database, before)
        with database.engine.connect() as connection:
            assert current_revision(connection) == (None if before == "base" else before)
    upgrade(database)
    assert shape(database.engine) == newest


def test_revisions_are_one_line_and_named_after_their_files() -> None:
    before = None
    for name in revisions():
        module = importlib.import_module(f"app.adapters.db.migrations.versions.{name}")
        assert (module.revision, module.down_revision) == (name, before)
        before = name
    assert head_revision() == before
