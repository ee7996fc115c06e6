"""`python -m eval certify`: on sample shops, shops nothing was fitted on, and public sets: does a certificate hold?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from app.errors import NotFound
from app.settings import Settings
from eval.certify import ALPHA, Shot
from eval.dev_sets import DEV_SETS, located
from eval.harness import Suite, Task, run
from eval.procedures import compare_procedures
from eval.production import open_solvers
from eval.read_suite import read_suite
from eval.report.plots import as_file, histogram
from eval.report.tables import figure
from eval.run_command import KNOWN
from eval.runs import Journal, code_fingerprint, fingerprint
from eval.scorers import SCORERS
from eval.screen import run_or_tell, screen
from eval.shots import shots_of
from eval.splits import Held, held

SUITES = ("tangli", "larchwood", "xinghe", "brightpaw", "en_banking77", "en_dstc11_faq_reviews")


def certify(
    suites: Annotated[list[str] | None, typer.Argument(help=f"Any of {', '.join(SUITES)}; default all.")] = None,
    *,
    alpha: Annotated[float, typer.Option(help="The share of sent answers that may be wrong.")] = ALPHA,
    times: Annotated[int, typer.Option(help="How often the labels are split in two.")] = 100,
    out: Annotated[Path | None, typer.Option(help="Write figures as JSON and a plot a suite into this folder.")] = None,
    simulate: Annotated[bool, typer.Option(help="Compare ways of searching for the threshold instead.")] = False,
) -> None:
    """Calibrate on one random half of each suite, judge on the other, again and again.

    Wrong is what the scorers call wrong of an answer as it would be sent; in the public sets, what cites another source
    than the labelled one. Answers are kept: a second call with the same code and models only counts.
    """
    if simulate:
        screen.print(compare_procedures())
        return
    found = run_or_tell(_measure(suites or SUITES, alpha, times))
    screen.print(_table(found, alpha))
    if out:
        out.mkdir(parents=True, exist_ok=True)
        told = [one.as_json() for one in found]
        (out / "certify.json").write_text(json.dumps(told, ensure_ascii=False, indent=2), encoding="utf-8")
        for one in found:
            rates = [split.rate for split in one.splits if split.certified]
            plot = histogram(rates, alpha, f"wrong among the answers sent on the other half of {one.name}")
            (out / f"splits-{one.name}.svg").write_text(as_file(plot), encoding="utf-8")


async def _measure(names: Sequence[str], alpha: float, times: int) -> list[Held]:
    found = []
    for name in names:
        try:
            shots = await shots_on(name)
        except NotFound as absent:
            screen.print(str(absent), style="dim")
            continue
        found.append(await asyncio.to_thread(held, name, shots, alpha, times))
    return found


async def shots_on(name: str) -> list[Shot]:
    """Every labelled question of a suite, answered by the production pipeline without a language model."""
    settings = Settings()
    settings = settings.model_copy(update={"home": settings.home / "eval", "model": "none"})
    folder = KNOWN[name][0] if name in KNOWN else DEV_SETS[name].folder(settings.home)
    async with open_solvers(settings, {name: folder}, screen, remember=True) as solvers:
        solver = solvers[name]
        suite = read_suite(KNOWN[name][1]) if name in KNOWN else DEV_SETS[name].suite()
        view = (await solver.pipeline.candidates(solver.turn(suite.samples[0]))).view
        suite = located(Suite(name, suite.samples), view.chunks.values())
        state = fingerprint(await asyncio.to_thread(code_fingerprint), repr(suite.samples), solver.knowledge)
        journal = Journal(settings.home / "certify" / f"{name}.answers.jsonl", state)
        known = journal.taken_up()
        journal.begin(known)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        try:
            with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
                bar = bars.add_task(name, total=len(suite.samples), completed=len(known))
                outcomes = await run(
                    Task(suite, solver, SCORERS),
                    lambda done, _: bars.update(bar, completed=done),
                    solved=known,
                    keep=journal.keep,
                )
        finally:
            journal.close()
    return shots_of(outcomes)


def _table(found: Sequence[Held], alpha: float) -> Table:
    times = len(found[0].splits) if found else 0
    table = Table(
        title=f"Certificates at α = {alpha:.0%}, δ = 5 %: calibrated on one half, judged on the other, {times} times",
        caption="exceeded: splits with more than α wrong on the other half · answered: in-scope questions, mean over "
        "all splits (0 where nothing was certified)\nreachable: what the order of the answers allows if every label "
        "were known · smallest α, missing: with all labels",
        header_style="bold",
    )
    table.title_justify = table.caption_justify = "left"
    headings = (
        "labels",
        "in scope",
        "exceeded",
        "certified",
        "answered",
        "all labels",
        "reachable",
        "smallest α",
        "2 %",
    )
    for heading in ("", *headings):
        table.add_column(heading, justify="left" if not heading else "right")
    for one in found:
        lacking = "never" if one.missing_2 is None else f"{one.missing_2} missing" if one.missing_2 else "supported"
        table.add_row(
            one.name,
            str(one.labels),
            str(one.in_scope),
            f"{one.exceeded} of {times}",
            f"{one.certified} of {times}",
            figure(one.answered, "share"),
            figure(one.whole, "share"),
            figure(one.reachable, "share"),
            "–" if one.smallest is None else f"{one.smallest:.1%}",
            lacking,
        )
    return table
