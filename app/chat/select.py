"""Choose among the passages: cheap features of question and passage, and a fitted model's P(this one answers)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from app.chat.calibrate import FittedModel
from app.chat.language import language_of
from app.chat.products import Reading
from app.chat.shapes import asked_kinds, kind_match
from app.chat.turn import Passage, Question
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.tokenize import words
from app.knowledge.view import KnowledgeView

FEATURES = (
    "dense",
    "dense_alone",
    "sought",
    "sought_above",
    "above_next",
    "below_best",
    "rank",
    "phrasing",
    "whole",
    "sentence",
    "lexical",
    "question_covered",
    "question_covered_top5",
    "title_covered",
    "unknown_words",
    "rarest_covered",
    "said_title",
    "is_faq",
    "is_policy",
    "is_product",
    "kind_match",
    "asks_hard_value",
    "dated",
    "name_covered",
    "attribute_found",
    "attribute_missing",
    "attribute_unasked",
    "product_named",
    "question_words",
    "depends",
    "other_language",
    "agreement",
    "p_knowledge",
    "p_vague",
    "p_offtopic",
    "p_complaint",
)
"""Names of the features in the order the fitted model knows them by name, not by place."""


CERTAIN = 0.95
"""Least confidence of what needs no judgement: an editor's own question, a value of a product named in full."""


class Selector:
    """Gives every passage its calibrated probability of answering, and orders them by it. Pure."""

    def __init__(self, model: FittedModel) -> None:
        self._model = model

    def select(
        self, question: Question, passages: Sequence[Passage], view: KnowledgeView, reading: Reading | None
    ) -> list[Passage]:
        """The passages with `confidence` set and their features among their scores, best first."""
        table = features(question, passages, view, reading)
        sure = certain(question, passages, table, reading)
        judged = [
            replace(
                passage,
                confidence=max(chance, CERTAIN if is_sure else 0.0),
                scores=MappingProxyType({**passage.scores, **row, "certain": float(is_sure)}),
            )
            for passage, row, chance, is_sure in zip(
                passages, table, self._model.probabilities(table), sure, strict=True
            )
        ]
        return sorted(judged, key=lambda p: -p.confidence)


def features(
    question: Question, passages: Sequence[Passage], view: KnowledgeView, reading: Reading | None
) -> list[dict[str, float]]:
    """One row of `FEATURES` a passage, in the passages' order (best score first)."""
    asked = set(words(question.searched))
    crosses = view.language != "" and language_of(question.text, view.language) != view.language
    if crosses or question.leans:
        asked |= set(words(question.standalone))
    weight = max(view.weights.total(asked), 1e-6)
    rarest = max(asked, key=view.weights.weight, default="")
    read_groups = {product.group: coverage for product, coverage in reading.products} if reading else {}
    top5 = frozenset().union(*(view.chunk_words[p.chunk.chunk_id] for p in passages[:5])) if passages else frozenset()
    unknown = view.weights.total(w for w in asked if not view.weights.knows(w)) / weight
    shared = {
        "question_covered_top5": view.weights.total(asked & top5) / weight,
        "unknown_words": unknown,
        "asks_hard_value": float(bool(asked_kinds(question.searched) - {"yesno", "way"})),
        "question_words": min(len(asked), 15) / 15,
        "depends": question.signals.get("depends", 0.0),
        "product_named": max((p.scores.get("name", 0.0) for p in passages), default=0.0),
        "agreement": _agreement(passages),
        **{name: question.signals.get(name, 0.0) for name in ("p_knowledge", "p_vague", "p_offtopic", "p_complaint")},
    }
    scores = sorted((p.scores["score"] for p in passages), reverse=True)
    best = scores[0] if scores else 0.0
    sought = sorted((p.scores["sought"] for p in passages), reverse=True)
    said = _plain(question.text)
    foreign = {
        language: float(language_of(question.text, language) != language[:2])
        for language in {p.chunk.language for p in passages}
    }
    rows = []
    for rank, passage in enumerate(passages):
        chunk = passage.chunk
        held = view.chunk_words[chunk.chunk_id]
        asked_as = view.asked_as(chunk)
        score = passage.scores["score"]
        is_read = chunk.kind is Kind.PRODUCT and chunk.group in read_groups
        rows.append(
            {
                **shared,
                "dense": passage.scores["dense"],
                "dense_alone": passage.scores["dense_alone"],
                "sought": passage.scores["sought"],
                "sought_above": passage.scores["sought"] - _best_other(sought, passage.scores["sought"]),
                "above_next": score - _best_other(scores, score),
                "below_best": best - score,
                "rank": 1.0 / (1 + rank),
                "phrasing": passage.scores["best_phrasing"],
                "whole": passage.scores["best_whole"],
                "sentence": passage.scores["best_sentence"],
                "lexical": passage.scores["lexical"],
                "question_covered": view.weights.total(asked & held) / weight,
                "title_covered": _covered(asked, asked_as.words, view),
                "rarest_covered": float(rarest in held),
                "said_title": float(said in asked_as.plain),
                "is_faq": float(chunk.kind is Kind.FAQ),
                "is_policy": float(chunk.kind is Kind.POLICY),
                "is_product": float(chunk.kind is Kind.PRODUCT),
                "kind_match": kind_match(question.searched, chunk.text),
                "dated": float(chunk.valid_from is not None or chunk.valid_until is not None),
                "name_covered": passage.scores.get("name", 0.0),
                "attribute_found": float(bool(is_read and reading and reading.facts)),
                "attribute_missing": float(bool(is_read and reading and reading.missing)),
                "attribute_unasked": float(bool(is_read and reading and not reading.concepts and not reading.facts)),
                "other_language": foreign[chunk.language],
            }
        )
    return rows


