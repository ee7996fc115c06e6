"""Answers of a suite as what is certified: what would be said, how surely, and whether that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eval.certify import Shot
from eval.harness import Outcome, Sample, Score, SolvedSample
from eval.scorers.source import source_cited
from eval.scorers.verdict import wrong

_FROM_KNOWLEDGE = frozenset({"answer", "clarify", "handoff"})


def mistaken(sample: Sample, solved: SolvedSample) -> Score:
    """1 when what was told as true is wrong: as `wrong` has it, and where the label names no fact, by its source."""
    found = wrong(sample, solved)
    if found.value == 0.0 and sample.answerable and not sample.facts:
        cited = source_cited(sample, solved)
        return Score(float(cited.value == 0.0), cited.why)
    return found


def shots_of(outcomes: Sequence[Outcome]) -> list[Shot]:
    """One shot a sample that gets as far as an answer, a tool or being held back."""
    return [shot_of(one.sample, one.solved) for one in outcomes]


def shot_of(sample: Sample, solved: SolvedSample) -> Shot:
    """The end result as if confidence had let it through: that is what a threshold decides about."""
    decision = str(solved.reply.get("decision", ""))
    grounds = solved.grounds
    language = str(solved.reply.get("language") or sample.language or "?")
    group = f"{language}/{grounds.get('kind') or '?'}"
    if decision == "tool":
        return Shot(group, None, mistaken(sample, solved).value == 1.0, sample.answerable, looked_up=True)
    told = solved.reply if decision == "answer" else solved.draft
    if decision not in _FROM_KNOWLEDGE or not told:
        return Shot(group, None, False, sample.answerable)
    as_sent = replace(solved, reply={**told, "decision": "answer"})
    features = {name: float(value) for name, value in (grounds.get("features") or {}).items()}
    confidence = float(solved.reply.get("confidence") or 0.0)
    return Shot(group, confidence, mistaken(sample, as_sent).value == 1.0, sample.answerable, features=features)
