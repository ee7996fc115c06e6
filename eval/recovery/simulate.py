"""Hides rows of a shop, lets shoppers chat with the production stack and people answer, and keeps who asked what."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.api.container import Container
from app.bootstrap import open_knowledge
from app.errors import XiaoerError
from app.knowledge.chunk import Chunk, Kind
from app.settings import Settings
from eval.read_suite import read_suite
from eval.recovery.people import answer, ask, own_matter, somebody
from ingestion.job import ingest

OWN_MATTERS, VISIBLE = 0.15, 0.2
"""Shares of chats about one shopper's own matter, and about rows that the shop still has."""
_CALL = {"zh": ("转人工", "我要人工客服"), "en": ("can I talk to a person", "a human please")}
_THANKS = {"zh": ("好的谢谢", "不客气～"), "en": ("ok thanks", "You're welcome!")}


@dataclass
class Hidden:
    """What was taken out, what was left, and what each conversation was really about (a title; "" = their own)."""

    rows: dict[str, Chunk]
    left: dict[str, Chunk]
    truth: dict[str, str] = field(default_factory=dict)
    personal: set[str] = field(default_factory=set)
    handed_over_by_bot: int = 0


async def ingest_shop(settings: Settings, folder: Path, shop: str) -> None:
    """Read the shop into a home of its own."""
    async with open_knowledge(settings) as knowledge:
        await ingest(
            folder, shop, home=settings.home, catalogue=knowledge.catalogue, index=knowledge.index,
            embedder=knowledge.embedder, publish=True, force="for a measurement",
        )  # fmt: skip


async def hide(container: Container, shop: str, share: float, chance: random.Random) -> Hidden:
    """Disable a share of the FAQ rows in the editors' layer and publish that."""
    release = await container.knowledge.live_release(shop) or 0
    before, after = await container.knowledge.differing(shop, 0, release)
    rows = [c for c in [*before, *after] if c.kind is Kind.FAQ and not (c.valid_from or c.valid_until)]
    titles = [c.title for c in [*before, *after] if c.kind is Kind.FAQ]
    rows = sorted((c for c in rows if titles.count(c.title) == 1), key=lambda c: (c.path, c.locator))
    chosen = chance.sample(rows, round(share * len(rows)))
    assert container.editing is not None
    assert container.intake is not None
    editor = (await container.editing()).rows
    listed: dict[tuple[str, str], tuple[str, str]] = {}
    for offset in range(0, 10_000, 200):
        page = (await editor.chunks(shop, {"kind": "faq"}, offset, 200))["chunks"]
        listed |= {(row["path"], row["locator"]): (row["key"], row["version"]) for row in page}
        if len(page) < 200:
            break
    await editor.bulk(shop, [listed[c.path, c.locator] for c in chosen], "disable", {}, "eval")
    report = await container.intake.stage_edits(shop, False, lambda *_: None)
    await container.publisher.publish(shop, int(report["release"]), force="rows are hidden for a measurement")
    gone = {chunk.title for chunk in chosen}
    return Hidden({c.title: c for c in chosen}, {c.title: c for c in rows if c.title not in gone})


def wordings(suite: Path, rows: dict[str, Chunk]) -> dict[str, list[str]]:
    """Title → the ways of asking it: the row's own, and the suite's questions that cite it."""
    found = {title: [*chunk.phrasings, title] for title, chunk in rows.items()}
    for sample in read_suite(suite).samples if suite.exists() else ():
        for source in sample.sources[:1]:
            title = source.locator.partition(" | ")[2]
            if title in found and not sample.history:
                found[title].append(sample.question)
    return found


async def chat(
    container: Container, shop: str, hidden: Hidden, suite: Path, count: int, chance: random.Random,
    told: Callable[[int], None],
) -> None:  # fmt: skip
    """So many chats, each of which ends with a person. Some topics are asked often, some seldom."""
    asked = wordings(suite, hidden.rows | hidden.left)
    weights = [1.0 / (1 + at) ** 0.5 for at in range(len(hidden.rows))]
    topics = list(hidden.rows)
    for number in range(count):
        dice = chance.random()
        if dice < OWN_MATTERS:
            title = ""
        elif dice < OWN_MATTERS + VISIBLE:
            title = chance.choice(list(hidden.left))
        else:
            title = chance.choices(topics, weights)[0]
        await _one_chat(container, shop, hidden, title, asked.get(title, []), chance)
        told(number + 1)


async def _one_chat(
    container: Container, shop: str, hidden: Hidden, title: str, wordings: list[str], chance: random.Random
) -> None:
    conversations = container.conversations
    chunk = (hidden.rows | hidden.left).get(title)
    language = (chunk.language if chunk else container.brands(shop).default_language)[:2]
    person = somebody(chance, language)
    if chunk is None:
        question, answers = own_matter(person, chance, language)
    else:
        question = ask(chance.choice(wordings), person, chance, language)
        answers = answer(chunk.text, person, chance, language)
    id_ = (await conversations.start(shop, language)).id
    hidden.truth[id_] = title
    await _say(container, id_, question)
    if (await conversations.look(id_)).episode is None:
        await _say(container, id_, chance.choice(_CALL[language]))
    else:
        hidden.handed_over_by_bot += 1
    await conversations.join_agent(id_, "a1", "小美" if language == "zh" else "Mei")
    for text in answers:
        await conversations.say_as_agent(id_, "a1", text)
    if chance.random() < 0.3:
        thanks, welcome = _THANKS[language]
        await _say(container, id_, thanks)
        await conversations.say_as_agent(id_, "a1", welcome)
    await conversations.close_conversation(id_, "agent", "solved")
    hidden.personal |= person.used


async def _say(container: Container, id_: str, text: str) -> None:
    try:
        await (await container.conversations.say(id_, text)).reply()
    except XiaoerError:
        return  # a person has it: there is no reply to wait for
