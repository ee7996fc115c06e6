"""How well the passages are ordered: reciprocal rank of the first that answers, and discounted gain of all."""

from __future__ import annotations

import math

from eval.harness import Sample, Score, Scorer, SeenPassage, SolvedSample, Source
from eval.scorers.normalise import normalise
from eval.scorers.source import same_source


def relevant(sample: Sample, passage: SeenPassage) -> bool:
    """Whether the passage is one of the needed sources, or holds (or is held by) a needed context."""
    place = Source(passage.path, passage.locator)
    wanted = [*sample.sources, *(source for group in sample.sources_all for source in group)]
    if any(same_source(source, place) for source in wanted):
        return True
    text = normalise(passage.text)
    return bool(text) and any(c in text or text in c for c in map(normalise, sample.contexts) if c)


def reciprocal_rank(sample: Sample, solved: SolvedSample) -> Score:
    """1 over the place of the first relevant passage, 0 when there is none; None without labels or passages."""
    if not _labelled(sample) or not solved.passages:
        return Score(None)
    first = next((n for n, p in enumerate(solved.passages, start=1) if relevant(sample, p)), 0)
    return Score(1 / first if first else 0.0, "" if first else "no needed source among the passages")


def ndcg_at(depth: int) -> Scorer:
    """A scorer: normalised discounted cumulative gain of the first `depth` passages, each relevant or not."""

    def ndcg(sample: Sample, solved: SolvedSample) -> Score:
        if not _labelled(sample) or not solved.passages:
            return Score(None)
        gains = [float(relevant(sample, passage)) for passage in solved.passages[:depth]]
        wanted = len(sample.sources_all) or 1
        best = sum(1 / math.log2(n + 1) for n in range(1, min(depth, max(wanted, int(sum(gains)))) + 1))
        return Score(sum(gain / math.log2(n + 1) for n, gain in enumerate(gains, start=1)) / best)

    return ndcg


def _labelled(sample: Sample) -> bool:
    return bool(sample.sources or sample.sources_all or sample.contexts)
