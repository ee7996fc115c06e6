"""Fit the judgement of passages that were read, and the confidence of answers from them. `xiaoer calibrate` runs this.

Only questions that a turn would have read count here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.chat.confidence import READ_CONFIDENCE_FEATURES, confidence_features
from app.chat.decide import worth_saying
from app.chat.products import Reading
from app.chat.rerank import READ, READ_FEATURES, in_doubt, with_reading
from app.chat.select import certain
from app.chat.turn import Passage
from eval.calibrate import (
    Boosted,
    Example,
    Options,
    Scores,
    answers_right,
    boosted,
    calibrated,
    folds_of,
    is_right,
    logistic_knots,
    model_json,
    report,
    weights_of,
)

Reads = Mapping[int, Sequence[float]]
"""Index of an example → the raw scores of its first `READ` passages, in the selector's order."""


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """What a turn would answer from: the judged passages of an example, and what its product row was read as."""

    example: Example
    passages: Sequence[Passage]
    reading: Reading | None


def fit_judge(
    examples: Sequence[Example],
    passages: Sequence[Sequence[Passage]],
    reads: Reads,
    embedder: str,
    reranker: str,
    options: Options,
) -> tuple[dict[str, Any], list[ReadAnswer]]:
    """The judge as JSON, from the examples that were read, and what it makes of each, as if it had not seen it."""
    kept = sorted(reads)
    examples = [examples[n] for n in kept]
    read = [_read(passages[n][:READ], reads[n]) for n in kept]
    judge, chances = _fit_judge(read, folds_of(examples, options), weights_of(examples, options), embedder, options)
    answers = [
        ReadAnswer(example, _judged(read[n], chances[n], passages[kept[n]][READ:]), example.reading)
        for n, example in enumerate(examples)
    ]
    return {**judge, "reranker": reranker}, answers


def _fit_judge(
    read: Sequence[Sequence[Passage]], folds: NDArray[np.int64], weights: Scores, embedder: str, options: Options
) -> tuple[dict[str, Any], list[Scores]]:
    """The judge, and what judges that had not seen a question make of its passages."""
    labels = [np.array([int(is_right(p)) for p in ps]) for ps in read]
    rows = [np.array([[p.scores[name] for name in READ_FEATURES] for p in ps]) for ps in read]
    held_out = _out_of_fold(rows, labels, folds, weights, options)
    knots = logistic_knots(np.concatenate(held_out), np.concatenate(labels))
    model = model_json("judge", embedder, READ_FEATURES, _passage_model(rows, labels, weights, options), knots)
    counted = {"samples": len(read), "passages": sum(len(ps) for ps in read)}
    return {**model, "report": counted}, [calibrated(raw, knots) for raw in held_out]


def fit_confidence(answers: Sequence[ReadAnswer], embedder: str, reranker: str, options: Options) -> dict[str, Any]:
    """The confidence of read answers as JSON."""
    examples = [answer.example for answer in answers]
    folds, weights = folds_of(examples, options), weights_of(examples, options)
    told = np.array([_features(answer.passages) for answer in answers])
    right = np.array([int(answers_right(a.example, a.passages, a.reading)) for a in answers])
    scores = np.empty(len(answers))
    for fold in range(options.folds):
        inside, outside = folds != fold, folds == fold
        model = _answer_model(told[inside], right[inside], weights[inside], options)
        scores[outside] = model.decision_function(told[outside])
    knots = logistic_knots(scores, right)
    fitted = _answer_model(told, right, weights, options)
    return {
        **model_json("confidence-read", embedder, READ_CONFIDENCE_FEATURES, fitted, knots),
        "reranker": reranker,
        "report": {"out_of_fold": report(examples, calibrated(scores, knots), right)},
    }


def is_read(example: Example, passages: Sequence[Passage]) -> bool:
    """Whether a turn would have these passages read."""
    sure = certain(example.question, passages, [p.scores for p in passages], None)
    return in_doubt(passages) and not (sure and sure[0])


def _read(passages: Sequence[Passage], scores: Sequence[float]) -> list[Passage]:
    return [
        replace(passage, scores=MappingProxyType(row))
        for passage, row in zip(passages, with_reading(passages, scores), strict=True)
    ]


def _judged(passages: Sequence[Passage], chances: Scores, others: Sequence[Passage]) -> list[Passage]:
    judged = [replace(p, confidence=float(chance)) for p, chance in zip(passages, chances, strict=True)]
    return sorted([*judged, *others], key=lambda p: -p.confidence)


def _features(passages: Sequence[Passage]) -> list[float]:
    values = confidence_features(passages, sum(p.confidence for p in worth_saying(passages)))
    return [values.get(name, 0.0) for name in READ_CONFIDENCE_FEATURES]


def _out_of_fold(
    rows: Sequence[Scores], labels: Sequence[NDArray[np.int64]], folds: NDArray[np.int64], weights: Scores, o: Options
) -> list[Scores]:
    scores: list[Scores] = [np.empty(0)] * len(rows)
    for fold in range(o.folds):
        inside = [n for n in range(len(rows)) if folds[n] != fold]
        model = _passage_model([rows[n] for n in inside], [labels[n] for n in inside], weights[inside], o)
        for n in np.nonzero(folds == fold)[0]:
            scores[int(n)] = model.decision_function(rows[int(n)])
    return scores


def _passage_model(
    rows: Sequence[Scores], labels: Sequence[NDArray[np.int64]], weights: Scores, options: Options
) -> Boosted:
    model = boosted(options, READ_FEATURES, trees=options.trees, leaf=options.leaf)
    repeated = np.repeat(weights, [len(part) for part in labels])
    return model.fit(np.vstack(rows), np.concatenate(labels), sample_weight=repeated)


def _answer_model(rows: Scores, right: NDArray[np.int64], weights: Scores, options: Options) -> Boosted:
    return boosted(options, READ_CONFIDENCE_FEATURES, trees=80, leaf=40).fit(rows, right, sample_weight=weights)
