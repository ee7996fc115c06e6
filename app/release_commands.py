"""`xiaoer releases` and `xiaoer reindex`: list, compare, publish, roll back, sweep, rebuild."""

from __future__ import annotations

import asyncio
import importlib
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from app.errors import BadInput, NotFound, Unavailable, no_such_shop
from app.gatekeeping import adopt_suite
from app.inspection_table import print_inspection
from app.knowledge.diff import ChunkChange, ReleaseDiff, compare_releases
from app.running import Answered, RunningServer, find_server
from app.terminal import AsJson, Shop, err, out, read_settings, run, show

if TYPE_CHECKING:
    from app.settings import Settings

releases_app = typer.Typer(
    help="List, compare, publish and roll back releases of a shop's knowledge.", no_args_is_help=True
)
Why = Annotated[str, typer.Option("--reason", help="Why; kept with the move.")]
Force = Annotated[str, typer.Option("--force", help="Why to publish what the checks or the suite object to; kept.")]
SuiteFile = Annotated[
    str, typer.Option("--suite", help="JSONL to ask before every publish from now on; none = ask nothing.")
]
_SHOWN = 200
_MARKS = {"added": "[green]+ added[/]", "removed": "[red]- removed[/]", "changed": "~ changed", "moved": "→ moved"}


@releases_app.command("list")
def list_releases(shop: Shop, as_json: AsJson = False) -> None:
    """Show the shop's releases, newest first."""

    async def work(catalogue: Any) -> list[dict[str, Any]]:
        looked_at = await catalogue.inspections(shop)
        return [
            {
                "release": r.number,
                "state": r.state.value,
                "live": r.live,
                "chunks": r.chunks,
                "created_at": r.created_at.isoformat(timespec="seconds"),
                "note": r.note,
                "checks": _counted(looked_at.get(r.number)),
                "forced": looked_at[r.number].forced if r.number in looked_at else "",
            }
            for r in await catalogue.releases(shop)
        ]

    show(run(_with_catalogue(shop, work)), as_json, f"Releases of {shop}")


@releases_app.command("history")
def history(shop: Shop, as_json: AsJson = False) -> None:
    """Show every publish and rollback: which release was live when, who moved the pointer, and why."""

    async def work(catalogue: Any) -> list[dict[str, Any]]:
        return [
            {
                "at": move.moved_at.isoformat(timespec="seconds"),
                "from": move.from_release,
                "to": move.to_release,
                "by": move.by,
                "reason": move.reason,
            }
            for move in await catalogue.moves(shop)
        ]

    show(run(_with_catalogue(shop, work)), as_json, f"What was live in {shop}, newest first")


