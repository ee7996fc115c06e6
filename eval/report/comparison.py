"""Two runs side by side, for a terminal and as a page."""

from __future__ import annotations

from html import escape

from rich.console import Console
from rich.markup import escape as escape_markup
from rich.table import Table

from eval.compare import Comparison
from eval.report.page import interval, page
from eval.statistics import Paired, Rate

HEADINGS = ("figure", "n", "before", "after", "difference", "lost", "won", "p (exact McNemar)")


def print_comparison(console: Console, found: Comparison, flips: int) -> None:
    """Tables by suite, then what flipped, the lost ones first."""
    for suite, figures in found.figures.items():
        table = Table(title=f"{suite}: {found.before} → {found.after}", title_justify="left", header_style="bold")
        for heading in HEADINGS:
            table.add_column(heading, justify="left" if heading == "figure" else "right")
        for name, counts in figures.items():
            sure = counts.p_value <= 0.05
            table.add_row(name, *_cells(counts), style="bold" if sure else "")
        console.print(table)
    for flip in found.flips[:flips]:
        mark = "[red]lost[/]" if flip.lost else "[green]won[/] "
        told = flip.as_json()
        console.print(f"{mark} {flip.suite} · {flip.after.id} {escape_markup(flip.after.question)}", highlight=False)
        for side in ("before", "after"):
            console.print(f"       {side}: {escape_markup(told[side][:240])}", style="dim", highlight=False)
        console.print(f"       {escape_markup(flip.why[:240])}", style="red", highlight=False)
    if len(found.flips) > flips:
        console.print(f"… and {len(found.flips) - flips} more flips; --flips {len(found.flips)} shows all.")
    console.print(conclusion(found), highlight=False)


def comparison_page(found: Comparison) -> str:
    """The same as one self-contained page."""
    tables = "".join(
        f'<h2>{escape(suite)}</h2><div class="scroll"><table><thead><tr>'
        + "".join(f"<th>{escape(heading)}</th>" for heading in HEADINGS)
        + "</tr></thead><tbody>"
        + "".join(
            f'<tr class="{"whole" if counts.p_value <= 0.05 else ""}"><td>{escape(name)}</td>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(counts))
            + "</tr>"
            for name, counts in figures.items()
        )
        + "</tbody></table></div>"
        for suite, figures in found.figures.items()
    )
    flips = "".join(
        f'<article><h3 class="{flip["flip"]}">{flip["flip"]} · {escape(flip["suite"])} · {escape(flip["id"])}</h3>'
        f"<p><b>{escape(flip['question'])}</b></p><blockquote><b>before</b> {escape(flip['before'])}</blockquote>"
        f"<blockquote><b>after</b> {escape(flip['after'])}</blockquote>"
        f'<p class="why">{escape(flip["why"])}</p></article>'
        for flip in (one.as_json() for one in found.flips)
    )
    return page(
        f"{found.before} → {found.after}",
        f"<p>{escape(conclusion(found))}</p>{tables}<h2>{len(found.flips)} flips</h2>{flips}",
    )


def conclusion(found: Comparison) -> str:
    """What the comparison says, in one sentence."""
    lost = sum(flip.lost for flip in found.flips)
    told = f"{lost} answers lost, {len(found.flips) - lost} won"
    left_out = f"; {found.unpaired} samples that only one run has are left out" if found.unpaired else ""
    verdict = (
        f"Worse beyond chance in: {', '.join(found.worse)}." if found.worse else "Nothing got worse beyond chance."
    )
    return f"{told}{left_out}. {verdict}"


def _cells(counts: Paired) -> tuple[str, ...]:
    low, high = counts.interval()
    return (
        str(counts.n),
        _rate(counts.before),
        _rate(counts.after),
        f"{100 * counts.difference:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})",
        str(counts.only_before),
        str(counts.only_after),
        f"{counts.p_value:.3g}",
    )


def _rate(one: Rate) -> str:
    return f"{100 * (one.value or 0):.1f}% ({interval(one)})"
