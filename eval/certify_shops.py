"""The second half of `xiaoer calibrate`: ask each shop its suite, certify, write, and say what may be promised."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from app.adapters.db.knowledge import SqlCatalogue
from app.bootstrap import open_database
from app.errors import BadInput
from app.settings import Settings
from app.trust.certificate import Certificate
from eval.certificates import Asked, certificate_from, said_of, write_certificate
from eval.harness import Outcome, Solver, Suite, Task, run
from eval.production import open_asker, open_solvers
from eval.read_suite import read_suite
from eval.scorers import SCORERS
from eval.shots import shots_of

ROOT = Path(__file__).parent.parent


async def certify_shops(
    settings: Settings, pairs: Mapping[str, Path], console: Console, *, alpha: float, delta: float, taught: bool
) -> None:
    """Certify each shop as it is live here; a sample shop that is not is read from `shops/`.

    Raises BadInput where no question of a suite came to an answer; the certificate that was there then stays.
    """
    for shop, path in pairs.items():
        asked = await _ask(settings, shop, path, console, taught)
        shots = shots_of(asked.outcomes)
        if not any(s.confidence is not None for s in shots):
            raise BadInput(f"No question of {path.name} came to an answer of {shop}, so nothing can be certified.")
        certificate = certificate_from(asked, delta)
        level = certificate.level(alpha)
        mark = settings.confidence_threshold
        if level and level.holds:
            mark = min(g.threshold for g in level.groups if g.threshold is not None)
        folder = write_certificate(settings.home, certificate, shots, mark)
        tell(certificate, console, alpha)
        console.print(f"Written: {folder}/certificate.json, report.html and two plots.", "", highlight=False)


async def _ask(settings: Settings, shop: str, path: Path, console: Console, taught: bool) -> Asked:
    suite = read_suite(path)
    live = await _release_of(settings, shop)
    if live is not None:
        async with open_asker(settings, shop, console) as solver:
            outcomes = await asked_all(suite, solver)
        found = live
    else:
        apart = settings.model_copy(update={"home": settings.home / "eval"})
        async with open_solvers(apart, {shop: ROOT / "shops" / shop}, console, remember=True) as solvers:
            outcomes = await asked_all(suite, solvers[shop])
        found = await _release_of(apart, shop) or (0, "", frozenset())
    release, embedder, chunks = found
    return Asked(shop, path.name, outcomes, release, embedder, chunks, settings.model, taught)


async def asked_all(suite: Suite, solver: Solver) -> list[Outcome]:
    """Every question, answered and judged, with a bar that shows how far it is."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(f"Certifying {suite.name}", total=len(suite.samples))
        return await run(Task(suite, solver, SCORERS), lambda done, _: bars.update(bar, completed=done))


async def _release_of(settings: Settings, shop: str) -> tuple[int, str, frozenset[str]] | None:
    """The live release, its embedder and the contents of its chunks; None when nothing is live."""
    with open_database(settings) as database:
        catalogue = SqlCatalogue(database)
        number = await catalogue.live_release(shop)
        if number is None:
            return None
        embedder = next((r.embedder for r in await catalogue.releases(shop) if r.number == number), "")
        return number, embedder, frozenset(c.content_hash for c in await catalogue.chunks(shop, number))


def tell(certificate: Certificate, console: Console, alpha: float) -> None:
    """What may be promised, for a terminal."""
    told = certificate.told
    table = Table(
        title=f"{certificate.shop}: certificate {certificate.id} · {told['labels']} labelled questions, "
        f"{told['in_scope']} in scope, {told['answers']} with an answer · ECE {told['ece']} · AURC {told['aurc']}",
        title_justify="left",
        header_style="bold",
    )
    for heading in ("at most wrong", "in scope answered", f"what holds at {1 - certificate.delta:.0%} confidence"):
        table.add_column(heading, justify="left" if heading.startswith("what") else "right", overflow="fold")
    for level in certificate.levels:
        chosen = abs(level.alpha - alpha) < 1e-9
        share = f"{level.answered:.1%}" if level.holds else "–"
        table.add_row(f"{level.alpha:.0%}", share, said_of(level), style="bold" if chosen else "")
    console.print(table)
    smallest, short = told["smallest_alpha"], told["missing_for"]
    console.print(
        f"Smallest limit these labels support: {'none' if smallest is None else f'{smallest:.1%}'}. "
        + _short(short["labels"], short["alpha"]),
        highlight=False,
    )
    if told["taught"]:
        console.print(
            "The models were fitted on these questions, so confidence looks better on them than on new ones; "
            "`python -m eval certify` shows shops that nothing was fitted on.",
            style="dim",
        )
    if not (found := certificate.level(alpha)) or not found.holds:
        console.print(f"[red]Nothing is certified at {alpha:.0%}.[/] Answers go by the threshold of the settings.")


def _short(labels: int | None, alpha: float) -> str:
    if labels == 0:
        return f"{alpha:.0%} is supported."
    if labels is None:
        return f"{alpha:.0%} is out of reach with more labels alone: even the surest answers are wrong more often."
    return f"For {alpha:.0%} about {labels} more labelled questions are missing, if they go as these did."
