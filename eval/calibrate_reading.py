"""Fit the judgement of passages that were read, and the confidence of answers from them. `xiaoer calibrate` runs this.

Only shops that the reader was not fitted on count here (those kept apart, the sample shops, a shop of one's own): of
what it has seen in fitting it is surer than it will ever be of a shop's real questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.chat.confidence import READ_CONFIDENCE_FEATURES, confidence_features
from app.chat.decide import worth_saying
from app.chat.rerank import READ, READ_FEATURES, in_doubt, with_reading
from app.chat.select import certain
from app.chat.turn import Passage
from eval.calibrate import (
    Boosted,
    Example,
    Knots,
    Options,
    Scores,
    boosted,
    calibrated,
    folds_of,
    logistic_knots,
    model_json,
    report,
    weights_of,
)

Reads = Mapping[int, Sequence[float]]
"""Index of an example → the raw scores of its first `READ` passages, in the selector's order."""


def chosen(examples: Sequence[Example], scores: Sequence[Scores], knots: Knots) -> list[list[Passage]]:
    """The passages of each example as the selector orders them, with its confidence and features."""
    ordered = []
    for example, raw in zip(examples, scores, strict=True):
        probabilities = calibrated(raw, knots)
        order = np.argsort(-probabilities, kind="stable")
        ordered.append([_chosen(example, int(n), float(probabilities[n])) for n in order])
    return ordered


def fit_reading(
    examples: Sequence[Example],
    passages: Sequence[Sequence[Passage]],
    reads: Reads,
    embedder: str,
    reranker: str,
    options: Options,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The judge and the confidence of read answers as JSON, from the examples that were read."""
    kept = sorted(reads)
    examples = [examples[n] for n in kept]
    read = [_read(passages[n][:READ], reads[n]) for n in kept]
    rest = [passages[n][READ:] for n in kept]
    labels = [np.array([int(_answers(p)) for p in ps]) for ps in read]
    rows = [np.array([[p.scores[name] for name in READ_FEATURES] for p in ps]) for ps in read]
    folds = folds_of(examples, options)
    weights = weights_of(examples, options)
    held_out = _out_of_fold(rows, labels, folds, weights, options)
    knots = logistic_knots(np.concatenate(held_out), np.concatenate(labels))
    judged = [_judged(ps, calibrated(raw, knots), others) for ps, raw, others in zip(read, held_out, rest, strict=True)]
    told = np.array([_features(ps) for ps in judged])
    right = np.array([int(any(_answers(p) for p in worth_saying(ps))) for ps in judged])
    scores = np.empty(len(examples))
    for fold in range(options.folds):
        inside, outside = folds != fold, folds == fold
        scores[outside] = _answer_model(told[inside], right[inside], weights[inside], options).decision_function(
            told[outside]
        )
    answer_knots = logistic_knots(scores, right)
    judge = {
        **model_json("judge", embedder, READ_FEATURES, _passage_model(rows, labels, weights, options), knots),
        "reranker": reranker,
        "report": {"samples": len(examples), "passages": sum(len(ps) for ps in read)},
    }
    confidence = {
        **model_json(
            "confidence-read",
            embedder,
            READ_CONFIDENCE_FEATURES,
            _answer_model(told, right, weights, options),
            answer_knots,
        ),
        "reranker": reranker,
        "report": {"out_of_fold": report(examples, calibrated(scores, answer_knots), right)},
    }
    return judge, confidence


def is_read(example: Example, passages: Sequence[Passage]) -> bool:
    """Whether a turn would have these passages read."""
    sure = certain(example.question, passages, [p.scores for p in passages], None)
    return in_doubt(passages) and not (sure and sure[0])


def _chosen(example: Example, n: int, confidence: float) -> Passage:
    passage = example.passages[n]
    scores = MappingProxyType({**passage.scores, **example.table[n], "label": float(example.labels[n])})
    return replace(passage, confidence=confidence, scores=scores)


def _answers(passage: Passage) -> bool:
    return bool(passage.scores["label"])


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
