"""Were the needed facts said, and none of the false ones?"""

from __future__ import annotations

from eval.harness import Sample, Score, SolvedSample
from eval.scorers.normalise import contains, normalise


def facts_present(sample: Sample, solved: SolvedSample) -> Score:
    """1 when every group of facts has one alternative in the reply; None when no fact is asked for."""
    if not sample.facts:
        return Score(None)
    said = normalise(str(solved.reply.get("text", "")))
    missing = [group for group in sample.facts if not any(contains(said, normalise(fact)) for fact in group)]
    return Score(float(not missing), "; ".join("missing: " + " / ".join(group[:3]) for group in missing))


def nothing_false(sample: Sample, solved: SolvedSample) -> Score:
    """1 when none of `not_facts` was said; None when there are none."""
    if not sample.not_facts:
        return Score(None)
    said = normalise(str(solved.reply.get("text", "")))
    found = [fact for fact in sample.not_facts if contains(said, normalise(fact))]
    return Score(float(not found), "; ".join(f"must not be said: {fact}" for fact in found))
