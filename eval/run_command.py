"""`python -m eval run` and `compare`: measure a state of the server, and say whether another is better."""

from __future__ import annotations

import asyncio
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import app as package
from app.arms import Arm
from app.errors import BadInput, NotFound
from app.settings import Settings
from eval.checked_sets import CHECKED
from eval.compare import compare
from eval.dev_sets import DEV_SETS, located
from eval.gates import failures
from eval.harness import Outcome, Solver, Suite, Task, run
from eval.judge import judge_all, judge_at
from eval.production import ShopSolver, open_asker, open_solvers
from eval.read_suite import read_suite
from eval.report.comparison import comparison_page, print_comparison
from eval.report.files import summary_json, write_outcomes
from eval.report.page import page, suite_section
from eval.report.tables import headline, suite_table
from eval.runs import MANIFEST, Journal, code_fingerprint, fingerprint, read_run
from eval.scorers import SCORERS
from eval.scorers.wording import without_words
from eval.screen import run_or_tell, screen
from eval.summary import Summary, by_group

ROOT = Path(__file__).parent.parent
LIVE = "live:"
SAMPLE_SHOPS = ("tangli", "larchwood")
KNOWN = {shop: (ROOT / "shops" / shop, ROOT / "eval" / "suites" / f"{shop}.jsonl") for shop in SAMPLE_SHOPS} | {
    shop: (ROOT / "eval" / "heldout" / shop / "shop", ROOT / "eval" / "heldout" / shop / "suite.jsonl")
    for shop in ("xinghe", "brightpaw")
}


@dataclass(frozen=True, slots=True)
class Target:
    """A shop folder and the suite that is asked of it; no folder = what the shop has live."""

    name: str
    folder: Path | None
    suite: Path
    public: bool = False
    """Of the public data sets: its folder and suite are made out of them"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One suite, answered and judged."""

    target: Target
    outcomes: Sequence[Outcome]
    groups: Mapping[str, Summary]


def run_suites(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            help="tangli, larchwood, xinghe, brightpaw; FOLDER[=SUITE], a suite being jsonl, json, csv or xlsx; "
            "live:SHOP=SUITE for what a shop has live, asked of the running server where there is one; or a public "
            f"set: {', '.join([*DEV_SETS, *CHECKED])}. Default: the sample shops."
        ),
    ] = None,
    *,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; an unfinished one is taken up again.")] = None,
    model: Annotated[str, typer.Option(help="none, embedded, or the URL of an OpenAI-compatible server.")] = "none",
    jobs: Annotated[int, typer.Option(help="Questions at once; more than 1 blurs latency.")] = 1,
    limit: Annotated[int, typer.Option(help="Only the first N of each suite; 0 = all.")] = 0,
    judge: Annotated[str, typer.Option(help="URL#MODEL of a judge, with its agreement printed beside it.")] = "",
    gate: Annotated[bool, typer.Option(help="Exit with 1 when a figure is out of bounds.")] = False,
) -> None:
    """Ask suites of the production pipeline; write outcomes, figures with intervals, and one page with plots."""
    chosen = [target_of(name) for name in targets or SAMPLE_SHOPS]
    settings = Settings()
    settings = settings.model_copy(update={"home": settings.home / "eval", "model": model})
    folder = out or settings.home / "runs" / datetime.now().strftime("%Y%m%d-%H%M%S")
    # Public sets are large, and asked for their answers, not their latency: vectors are kept for the next run.
    remember = any(target.public for target in chosen)
    asked = run_or_tell(ask_all(settings, chosen, folder, jobs, limit, remember=remember))
    judged = run_or_tell(_judge(judge, settings, asked)) if judge else {}
    report = write_run(folder, settings, asked, jobs, judged)
    screen.print(f"Written: {report}", highlight=False)
    shut = {one.target.name: failures(one.groups["all"]) for one in asked}
    for name, reasons in shut.items():
        for reason in reasons if gate else ():
            screen.print(f"[red]gate[/] {name}: {reason}")
    raise typer.Exit(int(gate and any(shut.values())))


