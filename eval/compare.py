"""Two runs side by side: every figure paired by sample, tested, and with the list of what flipped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from eval.runs import FinishedRun, Judged
from eval.scorers.verdict import SENT
from eval.statistics import Paired, paired

ALPHA = 0.05
Holds: TypeAlias = Callable[[Judged], bool | None]
"""Whether a figure holds for an outcome; None = it says nothing about it."""


def _scored(scorer: str) -> Holds:
    def holds(one: Judged) -> bool | None:
        value = one.value(scorer)
        return None if value is None else value == 1.0

    return holds


def _not_wrong(one: Judged) -> bool | None:
    return one.value("wrong") != 1.0


def _sent(one: Judged) -> bool | None:
    return one.reply.get("decision") in SENT


FIGURES: Mapping[str, Holds] = {
    "right": _scored("right"),
    "nothing wrong said": _not_wrong,
    "answered": _sent,
    "unknown handled": _scored("unknown_handled"),
    "needed source in five": _scored("recall@5"),
    "draft right": _scored("draft_right"),
    "every sentence grounded": _scored("grounded"),
    "model's words kept": _scored("phrased"),
}
"""By which two runs are compared. All are better when higher, but `answered`, which is neither."""
BINDING = ("right", "nothing wrong said", "every sentence grounded", "model's words kept")
"""A gate is shut when one of these got worse."""


@dataclass(frozen=True, slots=True)
class Flip:
    """A sample that one run got right and the other did not."""

    suite: str
    before: Judged
    after: Judged

    @property
    def lost(self) -> bool:
        """Whether it was right and is no longer."""
        return self.before.value("right") == 1.0

    @property
    def why(self) -> str:
        """What is wrong with the one that is not right."""
        return (self.after if self.lost else self.before).why("right")

    def as_json(self) -> dict[str, Any]:
        """The flip as plain values."""
        return {
            "suite": self.suite,
            "id": self.after.id,
            "question": self.after.question,
            "flip": "lost" if self.lost else "won",
            "before": _said(self.before),
            "after": _said(self.after),
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Counts by suite (and "all", where there are several) and figure; the flips; what only one run has."""

    before: str
    after: str
    figures: Mapping[str, Mapping[str, Paired]]
    flips: Sequence[Flip]
    unpaired: int

    @property
    def worse(self) -> list[str]:
        """Figures that got worse beyond chance, over everything that was compared."""
        whole = self.figures.get("all") or next(iter(self.figures.values()), {})
        return [name for name in BINDING if name in whole and whole[name].p_worse <= ALPHA]

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "before": self.before,
            "after": self.after,
            "worse": self.worse,
            "unpaired": self.unpaired,
            "figures": {
                suite: {name: paired_json(counts) for name, counts in figures.items()}
                for suite, figures in self.figures.items()
            },
            "flips": [flip.as_json() for flip in self.flips],
        }


def compare(before: FinishedRun, after: FinishedRun) -> Comparison:
    """Pair by suite and sample id. What only one of them has is counted and left out."""
    pairs: dict[str, list[tuple[Judged, Judged]]] = {}
    unpaired = 0
    for suite in dict.fromkeys([*before.suites, *after.suites]):
        old, new = before.suites.get(suite, {}), after.suites.get(suite, {})
        unpaired += len(old.keys() ^ new.keys())
        if both := [(old[i], new[i]) for i in old if i in new]:
            pairs[suite] = both
    flips = [
        Flip(suite, a, b) for suite, both in pairs.items() for a, b in both if a.value("right") != b.value("right")
    ]
    groups = dict(pairs)
    if len(pairs) > 1:
        groups["all"] = [pair for both in pairs.values() for pair in both]
    figures = {suite: _figures(both) for suite, both in groups.items()}
    flips.sort(key=lambda flip: not flip.lost)
    return Comparison(before.name, after.name, figures, flips, unpaired)


def paired_json(counts: Paired) -> dict[str, Any]:
    """Rates with their intervals, the difference with its own, the flips and the p-value."""
    low, high = counts.interval()
    return {
        "n": counts.n,
        "before": counts.before.as_json(),
        "after": counts.after.as_json(),
        "difference": counts.difference,
        "difference_low": low,
        "difference_high": high,
        "lost": counts.only_before,
        "won": counts.only_after,
        "p_value": counts.p_value,
    }


def _figures(pairs: Sequence[tuple[Judged, Judged]]) -> dict[str, Paired]:
    found = {}
    for name, holds in FIGURES.items():
        told = [(holds(a), holds(b)) for a, b in pairs]
        both = [(a, b) for a, b in told if a is not None and b is not None]
        if both:
            found[name] = paired([a for a, _ in both], [b for _, b in both])
    return found


def _said(one: Judged) -> str:
    return f"[{one.reply.get('decision')} {float(one.reply.get('confidence') or 0):.2f}] {one.reply.get('text', '')}"
