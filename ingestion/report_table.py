"""A report on a terminal. Paths stay whole, to be copied and searched for; the table and the reasons give way."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from app.inspection_table import print_inspection
from app.terminal import note
from ingestion.report import FileReport, IngestReport

SHOWN_NOTES = 20
_COUNTED = ("chunks", "new", "changed", "unchanged", "vanished", "skipped")
_ANY_WIDTH = 10_000


def print_report(report: IngestReport, console: Console) -> None:
    """What came of each file, then every skipped row, warning and error, the checks and what happened in all."""
    _print_files(report, console)
    for file in report.files:
        _print_notes(file, console)
    if report.inspection:
        print_inspection(report.inspection, console)
    console.print(("[green]✓[/green] " if not report.exit_code else "[red]✗[/red] ") + escape(report.summary()))


def _print_files(report: IngestReport, console: Console) -> None:
    """A table where its widest path fits beside the numbers, else two lines a file."""
    table = _table(report)
    wanted = Measurement.get(console, console.options.update(max_width=_ANY_WIDTH), table).maximum
    if wanted <= console.width:
        console.print(table)
        return
    console.print(f"Ingested {escape(report.shop)}", style="italic")
    for file in report.files:
        console.print(_name(file), soft_wrap=True, highlight=False)
        counts = ", ".join(f"{number} {name}" for name, number in zip(_COUNTED, _numbers(file), strict=True) if number)
        console.print(f"    [dim]{counts or 'nothing'}[/dim]", highlight=False)


def _table(report: IngestReport) -> Table:
    table = Table(title=f"Ingested {escape(report.shop)}", title_justify="left")
    table.add_column("file", no_wrap=True)
    for name in _COUNTED:
        table.add_column(name, justify="right")
    for file in report.files:
        table.add_row(_name(file), *(str(number) if number else "·" for number in _numbers(file)))
    return table


def _name(file: FileReport) -> str:
    return f"[red]✗ {escape(file.path)}[/red]" if file.error else escape(file.path)


def _numbers(file: FileReport) -> tuple[int, ...]:
    return (file.chunks, file.new, file.changed, file.unchanged, file.vanished, len(file.skipped))


def _print_notes(file: FileReport, console: Console) -> None:
    notes = list(_notes(file))
    for label, where, why in notes[:SHOWN_NOTES]:
        note(console, label, where, escape(why))
    if len(notes) > SHOWN_NOTES:
        note(console, "", file.path, f"… and {len(notes) - SHOWN_NOTES} more; --json shows all")


def _notes(file: FileReport) -> Iterator[tuple[str, str, str]]:
    if file.error:
        yield "[red]failed[/red]", file.path, file.error
    for row in file.skipped:
        yield "[yellow]skipped[/yellow]", f"{file.path} row {row.row}", row.reason
    for warning in file.warnings:
        yield "[cyan]note[/cyan]", file.path, warning
    for table in file.tables:
        yield "[magenta]table[/magenta]", file.path, table
