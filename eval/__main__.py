"""`python -m eval`: both sample shops through the production pipeline, every table printed."""

from __future__ import annotations

import importlib
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from app.settings import Settings
from eval.ab import ab
from eval.certify_command import certify
from eval.conditions import conditions
from eval.dev_sets import DEV_SETS, located
from eval.fit_support import fit_support
from eval.gates import failures
from eval.groundedness import groundedness
from eval.harness import Outcome, Suite, Task, run
from eval.personas import personas
from eval.production import ShopSolver, open_solvers
from eval.read_suite import read_suite
from eval.report.files import write_report
from eval.report.tables import figure, headline, print_failures, reliability_table, suite_table
from eval.rgb import rgb
from eval.run_command import KNOWN, SAMPLE_SHOPS, compare_runs, run_suites
from eval.scorers import SCORERS
from eval.screen import run_or_tell, screen
from eval.separation import Separation, knowledge_seeking, off_topic
from eval.summary import by_group

ROOT = Path(__file__).parent.parent
HELD_OUT_SHOPS = ("xinghe", "brightpaw")

app = typer.Typer(help="Measure the production pipeline.", invoke_without_command=True, pretty_exceptions_enable=False)

Shop = Annotated[str, typer.Option(help="One sample shop; default both.")]
Model = Annotated[str, typer.Option(help="none (extractive), embedded, or the URL of an OpenAI-compatible server.")]
Every = Annotated[int, typer.Option(help="Take each n-th item of a public data set: 1 is all.")]


app.command("run")(run_suites)
app.command("compare")(compare_runs)
app.command("groundedness")(groundedness)
app.command("certify")(certify)
app.command("ab")(ab)
app.command("personas")(personas)
app.command("conditions")(conditions)
app.command("rgb")(rgb)
app.command("fit-support")(fit_support)


@app.callback()
def main(context: typer.Context) -> None:
    """With no command: everything, with all it prints."""
    if context.invoked_subcommand is None:
        everything()


@app.command("all")
def everything(model: Model = "none", every: Every = 4) -> None:
    """Suites, retrieval, off-topic and knowledge-seeking; data sets that are not here are named and left out."""
    shut = run_or_tell(_suites(SAMPLE_SHOPS, model, "", 0, None))
    for part in (_off_topic(every), _knowledge_seeking(every), _retrieval()):
        _run_if_there(part)
    raise typer.Exit(_tell_gates(shut, enforce=False))


@app.command()
def suites(
    *,
    shop: Shop = "",
    model: Model = "none",
    category: Annotated[str, typer.Option(help="Only this category.")] = "",
    show_failures: Annotated[int, typer.Option(help="Print the first N failures.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write SHOP.jsonl and SHOP.html into this folder.")] = None,
    remember: Annotated[
        bool, typer.Option(help="Keep question vectors: faster next runs, latency without them.")
    ] = False,
    gate: Annotated[bool, typer.Option(help="Exit with 1 when a figure is out of bounds.")] = False,
) -> None:
    """The labelled suites of the sample shops."""
    shut = run_or_tell(
        _suites((shop,) if shop else SAMPLE_SHOPS, model, category, show_failures, out, remember=remember)
    )
    raise typer.Exit(_tell_gates(shut, enforce=gate))


@app.command()
def heldout(
    *,
    model: Model = "none",
    show_failures: Annotated[int, typer.Option(help="Print the first N failures.")] = 0,
    remember: Annotated[bool, typer.Option(help="Keep vectors on disk, so that the next run is faster.")] = False,
) -> None:
    """The suites of the held-out shops: what a shop that nothing was fitted on may expect."""
    run_or_tell(_suites(HELD_OUT_SHOPS, model, "", show_failures, None, remember=remember))


@app.command()
def offtopic(every: Every = 1) -> None:
    """Does a bank (`en_banking77`) reject what is none of its business (`en_offtopic_clinc`), and only that?"""
    run_or_tell(_off_topic(every))


