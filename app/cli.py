"""The command line, `xiaoer`. Exit code 0 only if all was done.

What a command needs is loaded when it runs: `--help` waits for nothing but Typer.
`app` imports neither `ingestion` nor `eval`: their commands are looked up by name when they are called.
"""

from __future__ import annotations

import importlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from app.channel_commands import channels_app
from app.errors import BadInput, XiaoerError
from app.export_command import export
from app.identity_commands import identity_app
from app.ingest_commands import ingest
from app.map_command import map_tables
from app.release_commands import publish, reindex, releases_app, rollback
from app.running import find_server
from app.staff_commands import staff_app
from app.terminal import AsJson, Shop, err, out, read_settings, run, show, tell

app = typer.Typer(
    name="xiaoer",
    help="小二: a shop attendant that answers from the shop's own knowledge, with its sources, in Chinese and English.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
audit_app = typer.Typer(help="Check the conversation log.", no_args_is_help=True)
model_app = typer.Typer(help="The embedded language model.", no_args_is_help=True)
app.command()(ingest)
app.command()(export)
app.command()(reindex)
app.command("map")(map_tables)
for known_as in (publish, rollback):  # what a person in a hurry types, without the word before it
    app.command(hidden=True)(known_as)
app.add_typer(releases_app, name="releases")
app.add_typer(audit_app, name="audit")
app.add_typer(model_app, name="model")
app.add_typer(staff_app, name="staff")
app.add_typer(identity_app, name="identity")
app.add_typer(channels_app, name="channels")


@app.command()
def demo(
    port: Annotated[int, typer.Option(envvar="PORT", help="Port to listen on.")] = 8080,
    headless: Annotated[bool, typer.Option(envvar="HEADLESS", help="Open no browser.")] = False,
) -> None:
    """Ingest the sample shops, start the server and open the storefront page."""
    run(importlib.import_module("app.serving").demo(read_settings(port=port), headless=headless))


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="Port; default XIAOER_PORT or 8080.")] = None,
    host: Annotated[str | None, typer.Option(help="Address; default XIAOER_HOST or 127.0.0.1.")] = None,
) -> None:
    """Serve shoppers, with whatever knowledge is live."""
    settings = read_settings()
    changed = {k: v for k, v in {"port": port, "host": host}.items() if v is not None}
    run(importlib.import_module("app.serving").serve(settings.model_copy(update=changed)))


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What a shopper would write.")],
    shop: Shop,
    as_json: AsJson = False,
    as_of: Annotated[str, typer.Option(help="Answer as of this moment (ISO date or time).")] = "",
) -> None:
    """Ask one question and print the reply with its sources."""
    reply = run(_ask(question, shop, as_of))
    if as_json:
        print(json.dumps(reply, ensure_ascii=False, indent=2))
        return
    out.print(reply["text"], markup=False)
    for number, citation in enumerate(reply["citations"], start=1):
        where = escape(f"[{number}] {citation['path']} · {citation['locator']}")
        out.print(f"  [dim]{where}[/dim]", highlight=False)
    out.print(f"  [dim]{reply['decision']} · confidence {reply['confidence']:.2f}[/dim]", highlight=False)


async def _ask(question: str, shop: str, as_of: str) -> dict[str, Any]:
    from app.bootstrap import open_attendance  # noqa: PLC0415  starts the engines
    from app.conversation.present import reply_json  # noqa: PLC0415

    settings, moment = read_settings(), _moment(as_of)
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

        settings = read_settings(model="none")
        if server := find_server(settings.home):
            return dict(server.post("/v1/knowledge/search", {"shop": shop, "text": question}))
        async with open_attendance(settings) as attendance:
            return await attendance.pipeline.search(await attendance.turn(shop, question))

    found = run(work())
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
    show(
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
        run(importlib.import_module("eval.production").replay_suite(read_settings(), suite, shop, out_path, err))
    )


