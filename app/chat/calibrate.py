"""Fitted models as plain JSON: a small ensemble of trees or a logistic model, and a calibration on top.

Fitting is `xiaoer calibrate` (scikit-learn, offline); a turn needs only this reader, and no library.
A model belongs to the embedder it was fitted with: cosines of two embedders do not compare.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Tree:
    """One regression tree in arrays. A leaf has feature -1; go left when value ≤ threshold."""

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]

    def predict(self, row: list[float]) -> float:
        """The leaf's value for a row of features."""
        node = 0
        while self.feature[node] >= 0:
            node = self.left[node] if row[self.feature[node]] <= self.threshold[node] else self.right[node]
        return self.value[node]


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

    def logit(self, values: Mapping[str, float]) -> float:
        """The raw score before calibration."""
        row = [float(values.get(name, 0.0)) for name in self.features]
        linear = sum(w * (x - m) / s for w, x, m, s in zip(self.weights, row, self.means, self.scales, strict=True))
        return self.intercept + linear + sum(tree.predict(row) for tree in self.trees)

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
            )
            for t in raw.get("trees", [])
        ),
        knots=tuple((float(x), float(y)) for x, y in raw.get("knots", [])),
        report=raw.get("report", {}),
    )
