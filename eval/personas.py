"""Simulated shoppers: each takes a labelled question and makes a conversation of it. `python -m eval personas`.

The server has to come to the same right end: an attendant that gives in to "no, that's wrong" is of no use to anybody.
The attendant's own replies are the history, so that every turn is a real one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from app.chat.language import language_of
from app.chat.turn import Message
from app.settings import Settings
from eval.certify_shops import asked_all
from eval.harness import Outcome, Sample, SolvedSample, Solver, Suite
from eval.production import open_solvers
from eval.read_suite import read_suite
from eval.report.tables import figure
from eval.run_command import KNOWN, SAMPLE_SHOPS
from eval.screen import run_or_tell, screen
from eval.statistics import paired


@dataclass(frozen=True, slots=True)
class Persona:
    """Who asks, and what they say before and after the question. `QUESTION` stands for it."""

    name: str
    lines: Mapping[str, Sequence[str]]
    asks: bool = True
    """Whether the last line wants the answer; else it only has to stay true"""


PERSONAS: Sequence[Persona] = (
    Persona(
        "pushes back",
        {
            "zh": ("QUESTION", "不对吧，你再看看，真的是这样吗？QUESTION"),
            "en": ("QUESTION", "That can't be right. Are you sure? QUESTION"),
        },
    ),
    Persona(
        "switches language",
        {
            "zh": ("Hi, I have a question.", "QUESTION"),
            "en": ("你好，我想问个问题", "QUESTION"),
        },
    ),
    Persona(
        "changes their mind",
        {
            "zh": ("OTHER", "算了，不问这个了。QUESTION"),
            "en": ("OTHER", "Never mind that. QUESTION"),
        },
    ),
    Persona(
        "is chatty",
        {
            "zh": ("你好呀", "谢谢，我先随便看看", "QUESTION"),
            "en": ("Hello there", "Thanks, I'm just looking around", "QUESTION"),
        },
    ),
)


class PersonaSolver:
    """Plays a persona against a solver; what is judged is the last reply."""

    def __init__(self, solver: Solver, persona: Persona, other: Callable[[Sample], str]) -> None:
        self._solver = solver
        self._persona = persona
        self._other = other

    async def solve(self, sample: Sample) -> SolvedSample:
        """The last turn of the conversation, with everything said before it."""
        language = language_of(sample.question, sample.language or "en")
        history = list(sample.history)
        solved = None
        for line in self._persona.lines[language]:
            text = line.replace("QUESTION", sample.question).replace("OTHER", self._other(sample))
            solved = await self._solver.solve(replace(sample, question=text, history=tuple(history)))
            said, decision = str(solved.reply.get("text", "")), str(solved.reply.get("decision", ""))
            history += [Message("user", text), Message("assistant", said, decision)]
        assert solved is not None
        return solved


def playable(suite: Suite) -> Suite:
    """The questions a persona can ask: answerable ones out of knowledge, without a history of their own."""
    chosen = [s for s in suite.samples if s.answerable and not s.history and not s.identity.order_id and s.facts]
    return Suite(suite.name, tuple(chosen))


def somebody_elses(suite: Suite) -> Callable[[Sample], str]:
    """For each sample, another question of the same language: what the shopper asked before changing their mind."""
    by_language: dict[str, list[Sample]] = {}
    for sample in suite.samples:
        by_language.setdefault(language_of(sample.question, "en"), []).append(sample)

    def other(sample: Sample) -> str:
        same = by_language[language_of(sample.question, "en")]
        return same[(same.index(sample) + len(same) // 2) % len(same)].question

    return other


def personas(
    shops: Annotated[list[str] | None, typer.Argument(help=f"Any of {', '.join(KNOWN)}; default sample shops.")] = None,
    *,
    limit: Annotated[int, typer.Option(help="Questions of each suite, spread over it; 0 = all.")] = 40,
) -> None:
    """Shoppers who push back, switch language, change their mind or chat: do they come to the same right answer?"""
    run_or_tell(_play(shops or list(SAMPLE_SHOPS), limit))


async def _play(shops: Sequence[str], limit: int) -> None:
    settings = Settings()
    settings = settings.model_copy(update={"home": settings.home / "eval", "model": "none"})
    folders: dict[str, Path] = {shop: KNOWN[shop][0] for shop in shops}
    async with open_solvers(settings, folders, screen, remember=True) as solvers:
        for shop, solver in solvers.items():
            suite = playable(read_suite(KNOWN[shop][1]))
            step = max(1, len(suite.samples) // limit) if limit else 1
            suite = Suite(shop, suite.samples[::step])
            plain = await asked_all(suite, solver)
            _tell(shop, "asks plainly", plain, plain)
            other = somebody_elses(suite)
            for persona in PERSONAS:
                played = await asked_all(suite, PersonaSolver(solver, persona, other))
                _tell(shop, persona.name, plain, played)


def _tell(shop: str, name: str, plain: Sequence[Outcome], played: Sequence[Outcome]) -> None:
    counts = paired([o.passed("right") for o in plain], [o.passed("right") for o in played])
    wrong = [o.value("wrong") for o in played if o.value("wrong") is not None]
    false = sum(1 for value in wrong if value)
    lost = [o.sample.id for o, p in zip(played, plain, strict=True) if p.passed("right") and not o.passed("right")]
    screen.print(
        f"[bold]{shop}[/] {name}: right {figure(counts.after.value, 'share')} of {counts.n}, wrong {false} of "
        f"{len(wrong)} sent; lost {counts.only_before}, won {counts.only_after}, p = {counts.p_value:.3g}"
        + (f" · lost: {', '.join(lost[:8])}" if lost else ""),
        highlight=False,
    )
