"""Publishes and rollbacks under concurrent chats: does any answer mix releases, or cite what its release does not have?

The real server, over HTTP, with the real embedder. Every answer of the shop names the edition it stands in.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp

from app.bootstrap import open_knowledge
from app.settings import Settings
from eval.bench.processes import free_port, running
from eval.metrics import percentile
from ingestion.job import ingest

SHOP = "editions"
EDITIONS = ("amber", "birch", "coral")
_THINGS = (
    "kettle", "blanket", "lamp", "teapot", "rucksack", "raincoat", "notebook", "pillow", "saucepan", "bicycle",
    "headset", "armchair", "suitcase", "telescope", "thermos", "umbrella",
)  # fmt: skip
_MARK = re.compile(r"\b(" + "|".join(EDITIONS) + r")\b")
Held: TypeAlias = frozenset[tuple[str, str]]
"""Where a release has something: path and locator."""
_A_CONVERSATION = 6
"""Questions in one conversation; then its shopper leaves and another comes."""


@dataclass(slots=True)
class Mixture:
    """What came of it. The three lists must stay empty."""

    moves: int = 0
    replies: int = 0
    answers: int = 0
    by_release: dict[int, int] = field(default_factory=dict)
    mixed: list[str] = field(default_factory=list)
    foreign_citations: list[str] = field(default_factory=list)
    record_differs: list[str] = field(default_factory=list)
    move_ms: list[float] = field(default_factory=list)
    turn_ms: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def wrong(self) -> int:
        """How many answers were not of one release alone."""
        return len(self.mixed) + len(self.foreign_citations) + len(self.record_differs)

    def slowest_move_ms(self) -> float:
        """The slowest of all publishes and rollbacks, with its read-back and trial."""
        return max(self.move_ms, default=0.0)

    def turn_p95_ms(self) -> float:
        """What a shopper waited at most, 19 times of 20."""
        return percentile(self.turn_ms, 95) or 0.0


def write_edition(folder: Path, edition: int) -> list[str]:
    """Write the shop as it is in an edition; returns the questions it answers. One thing in four is not in it."""
    name, knowledge = EDITIONS[edition], folder / "knowledge"
    knowledge.mkdir(parents=True, exist_ok=True)
    (folder / "brand.yaml").write_text("name: Three Editions\nlanguages: [en]\n", encoding="utf-8")
    things = [thing for n, thing in enumerate(_THINGS) if n % 4 != edition]
    rows, questions = ["question,similar,answer,related"], []
    for n, thing in enumerate(things):
        asked = [f"How do I clean the {thing}?", f"How long is the {thing} under warranty?"]
        other = f"How do I clean the {things[(n + 1) % len(things)]}?"
        rows.append(f"{asked[0]},,Use the {name} brush on the {thing} and let it dry for {edition + 2} hours.,{other}")
        rows.append(f"{asked[1]},,The {name} warranty covers the {thing} for {edition + 3} years.,{asked[0]}")
        questions += asked
    (knowledge / "faq.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")
    sections = [f"## Gift wrapping\n\nWe wrap every gift in {name} paper for {edition + 2} pounds."]
    (knowledge / "gifts.md").write_text("\n\n".join(["# Gifts", *sections, ""]), encoding="utf-8")
    return [*questions, "What does gift wrapping cost?"]


class Shoppers:
    """Chats over HTTP, each reply held against the release that it names."""

    def __init__(self, session: aiohttp.ClientSession, held: Mapping[int, Held], seed: int) -> None:
        self._session = session
        self._held = held
        self._draw = random.Random(seed)
        self._questions: list[str] = []
        self.found = Mixture()
        self.over = False

    def ask_about(self, questions: list[str]) -> None:
        """What they may ask."""
        self._questions = questions

    async def chat(self) -> None:
        """One shopper after the other, until it is over."""
        while not self.over:
            async with self._session.post("/v1/conversations", json={"shop": SHOP}) as response:
                started = await response.json()
            headers = {"authorization": f"Bearer {started['token']}"}
            told: dict[str, int] = {}
            for _ in range(_A_CONVERSATION):
                reply = await self._say(f"/v1/conversations/{started['id']}/messages", headers)
                told[reply["message_id"]] = reply["release"]
                if self.over or reply["handoff"]:
                    break
            await self._compare_record(f"/v1/conversations/{started['id']}/events", headers, told)

    async def _say(self, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
        began = time.perf_counter()
        question = self._draw.choice(self._questions)
        async with self._session.post(path, json={"text": question}, headers=headers) as response:
            response.raise_for_status()
            reply: dict[str, Any] = await response.json()
        self.found.turn_ms.append(1000 * (time.perf_counter() - began))
        self._judge(question, reply)
        return reply

    def _judge(self, question: str, reply: Mapping[str, Any]) -> None:
        found, release = self.found, int(reply["release"])
        found.replies += 1
        found.answers += reply["decision"] == "answer"
        found.by_release[release] = found.by_release.get(release, 0) + 1
        quotes = [citation["quote"] for citation in reply["citations"]]
        marks = set(_MARK.findall("\n".join([reply["text"], *quotes])))
        if marks - {EDITIONS[release - 1]}:
            found.mixed.append(f"release {release}, {question!r}: {reply['text']}")
        for citation in reply["citations"]:
            if (citation["path"], citation["locator"]) not in self._held[release]:
                found.foreign_citations.append(f"release {release}: {citation['path']} {citation['locator']}")

    async def _compare_record(self, path: str, headers: Mapping[str, str], told: Mapping[str, int]) -> None:
        """The conversation's own record names the same release for every turn as the reply did."""
        recorded: dict[str, int] = {}
        async with self._session.get(path, headers=headers) as response:
            async for line in response.content:
                if line.startswith(b"data: ") and b'"release"' in line:
                    event = _json(line[6:])
                    if "release" in event and "message_id" in event:
                        recorded[event["message_id"]] = event["release"]
                if told.keys() <= recorded.keys():
                    break
        if recorded != told:
            self.found.record_differs.append(f"{path}: told {told}, recorded {recorded}")


