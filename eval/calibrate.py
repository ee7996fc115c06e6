"""Fit selection and confidence on labelled questions. `xiaoer calibrate` runs this.

Two stages, each small gradient-boosted trees (scikit-learn, offline) with a logistic calibration, written as plain JSON
that a turn reads without any library: P(this passage answers), from a passage's features; and P(the answer is right),
from the judged list. The second is fitted on out-of-fold judgements of the first, and every figure in a report is
out-of-fold too: no question was judged by a model that had seen it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.chat.compose import Composer
from app.chat.confidence import CONFIDENCE_FEATURES, confidence_features
from app.chat.decide import worth_saying
from app.chat.pipeline import Pipeline
from app.chat.products import Reading
from app.chat.select import FEATURES, features
from app.chat.turn import Passage, Question, Turn
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.view import KnowledgeView
from eval.harness import Sample, SolvedSample, Source
from eval.scorers.facts import facts_present, nothing_false
from eval.scorers.source import same_source

_LABEL = "label"
SELECTED_INTENTS = ("knowledge", "medical")
NO_QUESTION = Question("", "", "")
TRAINING = "training"
"""Group prefix of examples that teach but are measured on nowhere."""

Scores = NDArray[np.float64]
Knots = Sequence[tuple[float, float]]
Boosted: TypeAlias = Any
"""scikit-learn's boosted trees, which have no types."""


@dataclass(frozen=True, slots=True)
class Example:
    """The passages of one sample with their feature rows, and which of them may be answered from."""

    group: str
    sample: Sample
    passages: tuple[Passage, ...]
    table: tuple[Mapping[str, float], ...]
    rows: Scores
    labels: NDArray[np.int64]
    question: Question = NO_QUESTION
    view: KnowledgeView | None = None
    reading: Reading | None = None

    @property
    def measured(self) -> bool:
        """Whether it counts in reports."""
        return not self.group.startswith(TRAINING)


_MORE_IS_BETTER = frozenset(
    "dense dense_alone sought sought_above above_next rank phrasing whole sentence lexical "  # noqa: SIM905
    "question_covered title_covered rarest_covered said_title name_covered attribute_found "
    "p_knowledge first told chosen read read_above read_best cell".split()
)
_LESS_IS_BETTER = frozenset(
    {"below_best", "unknown_words", "attribute_missing", "p_offtopic", "p_vague", "read_rank", "cell_above"}
)
"""Features by which way they may move a model; the others may go either way."""


@dataclass(frozen=True, slots=True)
class Options:
    """Size of the models: small on purpose, there are thousands of samples and not millions."""

    trees: int = 150
    depth: int = 4
    rate: float = 0.06
    leaf: int = 40
    shrinkage: float = 5.0
    folds: int = 5
    seed: int = 7
    weight_of_suites: float = 2.0


async def examples_of(pipeline: Pipeline, group: str, turns: Iterable[tuple[Sample, Turn]]) -> list[Example]:
    """Retrieve for every sample that reaches retrieval, and label its passages by the acceptable sources."""
    found = []
    for sample, turn in turns:
        seen = await pipeline.candidates(turn)
        if seen.question.intent not in SELECTED_INTENTS or not seen.passages:
            continue
        table = tuple(features(seen.question, seen.passages, seen.view, seen.reading))
        rows = np.array([[row[name] for name in FEATURES] for row in table], dtype=np.float64)
        labels = np.array([int(answers(sample, passage, seen.view)) for passage in seen.passages], dtype=np.int64)
        found.append(Example(group, sample, seen.passages, table, rows, labels, seen.question, seen.view, seen.reading))
    return found


def answers(sample: Sample, passage: Passage, view: KnowledgeView) -> bool:
    """Whether the sample may be answered from the passage; any variant stands for its product."""
    if not sample.answerable:
        return False
    chunk = passage.chunk
    chunks = view.product_of(chunk).variants if chunk.kind is Kind.PRODUCT else (chunk,)
    wanted = [*sample.sources, *(s for group in sample.sources_all for s in group)]
    return any(same_source(s, source) for s in wanted for c in chunks for source in _sources_of(c))


