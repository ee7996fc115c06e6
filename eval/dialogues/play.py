"""Plays dialogues on the production stack: the same pipeline, reception, event log and desk as the server."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.adapters.db.engine import Database
from app.adapters.db.migrate import upgrade
from app.chat.turn import Reply
from app.conversation.board import Person
from app.conversation.events import Event
from app.conversation.seal import MasterKey
from app.desk_parts import Counter, make_counter
from app.errors import XiaoerError
from app.shop.brand import Brand
from eval.dialogues.script import Dialogue, Step
from eval.production import ShopSolver

DAY = datetime(2026, 11, 4, 11, tzinfo=UTC)
"""A Wednesday on which both sample shops answer"""
NIGHT = datetime(2026, 11, 4, 23, tzinfo=UTC)
AGENT = Person("a1", "Mei", "")


@dataclass(frozen=True, slots=True)
class Played:
    """A step, the reply the shopper got, and what stood in the log after it."""

    step: Step
    reply: dict[str, Any] = field(default_factory=dict)
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class Transcript:
    """A dialogue as it went."""

    dialogue: Dialogue
    played: tuple[Played, ...]
    events: tuple[Event, ...]


class _NoWitness:
    def turn_completed(self, conversation_id: str, shop: str, reply: Reply) -> None:
        """Nothing is measured here."""

    def turn_failed(self, conversation_id: str, shop: str, error: XiaoerError, cause: BaseException) -> None:
        """A turn that fails shows in the transcript."""


class Player:
    """Plays one dialogue after another. Acts as shops, clock and releases for the stack."""

    def __init__(self, solvers: dict[str, ShopSolver], database: Database) -> None:
        self._solvers = solvers
        self._now = DAY
        self._counter: Counter = make_counter(
            database,
            MasterKey(secrets.token_bytes(32)),
            attendant=next(iter(solvers.values())).pipeline,
            releases=self,
            brands=self,
            witness=_NoWitness(),
            clock=lambda: self._now,
        )

    def __call__(self, shop: str) -> Brand:
        """The shop's brand."""
        return self._solvers[shop].brand

    async def live_release(self, shop: str) -> int | None:
        """The shop's release."""
        return self._solvers[shop].release

    async def play(self, dialogue: Dialogue) -> Transcript:
        """Start a conversation and take it through the dialogue."""
        self._now = DAY
        conversations = self._counter.conversations
        id_ = (await conversations.start(dialogue.shop, self._solvers[dialogue.shop].brand.default_language)).id
        played = []
        for step in dialogue.steps:
            first = (await conversations.look(id_)).seq
            reply = await self._act(id_, step)
            played.append(Played(step, reply, first, (await conversations.look(id_)).seq))
        await conversations.close_conversation(id_)
        return Transcript(dialogue, tuple(played), tuple(await conversations.events(id_)))

    async def close(self) -> None:
        """Stop drafting."""
        await self._counter.close()

    async def _act(self, id_: str, step: Step) -> dict[str, Any]:
        conversations = self._counter.conversations
        match step.action:
            case "say" | "contact":
                return await (await conversations.say(id_, step.text)).reply()
            case "join":
                await conversations.join_agent(id_, AGENT.agent, AGENT.name)
            case "agent":
                await conversations.say_as_agent(id_, AGENT.agent, step.text, AGENT.name)
            case "back":
                await conversations.leave_agent(id_, AGENT.agent)
            case "night":
                self._now = NIGHT
        return {}


@asynccontextmanager
async def open_player(solvers: dict[str, ShopSolver]) -> AsyncIterator[Player]:
    """A player over a database of its own, gone in the end."""
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'dialogues.sqlite3'}")
        upgrade(database)
        player = Player(solvers, database)
        try:
            yield player
        finally:
            await player.close()
            database.close()