@app.command()
def migrate(
    to: Annotated[
        str, typer.Option("--to", help="SQLAlchemy URL of the new database: empty, or begun by this command.")
    ],
    shop: Annotated[
        list[str] | None, typer.Option("--shop", "-s", help="Move this shop only; may be said several times.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Move everything from the database in use to another one, for example
    `xiaoer migrate --to postgresql+psycopg://xiaoer:…@db/xiaoer`.

    The old database is read and never changed. Every row is read back and compared, and the chain of every
    conversation is verified in the new database. Broken off (Ctrl-C, a crash, a full disk), the same command goes on
    where it was. Stop the server first; afterwards set XIAOER_DATABASE to the new address and start it again.

    With `--shop` only that shop's knowledge, conversations, desk, edits and the accounts that work for it alone move.
    Files under the home (brands, orders, uploads, keys) stay where they are: take the home, or its volume, along.
    """
    importlib.import_module("app.migrate_command").migrate(read_settings(), to, shop or [], as_json)


@app.command()
def calibrate(
    suites: Annotated[
        list[str] | None,
        typer.Argument(help="SHOP=SUITE.jsonl, or SHOP for the suite that is kept with it; default: sample shops."),
    ] = None,
    *,
    check: Annotated[bool, typer.Option("--check", help="Report the fit only; change nothing.")] = False,
    fit: Annotated[bool, typer.Option(help="Fit the models first; --no-fit certifies with them as they are.")] = True,
    alpha: Annotated[float, typer.Option(help="The share of sent answers that may be wrong, 0.05 for 5 %.")] = 0.05,
) -> None:
    """Fit confidence on labelled suites, then **certify** each shop: from which confidence on at most α of the answers
    sent are wrong, at 95 % confidence.

    Writes `calibration/SHOP/` under XIAOER_HOME: certificate, page, reliability diagram, risk–coverage curve. A running
    server reads the certificate at once; its owner chooses α in the console, under Trust.
    """
    settings = read_settings(model="none")
    run(
        importlib.import_module("eval.calibrate_command").calibrate(
            settings, suites or [], check=check, fit=fit, alpha=alpha
        )
    )


@app.command()
def explain(
    turn: Annotated[str, typer.Argument(help="CONVERSATION/MESSAGE, CONVERSATION for its last turn, or a MESSAGE.")],
    language: Annotated[str, typer.Option("--lang", help="zh or en.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Why a turn came out as it did: what the confidence is made of, the checks, the passages, the sources.

    The ids are those of the API and the log: `c_…` and `m_…`. The desk and the console show the same.
    """
    explaining = importlib.import_module("app.explaining")
    told = run(explaining.explain_turn(read_settings(), turn))
    if as_json:
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return
    explaining.print_explanation(out, told, "zh" if language.startswith("zh") else "en")


@audit_app.command("verify")
def audit_verify() -> None:
    """Check the hash chain of every conversation; exit 1 when one is broken."""
    raise typer.Exit(importlib.import_module("app.serving").audit(read_settings(), out))


@model_app.command("fetch")
def model_fetch() -> None:
    """Fetch the pinned weights, with progress; a second call resumes or finds them in place."""
    importlib.import_module("app.serving").fetch_model(read_settings(), err)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what works on this machine and what does not, and what to do about it."""
    raise typer.Exit(run(importlib.import_module("app.doctor").examine(read_settings(), out, as_json=as_json)))


def _moment(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        return datetime.fromisoformat(text)
    except ValueError as problem:
        raise BadInput(
            f"{text!r} is no ISO date or time. Write it like 2026-11-05 or 2026-11-05T10:00:00+08:00."
        ) from problem


def main() -> None:
    """Entry point of the `xiaoer` command. What fails before a command runs is told as plainly as what fails in one."""
    try:
        app()
    except XiaoerError as problem:
        tell(problem.title, str(problem))
    sys.exit(1)


if __name__ == "__main__":
    main()
