"""What the checks and the suite said of a release, on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from app.knowledge.finding import Finding
from app.knowledge.inspection import Inspection, SuiteVerdict
from app.terminal import note

SHOWN = 20


def print_inspection(inspection: Inspection, console: Console, most: int = SHOWN) -> None:
    """New findings, the gravest first, each with what to do; those that the live release has too are only counted."""
    new = [finding for finding in inspection.findings if not finding.known]
    for finding in new[:most]:
        _print_finding(finding, console, binding=inspection.against is not None)
    if len(new) > most:
        console.print(f"        … and {len(new) - most} more findings; --json shows all")
    if known := inspection.counts["known"]:
        console.print(f"[dim]checks[/dim]  {known} findings that the live release has too", highlight=False)
    if inspection.suite:
        _print_suite(inspection.suite, console)
    if inspection.forced:
        console.print(f"[yellow]forced[/yellow]  {escape(inspection.forced)}", highlight=False)


def _print_finding(finding: Finding, console: Console, *, binding: bool) -> None:
    word = "[red]blocks[/red]" if finding.blocks and binding else "[yellow]warns[/yellow]"
    row = f" row {finding.row}" if finding.row else f" · {finding.locator}" if finding.locator else ""
    other = f" ({finding.other})" if finding.other else ""
    told = f"{escape(finding.message.en + other)}. [dim]{escape(finding.fix.en)}[/dim]"
    note(console, word, finding.path + row, told)


def _print_suite(suite: SuiteVerdict, console: Console) -> None:
    told = f"{suite.right} of {suite.n} right"
    if suite.live_right is not None and suite.p_value is not None:
        told += (
            f", {suite.live_right} with the live release; {len(suite.worse)} worse, {len(suite.better)} better "
            f"(paired test, p = {suite.p_value:.3g})"
        )
    console.print(f"[cyan]suite[/cyan]   {escape(suite.suite)}: {told}", highlight=False)
    for flip in suite.flips[:SHOWN]:
        console.print(
            f"        {escape(flip['id'])} {escape(flip['question'])} → {escape(flip['why'])}", highlight=False
        )
    for reason in suite.reasons:
        console.print(f"[red]blocks[/red]  {escape(reason.en)}", highlight=False)
