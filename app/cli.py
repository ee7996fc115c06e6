"""The command line, `xiaoer`. Exit code 0 only if all was done.

`app` imports neither `ingestion` nor `eval`: their commands are looked up by name when they are called.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from app.errors import BadInput, NoKnowledge, NotFound, XiaoerError
from app.running import find_server
from app.settings import Settings
from app.staff_commands import staff_app

T = TypeVar("T")

app = typer.Typer(
    name="xiaoer",
    help="小二: a shop attendant that answers from the shop's own knowledge, with its sources, in Chinese and English.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
releases_app = typer.Typer(
    help="List, compare, publish and roll back releases of a shop's knowledge.", no_args_is_help=True
)
audit_app = typer.Typer(help="Check the conversation log.", no_args_is_help=True)
model_app = typer.Typer(help="The embedded language model.", no_args_is_help=True)
app.add_typer(releases_app, name="releases")
app.add_typer(audit_app, name="audit")
app.add_typer(model_app, name="model")
app.add_typer(staff_app, name="staff")

out = Console()
err = Console(stderr=True)

Shop = Annotated[str, typer.Option("--shop", "-s", help="Name of the shop.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


@app.command()
def demo(
    port: Annotated[int, typer.Option(envvar="PORT", help="Port to listen on.")] = 8080,
    headless: Annotated[bool, typer.Option(envvar="HEADLESS", help="Open no browser.")] = False,
) -> None:
    """Ingest the sample shops, start the server and open the storefront page."""
    _run(importlib.import_module("app.serving").demo(Settings(port=port), headless=headless))


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="Port; default XIAOER_PORT or 8080.")] = None,
    host: Annotated[str | None, typer.Option(help="Address; default XIAOER_HOST or 127.0.0.1.")] = None,
) -> None:
    """Serve shoppers, with whatever knowledge is live."""
    settings = Settings()
    changed = {k: v for k, v in {"port": port, "host": host}.items() if v is not None}
    _run(importlib.import_module("app.serving").serve(settings.model_copy(update=changed)))


@app.command()
def ingest(
    path: Annotated[
        Path, typer.Argument(help="A shop folder (brand.yaml, knowledge/, orders.jsonl) or a part of one.")
    ],
    shop: Shop,
    publish: Annotated[bool, typer.Option(help="Make the new release live when every file was read.")] = True,
    as_json: AsJson = False,
) -> None:
    """Read a shop folder, build a release of its knowledge, and publish it.

    Only what changed is embedded again. A file that can't be read never sinks the rest: the report names it, the
    last live release stays live, and the exit code is 1.
    """
    raise typer.Exit(_run(_ingest(path.resolve(), shop, publish, as_json)))


async def _ingest(path: Path, shop: str, publish: bool, as_json: bool) -> int:
    report_module = importlib.import_module("ingestion.report")
    settings = Settings()
    if server := find_server(settings.home):
        with err.status(f"The server at {server.url} reads {path} …"):
            body = {"path": str(path), "shop": shop, "publish": publish}
            report = report_module.report_of(server.post("/v1/knowledge/ingest", body))
    else:
        report = await _ingest_here(settings, path, shop, publish)
    if as_json:
        print(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
    else:
        report_module.print_report(report, out)
    return int(report.exit_code)


async def _ingest_here(settings: Settings, path: Path, shop: str, publish: bool) -> Any:
    from app.bootstrap import open_knowledge  # noqa: PLC0415  starts the engines

    job = importlib.import_module("ingestion.job")
    async with open_knowledge(settings) as knowledge:
        with importlib.import_module("ingestion.report").progress_bar(err) as progress:
            return await job.ingest(
                path,
                shop,
                home=knowledge.home,
                catalogue=knowledge.catalogue,
                index=knowledge.index,
                embedder=knowledge.embedder,
                publish=publish,
                progress=progress,
            )


@releases_app.command("list")
def releases_list(shop: Shop, as_json: AsJson = False) -> None:
    """Show the shop's releases, newest first."""

    async def work(catalogue: Any) -> list[dict[str, Any]]:
        return [
            {
                "release": r.number,
                "state": r.state.value,
                "live": r.live,
                "chunks": r.chunks,
                "created_at": r.created_at.isoformat(timespec="seconds"),
                "note": r.note,
            }
            for r in await catalogue.releases(shop)
        ]

    _show(_run(_with_catalogue(work)), as_json, f"Releases of {shop}")


