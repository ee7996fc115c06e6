"""`python -m eval.dialogues`: scripted conversations through the production stack. Do hand-overs come when they should?

No call is missed, none is made for nothing, none goes round, none is silent, and no fact is asked for twice.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.bootstrap import PROMPTS
from app.chat.lines import Lines
from app.settings import Settings
from eval.dialogues.judge import Judge, Tally
from eval.dialogues.play import open_player
from eval.dialogues.script import Writer, orders_of
from eval.production import open_solvers

ROOT = Path(__file__).parent.parent.parent
SHOPS = ("tangli", "larchwood")
LEAST_RECALL, MOST_FALSE = 0.98, 0.05
NEVER = ("loop", "silent hand-over", "asked again", "spoke over a person", "contact lost")


def main(
    count: Annotated[int, typer.Option(help="Dialogues in all, half of them Chinese, half English.")] = 200,
    seed: Annotated[int, typer.Option(help="Another seed writes other dialogues.")] = 7,
    show: Annotated[int, typer.Option(help="Faults of each kind to print.")] = 8,
    home: Annotated[str, typer.Option(help="Where the shops are ingested; default XIAOER_HOME/dialogues.")] = "",
    out: Annotated[str, typer.Option(help="A JSON file for figures and every fault.")] = "",
    gate: Annotated[bool, typer.Option(help="Exit with 1 when a figure misses its bound.")] = False,
) -> None:
    """Play them, count, and print what went wrong."""
    console = Console(width=max(140, Console().width))
    settings = Settings()
    settings = settings.model_copy(
        update={"model": "none", "home": Path(home) if home else settings.home / "dialogues"}
    )
    tally = asyncio.run(_play(settings, count, seed, console))
    _print(tally, show, console)
    if out:
        Path(out).write_text(json.dumps(_figures(tally), ensure_ascii=False, indent=1), encoding="utf-8")
    missed = tally.recall < LEAST_RECALL or tally.false_rate > MOST_FALSE or any(tally.count(k) for k in NEVER)
    raise typer.Exit(int(gate and missed))


async def _play(settings: Settings, count: int, seed: int, console: Console) -> Tally:
    judge = Judge(Lines.load(PROMPTS / "shared" / "lines.yaml"))
    folders = {shop: ROOT / "shops" / shop for shop in SHOPS}
    async with open_solvers(settings, folders, console) as solvers, open_player(solvers) as player:
        for shop, folder in folders.items():
            for dialogue in Writer(shop, orders_of(folder), seed).write(count // len(SHOPS)):
                judge.judge(await player.play(dialogue), solvers[shop].brand)
    return judge.tally


def _print(tally: Tally, show: int, console: Console) -> None:
    table = Table(title=f"{tally.dialogues} dialogues, {tally.turns} shopper messages", title_justify="left")
    for heading in ("", "figure", "of", "bound"):
        table.add_column(heading, justify="left" if not heading else "right")
    table.add_row("trigger recall", f"{tally.recall:.3f}", str(tally.judged), f"≥ {LEAST_RECALL}")
    table.add_row("… for the right reason", f"{tally.right_reason / max(1, tally.called):.3f}", str(tally.called), "")
    table.add_row("… somebody was on the way already", str(tally.on_the_way), str(tally.judged), "")
    table.add_row("false calls", f"{tally.false_rate:.3f}", str(tally.calm), f"≤ {MOST_FALSE}")
    table.add_row("… by a wrong trigger", f"{tally.wrong_trigger_rate:.3f}", str(tally.calm), "")
    of = {"asked again": tally.known, "contact lost": tally.tickets + tally.count("contact lost")}
    for kind in NEVER:
        table.add_row(kind, str(tally.count(kind)), str(of.get(kind, tally.handed_over)), "0")
    console.print(table)
    for kind, expected in tally.expected_of.items():
        console.print(f"[dim]{kind}:[/] {expected - tally.missed_of[kind]} of {expected} called", highlight=False)
    for kind in dict.fromkeys(fault.kind for fault in tally.faults):
        for fault in [f for f in tally.faults if f.kind == kind][:show]:
            told = escape(f"{fault.dialogue}  {fault.text!r} → {fault.said[:110]!r}")
            console.print(f"[red]{kind}[/] {told}", highlight=False)


def _figures(tally: Tally) -> dict[str, object]:
    return {
        "dialogues": tally.dialogues, "turns": tally.turns, "recall": tally.recall, "judged": tally.judged,
        "false_rate": tally.false_rate, "wrong_trigger_rate": tally.wrong_trigger_rate,
        "calm": tally.calm, "right_reason": tally.right_reason,
        "by_reason": dict(tally.by_reason), **{kind.replace(" ", "_"): tally.count(kind) for kind in NEVER},
        "faults": [{"kind": f.kind, "dialogue": f.dialogue, "text": f.text, "said": f.said} for f in tally.faults],
    }  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
