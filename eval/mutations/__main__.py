"""`python -m eval.mutations`: how much harm the checks notice, and how often they stop a harmless edit.

Mutations are edits of the files themselves, by a seeded generator; each copy is read as ingestion reads it. Exit code 1
when less than 95 % of the harmful ones are blocked or flagged, or more than 5 % of the harmless ones are blocked.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from eval.mutations.measure import HARMFUL, HARMLESS, Shop, Tried, open_shop
from eval.mutations.measure import results as results_of
from eval.statistics import Rate

ROOT = Path(__file__).parents[2]
SHOPS = {
    "brightpaw": ROOT / "eval" / "heldout" / "brightpaw" / "shop",
    "tangli": ROOT / "shops" / "tangli",
    "larchwood": ROOT / "shops" / "larchwood",
    "xinghe": ROOT / "eval" / "heldout" / "xinghe" / "shop",
}
NOTICED, STOPPED = 0.95, 0.05
screen = Console(width=max(140, Console().width))


def main(
    harmful: Annotated[int, typer.Option(help="How many harmful mutations in all.")] = 200,
    harmless: Annotated[int, typer.Option(help="How many harmless ones.")] = 120,
    seed: Annotated[int, typer.Option(help="Another seed makes other mutations.")] = 1,
    shop: Annotated[str, typer.Option(help="One of the shops; default all four.")] = "",
    show: Annotated[int, typer.Option(help="Print so many of those that went wrong.")] = 10,
) -> None:
    """Measure the checks on generated mutations."""
    chosen = {shop: SHOPS[shop]} if shop else SHOPS
    opened = [open_shop(name, root) for name, root in chosen.items()]
    wanted = {kind: harmful // len(HARMFUL) for kind in HARMFUL}
    wanted |= {kind: harmless // len(HARMLESS) for kind in HARMLESS}
    planned = _tried(opened, wanted, seed)
    bar = Console(stderr=True)
    results = list(track(planned, "mutating", sum(wanted.values()), console=bar, transient=True))
    noticed = _rate([r.flagged for r in results if r.mutation.kind in HARMFUL])
    stopped = _rate([r.blocked for r in results if r.mutation.kind in HARMLESS])
    screen.print(_table(results))
    screen.print(f"harmful blocked or flagged: {_told(noticed)} (wanted: at least {NOTICED:.0%})", highlight=False)
    screen.print(f"harmless falsely blocked: {_told(stopped)} (wanted: at most {STOPPED:.0%})", highlight=False)
    _print_wrong(results, show)
    raise typer.Exit(int((noticed.value or 0) < NOTICED or (stopped.value or 0) > STOPPED))


def _tried(shops: list[Shop], wanted: dict[str, int], seed: int) -> Iterator[Tried]:
    """Each kind spread over the shops; what one shop has too few places for, the next ones make up."""
    for kind, count in wanted.items():
        left = count
        for number, shop in enumerate(shops):
            for one in results_of(shop, kind, -(-left // (len(shops) - number)), seed):
                left -= 1
                yield one


def _table(results: list[Tried]) -> Table:
    table = Table(title="Mutations", title_justify="left", header_style="bold")
    for heading in ("kind", "n", "blocked", "flagged only", "not noticed", "noticed, 95 % interval"):
        table.add_column(heading, justify="left" if heading == "kind" else "right")
    for kind in (*HARMFUL, *HARMLESS):
        own = [r for r in results if r.mutation.kind == kind]
        blocked, noticed = sum(r.blocked for r in own), sum(r.flagged for r in own)
        if kind == HARMLESS[0]:
            table.add_section()
        cells = (len(own), blocked, noticed - blocked, len(own) - noticed)
        table.add_row(kind, *map(str, cells), _told(Rate(noticed, len(own))))
    return table


def _print_wrong(results: list[Tried], show: int) -> None:
    missed = [r for r in results if r.mutation.kind in HARMFUL and not r.flagged]
    stopped = [r for r in results if r.mutation.kind in HARMLESS and r.blocked]
    for title, wrong in (("Not noticed", missed), ("Falsely blocked", stopped)):
        for one in wrong[:show]:
            screen.print(f"[red]{title}[/] {one.shop} · {one.mutation.kind} · {escape(one.mutation.path)}")
            screen.print(f"    {escape(one.mutation.told)}", style="dim", highlight=False)
            for finding in one.findings:
                screen.print(f"    {finding.check}: {escape(finding.message.en)}", highlight=False)


def _rate(hits: list[bool]) -> Rate:
    return Rate(sum(hits), len(hits))


def _told(rate: Rate) -> str:
    return f"{rate.value or 0:.1%} of {rate.n} ({rate.low:.1%} to {rate.high:.1%})"


if __name__ == "__main__":
    typer.run(main)
