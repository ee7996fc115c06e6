"""`python -m eval conditions`: questions whose answer is worked out, and claims that have to be put right.

Written from the sample shops' knowledge: what an order pays where, deadlines, points, money off, claims that are wrong
and claims that are right, and cases that must not be worked out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.settings import Settings
from eval.harness import Suite, Task, run
from eval.production import open_solvers
from eval.read_suite import read_suite
from eval.report.tables import print_failures, suite_table
from eval.run_command import KNOWN, SAMPLE_SHOPS
from eval.scorers import SCORERS
from eval.screen import run_or_tell, screen
from eval.summary import by_group

SUITES = Path(__file__).parent / "suites"


def conditions(
    *,
    shop: Annotated[str, typer.Option(help="One sample shop; default both.")] = "",
    show_failures: Annotated[int, typer.Option(help="Print the first N failures.")] = 0,
    remember: Annotated[bool, typer.Option(help="Keep question vectors: faster next runs.")] = False,
) -> None:
    """Worked-out answers and claims put right, by category."""
    run_or_tell(_measure((shop,) if shop else SAMPLE_SHOPS, show_failures, remember=remember))


def suite_of(shop: str) -> Suite:
    """The labelled questions of a sample shop."""
    return read_suite(SUITES / f"conditions_{shop}.jsonl")


async def _measure(shops: tuple[str, ...], show_failures: int, *, remember: bool) -> None:
    settings = Settings()
    settings = settings.model_copy(update={"home": settings.home / "eval", "model": "none"})
    async with open_solvers(settings, {shop: KNOWN[shop][0] for shop in shops}, screen, remember=remember) as solvers:
        for shop, solver in solvers.items():
            outcomes = await run(Task(suite_of(shop), solver, SCORERS))
            screen.print(suite_table(f"conditions {shop}", by_group(outcomes)), "")
            print_failures(screen, outcomes, show_failures)
