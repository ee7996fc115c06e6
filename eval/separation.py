"""How well confidence tells apart what the shop answers, what it does not, and what is no question for it at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.chat.turn import Decision, Message
from eval.dev_sets import off_topic_items
from eval.harness import Sample
from eval.metrics import auroc
from eval.production import ShopSolver
from eval.public_data import data_folder, records
from eval.statistics import Rate

_FROM_KNOWLEDGE = frozenset({"answer", "clarify", "handoff"})


@dataclass(frozen=True, slots=True)
class Separation:
    """AUROC by the name of the score: how often one that should be above is above."""

    name: str
    above: int
    below: int
    auroc: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class OffTopic:
    """How well a shop's own questions are told from those that are none of its business, and what came of both."""

    separations: Sequence[Separation]
    told: Sequence[str]


async def off_topic(solver: ShopSolver, own: Sequence[Sample], every: int = 1) -> OffTopic:
    """A bank's questions against utterances that no bank is asked (`en_offtopic_clinc` without its banking domains).

    `every` takes each n-th of both. Out-of-scope ones are harder: they look like questions to somebody.
    """
    items = off_topic_items()[::every]
    asked = [await solver.decide(sample) for sample in own[::every]]
    strange = [(item["out_of_scope"], await solver.decide(Sample(item["id"], item["text"]))) for item in items]
    above = [scores_of(decision) for decision in asked]
    below = [(out_of_scope, scores_of(decision)) for out_of_scope, decision in strange]
    oos = [scores for out_of_scope, scores in below if out_of_scope]
    return OffTopic(
        [
            _separation("off-topic, all", above, [scores for _, scores in below]),
            _separation("off-topic, out of scope", above, oos),
        ],
        [
            _told("off-topic, all: answered", [decision for _, decision in strange], "answer"),
            _told("off-topic, out of scope: answered", [d for out_of_scope, d in strange if out_of_scope], "answer"),
            _told("the bank's own: not answered, and nothing asked back", asked, "handoff", "refuse", "smalltalk"),
        ],
    )


def _told(name: str, decisions: Sequence[Decision], *counted: str) -> str:
    one = Rate(sum(decision.name in counted for decision in decisions), len(decisions))
    return f"{name}: {one.hits:g} of {one.n} ({100 * (one.value or 0):.1f} %, {100 * one.low:.1f}–{100 * one.high:.1f})"


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
