"""`python -m eval groundedness`: what the verifier lets through and what it stops, and what it costs.

Two things are measured. The gate: sentences made from the sample shops, half said otherwise, half with one error
planted in them. And the probability of `check_text` on public sets, per source, where they are at hand.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from app.chat.verify import Verifier
from app.errors import NotFound
from eval.fit_support import balanced_accuracy, cross_validated, own_items, public_items, table_of
from eval.metrics import percentile
from eval.mutations.measure import open_shop
from eval.planted.faults import FAULTS
from eval.planted.plant import FAITHFUL, Planted, planted
from eval.run_command import KNOWN, SAMPLE_SHOPS
from eval.screen import screen
from eval.statistics import Rate

LEAST_RECALL, MOST_BLOCKED, MOST_MS = 0.95, 0.05, 15.0
WANTED = {"begin": 0.80, "faithbench": 0.62, "rgb": 0.85}
"""Balanced accuracy wanted on each public source."""


@dataclass(slots=True)
class Judged:
    """How a shop's planted sentences were judged."""

    right: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[tuple[Planted, str]] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def rate(self, *kinds: str) -> Rate:
        """How many of these kinds were judged as they should be."""
        marks = [mark for kind in kinds for mark in self.right[kind]]
        return Rate(sum(marks), len(marks))


def groundedness(
    *,
    sentences: Annotated[int, typer.Option(help="Sentences to make from the sample shops, in all.")] = 2000,
    seed: Annotated[int, typer.Option(help="Another seed makes other sentences.")] = 1,
    show: Annotated[int, typer.Option(help="Print so many that were judged wrong.")] = 0,
    public: Annotated[bool, typer.Option(help="Measure on the public sets too.")] = True,
    gate: Annotated[bool, typer.Option(help="Exit with 1 when a figure is out of bounds.")] = False,
) -> None:
    """What the verifier stops and what it lets through, and its CPU time a sentence."""
    judged = judge_planted(sentences, seed)
    screen.print(_planted_table(judged))
    for one, reason in judged.wrong[:show]:
        told = f"{one.kind} · {one.sentence}\n    from {one.original}\n    {reason or 'let through'}"
        screen.print(escape(told), highlight=False)
    good = _within(judged)
    if public:
        try:
            good = _public() and good
        except NotFound as missing:
            screen.print(f"[yellow]{escape(str(missing))}[/]")
    raise typer.Exit(int(gate and not good))


def judge_planted(count: int, seed: int, shops: Sequence[str] = SAMPLE_SHOPS) -> Judged:
    """Make sentences from the shops and judge each as a turn would."""
    judged = Judged()
    for number, shop in enumerate(shops):
        share = count // len(shops) + (number < count % len(shops))
        verifier = Verifier()
        for one in planted(open_shop(shop, Path(KNOWN[shop][0])).chunks, share, seed):
            started = time.process_time()
            reason = verifier.judge(one.sentence, verifier.grounds(one.evidence, one.question)).reason
            judged.cpu_ms.append(1000 * (time.process_time() - started))
            is_right = (not reason) == one.supported
            judged.right[one.kind].append(is_right)
            if not is_right:
                judged.wrong.append((one, reason))
    return judged


def _planted_table(judged: Judged) -> Table:
    table = Table(title="Sentences made from the sample shops", title_justify="left", header_style="bold")
    for heading in ("", "n", "judged right", "95 %"):
        table.add_column(heading, justify="left" if not heading else "right")
    rows = {"faithful, let through": (FAITHFUL,)} | {f"{kind}, stopped": (kind,) for kind in FAULTS}
    for name, kinds in (rows | {"all errors, stopped": tuple(FAULTS)}).items():
        rate = judged.rate(*kinds)
        table.add_row(name, str(rate.n), f"{rate.value or 0:.1%}", f"{100 * rate.low:.1f}–{100 * rate.high:.1f}")
    p50, p95 = percentile(judged.cpu_ms, 50) or 0.0, percentile(judged.cpu_ms, 95) or 0.0
    table.caption = f"CPU a sentence, its evidence prepared anew: p50 {p50:.1f} ms, p95 {p95:.1f} ms"
    return table


def _within(judged: Judged) -> bool:
    recall = judged.rate(*FAULTS).value or 0.0
    blocked = 1 - (judged.rate(FAITHFUL).value or 0.0)
    p95 = percentile(judged.cpu_ms, 95) or 0.0
    screen.print(
        f"recall {recall:.1%} (wanted: at least {LEAST_RECALL:.0%}), false blocks {blocked:.1%} "
        f"(at most {MOST_BLOCKED:.0%}), p95 {p95:.1f} ms (at most {MOST_MS:.0f})",
        highlight=False,
    )
    return recall >= LEAST_RECALL and blocked <= MOST_BLOCKED and p95 <= MOST_MS


def _public() -> bool:
    """Balanced accuracy at one half per source, by models that saw nothing of what they judge."""
    scores = cross_validated([*public_items(), *own_items()])
    scores.pop("own", None)
    screen.print(table_of(scores, "Public sets: check_text, cross-validated by group; RGB-made never fitted on"))
    reached = {source: balanced_accuracy(*both) for source, both in scores.items()}
    for source, least in WANTED.items():
        if reached.get(source, 0.0) < least:
            screen.print(f"[red]{source}: {reached.get(source, 0.0):.3f}, wanted {least:.2f}[/]")
    return all(reached.get(source, 0.0) >= least for source, least in WANTED.items())
