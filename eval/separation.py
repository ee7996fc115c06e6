"""How well confidence tells apart what the shop answers, what it does not, and what is no question for it at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.chat.turn import Decision, Message
from eval.harness import Sample
from eval.metrics import auroc
from eval.production import ShopSolver
from eval.public_data import ANSWERED_BY_A_SHOP, data_folder, records

_FROM_KNOWLEDGE = frozenset({"answer", "clarify", "handoff"})


@dataclass(frozen=True, slots=True)
class Separation:
    """AUROC by the name of the score: how often one that should be above is above."""

    name: str
    above: int
    below: int
    auroc: dict[str, float | None]


async def off_topic(solver: ShopSolver, on_topic: Sequence[Sample], every: int = 1) -> list[Separation]:
    """Answerable questions of a suite against utterances that have nothing to do with a shop (`en_offtopic_clinc`).

    `every` takes each n-th utterance. Out-of-scope ones are harder: they look like questions to somebody.
    """
    items = list(records(data_folder("en_offtopic_clinc") / "items.jsonl"))[::every]
    items = [item for item in items if item["intent"] not in ANSWERED_BY_A_SHOP]
    asked = [sample for sample in on_topic if sample.answerable and sample.language == "en" and not sample.history]
    above = [scores_of(await solver.decide(sample)) for sample in asked]
    below = [(item["out_of_scope"], scores_of(await solver.decide(Sample(item["id"], item["text"])))) for item in items]
    oos = [scores for out_of_scope, scores in below if out_of_scope]
    return [
        _separation("off-topic, all", above, [scores for _, scores in below]),
        _separation("off-topic, out of scope", above, oos),
    ]


async def knowledge_seeking(solver: ShopSolver, every: int = 1) -> Separation:
    """Dialogue turns that need knowledge against those that don't (`en_dstc11_faq_reviews`), history included."""
    above: list[dict[str, float]] = []
    below: list[dict[str, float]] = []
    for item in list(records(data_folder("en_dstc11_faq_reviews") / "questions.jsonl"))[::every]:
        history = tuple(Message(m["role"], m["text"]) for m in item["history"])
        scores = scores_of(await solver.decide(Sample(item["id"], item["question"], history=history)))
        (above if item["knowledge_seeking"] else below).append(scores)
    return _separation("knowledge-seeking", above, below)


def scores_of(decision: Decision) -> dict[str, float]:
    """What a decision tells about the message: confidence (0 when nothing was looked up) and P(asks for knowledge)."""
    confidence = decision.confidence if decision.name in _FROM_KNOWLEDGE else 0.0
    return {"confidence": confidence, "p_knowledge": decision.question.signals.get("p_knowledge", 0.0)}


def _separation(name: str, above: Sequence[dict[str, float]], below: Sequence[dict[str, float]]) -> Separation:
    scores = above[0] if above else {}
    found = {score: auroc([a[score] for a in above], [b[score] for b in below]) for score in scores}
    return Separation(name, len(above), len(below), found)