@releases_app.command("diff")
def releases_diff(older: int, newer: int, shop: Shop, as_json: AsJson = False) -> None:
    """Show what changed between two releases."""

    async def work(catalogue: Any) -> list[dict[str, Any]]:
        known = {r.number for r in await catalogue.releases(shop)}
        if missing := {older, newer} - known:
            raise NotFound(
                f"{shop} has no release {min(missing)}; it has {', '.join(map(str, sorted(known))) or 'none'}."
            )
        diff = await catalogue.diff(shop, older, newer)
        rows = [("added", None, c) for c in diff.added] + [("removed", c, None) for c in diff.removed]
        rows += [("changed", a, b) for a, b in diff.changed]
        return [
            {
                "change": change,
                "path": (b or a).path,
                "locator": (b or a).locator,
                "before": a.text if a else "",
                "after": b.text if b else "",
            }
            for change, a, b in rows
        ]

    _show(_run(_with_catalogue(work)), as_json, f"{shop}: release {older} → {newer}")


@releases_app.command("publish")
def releases_publish(number: int, shop: Shop) -> None:
    """Make a built release live: one pointer move."""
    _run(_with_catalogue(lambda catalogue: catalogue.publish(shop, number)))
    out.print(f"Release {number} of {shop} is live.")


@releases_app.command("rollback")
def releases_rollback(
    shop: Shop,
    number: Annotated[int | None, typer.Option("--to", help="Release to go back to; default the one before.")] = None,
) -> None:
    """Go back to an earlier release: the same one pointer move."""

    async def work(catalogue: Any) -> int:
        from app.bootstrap import Publishing  # noqa: PLC0415

        return await Publishing(catalogue).rollback(shop, number)

    target = _run(_with_catalogue(work))
    out.print(f"Release {target} of {shop} is live again.")


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What a shopper would write.")],
    shop: Shop,
    as_json: AsJson = False,
    as_of: Annotated[str, typer.Option(help="Answer as of this moment (ISO date or time).")] = "",
) -> None:
    """Ask one question and print the reply with its sources."""
    reply = _run(_ask(question, shop, as_of))
    if as_json:
        print(json.dumps(reply, ensure_ascii=False, indent=2))
        return
    out.print(reply["text"])
    for number, citation in enumerate(reply["citations"], start=1):
        out.print(f"  [dim][{number}] {citation['path']} · {citation['locator']}[/dim]", highlight=False)
    out.print(f"  [dim]{reply['decision']} · confidence {reply['confidence']:.2f}[/dim]", highlight=False)


async def _ask(question: str, shop: str, as_of: str) -> dict[str, Any]:
    from app.bootstrap import open_attendance  # noqa: PLC0415  starts the engines
    from app.conversation.present import reply_json  # noqa: PLC0415

    settings, moment = Settings(), _moment(as_of)
    if server := find_server(settings.home):
        body = {"shop": shop, "text": question, "as_of": moment.isoformat()}
        return dict(server.post("/v1/knowledge/ask", body))
    async with open_attendance(settings) as attendance:
        turn = await attendance.turn(shop, question, as_of=moment)
        return reply_json(await attendance.pipeline.run(turn))


