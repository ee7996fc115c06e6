"""The figures as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from eval.harness import Outcome
from eval.metrics import reliability
from eval.summary import Summary, judged_confidences

COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("n", "n", "count"),
    ("right", "right", "share"),
    ("sent", "answered", "share"),
    ("wrong", "wrong", "share"),
    ("unknown", "unanswerable", "share"),
    ("R@1", "recall_1", "ratio"),
    ("R@5", "recall_5", "ratio"),
    ("nDCG", "ndcg_10", "ratio"),
    ("cited", "citation_recall", "share"),
    ("grounded", "grounded", "share"),
    ("AUROC", "auroc", "ratio"),
    ("ECE", "ece", "ratio"),
    ("p50 ms", "latency_p50_ms", "count"),
    ("p95 ms", "latency_p95_ms", "count"),
    ("calls", "model_calls", "count"),
    ("tokens", "prompt_tokens_p50", "count"),
)


LEGEND = (
    "sent: told as true · wrong: share of those · unknown: unanswerable ones held back or said to be unknown\n"
    "R@k: needed source among the first k passages · AUROC: confidence, right against wrong\n"
    "calls and tokens: of the model, tokens uncached · under a rate: its 95 % interval (Wilson), in per cent"
)


def suite_table(name: str, groups: Mapping[str, Summary]) -> Table:
    """One row a category and language, the whole suite last."""
    table = Table(title=f"Suite {name}", caption=LEGEND, header_style="bold")
    table.title_justify = table.caption_justify = "left"
    table.add_column("")
    for heading, _, _ in COLUMNS:
        table.add_column(heading, justify="right")
    for group, summary in groups.items():
        if group.startswith("language") or group == "all":
            table.add_section()
        cells = [_cell(summary, metric, form) for _, metric, form in COLUMNS]
        table.add_row(group, *cells, style="bold" if group == "all" else "")
    return table


def _cell(summary: Summary, metric: str, form: str) -> str:
    """A figure, and under a rate its interval."""
    one = summary.rates.get(metric)
    told = figure(getattr(summary, metric), form)
    return f"{told}\n[dim]{100 * one.low:.0f}–{100 * one.high:.0f}[/dim]" if one and one.n else told


def headline(name: str, summary: Summary) -> str:
    """The figures a suite is judged by, in one line."""
    return (
        f"[bold]{name}[/]: answerable right {figure(summary.right_answerable, 'share')}, wrong among answered "
        f"{figure(summary.wrong, 'share')}, unanswerable handled {figure(summary.unanswerable, 'share')}, "
        f"safe on injection/human/medical {figure(summary.safe, 'share')}, AUROC {figure(summary.auroc, 'ratio')}"
    )


def reliability_table(outcomes: Sequence[Outcome]) -> Table:
    """What confidence promised and what came true, over every draft."""
    table = Table(title="Reliability", title_justify="left", header_style="bold")
    for heading in ("confidence", "promised", "right", "n"):
        table.add_column(heading, justify="right")
    for one in reliability(*judged_confidences(outcomes)):
        table.add_row(f"{one.low:.1f}-{one.high:.1f}", f"{one.confidence:.2f}", f"{one.accuracy:.2f}", str(one.n))
    return table


def print_failures(console: Console, outcomes: Sequence[Outcome], limit: int) -> None:
    """The first failures, to read: what was asked, what was sent, what is wrong with it."""
    failed = [o for o in outcomes if not o.passed("right")]
    for outcome in failed[:limit]:
        sample, reply = outcome.sample, outcome.solved.reply
        console.rule(f"{sample.id} · {sample.category} · {sample.language}", align="left")
        for message in sample.history:
            console.print(f"  {message.role}: {message.text}", style="dim", markup=False)
        console.print(f"Q {sample.question}", style="bold", markup=False)
        decided = f"[{reply.get('decision')} {float(reply.get('confidence') or 0):.2f}]"
        console.print(f"A {decided} {reply.get('text')}", markup=False)
        console.print(f"✗ {outcome.scores['right'].why}", style="red", markup=False)
        for passage in outcome.solved.passages[:3]:
            console.print(f"    {passage.confidence:.2f} {passage.path} · {passage.locator}", style="dim", markup=False)
    if len(failed) > limit > 0:
        console.print(f"… and {len(failed) - limit} more failures; --show-failures {len(failed)} shows all.")


def figure(value: float | None, form: str) -> str:
    """A number as a cell: a share in per cent, a ratio with two or three decimals, a count, or a dash."""
    if value is None:
        return "–"
    return {
        "share": f"{100 * value:.1f}%",
        "ratio": f"{value:.2f}",
        "ratio3": f"{value:.3f}",
        "count": f"{value:,.0f}",
    }[form]
