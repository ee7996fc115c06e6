"""One judgement a file; `SCORERS` is what a suite is judged by."""

from __future__ import annotations

from collections.abc import Mapping

from eval.harness import Scorer
from eval.scorers.citing import citation_precision, citation_recall
from eval.scorers.facts import facts_present, nothing_false
from eval.scorers.phrased import phrased
from eval.scorers.ranking import ndcg_at, reciprocal_rank
from eval.scorers.source import recall_at, source_cited
from eval.scorers.verdict import decision_allowed, draft_right, right, unknown_handled, wrong
from eval.scorers.wording import grounded_sentences, language_right, values_exact

SCORERS: Mapping[str, Scorer] = {
    "right": right,
    "wrong": wrong,
    "decision": decision_allowed,
    "source": source_cited,
    "facts": facts_present,
    "nothing_false": nothing_false,
    "unknown_handled": unknown_handled,
    "recall@1": recall_at(1),
    "recall@5": recall_at(5),
    "draft_right": draft_right,
    "mrr": reciprocal_rank,
    "ndcg@10": ndcg_at(10),
    "citation_precision": citation_precision,
    "citation_recall": citation_recall,
    "grounded": grounded_sentences,
    "values_exact": values_exact,
    "language": language_right,
    "phrased": phrased,
}