@app.command()
def search(question: str, shop: Shop, as_json: AsJson = False) -> None:
    """Hit test: what a turn would find for a question, with every score."""

    async def work() -> dict[str, Any]:
        from app.bootstrap import open_attendance  # noqa: PLC0415  starts the engines

        settings = Settings(model="none")
        if server := find_server(settings.home):
            return dict(server.post("/v1/knowledge/search", {"shop": shop, "text": question}))
        async with open_attendance(settings) as attendance:
            return await attendance.pipeline.search(await attendance.turn(shop, question))

    found = _run(work())
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return
    rows = [
        {
            "confidence": f"{hit['scores']['confidence']:.2f}",
            "score": f"{hit['scores']['score']:.3f}",
            "kind": hit["kind"],
            "where": f"{hit['path']} · {hit['locator']}",
            "text": hit["text"][:100].replace("\n", " "),
        }
        for hit in found["hits"]
    ]
    _show(
        rows,
        False,
        f"{found['decision']} · confidence {found['confidence']:.2f} · intent {found['question']['intent']}",
    )


@app.command()
def replay(
    suite: Annotated[Path, typer.Argument(help="JSONL: a question a line, with its history, as_of and order.")],
    shop: Shop,
    out_path: Annotated[Path, typer.Option("--out", help="Where the replies are written, a line each.")],
) -> None:
    """Run every question of a suite through the production pipeline."""
    raise typer.Exit(
        _run(importlib.import_module("eval.production").replay_suite(Settings(), suite, shop, out_path, err))
    )


@app.command()
def calibrate(
    suites: Annotated[
        list[str] | None, typer.Argument(help="SHOP=SUITE.jsonl pairs; default the sample shops.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Report only; change nothing.")] = False,
) -> None:
    """Fit intents, selection and confidence on labelled suites, and report how well they hold."""
    _run(importlib.import_module("eval.calibrate_command").calibrate(Settings(model="none"), suites or [], check=check))


@audit_app.command("verify")
def audit_verify() -> None:
    """Check the hash chain of every conversation; exit 1 when one is broken."""
    raise typer.Exit(importlib.import_module("app.serving").audit(Settings(), out))


@model_app.command("fetch")
def model_fetch() -> None:
    """Fetch the pinned weights, with progress; a second call resumes or finds them in place."""
    importlib.import_module("app.serving").fetch_model(Settings(), err)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what works on this machine and what does not, and what to do about it."""
    raise typer.Exit(_run(importlib.import_module("app.doctor").examine(Settings(), out, as_json=as_json)))


async def _with_catalogue(work: Any) -> Any:
    from app.adapters.db.knowledge import SqlCatalogue  # noqa: PLC0415  loads SQLAlchemy
    from app.bootstrap import open_database  # noqa: PLC0415

    with open_database(Settings()) as database:
        return await work(SqlCatalogue(database))


def _moment(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        return datetime.fromisoformat(text)
    except ValueError as problem:
        raise BadInput(
            f"{text!r} is no ISO date or time. Write it like 2026-11-05 or 2026-11-05T10:00:00+08:00."
        ) from problem


def _show(rows: list[dict[str, Any]], as_json: bool, title: str) -> None:
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(title=title, title_justify="left")
    for column in rows[0] if rows else ["nothing"]:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    out.print(table)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; a failure of ours is printed as one clear message and exit code 1."""
    try:
        with asyncio.Runner(loop_factory=_fast_loop()) as runner:
            return runner.run(work)
    except NoKnowledge as problem:
        err.print(f"[red]{problem}[/red]\nIngest a shop first: `xiaoer ingest FOLDER --shop NAME`.")
    except XiaoerError as problem:
        err.print(f"[red]{problem.title}.[/red] {problem}", highlight=False)
    except KeyboardInterrupt:
        err.print("Stopped.")
        raise typer.Exit(130) from None
    raise typer.Exit(1)


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """libuv's event loop, where there is one (not on Windows): a turn costs a quarter less on it."""
    try:
        fast: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    except ImportError:
        return None
    return fast


def main() -> None:
    """Entry point of the `xiaoer` command."""
    app()


if __name__ == "__main__":
    main()
