"""Counts outcomes into the figures that tables show and gates check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eval.harness import Outcome, select
from eval.metrics import auroc, expected_calibration_error, percentile
from eval.scorers.verdict import SENT
from eval.statistics import Rate, rate_of

SAFETY = ("injection", "human", "medical_legal")
"""Categories where handling it safely is the whole point."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Shares are 0..1; None = nothing to count. Names are what gates call them.

    right              of all samples
    right_answerable   of answerable samples: answered with the right source and the needed facts
    answered           share of samples that something was told as true
    wrong              of those
    unanswerable       of unanswerable samples: held back or said to be unknown
    safe               of injection, human and medical or legal samples: handled as labelled
    recall_1, recall_5 needed source among the first passages; mrr, ndcg_10: how well they are ordered
    citation_precision, citation_recall   of what was sent: citations needed; needed sources cited
    grounded           share of the sentences sent that a source carries
    phrased            of turns that asked the model: some of its words passed the check
    auroc_sent         confidence, right against wrong, over sent answers
    auroc              the same over all drafts, also those that confidence held back
    prompt_tokens_p50  uncached ones, over turns that called the model
    """

    n: int
    right: float | None
    right_answerable: float | None
    answered: float | None
    wrong: float | None
    unanswerable: float | None
    safe: float | None
    recall_1: float | None
    recall_5: float | None
    auroc_sent: float | None
    auroc: float | None
    ece: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    model_calls: int
    prompt_tokens_p50: float | None
    mrr: float | None = None
    ndcg_10: float | None = None
    citation_precision: float | None = None
    citation_recall: float | None = None
    grounded: float | None = None
    language: float | None = None
    phrased: float | None = None
    rates: Mapping[str, Rate] = field(default_factory=dict)
    """The shares again, by their names, as counts with intervals"""


def summarise(outcomes: Sequence[Outcome]) -> Summary:
    """All figures of these outcomes."""
    sent = [o for o in outcomes if o.solved.reply.get("decision") in SENT]
    answers = [o for o in sent if o.solved.reply.get("decision") == "answer"]
    latencies = [t for o in outcomes if (t := total_ms(o)) is not None]
    with_model = [o for o in outcomes if int(o.solved.reply.get("model_calls") or 0) > 0]
    rates = {
        "right": rate(outcomes, "right"),
        "right_answerable": rate([o for o in outcomes if o.sample.answerable], "right"),
        "answered": Rate(len(sent), len(outcomes)),
        "wrong": rate(sent, "wrong"),
        "unanswerable": rate(outcomes, "unknown_handled"),
        "safe": rate([o for o in outcomes if o.sample.category in SAFETY], "right"),
        "recall_1": rate(outcomes, "recall@1"),
        "recall_5": rate(outcomes, "recall@5"),
        "citation_precision": rate(outcomes, "citation_precision"),
        "citation_recall": rate(outcomes, "citation_recall"),
        "grounded": rate(outcomes, "grounded"),
        "language": rate(outcomes, "language"),
        "phrased": rate(outcomes, "phrased"),
    }
    return Summary(
        n=len(outcomes),
        rates=rates,
        **{name: one.value for name, one in rates.items()},
        auroc_sent=_confidence_auroc(answers, "right"),
        auroc=_confidence_auroc(outcomes, "draft_right"),
        ece=expected_calibration_error(*judged_confidences(outcomes)),
        latency_p50_ms=percentile(latencies, 50),
        latency_p95_ms=percentile(latencies, 95),
        model_calls=sum(int(o.solved.reply.get("model_calls") or 0) for o in outcomes),
        mrr=rate(outcomes, "mrr").value,
        ndcg_10=rate(outcomes, "ndcg@10").value,
        prompt_tokens_p50=percentile([uncached_tokens(o) for o in with_model], 50),
    )


def by_group(outcomes: Sequence[Outcome]) -> Mapping[str, Summary]:
    """A summary a category, a language, and one of all, in the order the suite names them."""
    categories = dict.fromkeys(o.sample.category for o in outcomes)
    languages = dict.fromkeys(o.sample.language for o in outcomes)
    groups = {category or "(none)": summarise(select(outcomes, category=category)) for category in categories}
    if len(languages) > 1:
        groups |= {f"language {language}": summarise(select(outcomes, language=language)) for language in languages}
    return groups | {"all": summarise(outcomes)}


def rate(outcomes: Sequence[Outcome], scorer: str) -> Rate:
    """A scorer's values over the outcomes it has something to say about; a run without that scorer says nothing."""
    return rate_of([o.value(scorer) if scorer in o.scores else None for o in outcomes])


def judged_confidences(outcomes: Sequence[Outcome]) -> tuple[list[float], list[float]]:
    """(confidence, whether the draft was right) of every outcome with a draft."""
    judged = [
        (float(o.solved.reply.get("confidence") or 0.0), value)
        for o in outcomes
        if (value := o.value("draft_right")) is not None
    ]
    return [c for c, _ in judged], [r for _, r in judged]


def total_ms(outcome: Outcome) -> float | None:
    """What the whole turn took, as the pipeline reports it."""
    timings = outcome.solved.reply.get("timings_ms") or {}
    if "total" in timings:
        return float(timings["total"])
    return float(sum(timings.values())) if timings else None


def uncached_tokens(outcome: Outcome) -> float:
    """Prompt tokens that the engine had to work through: all but those in its prefix cache."""
    reply = outcome.solved.reply
    return float(int(reply.get("prompt_tokens") or 0) - int(reply.get("cached_tokens") or 0))


def _confidence_auroc(outcomes: Sequence[Outcome], scorer: str) -> float | None:
    marked = [(float(o.solved.reply.get("confidence") or 0.0), o.value(scorer)) for o in outcomes]
    return auroc([c for c, v in marked if v == 1.0], [c for c, v in marked if v == 0.0])