def certain(
    question: Question, passages: Sequence[Passage], table: Sequence[Mapping[str, float]], reading: Reading | None
) -> list[bool]:
    """Which passages need no judgement: the question is one of an FAQ row's own, or names a product in full and asks
    for a value that it has. Of names within names (a kettle, a kettle Pro) the longest said is meant."""
    said = _plain(question.text)
    names = {_plain(p.chunk.title) for p in passages if p.chunk.kind is Kind.PRODUCT}
    named = max(
        (name for name in names if len(name) >= (_LEAST_NAME if name.isascii() else 2) and name in said),
        key=len,
        default="",
    )
    return [
        bool(row["said_title"])
        or bool(named and row["attribute_found"] and reading and reading.concepts and _plain(p.chunk.title) == named)
        for p, row in zip(passages, table, strict=True)
    ]


_LEAST_NAME = 4
_OPINION = re.compile(
    r"评价|评论|买家秀|晒单|口碑|投稿|读者来信|"
    r"\breviews?\b|testimonials?|customers? (say|said|stories)|what (people|buyers) say",
    re.IGNORECASE,
)


def without_opinions(question: Question, passages: Sequence[Passage]) -> list[Passage]:
    """Drop what buyers wrote: an opinion is no statement of the shop, unless the question asks for opinions."""
    if _OPINION.search(question.text):
        return list(passages)
    return [
        p for p in passages if p.chunk.kind is not Kind.POLICY or not _OPINION.search(f"{p.chunk.path} {p.chunk.title}")
    ]


def in_force(passages: Sequence[Passage], view: KnowledgeView, as_of: datetime) -> list[Passage]:
    """Every FAQ row replaced by the one that answers its question at that moment; each once, the best place kept."""
    kept: dict[str, Passage] = {}
    for passage in passages:
        chunk = view.in_force(passage.chunk, as_of)
        kept.setdefault(chunk.chunk_id, passage if chunk is passage.chunk else replace(passage, chunk=chunk))
    return list(kept.values())


def prefer_valid_window(passages: Sequence[Passage], margin: float) -> list[Passage]:
    """A valid dated row goes before an undated one on the same matter, and a narrower window before a wider one.

    "The same matter": a confidence close to the best's, and a dense score close to it.
    """
    if not passages:
        return []
    best = passages[0]
    rivals = [
        p
        for p in passages
        if _is_dated(p.chunk)
        and p.scores["dense"] >= best.scores["dense"] - margin
        and p.confidence >= 0.35 * best.confidence
    ]
    if not rivals or best is (winner := min(rivals, key=lambda p: p.chunk.window_seconds)):
        return list(passages)
    if _is_dated(best.chunk) and best.chunk.window_seconds <= winner.chunk.window_seconds:
        return list(passages)
    winner = replace(winner, confidence=max(winner.confidence, best.confidence))
    return [winner, *(p for p in passages if p.chunk is not winner.chunk)]


def _plain(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()


def _is_dated(chunk: Chunk) -> bool:
    return chunk.valid_from is not None or chunk.valid_until is not None


def _best_other(scores: Sequence[float], score: float) -> float:
    """The best of the other scores, of all in falling order; a little less than this one where there is no other."""
    if len(scores) < 2:
        return score - 0.05
    return scores[1] if score == scores[0] else scores[0]


def _covered(asked: set[str], titles: Sequence[tuple[frozenset[str], float]], view: KnowledgeView) -> float:
    """Best overlap of the question with one title or phrasing: shared weight over the weight of both (Jaccard)."""
    of_question, best = view.weights.total(asked), 0.0
    for title, of_title in titles:
        if shared := view.weights.total(asked & title):
            best = max(best, shared / (of_question + of_title - shared))
    return best


def _agreement(passages: Sequence[Passage]) -> float:
    """How close the second and third stand to the first, 0..1: one when they are level."""
    scores = [p.scores["score"] for p in passages[:3]]
    return 1.0 - min(1.0, (scores[0] - sum(scores) / len(scores)) * 20) if scores else 0.0
