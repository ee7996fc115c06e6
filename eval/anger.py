"""`python -m eval.anger`: how much anger the hand-over hears, on public posts labelled by emotion (Weibo, Chinese).

Two ears: the phrases that settle it, and the intent classifier's "complaint" at a threshold that lets at most 5 % of
neutral texts through; that threshold is set on one half of the texts and measured on the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.bootstrap import FITTED, make_embedder
from app.chat.intents import load_intents
from app.chat.signals import ANGER
from app.settings import Settings
from eval.public_data import data_folder, records

MOST_FALSE = 0.05


def main(every: Annotated[int, typer.Option(help="Take each n-th text: 1 is all.")] = 4) -> None:
    """Measure and print."""
    texts: dict[str, list[str]] = {"angry": [], "neutral": []}
    for record in records(data_folder("emotion") / "items.jsonl"):
        if record["language"] == "zh" and record["label"] in texts:
            texts[record["label"]].append(record["text"])
    angry, neutral = texts["angry"][::every], texts["neutral"][::every]
    table = Table(title=f"Anger: {len(angry)} angry, {len(neutral)} neutral posts", title_justify="left")
    for heading in ("", "recall", "false"):
        table.add_column(heading, justify="right" if heading else "left")
    heard, false = (sum(bool(ANGER.search(text)) for text in part) / len(part) for part in (angry, neutral))
    table.add_row("phrases", f"{heard:.3f}", f"{false:.3f}")
    heard, false = asyncio.run(_classifier(angry, neutral))
    table.add_row('"complaint" of the classifier', f"{heard:.3f}", f"{false:.3f}")
    Console().print(table)


async def _classifier(angry: Sequence[str], neutral: Sequence[str]) -> tuple[float, float]:
    """Recall and false rate on the second halves, at the threshold of the first."""
    embedder, intents = make_embedder(Settings()), load_intents(FITTED / "intents.json")

    async def scores(texts: Sequence[str]) -> list[float]:
        return [intents.probabilities(vector)["complaint"] for vector in await embedder.embed_queries(texts)]

    of_angry, of_neutral = await scores(angry), await scores(neutral)
    first = sorted(of_neutral[::2], reverse=True)
    threshold = first[int(MOST_FALSE * len(first))]
    halves = (of_angry[1::2], of_neutral[1::2])
    heard, false = (sum(score > threshold for score in half) / max(1, len(half)) for half in halves)
    return heard, false


if __name__ == "__main__":
    typer.run(main)
