"""Fit the selector: P(this passage answers) from its features, on labelled suites. `xiaoer calibrate` runs this.

Small gradient-boosted trees (scikit-learn, offline) and an isotonic calibration of their out-of-fold scores, written
as plain JSON that a turn reads without any library. Every figure in the report is out-of-fold: no sample was judged
by a model that had seen it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.chat.pipeline import Pipeline
from app.chat.select import FEATURES, features
from app.chat.turn import Passage, Turn
from app.knowledge.chunk import Kind
from app.knowledge.view import KnowledgeView
from eval.harness import Sample, Source
from eval.scorers.source import same_source

SELECTED_INTENTS = ("knowledge", "medical")


@dataclass(frozen=True, slots=True)
class Example:
    """The passages of one sample as feature rows, and which of them may be answered from."""

    group: str
    sample: Sample
    rows: NDArray[np.float64]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Options:
    """Size of the model: small on purpose, there are hundreds of samples and not millions."""

    trees: int = 120
    depth: int = 3
    rate: float = 0.06
    leaf: int = 20
    folds: int = 5
    seed: int = 7


async def examples_of(pipeline: Pipeline, group: str, turns: Iterable[tuple[Sample, Turn]]) -> list[Example]:
    """Retrieve for every sample that reaches retrieval, and label its passages by the acceptable sources."""
    found = []
    for sample, turn in turns:
        question, passages, reading, view = await pipeline.candidates(turn)
        if question.intent not in SELECTED_INTENTS or not passages:
            continue
        table = features(question, passages, view, reading)
        rows = np.array([[row[name] for name in FEATURES] for row in table], dtype=np.float64)
        labels = np.array([int(answers(sample, passage, view)) for passage in passages], dtype=np.int64)
        found.append(Example(group, sample, rows, labels))
    return found


def answers(sample: Sample, passage: Passage, view: KnowledgeView) -> bool:
    """Whether the sample may be answered from the passage; any variant stands for its product."""
    if not sample.answerable:
        return False
    chunk = passage.chunk
    chunks = view.product_of(chunk).variants if chunk.kind is Kind.PRODUCT else (chunk,)
    wanted = [*sample.sources, *(s for group in sample.sources_all for s in group)]
    return any(same_source(s, Source(c.path, c.locator)) for s in wanted for c in chunks)


def fit(examples: Sequence[Example], embedder: str, options: Options = Options()) -> dict[str, Any]:
    """The fitted model as JSON, with its out-of-fold report."""
    held_out = out_of_fold(examples, options)
    by_shop = leave_one_group_out(examples, options)
    knots = calibration(held_out, examples)
    model = _train(examples, options)
    return {
        "name": "selector",
        "embedder": embedder,
        "features": list(FEATURES),
        "intercept": float(
            model.init_.class_prior_[1] and np.log(model.init_.class_prior_[1] / model.init_.class_prior_[0])
        ),
        "trees": [_tree(stage[0].tree_, options.rate) for stage in model.estimators_],
        "knots": knots,
        "report": {
            "samples": len(examples),
            "passages": int(sum(len(e.labels) for e in examples)),
            "out_of_fold": report(held_out, examples, knots),
            "left_out_shop": {name: report(scores, only, knots) for name, (scores, only) in by_shop.items()},
        },
    }


def out_of_fold(examples: Sequence[Example], options: Options) -> list[NDArray[np.float64]]:
    """Raw scores of every example's passages, by models that have not seen the example."""
    order = np.random.default_rng(options.seed).permutation(len(examples))
    scores: list[NDArray[np.float64]] = [np.empty(0)] * len(examples)
    for fold in range(options.folds):
        held = set(order[fold :: options.folds].tolist())
        model = _train([e for n, e in enumerate(examples) if n not in held], options)
        for n in held:
            scores[n] = model.decision_function(examples[n].rows)
    return scores


