"""One judgement a file; `SCORERS` is what a suite is judged by."""

from __future__ import annotations

from collections.abc import Mapping

from eval.harness import Scorer
from eval.scorers.facts import facts_present, nothing_false
from eval.scorers.source import recall_at, source_cited
from eval.scorers.verdict import decision_allowed, draft_right, right, unknown_handled, wrong

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
}
