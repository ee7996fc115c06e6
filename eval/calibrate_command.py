"""`xiaoer calibrate`: fit intents and selection on labelled suites, print how well they hold, write what turns read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.adapters.llm.no_model import NoModel
from app.bootstrap import FITTED, ShopFiles, make_embedder, make_index, make_pipeline
from app.chat.ports import Reranker
from app.chat.read_rows import RowReader
from app.chat.rerank import READ
from app.chat.turn import Passage
from app.errors import BadInput, ConfigurationError
from app.gatekeeping import SUITE
from app.knowledge.ports import Embedder, KnowledgeIndex
from app.reading_parts import NOBODY, make_reranker
from app.settings import Settings
from eval import calibrate as selection
from eval import calibrate_reading as reading
from eval.calibrate import Example, Options
from eval.calibrate_reading import ReadAnswer
from eval.certify import ALPHA, DELTA
from eval.certify_shops import certify_shops
from eval.fit_intents import fit_intents, labelled, with_fewer_questions
from eval.production import ShopSolver, open_solver, open_solvers
from eval.read_suite import read_suite
from eval.report.tables import figure
from eval.training_shops import (
    TrainingCatalogue,
    TrainingShop,
    index_training_shops,
    kept_apart,
    read_training_shops,
    titles_asked,
    with_plain_questions,
)
from eval.vector_cache import CachedEmbedder

ROOT = Path(__file__).parent.parent
SAMPLE_SHOPS = ("tangli", "larchwood")

EASY_A_SHOP, EASY_A_TRAINING_SHOP = 60, 5
"""Questions added to a suite, and to a training shop: certain ones, and as many that are nothing to it."""

_FIGURES = (
    ("answerable", "answerable", "count"),
    ("evidence found", "reachable", "share"),
    ("top 1 right", "top1_right", "share"),
    ("AUROC", "auroc", "ratio3"),
    ("calibration error", "calibration_error", "ratio3"),
    ("sent at 3 % wrong", "coverage_at_3_percent_wrong", "share"),
    ("threshold there", "threshold_at_3_percent_wrong", "ratio"),
)


@dataclass(frozen=True, slots=True)
class _Training:
    """Training shops as a pipeline reads them."""

    catalogue: TrainingCatalogue
    index: KnowledgeIndex
    embedder: Embedder
    brands: ShopFiles


async def calibrate(
    settings: Settings, suites: Sequence[str], *, check: bool, fit: bool = True, alpha: float = ALPHA
) -> None:
    """Fit on `SHOP=SUITE.jsonl` pairs, the sample shops by default, then certify each of them.

    A suite that is kept with its shop needs no `=SUITE.jsonl`. `check` prints the report of the fit and changes
    nothing; without `fit` the models stay as they are and the shops are certified with them. A sample shop is fitted
    as it is in `shops/`; any other is taken as it is live. Raises BadInput for a pair that is none, ConfigurationError
    without scikit-learn.
    """
    console = Console(width=max(150, Console().width))
    own = {s: ROOT / "eval" / "suites" / f"{s}.jsonl" for s in SAMPLE_SHOPS}
    pairs = dict(_pair(text, settings.home) for text in suites) or own
    if fit:
        await _fit(settings, pairs, console, check=check)
    if not check:
        taught = fit or any(path.resolve() == own.get(shop) for shop, path in pairs.items())
        await certify_shops(settings, pairs, console, alpha=alpha, delta=DELTA, taught=taught)


async def _fit(settings: Settings, pairs: Mapping[str, Path], console: Console, *, check: bool) -> None:
    _need_scikit_learn()
    embedder = CachedEmbedder(make_embedder(settings), settings.home / "eval" / "vectors")
    shops, apart = read_training_shops(), kept_apart()
    samples = [sample for path in pairs.values() for sample in read_suite(path).samples]
    samples += [sample for shop in shops for sample in (*shop.samples, *titles_asked(shop.chunks))]
    intents = await fit_intents(embedder, with_fewer_questions(labelled(samples)))
    console.print(_intent_table(intents["report"]))
    if not check:
        # Before the selector: which messages reach it depends on the intents.
        selection.write(intents, FITTED / "intents.json")
    examples, own = await _examples(settings, pairs, console)
    small = [
        with_plain_questions(s, certain=EASY_A_TRAINING_SHOP, strange=EASY_A_TRAINING_SHOP, seed=n)
        for n, s in enumerate(shop for shop in shops if shop.name in apart)
    ]
    examples += await training_examples(settings, [*small, *own], embedder)
    embedder.save()
    if not any(example.labels.any() for example in examples):
        raise BadInput("No question of the suites found its source, so nothing can be fitted. Nothing was changed.")
    held_out = selection.out_of_fold(examples, Options())
    selector, confidence = selection.fit(examples, held_out, embedder.name)
    console.print(_selection_table(selector["report"], confidence["report"]), _reliability_table(confidence["report"]))
    models = {"selector": selector, "confidence": confidence}
    if (reranker := make_reranker(settings.reranker)) is not None:
        passages = selection.chosen(examples, held_out, selector["knots"])
        reads = await _read(reranker, examples, passages)
        names = (embedder.name, settings.reranker)
        judge, answers = reading.fit_judge(examples, passages, reads, *names, Options())
        read = reading.fit_confidence(await _read_rows(reranker, answers), *names, Options())
        console.print(_selection_table(judge["report"], read["report"], "Passages read, and confidence in them"))
        console.print(_reliability_table(read["report"]))
        models |= {"judge": judge, "confidence-read": read}
    if check:
        console.print("Nothing was changed (--check).")
        return
    for name, model in models.items():
        selection.write(model, FITTED / f"{name}.json")
    console.print(f"Written: intents, {', '.join(models)} in {FITTED}. A server reads them at its start.")


async def _read(
    reranker: Reranker, examples: Sequence[Example], passages: Sequence[Sequence[Passage]]
) -> dict[int, list[float]]:
    """What the reranker makes of the first passages of every example that a turn would have read."""
    kept = [n for n, example in enumerate(examples) if reading.is_read(example, passages[n])]
    shown = track(kept, "Reading", console=Console(stderr=True), transient=True)
    return {n: await reranker.scores(examples[n].question, passages[n][:READ]) for n in shown}


async def _read_rows(reranker: Reranker, answers: Sequence[ReadAnswer]) -> list[ReadAnswer]:
    """The same with the product rows read, as a turn would."""
    rows, found = RowReader(reranker), []
    for one in track(answers, "Reading rows", console=Console(stderr=True), transient=True):
        view, question = one.example.view, one.example.question
        if view is None:
            found.append(one)
        else:
            found.append(ReadAnswer(one.example, *await rows.read(question, one.passages, one.reading, view)))
    return found


def _pair(text: str, home: Path) -> tuple[str, Path]:
    shop, _, path = text.partition("=")
    kept = [home / "shops" / shop / SUITE, ROOT / "eval" / "suites" / f"{shop}.jsonl"]
    found = Path(path) if path else next((one for one in kept if one.is_file()), kept[0])
    if not shop or not found.is_file():
        raise BadInput(
            f"{text!r} is no SHOP=SUITE.jsonl whose file is there, nor a shop that has its own suite (ingest takes "
            "one as `--suite`). Nothing was changed."
        )
    return shop, found


def _need_scikit_learn() -> None:
    try:
        import sklearn  # noqa: F401, PLC0415  an extra
    except ImportError as problem:
        raise ConfigurationError(
            "Fitting needs scikit-learn, which the server does without. Nothing was changed; `--no-fit` certifies with "
            "the models as they are, or run `make setup-test`, or `pip install 'xiaoer[fit]'`."
        ) from problem


async def _examples(
    settings: Settings, pairs: Mapping[str, Path], console: Console
) -> tuple[list[Example], list[TrainingShop]]:
    """The suites' questions, and the shops themselves to be asked easy things."""
    folders = {shop: ROOT / "shops" / shop for shop in pairs if (ROOT / "shops" / shop).is_dir()}
    found: list[Example] = []
    shops: list[TrainingShop] = []
    if folders:
        apart = _unread(settings).model_copy(update={"home": settings.home / "eval"})
        async with open_solvers(apart, folders, console, remember=True) as solvers:
            for shop, solver in solvers.items():
                asked, own = await _of_shop(solver, pairs[shop])
                found, shops = found + asked, [*shops, own]
    for shop in pairs.keys() - folders.keys():
        async with open_solver(_unread(settings), shop, console) as solver:
            asked, own = await _of_shop(solver, pairs[shop])
            found, shops = found + asked, [*shops, own]
    return found, shops


