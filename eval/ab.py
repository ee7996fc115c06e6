"""`python -m eval ab`: the same suites with one thing changed, compared pair by pair."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from app.arms import Arm, arm_of
from app.errors import XiaoerError
from app.settings import Settings
from eval.compare import compare
from eval.report.comparison import comparison_page, print_comparison
from eval.run_command import SAMPLE_SHOPS, ask_all, target_of, write_run
from eval.runs import read_run
from eval.screen import run_or_tell, screen


def ab(
    targets: Annotated[list[str] | None, typer.Argument(help="As for `run`; default the sample shops.")] = None,
    *,
    a: Annotated[str, typer.Option(help="What is different in A, as for --b; default nothing.")] = "",
    b: Annotated[str, typer.Option(help="threshold=0.6,brand=FILE,prompts=FOLDER,model=URL; any of them.")],
    out: Annotated[Path | None, typer.Option(help="Folder for both runs and the comparison.")] = None,
    limit: Annotated[int, typer.Option(help="Only the first N of each suite; 0 = all.")] = 0,
    flips: Annotated[int, typer.Option(help="Print so many flips.")] = 10,
    gate: Annotated[bool, typer.Option(help="Exit with 1 when B is worse beyond chance.")] = False,
) -> None:
    """A/B of thresholds, brands, prompts and models on suites: both arms run, paired, with p-values and flips."""
    settings = Settings()
    settings = settings.model_copy(update={"home": settings.home / "eval", "model": "none"})
    folder = out or settings.home / "ab" / datetime.now().strftime("%Y%m%d-%H%M%S")
    chosen = [target_of(name) for name in targets or SAMPLE_SHOPS]
    for name, text in (("a", a), ("b", b)):
        arm = _arm(text)
        changed = {"confidence_threshold": arm.threshold, "model": arm.model}
        own = settings.model_copy(update={k: v for k, v in changed.items() if v is not None})
        screen.print(f"[bold]Arm {name}[/] {text or 'as it is'}", highlight=False)
        asked = run_or_tell(ask_all(own, chosen, folder / name, 1, limit, remember=True, arm=arm))
        write_run(folder / name, own, asked, 1)
    found = compare(read_run(folder / "a"), read_run(folder / "b"))
    (folder / "comparison.html").write_text(comparison_page(found), encoding="utf-8")
    print_comparison(screen, found, flips)
    screen.print(f"Written: {folder}/comparison.html", highlight=False)
    raise typer.Exit(int(gate and bool(found.worse)))


def _arm(text: str) -> Arm:
    pairs = dict(part.partition("=")[::2] for part in text.split(",") if part.strip())
    try:
        return arm_of({name.strip(): value.strip() for name, value in pairs.items()}, Path())
    except (XiaoerError, ValueError) as problem:
        raise typer.BadParameter(str(problem)) from problem
