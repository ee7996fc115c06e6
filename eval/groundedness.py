"""`python -m eval groundedness`: what the verifier lets through and what it stops, and what it costs.

Two things are measured. The gate: sentences made from the sample shops, half said otherwise, half with one error
planted in them; `--nli` puts what is in doubt to an entailment model, as `XIAOER_NLI` does in a turn. And the
probability of `check_text` on public sets, per source, where they are at hand.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from app.arbitration_parts import NOBODY, Arbitration, open_arbitration
from app.chat.arbitrate import doubt_about
from app.chat.verify import Verifier
from app.errors import NotFound
from app.settings import Settings
from eval.fit_support import balanced_accuracy, cross_validated, own_items, public_items, table_of
from eval.metrics import percentile
from eval.mutations.measure import open_shop
from eval.planted.faults import FAULTS
from eval.planted.plant import FAITHFUL, Planted, planted
from eval.run_command import KNOWN, SAMPLE_SHOPS
from eval.screen import screen
from eval.statistics import Rate

NLI_SECONDS = 60.0
"""Patience with an entailment model: here it is to be judged, not its speed."""
LEAST_RECALL, MOST_BLOCKED, MOST_MS = 0.95, 0.05, 15.0
WANTED = {"begin": 0.80, "faithbench": 0.62, "rgb": 0.85}
"""Balanced accuracy wanted on each public source."""


@dataclass(slots=True)
class Judged:
    """How a shop's planted sentences were judged."""

    right: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[tuple[Planted, str]] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    asked_ms: list[float] = field(default_factory=list)
    """Wall time of each sentence that was put to an entailment model"""

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
    nli: Annotated[str, typer.Option(help="Whom to ask where the check is in doubt, as in XIAOER_NLI.")] = NOBODY,
) -> None:
    """What the verifier stops and what it lets through, and its CPU time a sentence."""
    judged = judge_planted(sentences, seed, nli=nli)
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


def judge_planted(count: int, seed: int, shops: Sequence[str] = SAMPLE_SHOPS, nli: str = NOBODY) -> Judged:
    """Make sentences from the shops and judge each as a turn would."""
    return asyncio.run(_judge(count, seed, shops, nli))


async def _judge(count: int, seed: int, shops: Sequence[str], nli: str) -> Judged:
    judged = Judged()
    async with open_arbitration(nli, Settings().nli_key.get_secret_value(), NLI_SECONDS) as arbitration:
        for number, shop in enumerate(shops):
            share = count // len(shops) + (number < count % len(shops))
            verifier = Verifier()
            for one in planted(open_shop(shop, Path(KNOWN[shop][0])).chunks, share, seed):
                reason = await _reason(one, verifier, arbitration, judged)
                is_right = (not reason) == one.supported
                judged.right[one.kind].append(is_right)
                if not is_right:
                    judged.wrong.append((one, reason))
    return judged


async def _reason(one: Planted, verifier: Verifier, arbitration: Arbitration, judged: Judged) -> str:
    """Why the sentence is stopped; "" = it is let through."""
    started = time.process_time()
    grounds = verifier.grounds(one.evidence, one.question)
    verdict = verifier.judge(one.sentence, grounds)
    judged.cpu_ms.append(1000 * (time.process_time() - started))
    if arbitration.arbiter is not None and doubt_about(one.sentence, verdict, grounds):
        begun = time.perf_counter()
        verdict = await arbitration.arbiter.settle(one.sentence, verdict, grounds, one.evidence)
        judged.asked_ms.append(1000 * (time.perf_counter() - begun))
    return verdict.reason


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
    if asked := judged.asked_ms:
        p50, p95 = percentile(asked, 50) or 0.0, percentile(asked, 95) or 0.0
        table.caption += f"\n{len(asked)} were put to the model: p50 {p50:.0f} ms, p95 {p95:.0f} ms of waiting"
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
