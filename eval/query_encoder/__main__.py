"""`python -m eval.query_encoder`: fit the built-in query encoder on the training shops; write what the server reads."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from app.adapters.e5.encoder import load_difference
from app.adapters.e5.packed_e5 import PackedModel, weights_path
from app.adapters.embedders.query_encoder import FITTED
from app.bootstrap import make_embedder
from app.errors import ConfigurationError
from app.settings import Settings
from eval.query_encoder.shelves import Shelf, shelf_of
from eval.screen import run_or_tell, screen
from eval.training_shops import kept_apart, read_training_shops, with_plain_questions
from eval.vector_cache import CachedEmbedder


def main(
    out: Annotated[Path, typer.Option(help="Where to write the fitted difference")] = FITTED,
    epochs: Annotated[float, typer.Option(help="Passes over all questions; one takes about five minutes")] = 6.0,
    start: Annotated[Path | None, typer.Option(help="A difference fitted before, to go on from")] = None,
    threads: Annotated[int, typer.Option(help="Cores to use")] = 1,
) -> None:
    """Fit the query encoder (half an hour on one core), print how well it finds its way in shops it was not shown, and
    write it. Afterwards `xiaoer calibrate` fits what judges by its scores.
    """
    if find_spec("torch") is None:
        run_or_tell(_refuse())
        return
    packed = PackedModel(weights_path())
    shelves = run_or_tell(_shelves(packed))
    apart = kept_apart()
    shown = [shelf for shelf in shelves if shelf.shop not in apart]
    unseen = [shelf for shelf in shelves if shelf.shop in apart]
    _fit(packed, shown, unseen, out, epochs, start, threads)


async def _refuse() -> None:
    raise ConfigurationError(
        "Fitting the query encoder needs torch, which the server does without. Nothing was changed; "
        "`pip install xiaoer[hub]`."
    )


async def _shelves(packed: PackedModel) -> list[Shelf]:
    settings = Settings()
    embedder = CachedEmbedder(make_embedder(settings), settings.home / "eval" / "vectors")
    shops = [with_plain_questions(shop, certain=0, strange=0, seed=n) for n, shop in enumerate(read_training_shops())]
    vocabulary = packed.vocabulary
    shelves = [await shelf_of(shop, embedder, vocabulary) for shop in shops]
    embedder.save()
    return shelves


def _fit(
    packed: PackedModel,
    shown: Sequence[Shelf],
    unseen: Sequence[Shelf],
    out: Path,
    epochs: float,
    start: Path | None,
    threads: int,
) -> None:
    import torch  # noqa: PLC0415  the hub extra

    from eval.e5.files import export  # noqa: PLC0415  loads torch
    from eval.query_encoder.fit import Effort, fit, found_at  # noqa: PLC0415  loads torch

    torch.set_num_threads(threads)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=screen) as bars:
        bar = bars.add_task("Fitting")

        def progress(done: int, steps: int, loss: float) -> None:
            bars.update(bar, completed=done, total=steps, description=f"Fitting, loss {loss:.3f}")

        network = fit(packed, shown, Effort(epochs=epochs), progress, load_difference(start) if start else None)
    export(network, out)
    network.eval()
    places = [place for shelf in unseen for place in found_at(network, shelf)]
    told = ", ".join(f"among the first {k} {sum(p < k for p in places) / len(places):.1%}" for k in (1, 3, 6))
    screen.print(
        f"Written: {out}. Of {len(places)} questions of shops it was not shown, what answers is found {told}. "
        "Now run `xiaoer calibrate`."
    )


if __name__ == "__main__":
    typer.run(main)