def _sources_of(chunk: Chunk) -> set[Source]:
    """Where a chunk can be cited: its own place, and the places its attributes were read in."""
    elsewhere = {
        Source(path, chunk.attribute_locators.get(name, chunk.locator)) for name, path in chunk.attribute_paths.items()
    }
    return {Source(chunk.path, chunk.locator), *elsewhere}


@dataclass(frozen=True, slots=True)
class Judged:
    """What the second stage is fitted on: features of a judged list, and whether what would be said is right."""

    rows: Scores
    right: NDArray[np.int64]


def fit(
    examples: Sequence[Example], held_out: Sequence[Scores], embedder: str, options: Options = Options()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The selector and the confidence model as JSON, each with its report; `held_out` is what `out_of_fold` gives."""
    knots = logistic_knots(np.concatenate(held_out), np.concatenate([e.labels for e in examples]))
    judged = judge(examples, held_out, knots)
    selector = {
        **model_json("selector", embedder, FEATURES, _train(examples, options), knots),
        "report": {"samples": len(examples), "passages": int(sum(len(e.labels) for e in examples))},
    }
    scores = _out_of_fold_answers(examples, judged, options)
    answer_knots = logistic_knots(scores, judged.right)
    confidence = {
        **model_json(
            "confidence",
            embedder,
            CONFIDENCE_FEATURES,
            _train_answers(examples, judged, options),
            answer_knots,
        ),
        "report": {
            "out_of_fold": report(examples, calibrated(scores, answer_knots), judged.right),
            "left_out_shop": _left_out_shops(examples, options),
        },
    }
    return selector, confidence


def out_of_fold(examples: Sequence[Example], options: Options) -> list[Scores]:
    """Raw scores of every example's passages, by models that have not seen the example."""
    folds = folds_of(examples, options)
    scores: list[Scores] = [np.empty(0)] * len(examples)
    for fold in range(options.folds):
        model = _train([e for e, f in zip(examples, folds, strict=True) if f != fold], options)
        for n in np.nonzero(folds == fold)[0]:
            scores[int(n)] = model.decision_function(examples[int(n)].rows)
    return scores


def judge(examples: Sequence[Example], scores: Sequence[Scores], knots: Knots) -> Judged:
    """What the selector would make of each example, and whether what it would say is right."""
    rows, right = [], []
    for example, passages in zip(examples, chosen(examples, scores, knots), strict=True):
        values = confidence_features(passages, sum(p.confidence for p in worth_saying(passages)))
        rows.append([values[name] for name in CONFIDENCE_FEATURES])
        right.append(int(answers_right(example, passages, example.reading)))
    return Judged(np.array(rows), np.array(right, dtype=np.int64))


def answers_right(example: Example, passages: Sequence[Passage], reading: Reading | None) -> bool:
    """Whether an answer from a judged list is right: from a passage that answers, and, where the sample says which
    facts must and must not be said, with those."""
    said = worth_saying(passages)
    if not any(is_right(passage) for passage in said):
        return False
    if example.view is None or not (example.sample.facts or example.sample.not_facts):
        return True
    draft = Composer().draft(example.question, said, example.view, reading)
    solved = SolvedSample({"text": " ".join(sentence.text for sentence in draft.draft)})
    return all(scorer(example.sample, solved).value != 0.0 for scorer in (facts_present, nothing_false))


def chosen(examples: Sequence[Example], scores: Sequence[Scores], knots: Knots) -> list[list[Passage]]:
    """The passages of each example as the selector orders them, with its confidence, their features and their label."""
    ordered = []
    for example, raw in zip(examples, scores, strict=True):
        probabilities = calibrated(raw, knots)
        order = np.argsort(-probabilities, kind="stable")
        ordered.append([_chosen(example, int(n), float(probabilities[n])) for n in order])
    return ordered


def is_right(passage: Passage) -> bool:
    """Whether a passage that `chosen` gave may be answered from."""
    return bool(passage.scores[_LABEL])


def _chosen(example: Example, n: int, confidence: float) -> Passage:
    passage = example.passages[n]
    scores = MappingProxyType({**passage.scores, **example.table[n], _LABEL: float(example.labels[n])})
    return replace(passage, confidence=confidence, scores=scores)


def logistic_knots(raw: Scores, labels: NDArray[np.int64]) -> list[tuple[float, float]]:
    """(raw score, P(right)) pairs along a logistic calibration; the ends are never certain."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  an extra

    model = LogisticRegression(C=100.0).fit(raw.reshape(-1, 1), labels)
    grid = np.linspace(float(raw.min()), float(raw.max()), 25)
    chances = np.clip(model.predict_proba(grid.reshape(-1, 1))[:, 1], 0.001, 0.995)
    return [(round(float(x), 5), round(float(y), 5)) for x, y in zip(grid, chances, strict=True)]


def calibrated(raw: Scores, knots: Knots) -> Scores:
    """Probabilities of raw scores."""
    xs, ys = zip(*knots, strict=True)
    return np.asarray(np.interp(raw, xs, ys), dtype=np.float64)


def report(examples: Sequence[Example], confidence: Scores, right: NDArray[np.int64]) -> dict[str, Any]:
    """How well confidence tells right from wrong, on the examples that are measured on."""
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415  an extra

    measured = np.array([e.measured for e in examples])
    confidence, right = confidence[measured], right[measured]
    kept = [e for e in examples if e.measured]
    answerable = np.array([e.sample.answerable for e in kept])
    reachable = np.array([e.labels.any() for e in kept])
    order = np.argsort(-confidence)
    risk = np.cumsum(1 - right[order]) / np.arange(1, len(order) + 1)
    within = np.nonzero(risk <= 0.03)[0]
    return {
        "answerable": int(answerable.sum()),
        "reachable": round(float(reachable[answerable].mean()), 4),
        "top1_right": round(float(right[answerable].mean()), 4),
        "auroc": round(float(roc_auc_score(right, confidence)), 4) if 0 < right.sum() < len(right) else None,
        "calibration_error": round(calibration_error(confidence, right), 4),
        "coverage_at_3_percent_wrong": round(float((within[-1] + 1) / len(order)), 4) if len(within) else 0.0,
        "threshold_at_3_percent_wrong": round(float(confidence[order][within[-1]]), 4) if len(within) else 1.0,
        "reliability": [
            [round(float(confidence[part].mean()), 3), round(float(right[part].mean()), 3), len(part)]
            for part in np.array_split(np.argsort(confidence), 10)
            if len(part)
        ],
    }


def calibration_error(confidence: Scores, right: NDArray[np.int64], bins: int = 10) -> float:
    """Expected calibration error over equally filled bins."""
    parts = np.array_split(np.argsort(confidence), bins)
    return float(sum(len(p) * abs(confidence[p].mean() - right[p].mean()) for p in parts if len(p)) / len(right))


def write(model: dict[str, Any], path: Path) -> None:
    """Write the model where the server reads it, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(model, ensure_ascii=False), encoding="utf-8")
    partial.replace(path)