def leave_one_group_out(
    examples: Sequence[Example], options: Options
) -> dict[str, tuple[list[NDArray[np.float64]], list[Example]]]:
    """The same by whole shops: what a shop nobody has labelled may expect."""
    groups = sorted({e.group for e in examples})
    if len(groups) < 2:
        return {}
    left_out = {}
    for group in groups:
        model = _train([e for e in examples if e.group != group], options)
        only = [e for e in examples if e.group == group]
        left_out[group] = ([model.decision_function(e.rows) for e in only], only)
    return left_out


def calibration(scores: Sequence[NDArray[np.float64]], examples: Sequence[Example]) -> list[tuple[float, float]]:
    """Isotonic knots (raw score, P(right)), smoothed at the ends so that nothing is ever certain."""
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415  an extra

    raw = np.concatenate(list(scores))
    labels = np.concatenate([e.labels for e in examples])
    fitted = IsotonicRegression(y_min=0.002, y_max=0.985, out_of_bounds="clip").fit(raw, labels)
    xs, ys = fitted.X_thresholds_, fitted.y_thresholds_
    return [(round(float(x), 5), round(float(y), 5)) for x, y in zip(xs, ys, strict=True)]


def report(
    scores: Sequence[NDArray[np.float64]], examples: Sequence[Example], knots: Sequence[tuple[float, float]]
) -> dict[str, Any]:
    """Top-1 accuracy, AUROC of right against wrong, calibration error, and coverage at 3 % wrong."""
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415  an extra

    xs, ys = zip(*knots, strict=True)
    best = [int(np.argmax(s)) for s in scores]
    top = np.interp([s[b] for s, b in zip(scores, best, strict=True)], xs, ys)
    right = np.array([e.labels[b] for e, b in zip(examples, best, strict=True)])
    answerable = np.array([e.sample.answerable for e in examples])
    reachable = np.array([e.labels.any() for e in examples])
    order = np.argsort(-top)
    risk = np.cumsum(1 - right[order]) / np.arange(1, len(order) + 1)
    within = np.nonzero(risk <= 0.03)[0]
    return {
        "answerable": int(answerable.sum()),
        "reachable": round(float(reachable[answerable].mean()), 4),
        "top1_right": round(float(right[answerable].mean()), 4),
        "auroc": round(float(roc_auc_score(right, top)), 4) if 0 < right.sum() < len(right) else None,
        "calibration_error": round(calibration_error(top, right), 4),
        "coverage_at_3_percent_wrong": round(float((within[-1] + 1) / len(order)), 4) if len(within) else 0.0,
        "threshold_at_3_percent_wrong": round(float(top[order][within[-1]]), 4) if len(within) else 1.0,
    }


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.int64], bins: int = 10) -> float:
    """Expected calibration error over equally filled bins."""
    parts = np.array_split(np.argsort(confidence), bins)
    return float(sum(len(p) * abs(confidence[p].mean() - right[p].mean()) for p in parts if len(p)) / len(right))


def write(model: dict[str, Any], path: Path) -> None:
    """Write the model where the server reads it, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(model, ensure_ascii=False), encoding="utf-8")
    partial.replace(path)


def _train(examples: Sequence[Example], options: Options) -> Any:
    from sklearn.ensemble import GradientBoostingClassifier  # noqa: PLC0415  an extra

    model = GradientBoostingClassifier(
        n_estimators=options.trees,
        max_depth=options.depth,
        learning_rate=options.rate,
        min_samples_leaf=options.leaf,
        subsample=0.7,
        max_features=0.5,
        random_state=options.seed,
    )
    return model.fit(np.vstack([e.rows for e in examples]), np.concatenate([e.labels for e in examples]))


def _tree(tree: Any, rate: float) -> dict[str, list[float]]:
    leaf = tree.children_left == -1
    return {
        "feature": [int(f) if not is_leaf else -1 for f, is_leaf in zip(tree.feature, leaf, strict=True)],
        "threshold": [round(float(t), 6) for t in tree.threshold],
        "left": [int(n) for n in tree.children_left],
        "right": [int(n) for n in tree.children_right],
        "value": [round(rate * float(v), 6) for v in tree.value[:, 0, 0]],
    }
