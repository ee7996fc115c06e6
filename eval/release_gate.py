"""The gate before a publish: the shop's suite on the staged release and on the live one, through the same pipeline.

A release is held back when a question that must pass does not, or when an exact paired test says that it answers worse
than the live one. Deterministic answers flip only because of what changed, so every flip is told, also those that are
too few to hold a release back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.errors import BadInput
from app.knowledge.finding import Words
from app.knowledge.inspection import SuiteVerdict
from eval.harness import Outcome, Solver, Suite, Task, run
from eval.read_suite import read_suite
from eval.scorers.verdict import right
from eval.statistics import Paired, paired

ALPHA = 0.05
JOBS = 4
_SHOWN_IDS = 8


@dataclass(frozen=True, slots=True)
class Answered:
    """How one release fared: by sample id, whether it was right, why not, and what was said."""

    right: Mapping[str, bool]
    why: Mapping[str, str]
    said: Mapping[str, str]


async def answers_of(suite: Suite, solver: Solver) -> Answered:
    """Ask a release every question of the suite."""
    outcomes = await run(Task(suite, solver, {"right": right}), jobs=JOBS)
    return Answered(
        {o.sample.id: o.passed("right") for o in outcomes},
        {o.sample.id: o.scores["right"].why for o in outcomes},
        {o.sample.id: _said(o) for o in outcomes},
    )


def verdict(suite: Suite, after: Answered, before: Answered | None) -> SuiteVerdict:
    """Pure: what the two sets of answers mean for the release."""
    ids = [sample.id for sample in suite.samples]
    must = [sample.id for sample in suite.samples if sample.must_pass and not after.right[sample.id]]
    counts = paired([before.right[i] for i in ids], [after.right[i] for i in ids]) if before else None
    worse = [i for i in ids if before and before.right[i] and not after.right[i]]
    questions = {sample.id: sample.question for sample in suite.samples}
    flips = [
        {"id": i, "question": questions[i], "said": after.said[i], "why": after.why[i]}
        for i in dict.fromkeys([*must, *worse])
    ]
    return SuiteVerdict(
        suite=suite.name,
        n=len(ids),
        right=sum(after.right.values()),
        live_right=sum(before.right.values()) if before else None,
        p_value=counts.p_worse if counts else None,
        worse=tuple(worse),
        better=tuple(i for i in ids if before and after.right[i] and not before.right[i]),
        failed_must_pass=tuple(must),
        reasons=tuple(_reasons(must, counts)),
        flips=tuple(flips),
    )


def _reasons(must: Sequence[str], counts: Paired | None) -> list[Words]:
    found = []
    if must:
        listed = ", ".join(must[:_SHOWN_IDS]) + (" …" if len(must) > _SHOWN_IDS else "")
        named = "question" if len(must) == 1 else "questions"
        found.append(
            Words(f"{len(must)} 个必答问题没有答对：{listed}", f"{len(must)} must-pass {named} failed: {listed}")
        )
    if counts and counts.p_worse <= ALPHA:
        lost, won = counts.only_before, counts.only_after
        found.append(
            Words(
                f"题库里 {lost} 题变差、{won} 题变好（配对检验 p = {counts.p_worse:.3g}，不超过 {ALPHA}）",
                f"the suite got worse: {lost} questions lost, {won} won (paired test, p = {counts.p_worse:.3g}, "
                f"at most {ALPHA})",
            )
        )
    return found


def _said(outcome: Outcome) -> str:
    reply = outcome.solved.reply
    return f"[{reply.get('decision')}] {str(reply.get('text', ''))[:200]}"


def read(path: Path, *more: Path) -> Suite:
    """The suite, with the samples of more files under its name. Raises BadInput when one cannot be read or asks
    nothing."""
    first = _read(path)
    samples = {sample.id: sample for suite in (first, *map(_read, more)) for sample in suite.samples}
    return Suite(first.name, tuple(samples.values()))


def _read(path: Path) -> Suite:
    try:
        suite = read_suite(path)
    except OSError as problem:
        raise BadInput(f"The suite {path} cannot be read: {problem.strerror}. Nothing was published.") from problem
    if not suite.samples:
        raise BadInput(f"The suite {path} asks nothing. Nothing was published; give it questions, or remove it.")
    return suite