def _left_out_shops(examples: Sequence[Example], options: Options) -> dict[str, Any]:
    """The whole fit without one shop, measured on it: what a shop nobody has labelled may expect."""
    reports = {}
    groups = sorted({e.group for e in examples if e.measured})
    for group in groups if len(groups) > 1 else []:
        rest = [e for e in examples if e.group != group]
        only = [e for e in examples if e.group == group]
        held_out = out_of_fold(rest, options)
        knots = logistic_knots(np.concatenate(held_out), np.concatenate([e.labels for e in rest]))
        judged = judge(rest, held_out, knots)
        answer_knots = logistic_knots(_out_of_fold_answers(rest, judged, options), judged.right)
        selector, model = _train(rest, options), _train_answers(rest, judged, options)
        new = judge(only, [selector.decision_function(e.rows) for e in only], knots)
        reports[group] = report(only, calibrated(model.decision_function(new.rows), answer_knots), new.right)
    return reports


def folds_of(examples: Sequence[Example], options: Options) -> NDArray[np.int64]:
    """Fold of each example; a training shop is in one fold as a whole."""
    rng = np.random.default_rng(options.seed)
    of_group = {group: int(rng.integers(options.folds)) for group in sorted({e.group for e in examples})}
    own = rng.integers(options.folds, size=len(examples))
    return np.array([int(own[n]) if e.measured else of_group[e.group] for n, e in enumerate(examples)])


