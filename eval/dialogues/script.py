"""Writes dialogues: what a shopper says step by step, what an agent does, and what should come of each step."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

PHRASES = Path(__file__).parent / "phrases"
ANY = frozenset({"*"})
"""Whatever the reason"""
NOBODY: frozenset[str] = frozenset()
"""No person may be called"""

Action = Literal["say", "join", "agent", "back", "night", "contact"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens.

    calls        reasons for which a person must be called here; NOBODY: none may be; None: not judged
    knows_order  the shopper has given number and phone tail before, so neither may be asked for
    if_called    judged only where a person was called before
    """

    action: Action
    text: str = ""
    calls: frozenset[str] | None = None
    knows_order: bool = False
    if_called: bool = False


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation to be played. `kind` is what it is about."""

    id: str
    shop: str
    kind: str
    steps: tuple[Step, ...]


class Writer:
    """Writes dialogues for one shop out of its phrases and orders. The same seed writes the same ones."""

    def __init__(self, shop: str, orders: Sequence[tuple[str, str]], seed: int) -> None:
        self._shop = shop
        self._said: Mapping[str, Any] = yaml.safe_load((PHRASES / f"{shop}.yaml").read_text(encoding="utf-8"))
        self._orders = list(orders)
        self._random = random.Random(f"{seed}/{shop}")
        self._decks: dict[str, list[str]] = {}

    def write(self, count: int) -> Iterator[Dialogue]:
        """So many dialogues, each kind in turn."""
        kinds: Sequence[tuple[str, Callable[[], list[Step]]]] = (
            ("calm", self._calm), ("asks for a person", self._human), ("angry", self._anger), ("calm", self._calm),
            ("sensitive", self._sensitive), ("not in the knowledge", self._unanswerable), ("repeats", self._repeats),
            ("order", self._order), ("handed back", self._handed_back), ("at night", self._night),
        )  # fmt: skip
        for number in range(count):
            kind, make = kinds[number % len(kinds)]
            yield Dialogue(f"{self._shop}-{number + 1:04}", self._shop, kind, tuple(make()))

    def _draw(self, group: str) -> str:
        """A phrase; each comes up once before any comes up twice."""
        deck = self._decks.get(group)
        if not deck:
            deck = self._decks[group] = [str(phrase) for phrase in self._said[group]]
            self._random.shuffle(deck)
        return deck.pop()

    def _questions(self, least: int, most: int) -> list[Step]:
        many = self._random.randint(least, most)
        return [Step("say", text, NOBODY) for text in {self._draw("answerable"): None for _ in range(many)}]

    def _calm(self) -> list[Step]:
        hello = [Step("say", self._draw("smalltalk"), NOBODY)] if self._random.random() < 0.6 else []
        return [*hello, *self._questions(2, 4), Step("say", self._draw("thanks"), NOBODY)]

    def _human(self) -> list[Step]:
        return [*self._questions(0, 2), Step("say", self._draw("human"), frozenset({"asked_for_human"}))]

    def _anger(self) -> list[Step]:
        return [*self._questions(0, 2), Step("say", self._draw("anger"), frozenset({"anger", "asked_for_human"}))]

    def _sensitive(self) -> list[Step]:
        return [*self._questions(0, 1), Step("say", self._draw("sensitive"), frozenset({"sensitive_topic", "anger"}))]

    def _unanswerable(self) -> list[Step]:
        question = self._draw("unanswerable")
        # One question back is the bot's right: asked again, it has to call somebody.
        return [*self._questions(0, 1), Step("say", question), Step("say", question, ANY)]

    def _repeats(self) -> list[Step]:
        question = self._draw("answerable")
        repeated = frozenset({"repeated_question"})
        if self._random.random() < 0.5:
            return [Step("say", question, NOBODY), Step("say", self._draw("again") + question, repeated)]
        return [Step("say", question, NOBODY), Step("say", question, None), Step("say", question, repeated)]

    def _order(self) -> list[Step]:
        number, tail = self._random.choice(self._orders)
        together = self._random.random() < 0.5
        given = [f"{number} {tail}"] if together else [number, tail]
        later = [Step("say", step.text, NOBODY, knows_order=True) for step in self._questions(5, 8)]
        return [
            Step("say", self._draw("order_ask"), NOBODY),
            *(Step("say", text, NOBODY) for text in given),
            *later,
            Step("say", self._draw("order_later"), NOBODY, knows_order=True),
        ]

    def _handed_back(self) -> list[Step]:
        question = self._draw("unanswerable")
        return [
            Step("say", question),
            Step("say", question, ANY),
            Step("join"),
            Step("agent", self._draw("agent_says")),
            Step("say", self._draw("thanks")),
            Step("back"),
            Step("say", question, NOBODY, if_called=True),
            *self._questions(1, 1),
            Step("say", question, NOBODY, if_called=True),
        ]

    def _night(self) -> list[Step]:
        return [
            Step("night"),
            *self._questions(0, 1),
            Step("say", self._draw("human"), frozenset({"asked_for_human"})),
            Step("contact", self._draw("contact")),
            *(Step("say", step.text) for step in self._questions(1, 1)),
        ]


def orders_of(folder: Path) -> list[tuple[str, str]]:
    """Number and phone tail of each order of a shop folder."""
    path = folder / "orders.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines if line.strip()]
    return [(str(row["order_id"]), str(row["phone_last4"])) for row in rows]