@app.command("knowledge-seeking")
def knowledge_seeking_command(every: Every = 1) -> None:
    """Does it tell dialogue turns that need knowledge from those that don't (`en_dstc11_faq_reviews`)?"""
    run_or_tell(_knowledge_seeking(every))


@app.command()
def retrieval() -> None:
    """Recall of needed sources on the public data sets."""
    run_or_tell(_retrieval())


async def _suites(
    shops: Sequence[str], model: str, category: str, show_failures: int, out: Path | None, *, remember: bool = False
) -> dict[str, list[str]]:
    shut: dict[str, list[str]] = {}
    folders = {shop: KNOWN[shop][0] for shop in shops}
    async with open_solvers(_settings(model), folders, screen, remember=remember) as solvers:
        for shop, solver in solvers.items():
            outcomes = await _outcomes(_suite(shop, category), solver)
            groups = by_group(outcomes)
            screen.print(suite_table(shop, groups), reliability_table(outcomes), headline(shop, groups["all"]), "")
            print_failures(screen, outcomes, show_failures)
            if out:
                screen.print("Written: " + ", ".join(str(path) for path in write_report(out, shop, outcomes, groups)))
            shut[shop] = failures(groups["all"])
    return shut


async def _outcomes(suite: Suite, solver: ShopSolver) -> list[Outcome]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(suite.name, total=len(suite.samples))
        return await run(Task(suite, solver, SCORERS), lambda done, _: bars.update(bar, completed=done))


async def _off_topic(every: int) -> None:
    settings = _settings("none")
    bank = DEV_SETS["en_banking77"]
    async with open_solvers(settings, {bank.name: bank.folder(settings.home)}, screen, remember=True) as solvers:
        solver, suite = solvers[bank.name], bank.suite()
        view = (await solver.pipeline.candidates(solver.turn(suite.samples[0]))).view
        found = await off_topic(solver, located(suite, view.chunks.values()).samples, every)
    _print_separations("Off-topic input (public set) against a bank's questions (public set)", found.separations)
    for line in found.told:
        screen.print(line, highlight=False)


async def _knowledge_seeking(every: int) -> None:
    settings = _settings("none")
    name = "en_dstc11_faq_reviews"
    folder = DEV_SETS[name].folder(settings.home)
    async with open_solvers(settings, {name: folder}, screen, remember=True) as solvers:
        found = await knowledge_seeking(solvers[name], every)
    _print_separations("Turns that need knowledge (public set)", [found])


async def _retrieval() -> None:
    await importlib.import_module("eval.retrieval").measure(_settings("none"), screen)


def _print_separations(title: str, found: Sequence[Separation]) -> None:
    table = Table(title=title, title_justify="left", header_style="bold")
    for heading in ("", "n above", "n below", *(f"AUROC {name}" for name in found[0].auroc)):
        table.add_column(heading, justify="left" if not heading else "right")
    for one in found:
        cells = [figure(value, "ratio3") for value in one.auroc.values()]
        table.add_row(one.name, str(one.above), str(one.below), *cells)
    screen.print(table, "")


def _settings(model: str) -> Settings:
    """Settings as in the environment, with data of its own under home."""
    settings = Settings()
    return settings.model_copy(update={"home": settings.home / "eval", "model": model})


def _suite(shop: str, category: str = "") -> Suite:
    suite = read_suite(KNOWN[shop][1])
    return Suite(suite.name, tuple(s for s in suite.samples if not category or s.category == category))


def _tell_gates(shut: dict[str, list[str]], *, enforce: bool) -> int:
    for shop, reasons in shut.items():
        for reason in reasons:
            screen.print(f"[red]gate[/] {shop}: {reason}")
    return int(enforce and any(shut.values()))


def _run_if_there(work: Coroutine[Any, Any, Any]) -> None:
    """A part whose data is not here says so; the others still run."""
    try:
        run_or_tell(work)
    except typer.Exit:
        screen.print("Left out; the rest goes on.", "", style="dim")


if __name__ == "__main__":
    app()
