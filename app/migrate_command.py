"""`xiaoer migrate --to URL`: moves shops, conversations, staff and all else into another database."""

from __future__ import annotations

import asyncio
import importlib.util
from dataclasses import asdict
from typing import Any

import typer
from rich.progress import Progress
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from app.adapters.db.audit import verify_chain
from app.adapters.db.engine import Database
from app.adapters.db.migrate import current_revision, head_revision, upgrade
from app.adapters.db.move import Move, TableMoved
from app.bootstrap import master_key, open_database
from app.errors import BadInput, ConfigurationError, Conflict, Unavailable
from app.running import find_server
from app.settings import Settings
from app.terminal import err, out, run, show


def migrate(settings: Settings, to: str, shops: list[str], as_json: bool) -> None:
    """Move, say what was moved, and what to do next. Exits with 1 when a row or a chain is not whole."""
    moved, broken = run(_migrate(settings, to, shops))
    rows = [asdict(one) | {"whole": one.whole} for one in moved if as_json or one.rows or not one.whole]
    show(rows, as_json, "Moved and read back")
    if broken or not all(one.whole for one in moved):
        err.print(_trouble(moved, broken), highlight=False)
        raise typer.Exit(1)
    if not as_json:
        out.print(
            f"[green]Everything is there, and every chain holds.[/green] Set XIAOER_DATABASE={_shown(to)} "
            "(with its password) and start the server. Keep the old database until you have looked around.",
            highlight=False,
        )


async def _migrate(settings: Settings, to: str, shops: list[str]) -> tuple[list[TableMoved], list[str]]:
    """What was moved, and the chains that do not hold. Raises Unavailable when either database cannot be reached."""
    try:
        return await _move(settings, to, shops)
    except OperationalError as problem:
        said = str(problem.orig).strip().partition("\n")[0]
        raise Unavailable(
            f"A database cannot be reached or went away ({said}). What was moved by then is kept, the old database is "
            "as it was; put it right and run the same command again."
        ) from problem


async def _move(settings: Settings, to: str, shops: list[str]) -> tuple[list[TableMoved], list[str]]:
    if find_server(settings.home):
        raise Conflict(
            "A server runs on this home, and would write on while rows move. Nothing was moved; stop it, then run this "
            "again."
        )
    with open_database(settings) as source:
        _need(to, source)
        if shops:
            await asyncio.to_thread(_need_shops, source, shops)
        target = Database(_with_driver(to))
        try:
            await asyncio.to_thread(_prepare, target)
            with Progress(console=err, transient=True) as bar:
                tasks: dict[str, Any] = {}

                def tell(table: str, done: int, total: int) -> None:
                    task = tasks.setdefault(table, None) or bar.add_task(table, total=total or 1)
                    tasks[table] = task
                    bar.update(task, completed=done if total else 1)

                moved = await asyncio.to_thread(Move(source, target, shops, tell).run)
            report = await asyncio.to_thread(verify_chain, target, master_key(settings))
            return moved, [f"{b.conversation_id} at event {b.seq}: {b.what}" for b in report.breaks]
        finally:
            target.close()


def _need(to: str, source: Database) -> None:
    try:
        url = make_url(to)
    except ArgumentError as problem:
        raise BadInput(
            "--to is no database address. Nothing was moved; write it like postgresql+psycopg://user:password@host/name."
        ) from problem
    if url.get_backend_name() not in ("postgresql", "sqlite"):
        raise BadInput(f"{url.get_backend_name()} is not supported. Nothing was moved; use PostgreSQL or SQLite.")
    if url == make_url(source.url):
        raise BadInput("--to is the database in use. Nothing was moved; name another one.")
    if url.get_backend_name() == "postgresql" and importlib.util.find_spec("psycopg") is None:
        raise ConfigurationError(
            "The PostgreSQL driver is not installed. Nothing was moved; run `pip install 'xiaoer[postgres]'`."
        )


def _with_driver(to: str) -> str:
    """`postgresql://` means the driver we ship."""
    return to.replace("postgresql://", "postgresql+psycopg://", 1) if to.startswith("postgresql://") else to


def _prepare(target: Database) -> None:
    """Bring the new database to our revision. Raises Conflict where a newer version has been at work."""
    with target.engine.connect() as connection:
        revision = current_revision(connection)
    if revision is not None and revision > head_revision():
        raise Conflict(f"The new database is at revision {revision} of a newer version. Nothing was moved.")
    upgrade(target)


def _need_shops(source: Database, shops: list[str]) -> None:
    with source.engine.connect() as connection:
        known = {str(name) for (name,) in connection.exec_driver_sql("SELECT name FROM shops")}
    if missing := [shop for shop in shops if shop not in known]:
        raise BadInput(f"There is no shop {', '.join(missing)} here. Nothing was moved; there are: {', '.join(known)}.")


def _trouble(moved: list[TableMoved], broken: list[str]) -> str:
    more = [f"{one.table}: {one.in_target} rows there, {one.rows} here" for one in moved if not one.whole]
    told = [*more, *(f"chain broken: {one}" for one in broken)]
    return (
        f"[red]The new database does not hold what this one holds.[/red] {'; '.join(told[:10])}. The old one is as it "
        "was. Rows that only the new one has come from elsewhere: use an empty database, or remove them."
    )


def _shown(to: str) -> str:
    return make_url(_with_driver(to)).render_as_string(hide_password=True)