@releases_app.command("diff")
def diff(older: int, newer: int, shop: Shop, as_json: AsJson = False) -> None:
    """Show what changed between two releases, side by side."""
    found = run(_with_catalogue(shop, lambda catalogue: compare_releases(catalogue, shop, older, newer)))
    if as_json:
        print(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
        return
    _print_diff(found)


@releases_app.command("checks")
def checks(number: int, shop: Shop, as_json: AsJson = False) -> None:
    """Show what the checks and the shop's suite said of a release, and what to do about it."""
    found = run(_with_catalogue(shop, lambda catalogue: catalogue.inspection(shop, number)))
    if found is None:
        raise typer.Exit(run(_unknown(number, shop)))
    if as_json:
        print(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
    else:
        print_inspection(found, out, most=_SHOWN)


async def _unknown(number: int, shop: str) -> int:
    raise NotFound(f"Nobody looked at release {number} of {shop}: it is not there, or older than the checks.")


def _counted(inspection: Any) -> str:
    return ", ".join(f"{n} {what}" for what, n in inspection.counts.items() if n) if inspection else ""


@releases_app.command("publish")
def publish(number: int, shop: Shop, reason: Why = "", force: Force = "", suite: SuiteFile = "") -> None:
    """Make a built release live: read back from the index, checked, asked the shop's suite; then one pointer moves."""
    settings = read_settings()
    if suite:
        run(adopt_suite(settings.home, shop, suite))
    run(_publish(settings, number, shop, reason, force))
    out.print(f"Release {number} of {shop} is live.")


async def _publish(settings: Settings, number: int, shop: str, reason: str, force: str) -> None:
    if server := find_server(settings.home):
        body = {"shop": shop, "release": number, "reason": reason, "force": force}
        server.post("/v1/knowledge/releases/publish", body)
        return
    from app.bootstrap import open_publisher  # noqa: PLC0415  starts the index

    async with open_publisher(settings) as publisher:
        await publisher.publish(shop, number, by="xiaoer releases publish", reason=reason, force=force)


@releases_app.command("rollback")
def rollback(
    shop: Shop,
    number: Annotated[int | None, typer.Option("--to", help="Release to go back to; default the one before.")] = None,
    reason: Why = "",
) -> None:
    """Go back to an earlier release: the same one pointer move."""
    target = run(_rollback(number, shop, reason))
    out.print(f"Release {target} of {shop} is live again.")


async def _rollback(number: int | None, shop: str, reason: str) -> int:
    settings = read_settings()
    if server := find_server(settings.home):
        body = {"shop": shop, "release": number, "reason": reason}
        return int(server.post("/v1/knowledge/releases/rollback", body)["live"])
    from app.bootstrap import open_publisher  # noqa: PLC0415  starts the index

    async with open_publisher(settings) as publisher:
        return await publisher.rollback(shop, number, by="xiaoer releases rollback", reason=reason)


@releases_app.command("sweep")
def sweep(
    shop: Shop,
    kept: Annotated[
        int | None, typer.Option("--keep", min=0, help="How many stay, besides the live one; default: the settings.")
    ] = None,
) -> None:
    """Let go of old releases. An ingest does so by itself; this is for right now."""
    swept = run(_sweep(shop, kept))
    numbers = ", ".join(map(str, swept["releases"])) or "none"
    out.print(f"Swept away: {numbers} ({swept['chunks']} chunks, {swept['points']} points of the index).")


async def _sweep(shop: str, kept: int | None) -> Any:
    settings = read_settings()
    if server := find_server(settings.home):
        return server.post("/v1/knowledge/releases/sweep", {"shop": shop, "kept": kept})
    from app.bootstrap import open_knowledge  # noqa: PLC0415  starts the engines
    from app.upkeep import KnowledgeUpkeep  # noqa: PLC0415

    async with open_knowledge(settings) as knowledge:
        return await KnowledgeUpkeep(knowledge).sweep(shop, kept)


def reindex(
    shop: Annotated[str, typer.Option("--shop", "-s", help="Name of the shop; default all of them.")] = "",
    check: Annotated[bool, typer.Option("--check", help="Only compare index and database; exit 1 if they differ.")] = (
        False
    ),
    from_scratch: Annotated[
        bool,
        typer.Option(
            "--from-scratch",
            help="Drop what is there first: for another embedder, or an index that can't be read. The shop can't "
            "answer until it is done.",
        ),
    ] = False,
) -> None:
    """Rebuild the index from the database. The live release keeps answering meanwhile."""
    for report in run(_reindex(shop, check, from_scratch)):
        if check:
            told = "agree" if report["ok"] else "differ; run `xiaoer reindex` without --check"
            details = ", ".join(f"{report[name]} {name}" for name in ("belong", "missing", "stray", "misdated"))
            out.print(f"{report['shop']}: index and database {told} ({details}).", highlight=False)
            if not report["ok"]:
                raise typer.Exit(1)
        else:
            stray = f", {report['stray']} that belonged to nothing dropped" if report["stray"] else ""
            out.print(f"{report['shop']}: {report['points']} points of {report['chunks']} chunks written{stray}.")


async def _reindex(shop: str, check: bool, from_scratch: bool) -> list[Any]:
    settings = read_settings()
    if server := find_server(settings.home):
        return await asyncio.to_thread(_reindex_by_server, server, shop, check, from_scratch)
    from app.bootstrap import open_knowledge, set_index_aside  # noqa: PLC0415  starts the engines
    from app.upkeep import KnowledgeUpkeep  # noqa: PLC0415

    if from_scratch and not shop and (aside := await set_index_aside(settings)):
        err.print(f"The index could not be read; it was moved to {aside}.", highlight=False)
    async with open_knowledge(settings) as knowledge:
        upkeep, shops = KnowledgeUpkeep(knowledge), [shop] if shop else await knowledge.catalogue.shops()
        if check:
            return [await upkeep.agree(one) for one in shops]
        if from_scratch and not shop:
            for one in shops:
                await knowledge.index.remove_shop(one)
        with importlib.import_module("ingestion.report").progress_bar(err) as progress:
            return [await upkeep.reindex(one, from_scratch, progress) for one in shops]


def _reindex_by_server(server: RunningServer, shop: str, check: bool, from_scratch: bool) -> list[Any]:
    """The server does it, and tells how far it is. Raises Answered or Unavailable."""
    path, body = "/v1/knowledge/reindex", {"shop": shop, "check": check, "from_scratch": from_scratch}
    if not shop:
        raise BadInput(
            "A server is running: name one shop with --shop, or stop it to rebuild all. Nothing was changed."
        )
    if check:
        return [server.post(path, body)]
    with importlib.import_module("ingestion.report").progress_bar(err) as progress:
        for event, job in server.follow(path, body):
            if event == "job.completed":
                return [job["report"]]
            if event == "job.failed":
                raise Answered(job["problem"])
            if job.get("stage"):
                progress(job["stage"], job["done"], job["total"])
    raise Unavailable(f"The server at {server.url} stopped meanwhile. Nothing was lost; run this again.")


def _print_diff(found: ReleaseDiff) -> None:
    counts = ", ".join(f"{count} {change}" for change, count in found.counts().items() if count) or "nothing differs"
    table = Table(title=f"{found.shop}: release {found.before} → {found.after}: {counts}", title_justify="left")
    for heading in ("change", "where", f"release {found.before}", f"release {found.after}"):
        table.add_column(heading, overflow="fold")
    for change in found.changes[:_SHOWN]:
        table.add_row(_MARKS[change.change], escape(f"{change.chunk.path} · {change.chunk.locator}"), *_sides(change))
    out.print(table)
    if len(found.changes) > _SHOWN:
        out.print(f"… and {len(found.changes) - _SHOWN} more; --json shows all.")


def _sides(change: ChunkChange) -> tuple[str, str]:
    """Values that differ, a line each, then the text, with what only one side has in colour."""
    left, right = [], []
    values = change.values()
    for value in values:
        left.append(f"{escape(value.name)}: [red]{escape(value.before) or '–'}[/]")
        right.append(f"{escape(value.name)}: [green]{escape(value.after) or '–'}[/]")
    if not any(value.attribute for value in values):
        spans = change.spans()
        left.append("".join(_coloured(s.text, s.side, "before", "red") for s in spans))
        right.append("".join(_coloured(s.text, s.side, "after", "green") for s in spans))
    return "\n".join(left), "\n".join(right)


def _coloured(text: str, side: str, own: str, colour: str) -> str:
    if side == "both":
        return escape(text)
    return f"[{colour}]{escape(text)}[/]" if side == own else ""


async def _with_catalogue(shop: str, work: Any) -> Any:
    """What the work finds in the database. Raises NotFound for an unknown shop."""
    from app.adapters.db.knowledge import SqlCatalogue  # noqa: PLC0415  loads SQLAlchemy
    from app.bootstrap import open_database  # noqa: PLC0415

    with open_database(read_settings()) as database:
        catalogue = SqlCatalogue(database)
        if shop not in await catalogue.shops():
            raise no_such_shop(shop)
        return await work(catalogue)
