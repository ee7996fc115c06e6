"""`python -m eval.bench.reuse`: how many FAQ-like turns need neither embedder nor model, and how often reuse is wrong.

Real customer questions (`en_banking77`, `zh_afqmc_faq`, from XIAOER_EVAL_DATA) are put to the production pipeline, each
drawn as often as its place in a popularity list gives (1/rank^skew; 0 = all alike) and typed as people type: another
case, width, no punctuation, a greeting. A reuse is wrong when the same text, looked up afresh, gets another reply.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.adapters.llm.no_model import NoModel
from app.attendance import Attendance
from app.bootstrap import make_pipeline, open_knowledge
from app.chat.remember import InProcess, Memory, normalised
from app.settings import Settings
from eval.production import open_solvers
from eval.public_data import as_shop_folder, data_folder, records
from eval.statistics import clopper_pearson

SETS = {"en_banking77": "en", "zh_afqmc_faq": "zh"}
LEAST_REUSED, MOST_WRONG = 0.40, 0.005


@dataclass
class Counted:
    """What became of the turns after the warm-up."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reused: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """(shop, text) of a reuse → (decision, reply)"""
    wrong: list[tuple[str, str]] = field(default_factory=list)


def main(
    turns: Annotated[int, typer.Option(help="Turns to replay, after the warm-up.")] = 5_000,
    warm_up: Annotated[int, typer.Option(help="Turns before anything is counted.")] = 1_000,
    skew: Annotated[float, typer.Option(help="Popularity: 1/rank^skew; 0 = every question is asked alike.")] = 0.0,
    checked: Annotated[int, typer.Option(help="Reused texts that are looked up afresh.")] = 1_500,
    home: Annotated[Path | None, typer.Option(help="Keep the shops here for a second run.")] = None,
    gate: Annotated[bool, typer.Option(help="Exit with 1 when a figure misses its bound.")] = False,
) -> None:
    """Replay, count, look reused texts up again, print."""
    with tempfile.TemporaryDirectory() as folder:
        counted, asked, tried = asyncio.run(_measure(home or Path(folder), turns, warm_up, skew, checked))
    share = counted.outcomes["hit"] / max(1, turns)
    low, high = clopper_pearson(len(counted.wrong), max(1, tried))
    table = Table(title=f"{turns:,} turns after {warm_up:,}; {asked:,} questions, skew {skew:g}", title_justify="left")
    for heading in ("", "figure", "bound"):
        table.add_column(heading, justify="right" if heading else "left")
    table.add_row("served without embedder, index and model", f"{100 * share:.1f} %", f"≥ {100 * LEAST_REUSED:.0f} %")
    table.add_row("looked up", f"{100 * counted.outcomes['miss'] / turns:.1f} %", "")
    table.add_row("their writer's own: never shared", f"{100 * counted.outcomes['own'] / turns:.1f} %", "")
    table.add_row(f"wrong reuse, of {tried:,} texts", f"{100 * len(counted.wrong) / max(1, tried):.2f} %", "≤ 0.5 %")
    table.add_row("its 95 % interval", f"{100 * low:.2f} to {100 * high:.2f} %", "")
    Console().print(table)
    for shop, text in counted.wrong[:10]:
        Console().print(f"  other reply when asked afresh: {shop}: {text}", markup=False)
    misses = share < LEAST_REUSED or len(counted.wrong) > MOST_WRONG * max(1, tried)
    raise typer.Exit(int(gate and misses))


async def _measure(home: Path, turns: int, warm_up: int, skew: float, checked: int) -> tuple[Counted, int, int]:
    settings, chance = Settings(home=home, model="none"), random.Random(6)
    folders = {name: as_shop_folder(name, home, language) for name, language in SETS.items()}
    async with open_solvers(settings, folders, Console(stderr=True)):
        pass
    questions = [(s, str(r["question"])) for s in SETS for r in records(data_folder(s) / "questions.jsonl")]
    chance.shuffle(questions)
    weights = [1 / (rank**skew) for rank in range(1, len(questions) + 1)]
    drawn = chance.choices(questions, weights, k=warm_up + turns)
    counted, heard = Counted(), list[str]()
    async with open_knowledge(settings) as knowledge:
        memory = Memory(InProcess(entries=10_000), heard.append)
        known = Attendance(knowledge, NoModel(), make_pipeline(settings, knowledge, NoModel(), memory=memory))
        afresh = Attendance(knowledge, NoModel(), make_pipeline(settings, knowledge, NoModel()))
        for number, (shop, question) in enumerate(drawn):
            text = typed(question, chance)
            heard.clear()
            reply = await known.pipeline.run(await known.turn(shop, text))
            if number >= warm_up:
                outcome = heard[0] if heard else "before"
                counted.outcomes[outcome] += 1
                if outcome == "hit":
                    counted.reused[shop, text] = (reply.decision.name, reply.text)
        sample = chance.sample(sorted(counted.reused), min(checked, len(counted.reused)))
        for shop, text in sample:
            reply = await afresh.pipeline.run(await afresh.turn(shop, text))
            if (reply.decision.name, reply.text) != counted.reused[shop, text]:
                counted.wrong.append((shop, text))
    return counted, len({(shop, normalised(question)) for shop, question in questions}), len(sample)


def typed(question: str, chance: random.Random) -> str:
    """The question as another shopper may type it."""
    zh = not question.isascii()
    way = chance.randrange(6)
    if way == 1:
        return question.casefold()
    if way == 2:
        return question.rstrip("?？.。!！")
    if way == 3:
        return ("你好，" if zh else "Hi, ") + question
    if way == 4:
        return question + ("谢谢" if zh else " thanks")
    if way == 5:
        return question.replace(" ", "  ") + ("？？" if zh else "??")
    return question


if __name__ == "__main__":
    typer.run(main)