async def training_examples(
    settings: Settings, shops: Sequence[TrainingShop], embedder: CachedEmbedder
) -> list[Example]:
    """The questions of training shops with what the pipeline finds for them."""
    found: list[Example] = []
    with TemporaryDirectory() as folder:
        index = make_index(settings.model_copy(update={"home": Path(folder), "index": "edge"}))
        try:
            knowledge = _Training(TrainingCatalogue(shops), index, embedder, ShopFiles(Path(folder)))
            pipeline = make_pipeline(_unread(settings), knowledge, NoModel())
            shown = track(shops, "Training shops", console=Console(stderr=True), transient=True)
            for shop in shown:
                await index_training_shops([shop], index, embedder)
                turns = [(sample, shop.turn(sample)) for sample in shop.samples]
                found += await selection.examples_of(pipeline, f"{selection.TRAINING}/{shop.name}", turns)
        finally:
            await index.close()
    return found


def _unread(settings: Settings) -> Settings:
    """The same without a reranker: passages are looked at before anybody has read them."""
    return settings.model_copy(update={"reranker": NOBODY})


async def _of_shop(solver: ShopSolver, suite: Path) -> tuple[list[Example], TrainingShop]:
    turns = [(sample, solver.turn(sample)) for sample in read_suite(suite).samples]
    shown = track(turns, f"Asking {solver.shop}", console=Console(stderr=True), transient=True)
    found = await selection.examples_of(solver.pipeline, solver.shop, shown)
    view = (await solver.pipeline.candidates(turns[0][1])).view
    shop = TrainingShop(solver.shop, solver.brand.default_language[:2], tuple(view.chunks.values()), ())
    return found, with_plain_questions(shop, certain=EASY_A_SHOP, strange=EASY_A_SHOP)


