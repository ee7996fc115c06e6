"""`xiaoer calibrate`: fit intents and selection on labelled suites, print how well they hold, write what turns read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.bootstrap import FITTED, make_embedder
from app.errors import BadInput, ConfigurationError
from app.settings import Settings
from eval import calibrate as selection
from eval.calibrate import Example
from eval.fit_intents import fit_intents
from eval.metrics import reliability
from eval.production import ShopSolver, open_solver, open_solvers
from eval.read_suite import read_suite
from eval.report.tables import figure

ROOT = Path(__file__).parent.parent
SAMPLE_SHOPS = ("tangli", "larchwood")

_FIGURES = (
    ("answerable", "answerable", "count"),
    ("evidence found", "reachable", "share"),
    ("top 1 right", "top1_right", "share"),
    ("AUROC", "auroc", "ratio3"),
    ("calibration error", "calibration_error", "ratio3"),
    ("sent at 3 % wrong", "coverage_at_3_percent_wrong", "share"),
    ("threshold there", "threshold_at_3_percent_wrong", "ratio"),
)


async def calibrate(settings: Settings, suites: Sequence[str], *, check: bool) -> None:
    """Fit on `SHOP=SUITE.jsonl` pairs, the sample shops by default; `check` prints the report and changes nothing.

    A sample shop is read from `shops/`; any other is taken as it is live. Raises BadInput for a pair that is none,
    ConfigurationError without scikit-learn.
    """
    console = Console(width=max(150, Console().width))
    pairs = dict(_pair(text) for text in suites) or {s: ROOT / "eval" / "suites" / f"{s}.jsonl" for s in SAMPLE_SHOPS}
    _need_scikit_learn()
    intents = await fit_intents(make_embedder(settings))
    console.print(_intent_table(intents["report"]))
    if not check:
        # Before the selector: which messages reach it depends on the intents.
        selection.write(intents, FITTED / "intents.json")
    examples, embedder = await _examples(settings, pairs, console)
    if not any(example.labels.any() for example in examples):
        raise BadInput("No question of the suites found its source, so nothing can be fitted. Nothing was changed.")
    model = selection.fit(examples, embedder)
    console.print(_selection_table(model["report"]), _reliability_table(examples, model["knots"]))
    if check:
        console.print("Nothing was changed (--check).")
        return
    selection.write(model, FITTED / "selector.json")
    console.print(f"Written: {FITTED / 'intents.json'}, {FITTED / 'selector.json'}. A server reads them at its start.")


def _pair(text: str) -> tuple[str, Path]:
    shop, _, path = text.partition("=")
    if not shop or not Path(path).is_file():
        raise BadInput(f"{text!r} is no SHOP=SUITE.jsonl whose file is there. Nothing was changed.")
    return shop, Path(path)


def _need_scikit_learn() -> None:
    try:
        import sklearn  # noqa: F401, PLC0415  an extra
    except ImportError as problem:
        raise ConfigurationError(
            "Fitting needs scikit-learn, which the server does without. Nothing was changed; "
            "run `make setup-test`, or `pip install 'xiaoer[fit]'`."
        ) from problem


async def _examples(settings: Settings, pairs: Mapping[str, Path], console: Console) -> tuple[list[Example], str]:
    folders = {shop: ROOT / "shops" / shop for shop in pairs if (ROOT / "shops" / shop).is_dir()}
    found: list[Example] = []
    if folders:
        apart = settings.model_copy(update={"home": settings.home / "eval"})
        async with open_solvers(apart, folders, console, remember=True) as solvers:
            for shop, solver in solvers.items():
                found += await _of_shop(solver, pairs[shop])
    for shop in pairs.keys() - folders.keys():
        async with open_solver(settings, shop, console) as solver:
            found += await _of_shop(solver, pairs[shop])
    return found, make_embedder(settings).name


async def _of_shop(solver: ShopSolver, suite: Path) -> list[Example]:
    turns = [(sample, solver.turn(sample)) for sample in read_suite(suite).samples]
    shown = track(turns, f"Asking {solver.shop}", console=Console(stderr=True), transient=True)
    return await selection.examples_of(solver.pipeline, solver.shop, shown)


def _intent_table(report: Mapping[str, Any]) -> Table:
    title = f"Intents: {report['utterances']} utterances, {figure(report['accuracy'], 'share')} right, cross-validated"
    table = Table(title=title, title_justify="left", header_style="bold", min_width=len(title) + 2)
    for heading in ("intent", "recall", "precision"):
        table.add_column(heading, justify="left" if heading == "intent" else "right")
    for intent, row in report["by_intent"].items():
        table.add_row(intent, figure(row["recall"], "share"), figure(row["precision"], "share"))
    return table


def _selection_table(report: Mapping[str, Any]) -> Table:
    title = f"Selection and confidence: {report['samples']} questions, {report['passages']} passages"
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("models had not seen", no_wrap=True)
    for heading, _, _ in _FIGURES:
        table.add_column(heading, justify="right")
    rows = {"the question": report["out_of_fold"]}
    rows |= {f"the shop {shop}": row for shop, row in report.get("left_out_shop", {}).items()}
    for name, row in rows.items():
        table.add_row(name, *(figure(row.get(key), form) for _, key, form in _FIGURES))
    return table


def _reliability_table(examples: Sequence[Example], knots: Sequence[tuple[float, float]]) -> Table:
    scores = selection.out_of_fold(examples, selection.Options())
    xs, ys = zip(*knots, strict=True)
    best = [int(np.argmax(row)) for row in scores]
    promised = [float(np.interp(row[b], xs, ys)) for row, b in zip(scores, best, strict=True)]
    right = [float(example.labels[b]) for example, b in zip(examples, best, strict=True)]
    table = Table(title="Reliability, out of fold", title_justify="left")
    for heading in ("confidence", "promised", "right", "n"):
        table.add_column(heading, justify="right")
    for one in reliability(promised, right):
        table.add_row(f"{one.low:.1f}-{one.high:.1f}", f"{one.confidence:.2f}", f"{one.accuracy:.2f}", str(one.n))
    return table