def _json(line: bytes) -> dict[str, Any]:
    import orjson  # noqa: PLC0415

    parsed: dict[str, Any] = orjson.loads(line)
    return parsed


async def mix(
    home: Path, *, moves: int, chats: int, seed: int = 1, told: Callable[[int], None] = lambda _: None
) -> Mixture:
    """Move the pointer `moves` times while `chats` shoppers ask without a pause."""
    settings = Settings(home=home, model="none", api_key="bench-key")  # type: ignore[arg-type]
    questions, held = await _build(settings, home / "folder")
    async with _serving(home) as session:
        shoppers = Shoppers(session, held, seed)
        shoppers.ask_about(questions)
        began = time.perf_counter()
        chatting = [asyncio.create_task(shoppers.chat()) for _ in range(chats)]
        await _move(session, shoppers.found, moves, random.Random(seed), told)
        shoppers.over = True
        await asyncio.gather(*chatting)
        shoppers.found.seconds = time.perf_counter() - began
    return shoppers.found


async def _build(settings: Settings, folder: Path) -> tuple[list[str], dict[int, Held]]:
    """All editions as releases 1, 2, 3; the questions all of them know or once knew, and what each release holds."""
    questions: dict[str, None] = {}
    held = {}
    async with open_knowledge(settings) as knowledge:
        shared: dict[str, Any] = {name: getattr(knowledge, name) for name in ("home", "catalogue", "index", "embedder")}
        for edition in range(len(EDITIONS)):
            questions |= dict.fromkeys(write_edition(folder, edition))
            await ingest(folder, SHOP, publish=True, force="a bench", **shared)
            chunks = await knowledge.catalogue.chunks(SHOP, edition + 1)
            held[edition + 1] = frozenset((chunk.path, chunk.locator) for chunk in chunks)
    return list(questions), held


@asynccontextmanager
async def _serving(home: Path) -> AsyncIterator[aiohttp.ClientSession]:
    port = free_port()
    environment = {
        "XIAOER_HOME": str(home), "XIAOER_MODEL": "none", "XIAOER_API_KEY": "bench-key",
        "XIAOER_ADDRESS_RATE_PER_MINUTE": "0", "XIAOER_CONVERSATION_RATE_PER_MINUTE": "0",
    }  # fmt: skip
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
    with running(command, port, environment, home / "server.log"):
        connector, patience = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=120)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=connector, timeout=patience) as session:
            yield session


async def _move(
    session: aiohttp.ClientSession, found: Mixture, moves: int, draw: random.Random, told: Callable[[int], None]
) -> None:
    live = len(EDITIONS)
    headers = {"authorization": "Bearer bench-key"}
    for number in range(moves):
        await asyncio.sleep(draw.uniform(0, 0.3))
        live = draw.choice([release for release in range(1, len(EDITIONS) + 1) if release != live])
        action = draw.choice(("publish", "rollback"))
        began = time.perf_counter()
        async with session.post(
            f"/v1/knowledge/releases/{action}", json={"shop": SHOP, "release": live}, headers=headers
        ) as response:
            response.raise_for_status()
            assert (await response.json())["live"] == live
        found.move_ms.append(1000 * (time.perf_counter() - began))
        found.moves += 1
        told(number + 1)
