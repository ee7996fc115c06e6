"""`python -m eval.recovery`: hide a fifth of a shop's FAQ, simulate chats that people answer, see what comes back.

The chats go through the production stack: the bot answers or hands over, a person joins and answers in other words,
with greetings and with the shopper's name, phone, order and address in it. Then the drafts of the review queue are
compared with what was hidden.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import structlog
import typer

from app.adapters.db.engine import Database
from app.adapters.db.review import SqlReviewQueue
from app.bootstrap import open_server
from app.review.drafting import LEAST_SHOPPERS, reading_is_done
from app.review.review import Review
from app.settings import Settings
from eval.recovery.judge import Result, judge
from eval.recovery.simulate import chat, hide, ingest_shop

ROOT = Path(__file__).parent.parent.parent
LEAST_RECOVERED, MOST_DUPLICATES = 0.9, 0.1


def main(
    shop: Annotated[str, typer.Option(help="A sample shop: tangli (Chinese) or larchwood (English).")] = "tangli",
    seeds: Annotated[str, typer.Option(help="One run each: which rows are hidden and what people say.")] = "1,2,3",
    chats: Annotated[int, typer.Option(help="Chats a run.")] = 500,
    share: Annotated[float, typer.Option(help="Share of the FAQ rows that is hidden.")] = 0.2,
    show: Annotated[int, typer.Option(help="Faults of each kind to print.")] = 6,
    gate: Annotated[bool, typer.Option(help="Exit with 1 when a figure misses its bound.")] = False,
    dump: Annotated[str, typer.Option(help="A JSON file for the drafts of the last run.")] = "",
) -> None:
    """Run and print a line a seed."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    missed = False
    for seed in (int(part) for part in seeds.split(",")):
        started = time.perf_counter()
        result, drafts = asyncio.run(_run(shop, seed, chats, share))
        _print(shop, seed, result, show, time.perf_counter() - started)
        if dump:
            Path(dump).write_text(json.dumps(drafts, ensure_ascii=False, indent=1), encoding="utf-8")
        recovered = len(result.recovered | result.said_elsewhere) / max(1, result.hidden)
        doubled = result.duplicates / max(1, result.drafts)
        missed |= recovered < LEAST_RECOVERED or doubled > MOST_DUPLICATES or bool(result.personal)
    raise typer.Exit(int(gate and missed))


async def _run(shop: str, seed: int, chats: int, share: float) -> tuple[Result, list[dict[str, Any]]]:
    chance = random.Random(seed)
    with TemporaryDirectory() as home:
        settings = Settings(home=Path(home), model="none", log_level="ERROR")
        await ingest_shop(settings, ROOT / "shops" / shop, shop)
        async with open_server(settings) as container:
            hidden = await hide(container, shop, share, chance)
            suite = ROOT / "eval" / "suites" / f"{shop}.jsonl"
            await chat(container, shop, hidden, suite, chats, chance, _progress(chats))
            assert container.review is not None
            drafts = await _drafts(container.review, shop)
            await container.close()
        database = Database(settings.database_url)
        items = [id_ for draft in drafts for id_ in draft["items"]]
        queue = SqlReviewQueue(database)
        conversation_of = {id_: (await queue.item(shop, id_)).conversation_id for id_ in items}
        database.close()
    return judge(drafts, conversation_of, hidden, LEAST_SHOPPERS), drafts


async def _drafts(review: Review, shop: str) -> list[dict[str, Any]]:
    while True:
        told = await review.drafts.drafts(shop, seconds=120.0)
        if reading_is_done(told):
            drafts: list[dict[str, Any]] = told["drafts"]
            return drafts


def _progress(chats: int) -> Any:
    def told(done: int) -> None:
        if done % 100 == 0:
            typer.echo(f"  {done} of {chats} chats", err=True)

    return told


def _print(shop: str, seed: int, result: Result, show: int, seconds: float) -> None:
    recovered, drafts = len(result.recovered | result.said_elsewhere), max(1, result.drafts)
    typer.echo(
        f"{shop} seed {seed}: recovered {recovered}/{result.hidden} = {recovered / max(1, result.hidden):.0%} "
        f"(asked by enough: {result.askable}; bound ≥ {LEAST_RECOVERED:.0%}), "
        f"duplicates {result.duplicates}/{result.drafts} = {result.duplicates / drafts:.0%} (≤ {MOST_DUPLICATES:.0%}), "
        f"personal data {len(result.personal)} (0); drafts about one shopper's own matter {len(result.junk)}, "
        f"offered as phrasings of rows {result.offered_as_phrasings} (rightly, of hidden ones: "
        f"{len(result.said_elsewhere)}), "
        f"purity {sum(result.purity) / max(1, len(result.purity)):.0%}; {seconds:.0f} s"
    )
    for kind in ("twice", "known_again", "junk", "personal"):
        for line in getattr(result, kind)[:show]:
            typer.echo(f"    {kind}: {line}")
    for title, why in list(result.missed.items())[:show]:
        typer.echo(f"    missed: {title}: {why}")


if __name__ == "__main__":
    typer.run(main)