def _out_of_fold_answers(examples: Sequence[Example], judged: Judged, options: Options) -> Scores:
    folds = folds_of(examples, options)
    scores = np.empty(len(examples))
    for fold in range(options.folds):
        model = boosted(options, CONFIDENCE_FEATURES, trees=80, leaf=40)
        weights = weights_of(examples, options)
        inside, outside = folds != fold, folds == fold
        model.fit(judged.rows[inside], judged.right[inside], sample_weight=weights[inside])
        scores[outside] = model.decision_function(judged.rows[outside])
    return scores


def _train_answers(examples: Sequence[Example], judged: Judged, options: Options) -> Any:
    model = boosted(options, CONFIDENCE_FEATURES, trees=80, leaf=40)
    return model.fit(judged.rows, judged.right, sample_weight=weights_of(examples, options))


def _train(examples: Sequence[Example], options: Options) -> Any:
    weights = np.repeat(weights_of(examples, options), [len(e.labels) for e in examples])
    model = boosted(options, FEATURES, trees=options.trees, leaf=options.leaf)
    rows, labels = np.vstack([e.rows for e in examples]), np.concatenate([e.labels for e in examples])
    return model.fit(rows, labels, sample_weight=weights)


def weights_of(examples: Sequence[Example], options: Options) -> Scores:
    return np.array([options.weight_of_suites if e.measured else 1.0 for e in examples])


def boosted(options: Options, names: Sequence[str], *, trees: int, leaf: int) -> Any:
    """Boosted trees that may not contradict what each feature means: more of the question covered is never worse.

    Bound like this they say the same of the shops they were fitted on, and more of shops nobody labelled.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415  an extra

    return HistGradientBoostingClassifier(
        max_iter=trees,
        max_depth=options.depth,
        learning_rate=options.rate,
        min_samples_leaf=leaf,
        l2_regularization=options.shrinkage,
        max_features=0.5,
        monotonic_cst=[1 if name in _MORE_IS_BETTER else -1 if name in _LESS_IS_BETTER else 0 for name in names],
        early_stopping=False,
        random_state=options.seed,
    )


def model_json(name: str, embedder: str, names: Sequence[str], model: Any, knots: Knots) -> dict[str, Any]:
    return {
        "name": name,
        "embedder": embedder,
        "features": list(names),
        "intercept": round(float(model._baseline_prediction[0, 0]), 6),
        "trees": [_tree(stage[0].nodes) for stage in model._predictors],
        "knots": list(knots),
    }


def _tree(nodes: Any) -> dict[str, list[float]]:
    leaf = nodes["is_leaf"].astype(bool)
    return {
        "feature": [-1 if is_leaf else int(f) for f, is_leaf in zip(nodes["feature_idx"], leaf, strict=True)],
        "threshold": [
            0.0 if is_leaf else round(float(x), 6) for x, is_leaf in zip(nodes["num_threshold"], leaf, strict=True)
        ],
        "left": [-1 if is_leaf else int(n) for n, is_leaf in zip(nodes["left"], leaf, strict=True)],
        "right": [-1 if is_leaf else int(n) for n, is_leaf in zip(nodes["right"], leaf, strict=True)],
        "cover": [int(n) for n in nodes["count"]],
        "value": [round(float(x), 6) if is_leaf else 0.0 for x, is_leaf in zip(nodes["value"], leaf, strict=True)],
    }