def _intent_table(report: Mapping[str, Any]) -> Table:
    title = f"Intents: {report['utterances']} utterances, {figure(report['accuracy'], 'share')} right, cross-validated"
    table = Table(title=title, title_justify="left", header_style="bold", min_width=len(title) + 2)
    for heading in ("intent", "recall", "precision"):
        table.add_column(heading, justify="left" if heading == "intent" else "right")
    for intent, row in report["by_intent"].items():
        table.add_row(intent, figure(row["recall"], "share"), figure(row["precision"], "share"))
    return table


def _selection_table(
    selector: Mapping[str, Any], confidence: Mapping[str, Any], what: str = "Selection and confidence"
) -> Table:
    title = f"{what}: {selector['samples']} questions, {selector['passages']} passages"
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("models had not seen", no_wrap=True)
    for heading, _, _ in _FIGURES:
        table.add_column(heading, justify="right")
    rows = {"the question": confidence["out_of_fold"]}
    rows |= {f"the shop {shop}": row for shop, row in confidence.get("left_out_shop", {}).items()}
    for name, row in rows.items():
        table.add_row(name, *(figure(row.get(key), form) for _, key, form in _FIGURES))
    return table


def _reliability_table(confidence: Mapping[str, Any]) -> Table:
    table = Table(title="Reliability, out of fold, in tenths", title_justify="left")
    for heading in ("promised", "right", "n"):
        table.add_column(heading, justify="right")
    for promised, right, count in confidence["out_of_fold"]["reliability"]:
        table.add_row(f"{promised:.2f}", f"{right:.2f}", str(count))
    return table
