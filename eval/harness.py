"""Evaluation in one page: a task is a suite, a solver and scorers; running it gives outcomes to read and to count.

    task = Task(read_suite(Path("eval/suites/tangli.jsonl")), solver, SCORERS)
    outcomes = await run(task)
    print(table(outcomes))

The solver is the production pipeline (eval/production.py). The model under test never grades itself: scorers
are plain functions of what the labels say and what was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from app.chat.turn import Identity, Message

NOBODY = Identity()


@dataclass(frozen=True, slots=True)
class Source:
    """Where an answer may be read: a path below the shop folder and a locator ("" = anywhere in the file)."""

    path: str
    locator: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled question.

    as_of        a date or a datetime as written; "" = now; without an offset it is in the shop's time zone
    decisions    the decisions that are right here; empty = whatever answers an answerable question
    sources      one of them must be cited
    sources_all  groups of sources; one of every group must be cited
    facts        every group has alternatives, one of which must be said
    not_facts    none of them may be said
    must_pass    a release that gets it wrong is never published
    reference    a right answer in prose: its values have to be said, and a judge compares with it
    contexts     texts that hold the answer, where places are not known
    """

    id: str
    question: str
    category: str = ""
    language: str = ""
    history: tuple[Message, ...] = ()
    as_of: str = ""
    identity: Identity = NOBODY
    answerable: bool = True
    decisions: frozenset[str] = frozenset()
    sources: tuple[Source, ...] = ()
    sources_all: tuple[tuple[Source, ...], ...] = ()
    facts: tuple[tuple[str, ...], ...] = ()
    not_facts: tuple[str, ...] = ()
    must_pass: bool = False
    reference: str = ""
    contexts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suite:
    """Samples for one shop; `name` is the file's stem and, for the sample shops, the shop."""

    name: str
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class SeenPassage:
    """A passage the solver had before it, best first, for recall and for reading failures."""

    path: str
    locator: str
    title: str = ""
    text: str = ""
    confidence: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SolvedSample:
    """What a solver made of a sample.

    reply      one line of the replay format: text, decision, confidence, citations, handoff, …
    passages   what was retrieved, best first
    draft      the same as `reply`, as if confidence had not held the answer back; {} = there was none
    grounds    what the decision was made on: features, threshold, certificate, kind of the best passage
    """

    reply: Mapping[str, Any]
    passages: tuple[SeenPassage, ...] = ()
    draft: Mapping[str, Any] = field(default_factory=dict)
    grounds: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Score:
    """One scorer's judgement. `value` None = the scorer has nothing to say about this sample."""

    value: float | None
    why: str = ""


Scorer: TypeAlias = Callable[[Sample, SolvedSample], Score]
Progress: TypeAlias = Callable[[int, int], None]


class Solver(Protocol):
    """Whatever answers a sample: the production pipeline, a baseline, or a fake."""

    async def solve(self, sample: Sample) -> SolvedSample:
        """Answer one sample as a shopper's question."""


@dataclass(frozen=True, slots=True)
class Task:
    """A suite, who answers it, and how answers are judged."""

    suite: Suite
    solver: Solver
    scorers: Mapping[str, Scorer]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One sample, answered and judged."""

    sample: Sample
    solved: SolvedSample
    scores: Mapping[str, Score]

    def value(self, scorer: str) -> float | None:
        """That scorer's value; None when it had nothing to say."""
        return self.scores[scorer].value

    def passed(self, scorer: str) -> bool:
        """Whether that scorer gave full marks."""
        return self.scores[scorer].value == 1.0


async def run(
    task: Task,
    progress: Progress | None = None,
    *,
    jobs: int = 1,
    solved: Mapping[str, SolvedSample] | None = None,
    keep: Callable[[Sample, SolvedSample], None] | None = None,
) -> list[Outcome]:
    """Answer and judge every sample; the outcomes are in the suite's order.

    jobs    how many are asked at once
    solved  answers of an earlier run, by sample id: those are judged, not asked again
    keep    called with every fresh answer as soon as it is there
    """
    answers = dict(solved or {})
    waiting = [sample for sample in task.suite.samples if sample.id not in answers]
    queue = iter(waiting)

    async def work() -> None:
        for sample in queue:
            answers[sample.id] = await task.solver.solve(sample)
            if keep:
                keep(sample, answers[sample.id])
            if progress:
                progress(len(answers), len(task.suite.samples))

    workers = [asyncio.create_task(work()) for _ in range(max(1, min(jobs, len(waiting))))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
    return [judged(sample, answers[sample.id], task.scorers) for sample in task.suite.samples]


def judged(sample: Sample, solved: SolvedSample, scorers: Mapping[str, Scorer]) -> Outcome:
    """One answer, judged."""
    return Outcome(sample, solved, {name: scorer(sample, solved) for name, scorer in scorers.items()})


def select(outcomes: Sequence[Outcome], category: str = "", language: str = "") -> list[Outcome]:
    """The outcomes of one category, one language, or both."""
    return [
        o
        for o in outcomes
        if (not category or o.sample.category == category) and (not language or o.sample.language == language)
    ]
