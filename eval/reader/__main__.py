"""`python -m eval.reader`: fit the built-in reader on the training shops and write what the server reads."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from app.adapters.e5.encoder import load_difference
from app.adapters.e5.packed_e5 import PackedModel, weights_path
from app.adapters.rerankers.passage_reader import FITTED, PairCutter
from app.bootstrap import make_embedder
from app.errors import ConfigurationError
from app.settings import Settings
from eval.calibrate import Example
from eval.calibrate_command import training_examples
from eval.metrics import auroc
from eval.reader.pairs import Asked, asked_pairs
from eval.screen import run_or_tell, screen
from eval.training_shops import TrainingShop, kept_apart, read_training_shops, with_plain_questions
from eval.vector_cache import CachedEmbedder

_CERTAIN, _STRANGE = 4, 3
"""Easy questions, and ones that are nothing to a shop, added to each."""


def main(
    out: Annotated[Path, typer.Option(help="Where to write the fitted difference")] = FITTED,
    epochs: Annotated[float, typer.Option(help="Passes over all questions; one takes about half an hour")] = 2.0,
    start: Annotated[Path | None, typer.Option(help="A difference fitted before, to go on from")] = None,
    threads: Annotated[int, typer.Option(help="Cores to use")] = 1,
) -> None:
    """Fit the reader (an hour on one core), print how well it reads shops it was not shown, and write it.

    Afterwards `xiaoer calibrate` fits what judges by its scores.
    """
    if find_spec("torch") is None:
        run_or_tell(_refuse())
        return
    shops = [
        with_plain_questions(shop, certain=_CERTAIN, strange=_STRANGE, seed=n)
        for n, shop in enumerate(read_training_shops())
    ]
    apart = kept_apart()
    packed = PackedModel(weights_path())
    cutter = PairCutter(packed.vocabulary)
    shown = asked_pairs(run_or_tell(_examples([s for s in shops if s.name not in apart])), cutter)
    unseen = asked_pairs(run_or_tell(_examples([s for s in shops if s.name in apart])), cutter)
    _fit(packed, shown, unseen, out, epochs, start, threads)


async def _refuse() -> None:
    raise ConfigurationError(
        "Fitting the reader needs torch, which the server does without. Nothing was changed; `pip install xiaoer[hub]`."
    )


async def _examples(shops: Sequence[TrainingShop]) -> list[Example]:
    settings = Settings()
    embedder = CachedEmbedder(make_embedder(settings), settings.home / "eval" / "vectors")
    found = await training_examples(settings, shops, embedder)
    embedder.save()
    return found


def _fit(
    packed: PackedModel,
    shown: Sequence[Asked],
    unseen: Sequence[Asked],
    out: Path,
    epochs: float,
    start: Path | None,
    threads: int,
) -> None:
    import torch  # noqa: PLC0415  the hub extra

    from eval.e5.files import export  # noqa: PLC0415  loads torch
    from eval.reader.fit import Effort, fit, read  # noqa: PLC0415  loads torch

    torch.set_num_threads(threads)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=screen) as bars:
        bar = bars.add_task("Fitting")

        def progress(done: int, steps: int, loss: float, _seconds: float) -> None:
            bars.update(bar, completed=done, total=steps, description=f"Fitting, loss {loss:.3f}")

        network = fit(packed, shown, Effort(epochs=epochs), progress, load_difference(start) if start else None)
    export(network, out)
    network.eval()
    scores = read(network, unseen)
    best = [max(row) for row in scores]
    answered = [any(pair.answers for pair in asked) for asked in unseen]
    first = [
        asked[row.index(max(row))].answers for asked, row, can in zip(unseen, scores, answered, strict=True) if can
    ]
    told_apart = auroc(
        [score for score, can in zip(best, answered, strict=True) if can],
        [score for score, can in zip(best, answered, strict=True) if not can],
    )
    screen.print(
        f"Written: {out}. On {len(unseen)} questions of shops it was not shown: the right passage first in "
        f"{sum(first) / len(first):.1%}, answered from unanswered told apart with an AUROC of "
        f"{told_apart or 0:.3f}. Now run `xiaoer calibrate`."
    )


if __name__ == "__main__":
    typer.run(main)
