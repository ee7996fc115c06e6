"""Fitted models as plain JSON: a small ensemble of trees or a logistic model, and a calibration on top.

Fitting is `xiaoer calibrate` (scikit-learn, offline); a turn needs only this reader, and no library.
A model belongs to the embedder it was fitted with: cosines of two embedders do not compare.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Tree:
    """One regression tree in arrays. A leaf has feature -1; go left when value ≤ threshold.

    `cover` is how many samples of the fit came to each node; empty = nobody wrote it down.
    """

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]
    cover: tuple[float, ...] = ()

    def predict(self, row: list[float]) -> float:
        """The leaf's value for a row of features."""
        node = 0
        while self.feature[node] >= 0:
            node = self.left[node] if row[self.feature[node]] <= self.threshold[node] else self.right[node]
        return self.value[node]


class Forest:
    """All trees of a model in one set of arrays, so that all rows go down all trees a level at a time."""

    def __init__(self, trees: Sequence[Tree]) -> None:
        firsts = np.cumsum([0, *(len(tree.feature) for tree in trees)])[:-1]
        self._roots = firsts.astype(np.intp)
        self._feature = _joined((t.feature for t in trees), np.intp)
        self._threshold = _joined((t.threshold for t in trees), np.float64)
        self._value = _joined((t.value for t in trees), np.float64)
        # A leaf leads to itself: rows that arrive early wait there.
        leaf = self._feature < 0
        here = np.arange(len(self._feature))
        shift = np.repeat(self._roots, [len(tree.feature) for tree in trees])
        self._left = np.where(leaf, here, _joined((t.left for t in trees), np.intp) + shift)
        self._right = np.where(leaf, here, _joined((t.right for t in trees), np.intp) + shift)
        self._feature = np.where(leaf, 0, self._feature)
        self._depth = max((_depth(tree) for tree in trees), default=0)

    def predict(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum of all trees for each row, (rows,), of an array (rows, features)."""
        if not len(self._roots):
            return np.zeros(len(rows))
        node = np.broadcast_to(self._roots, (len(rows), len(self._roots)))
        row = np.arange(len(rows))[:, None]
        for _ in range(self._depth):
            goes_left = rows[row, self._feature[node]] <= self._threshold[node]
            node = np.where(goes_left, self._left[node], self._right[node])
        return np.asarray(self._value[node].sum(axis=1))


@dataclass(frozen=True, slots=True)
class FittedModel:
    """P(right) from named features: logit = intercept + weights·x + sum of trees, then a monotone calibration.

    `knots` are (logit, probability) pairs in rising order; between two the line is taken.
    """

    name: str
    embedder: str
    features: tuple[str, ...]
    intercept: float
    weights: tuple[float, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    trees: tuple[Tree, ...]
    knots: tuple[tuple[float, float], ...]
    report: Mapping[str, Any]
    reranker: str = ""
    """Whose scores are among the features, where any are"""
    forest: Forest = field(init=False, repr=False, compare=False)
    lines: tuple[NDArray[np.float64], ...] = field(init=False, repr=False, compare=False)
    """means, scales and weights, as a turn multiplies with them"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "forest", Forest(self.trees))
        arrays = (np.array(values, dtype=np.float64) for values in (self.means, self.scales, self.weights))
        object.__setattr__(self, "lines", tuple(arrays))

    def logit(self, values: Mapping[str, float]) -> float:
        """The raw score before calibration."""
        return self.logits([values])[0]

    def logits(self, rows: Sequence[Mapping[str, float]]) -> list[float]:
        """The raw scores of many at once, for little more than the price of one."""
        if not rows:
            return []
        table = np.array([[row.get(name, 0.0) for name in self.features] for row in rows], dtype=np.float64)
        means, scales, weights = self.lines
        linear = ((table - means) / scales) @ weights
        scores: list[float] = (self.intercept + linear + self.forest.predict(table)).tolist()
        return scores

    def probabilities(self, rows: Sequence[Mapping[str, float]]) -> list[float]:
        """Calibrated P(right) of each, 0..1."""
        return [self.calibrated(logit) for logit in self.logits(rows)]

    def probability(self, values: Mapping[str, float]) -> float:
        """Calibrated P(right), 0..1."""
        return self.calibrated(self.logit(values))

    def calibrated(self, logit: float) -> float:
        """The probability the calibration gives a raw score."""
        if not self.knots:
            return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))
        at = bisect_right(self.knots, (logit, math.inf))
        if at == 0:
            return self.knots[0][1]
        if at == len(self.knots):
            return self.knots[-1][1]
        (x0, y0), (x1, y1) = self.knots[at - 1], self.knots[at]
        return y0 + (y1 - y0) * (logit - x0) / (x1 - x0) if x1 > x0 else y1


def _joined(parts: Iterable[Sequence[float]], kind: type[Any]) -> NDArray[Any]:
    return np.array([value for part in parts for value in part], dtype=kind)


def _depth(tree: Tree) -> int:
    """Steps from the root to the deepest leaf."""

    def below(node: int) -> int:
        return 0 if tree.feature[node] < 0 else 1 + max(below(tree.left[node]), below(tree.right[node]))

    return below(0) if tree.feature else 0


def load_model(path: Path) -> FittedModel:
    """A fitted model from its JSON file.

    Raises ConfigurationError when the file is missing or not such a model.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return model_from_json(raw)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ConfigurationError(
            f"The fitted model {path.name} can't be read ({problem}). Run `xiaoer calibrate` to fit it again."
        ) from problem


def model_from_json(raw: Mapping[str, Any]) -> FittedModel:
    """The model a JSON object states."""
    names = tuple(str(n) for n in raw["features"])
    return FittedModel(
        name=str(raw["name"]),
        embedder=str(raw.get("embedder", "")),
        features=names,
        intercept=float(raw["intercept"]),
        weights=tuple(float(w) for w in raw.get("weights") or [0.0] * len(names)),
        means=tuple(float(m) for m in raw.get("means") or [0.0] * len(names)),
        scales=tuple(float(s) or 1.0 for s in raw.get("scales") or [1.0] * len(names)),
        trees=tuple(
            Tree(
                tuple(int(f) for f in t["feature"]),
                tuple(float(x) for x in t["threshold"]),
                tuple(int(n) for n in t["left"]),
                tuple(int(n) for n in t["right"]),
                tuple(float(v) for v in t["value"]),
                tuple(float(n) for n in t.get("cover", ())),
            )
            for t in raw.get("trees", [])
        ),
        knots=tuple((float(x), float(y)) for x, y in raw.get("knots", [])),
        report=raw.get("report", {}),
        reranker=str(raw.get("reranker", "")),
    )
