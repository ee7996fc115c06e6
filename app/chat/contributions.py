"""What each feature does to a fitted model's score: exact, read off the trees. Pure.

Each step down a tree moves the expected score from that of a node to that of its child, and is put down to the feature
asked there (tree paths, Saabas 2014). So base + contributions = the raw score, to the last digit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.chat.calibrate import FittedModel, Tree


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature adds to the raw score, and to the probability when the features are added largest first."""

    feature: str
    value: float
    score: float
    points: float


@dataclass(frozen=True, slots=True)
class Breakdown:
    """`base` is the probability before anything is known of the question; base + all points = `probability`."""

    base: float
    probability: float
    contributions: tuple[Contribution, ...]


def breakdown(model: FittedModel, values: Mapping[str, float]) -> Breakdown:
    """The features' parts in the model's probability, largest first. Features that change nothing are left out."""
    row = [float(values.get(name, 0.0)) for name in model.features]
    scores = [w * (x - m) / s for w, x, m, s in zip(model.weights, row, model.means, model.scales, strict=True)]
    base = model.intercept
    for tree in model.trees:
        expected = _expected(tree)
        base += expected[0] if expected else 0.0
        node = 0
        while tree.feature and tree.feature[node] >= 0:
            goes_left = row[tree.feature[node]] <= tree.threshold[node]
            child = tree.left[node] if goes_left else tree.right[node]
            scores[tree.feature[node]] += expected[child] - expected[node]
            node = child
    order = sorted(range(len(scores)), key=lambda n: -abs(scores[n]))
    reached, told = base, []
    for n in (n for n in order if scores[n]):
        before, reached = model.calibrated(reached), reached + scores[n]
        told.append(Contribution(model.features[n], row[n], scores[n], model.calibrated(reached) - before))
    return Breakdown(model.calibrated(base), model.calibrated(reached), tuple(told))


def _expected(tree: Tree) -> list[float]:
    """The mean of the leaves below each node, weighed by how many samples came there where the model says so."""
    found = list(tree.value)
    # Children stand after their parents in the arrays, so one walk from the end sees them first.
    for node in range(len(tree.feature) - 1, -1, -1):
        if tree.feature[node] < 0:
            continue
        left, right = tree.left[node], tree.right[node]
        here, there = (tree.cover[left], tree.cover[right]) if tree.cover else (1.0, 1.0)
        found[node] = (here * found[left] + there * found[right]) / ((here + there) or 1.0)
    return found
