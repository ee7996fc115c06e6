"""Are the citations the right ones, and all of them?"""

from __future__ import annotations

from eval.harness import Sample, Score, SolvedSample, Source
from eval.scorers.source import same_source
from eval.scorers.verdict import SENT


def citation_precision(sample: Sample, solved: SolvedSample) -> Score:
    """Share of the citations that are needed sources; None where nothing was sent or no source is labelled."""
    wanted, cited = _wanted(sample), _cited(solved)
    if not wanted or not cited or solved.reply.get("decision") not in SENT:
        return Score(None)
    right = [c for c in cited if any(same_source(w, c) for group in wanted for w in group)]
    stray = [f"{c.path} · {c.locator}" for c in cited if c not in right]
    return Score(len(right) / len(cited), "not needed: " + "; ".join(stray) if stray else "")


def citation_recall(sample: Sample, solved: SolvedSample) -> Score:
    """Share of the needed groups of sources of which one is cited; None as above."""
    wanted, cited = _wanted(sample), _cited(solved)
    if not wanted or solved.reply.get("decision") not in SENT:
        return Score(None)
    found = [group for group in wanted if any(same_source(w, c) for w in group for c in cited)]
    return Score(len(found) / len(wanted), "" if len(found) == len(wanted) else "a needed source is not cited")


def _wanted(sample: Sample) -> list[tuple[Source, ...]]:
    return [group for group in (*sample.sources_all, sample.sources) if group]


def _cited(solved: SolvedSample) -> list[Source]:
    return [Source(str(c.get("path", "")), str(c.get("locator", ""))) for c in solved.reply.get("citations") or ()]
