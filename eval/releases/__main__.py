"""`python -m eval.releases`: every figure of publishing, ingestion, validity and crash safety, beside its target.

Exit code 1 when one is missed. Each part can be run alone: mix, dates, scale, kill.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from app.bootstrap import make_embedder
from app.settings import Settings
from eval.releases.boundaries import ask_at_boundaries
from eval.releases.killing import kill_many
from eval.releases.mixing import mix
from eval.releases.scale import measure_large, measure_throughput, middle

app = typer.Typer(help=__doc__, invoke_without_command=True, pretty_exceptions_enable=False)
screen = Console(width=max(130, Console().width))
Told: TypeAlias = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure, what it should be, and whether it is; `met` None where it only informs."""

    name: str
    value: str
    target: str = ""
    met: bool | None = None


@app.callback()
def main(context: typer.Context) -> None:
    """With no command: everything, at the sizes of the targets."""
    if context.invoked_subcommand is None:
        figures = [*_mixing(100, 50), *_dates(), *_scale(10_000, 400), *_killing(200)]
        raise typer.Exit(_print("All figures", figures))


@app.command("mix")
def mix_command(
    moves: Annotated[int, typer.Option(help="Publishes and rollbacks.")] = 100,
    chats: Annotated[int, typer.Option(help="Shoppers who ask without a pause meanwhile.")] = 50,
) -> None:
    """Publishes and rollbacks under concurrent chats, over HTTP."""
    raise typer.Exit(_print("Publishing under chats", _mixing(moves, chats)))


@app.command("dates")
def dates_command() -> None:
    """Questions one second around the ends of validities, in three time zones."""
    raise typer.Exit(_print("Validity", _dates()))


@app.command("scale")
def scale_command(
    documents: Annotated[int, typer.Option(help="Documents of the large shop.")] = 10_000,
    real: Annotated[int, typer.Option(help="Documents that the real embedder reads; 0 = leave it out.")] = 400,
) -> None:
    """A large shop with 1 % edited; the pointer's moves; ingestion beside the bare embedder."""
    raise typer.Exit(_print("Scale", _scale(documents, real)))


@app.command("kill")
def kill_command(times: Annotated[int, typer.Option(help="Deaths.")] = 200, seed: int = 1) -> None:
    """kill -9 at random points of ingest, publish, rollback, sweep and rebuild."""
    raise typer.Exit(_print("Crash safety", _killing(times, seed)))


def _mixing(moves: int, chats: int) -> list[Figure]:
    with _folder() as folder, _bar("publishing under chats", moves) as told:
        found = asyncio.run(mix(folder / "home", moves=moves, chats=chats, told=told))
    for line in [*found.mixed, *found.foreign_citations, *found.record_differs][:10]:
        screen.print(f"[red]wrong[/] {escape(line)}", highlight=False)
    releases = ", ".join(f"{count} of release {n}" for n, count in sorted(found.by_release.items()))
    return [
        Figure("publishes and rollbacks / concurrent chats", f"{found.moves} / {chats}"),
        Figure("replies (answers)", f"{found.replies} ({found.answers}): {releases}"),
        Figure("mixed, foreign citations, record differs", str(found.wrong), "0", found.wrong == 0),
        Figure("slowest publish, read back and tried", f"{found.slowest_move_ms():.0f} ms"),
        Figure("turn p95 meanwhile", f"{found.turn_p95_ms():.0f} ms"),
    ]


def _dates() -> list[Figure]:
    with _folder() as folder, _bar("asking at boundaries", 504) as told:
        found = asyncio.run(ask_at_boundaries(folder, told=told))
    for line in found.wrong[:10]:
        screen.print(f"[red]wrong[/] {escape(line)}", highlight=False)
    zones = ", ".join(f"{zone} {right}/{asked}" for zone, (right, asked) in found.by_zone.items())
    share = f"{found.right} of {found.asked} ({zones})"
    return [Figure("right, one second around validities", share, "100 %", found.right == found.asked)]


def _scale(documents: int, real: int) -> list[Figure]:
    with _folder() as folder, screen.status(f"a shop of {documents} documents …"):
        large = asyncio.run(measure_large(folder, documents, 0.01))
    again, slowest = large.again, max(large.moves_ms)
    figures = [
        Figure("documents / chunks / points", f"{large.documents} / {again.chunks} / {again.points}"),
        Figure("first ingest: wall (CPU)", f"{large.first.wall:.1f} s ({large.first.cpu:.1f} s)"),
        Figure(
            f"embedded again, {large.edited} documents edited",
            f"{100 * again.share_embedded:.2f} % ({again.embedded})",
            "≤ 1.5 %",
            again.share_embedded <= 0.015,
        ),
        Figure(
            "that run beyond the embedder: wall (CPU)",
            f"{again.beyond_wall:.1f} s ({again.beyond_cpu:.1f} s)",
            "≤ 5 s",
            again.beyond_wall <= 5,
        ),
        Figure("a run with nothing edited: wall (CPU)", f"{large.unchanged.wall:.1f} s ({large.unchanged.cpu:.1f} s)"),
        Figure(
            "publish or rollback, read back: median, slowest",
            f"{middle(large.moves_ms):.0f} ms, {slowest:.0f} ms",
            "≤ 1 s",
            slowest <= 1_000,
        ),
        Figure("the pointer's move alone: median", f"{middle(large.bare_moves_ms):.1f} ms"),
    ]
    return figures + (_throughput(real) if real else [])


def _throughput(documents: int) -> list[Figure]:
    with _folder() as folder, screen.status(f"{documents} documents with the real embedder …"):
        found = asyncio.run(measure_throughput(folder, documents, make_embedder(Settings())))
    return [
        Figure(
            f"ingest throughput of the bare {found.embedder}'s, {found.texts} texts: wall (CPU)",
            f"{100 * found.share_wall:.1f} % ({100 * found.share_cpu:.1f} %)",
            "≥ 90 %",
            found.share_wall >= 0.9,
        )
    ]


def _killing(times: int, seed: int = 1) -> list[Figure]:
    with _folder() as folder, _bar("kill -9", times) as told:
        toll = asyncio.run(kill_many(times, folder, seed, told))
    for line in toll.wrong[:10]:
        screen.print(f"[red]wrong[/] {escape(line)}", highlight=False)
    return [
        Figure(
            "deaths (between two calls / at any moment)",
            f"{toll.deaths} ({toll.between_calls} / {toll.deaths - toll.between_calls})",
            f"≥ {times}",
            toll.deaths >= times,
        ),
        Figure(
            "left behind: a release unfinished / the old one live / the new one live",
            f"{toll.unfinished_releases} / {toll.live_as_before} / {toll.live_as_new}",
        ),
        Figure(
            "live did not answer, next run did not finish, or index and database differed",
            str(len(toll.wrong)),
            "0",
            not toll.wrong,
        ),
    ]


def _print(title: str, figures: list[Figure]) -> int:
    table = Table(title=title, title_justify="left", header_style="bold")
    for heading in ("figure", "measured", "target", ""):
        table.add_column(heading, overflow="fold")
    marks = {True: "[green]✓[/]", False: "[red]✗[/]", None: ""}
    for figure in figures:
        table.add_row(figure.name, figure.value, figure.target, marks[figure.met])
    screen.print(table)
    return int(any(figure.met is False for figure in figures))


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="xiaoer-releases-") as folder:
        yield Path(folder)


@contextmanager
def _bar(what: str, total: int) -> Iterator[Told]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(what, total=total)
        yield lambda done: bars.update(bar, completed=done)


if __name__ == "__main__":
    app()