def compare_runs(
    before: Annotated[Path, typer.Argument(help="A run's folder, or a file of outcomes.")],
    after: Annotated[Path, typer.Argument(help="The other one.")],
    *,
    flips: Annotated[int, typer.Option(help="Print so many flips.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write the comparison as a page.")] = None,
    gate: Annotated[bool, typer.Option(help="Exit with 1 when the second run is worse beyond chance.")] = False,
) -> None:
    """Compare two runs sample by sample: rates with intervals, exact McNemar test, and the list of flips."""

    async def work() -> Any:
        return await asyncio.to_thread(lambda: compare(read_run(before), read_run(after)))

    found = run_or_tell(work())
    if html:
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(comparison_page(found), encoding="utf-8")
    if as_json:
        print(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
    else:
        print_comparison(screen, found, flips)
    raise typer.Exit(int(gate and bool(found.worse)))


def target_of(name: str) -> Target:
    """What a word on the command line means. Raises typer.BadParameter."""
    if name in KNOWN:
        return Target(name, *KNOWN[name])
    if name in DEV_SETS or name in CHECKED:
        return Target(name, Path(name), Path(name), public=True)
    if name.startswith(LIVE):
        shop, _, live_suite = name.removeprefix(LIVE).partition("=")
        if not Path(live_suite).is_file():
            raise typer.BadParameter(f"{name} names no suite; write {LIVE}{shop}=SUITE.jsonl")
        return Target(shop, None, Path(live_suite))
    folder_name, _, suite_name = name.partition("=")
    folder, suite = KNOWN.get(folder_name, (Path(folder_name), Path(folder_name) / "suite.jsonl"))
    suite = Path(suite_name) if suite_name else suite
    for path in (folder, suite):
        if not path.exists():
            raise typer.BadParameter(f"{path} is not there; known shops are {', '.join(KNOWN)}")
    return Target(folder.resolve().name, folder, suite)


async def ask_all(
    settings: Settings,
    targets: Sequence[Target],
    folder: Path,
    jobs: int,
    limit: int,
    *,
    remember: bool = False,
    arm: Arm | None = None,
) -> list[Asked]:
    """Every target through the production pipeline, as it is or as `arm` has it."""
    if len({target.name for target in targets}) < len(targets):
        raise BadInput("Two folders have the same name; a run keeps one suite a name.")
    code = await asyncio.to_thread(code_fingerprint)
    asked = [await _ask_live(settings, t, folder, jobs, limit) for t in targets if t.folder is None]
    asked += [await _ask_checked(t.name, folder, jobs, limit, code) for t in targets if t.public and t.name in CHECKED]
    ours = [t for t in targets if t.folder is not None and t.name not in CHECKED]
    read = {t.name: DEV_SETS[t.name].folder(settings.home) if t.public else t.folder for t in ours}
    if not read:
        return asked
    async with open_solvers(
        settings, {n: f for n, f in read.items() if f}, screen, remember=remember, arm=arm
    ) as solvers:
        for target in ours:
            solver = solvers[target.name]
            suite = await _suite_of(target, limit, solver)
            asked_with = (settings.model, str(settings.confidence_threshold), repr(arm), solver.knowledge)
            state = fingerprint(code, repr(suite.samples), *asked_with)
            journal = Journal(folder / f"{target.name}.answers.jsonl", state)
            outcomes = await _ask(suite, solver, journal, jobs, solver.brand.forbidden_words)
            asked.append(_told(target, outcomes))
    return asked


async def _suite_of(target: Target, limit: int, solver: ShopSolver) -> Suite:
    """The target's questions; a public set's with the places where its documents were put."""
    if not target.public:
        return _suite(target, limit)
    suite = await asyncio.to_thread(DEV_SETS[target.name].suite)
    view = (await solver.pipeline.candidates(solver.turn(suite.samples[0]))).view
    suite = located(suite, view.chunks.values())
    return Suite(suite.name, suite.samples[:: max(1, len(suite.samples) // limit)] if limit else suite.samples)


async def _ask_checked(name: str, folder: Path, jobs: int, limit: int, code: str) -> Asked:
    """Texts put to one part of the server."""
    suite, solver = await asyncio.to_thread(CHECKED[name])
    suite = Suite(suite.name, suite.samples[:: max(1, len(suite.samples) // limit)] if limit else suite.samples)
    outcomes = await _ask(suite, solver, Journal(folder / f"{name}.answers.jsonl", fingerprint(code, name)), jobs)
    return _told(Target(name, None, Path(name), public=True), outcomes)


async def _judge(where: str, settings: Settings, asked: Sequence[Asked]) -> dict[str, str]:
    """What a judge says of each suite, by name, with its agreement with the labels."""
    model = judge_at(where, settings.model)
    told = {}
    try:
        for one in asked:
            told[one.target.name] = (await judge_all(model, one.outcomes)).told()
            screen.print(f"{one.target.name}: {told[one.target.name]}", highlight=False)
    finally:
        await model.close()
    return told


async def _ask_live(settings: Settings, target: Target, folder: Path, jobs: int, limit: int) -> Asked:
    """What is live may change between two starts, so such a run is never taken up again."""
    own = settings.model_copy(update={"home": settings.home.parent})
    async with open_asker(own, target.name, screen) as solver:
        journal = Journal(folder / f"{target.name}.answers.jsonl", datetime.now(UTC).isoformat())
        outcomes = await _ask(_suite(target, limit), solver, journal, jobs)
    return _told(target, outcomes)


def _told(target: Target, outcomes: Sequence[Outcome]) -> Asked:
    groups = by_group(outcomes)
    screen.print(suite_table(target.name, groups), headline(target.name, groups["all"]), "")
    return Asked(target, outcomes, groups)


async def _ask(
    suite: Suite, solver: Solver, journal: Journal, jobs: int, forbidden: Sequence[str] = ()
) -> list[Outcome]:
    known = {i: s for i, s in journal.taken_up().items() if i in {sample.id for sample in suite.samples}}
    if known:
        screen.print(f"{suite.name}: {len(known)} answers of the run that was broken off are kept.", style="dim")
    journal.begin(known)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            bar = bars.add_task(suite.name, total=len(suite.samples), completed=len(known))
            return await run(
                Task(suite, solver, {**SCORERS, "forbidden_words": without_words(forbidden)}),
                lambda done, _: bars.update(bar, completed=done),
                jobs=jobs,
                solved=known,
                keep=journal.keep,
            )
    finally:
        journal.close()


def _suite(target: Target, limit: int) -> Suite:
    try:
        suite = read_suite(target.suite)
    except OSError as problem:
        raise NotFound(f"{target.suite} cannot be read: {problem.strerror}. Nothing was run.") from problem
    return Suite(target.name, suite.samples[:limit] if limit else suite.samples)


def write_run(
    folder: Path, settings: Settings, asked: Sequence[Asked], jobs: int, judged: Mapping[str, str] | None = None
) -> Path:
    """Outcomes, figures, page and manifest of a run; returns the page."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in asked:
        write_outcomes(folder / f"{one.target.name}.jsonl", one.outcomes)
    figures = {one.target.name: {g: summary_json(s) for g, s in one.groups.items()} for one in asked}
    (folder / "summary.json").write_text(json.dumps(figures, ensure_ascii=False, indent=2), encoding="utf-8")
    told = {
        "suites": {one.target.name: len(one.outcomes) for one in asked},
        "model": settings.model,
        "threshold": settings.confidence_threshold,
        "jobs": jobs,
        "version": package.__version__,
        "python": platform.python_version(),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(sys.argv[1:]),
        "judge": dict(judged or {}),
    }
    sections = [suite_section(o.target.name, o.outcomes, o.groups, settings.confidence_threshold) for o in asked]
    about = (
        f'<p class="dim">Xiaoer {package.__version__} · model {escape(settings.model)} · threshold '
        f"{settings.confidence_threshold:g} · {told['finished_at']}. Intervals are Wilson’s at 95 %.</p>"
    )
    report = folder / "report.html"
    report.write_text(page(f"Run {folder.name}", about + "".join(sections)), encoding="utf-8")
    # The manifest comes last: a folder with one is a finished run.
    (folder / MANIFEST).write_text(json.dumps(told, ensure_ascii=False, indent=2), encoding="utf-8")
    return report
