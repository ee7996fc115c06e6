"""Explains turns of the log: to `xiaoer explain`, and to the console. Opens what that takes, and no engine."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.adapters.db.conversations import SqlEventLog
from app.bootstrap import FITTED, master_key, open_database
from app.explain_parts import make_explainer
from app.settings import Settings

_MARKS = {True: "[green]✓[/]", False: "[red]✗[/]", None: "·"}


async def explain_turn(settings: Settings, turn: str) -> dict[str, Any]:
    """One turn of the log under this home. Raises NotFound."""
    with open_database(settings) as database:
        return await make_explainer(database, SqlEventLog(database, master_key(settings)), FITTED).turn(turn)


def print_explanation(console: Console, told: dict[str, Any], language: str) -> None:
    """For a terminal, in "zh" or "en"."""
    chinese = language == "zh"
    headings = ("决定", "把握", "起点") if chinese else ("decision", "confidence", "a question like any other")
    base = "" if told["base"] is None else f" · {headings[2]} {told['base']:.0%}"
    console.print(f"[bold]{headings[0]} {told['decision']}[/] · {headings[1]} {told['confidence']:.0%}{base}")
    for check in told["checks"]:
        console.print(f"  {_MARKS[check['passed']]} {escape(check[language])}", highlight=False)
    if told["features"]:
        title = "把握从哪里来（百分点）" if chinese else "where the confidence comes from (percentage points)"
        table = Table(title=title, title_justify="left", show_header=False)
        for _ in range(3):
            table.add_column()
        for one in told["features"]:
            bar = ("+" if one["points"] > 0 else "−") * min(20, max(1, round(abs(one["points"]) / 3)))
            colour = "green" if one["points"] > 0 else "red"
            table.add_row(f"{one['points']:+.1f}", f"[{colour}]{bar}[/]", escape(one[language]))
        console.print(table)
    for one in told["sentences"]:
        console.print(f"“{escape(one['text'])}” [dim]{escape(one[language])}[/]", highlight=False)
        for where in one["citations"]:
            console.print(f"    [dim]{escape(where)}[/]", highlight=False)
    title = "看过的资料" if chinese else "passages"
    for n, one in enumerate(told["passages"][:5], start=1):
        where = escape(f"{one['path']} · {one['locator']}")
        console.print(f"[dim]{title} {n}: {one['confidence']:.0%} {where}[/]", highlight=False)
