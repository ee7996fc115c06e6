"""Certify a wrong-answer rate: the lowest confidence from which at most α of the sent answers are wrong, at 1−δ. Pure.

Answers are ordered by confidence. Among the m most confident ones, given the confidence of the next, mistakes are
binomial with the true rate above that point, so P(X ≤ k | rate α) is an exact p-value for "the rate is above α". Points
are tested in a fixed order, from more to less confident, until the first that fails (fixed-sequence testing, as in
Learn then Test, Angelopoulos et al. 2021): the order does not depend on the labels, so that the search costs nothing.
A point also has to pass the exact hypergeometric test that at most α of the *next* as many answers are wrong: the true
rate is what nobody sees, and on the other half of a suite the seen one exceeds α more often than δ.

Two such walks share δ: one begins where one mistake may be afforded, one at the more confident half of the answers, so
that a mistake among the very surest does not end everything. `python -m eval certify --simulate` compares this with
Bonferroni over a grid and with a single walk.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from app.trust.certificate import EVERYTHING, Group, Level
from eval.statistics import binomial_at_most, clopper_pearson, hypergeometric_at_most

ALPHAS = (0.01, 0.02, 0.03, 0.05, 0.08, 0.10, 0.15, 0.20)
"""Limits an owner may choose from."""
ALPHA, DELTA = 0.05, 0.05
AFFORDED = 1
"""Mistakes that the first point of the first walk may have. None at all would fail on the first unlucky answer."""
_FINEST = 0.001


@dataclass(frozen=True, slots=True)
class Shot:
    """One labelled question: what would be answered, how confidently, and whether that would be wrong.

    confidence  of the answer, or of the one that was held back; None = there was nothing to say
    in_scope    the shop's knowledge answers it
    looked_up   a tool answered (an order): confidence has no part in it
    """

    group: str
    confidence: float | None
    wrong: bool
    in_scope: bool
    looked_up: bool = False
    features: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """Answers from `threshold` on: how many, how many of them wrong, and the exact upper bound of their rate."""

    threshold: float
    sent: int
    wrong: int
    bound: float


def lowest_threshold(shots: Sequence[Shot], alpha: float, delta: float) -> Sent | None:
    """The lowest certified threshold; None when the labels support none."""
    answers = sorted((s for s in shots if s.confidence is not None), key=_by_confidence)
    share = delta / 2
    walks = [_walk(answers, first, alpha, share) for first in starts(len(answers), alpha, share)]
    return max((sent for sent in walks if sent), key=lambda sent: sent.sent, default=None)


def starts(count: int, alpha: float, delta: float) -> tuple[int, int]:
    """How many of so many answers the first point of either walk takes."""
    first = needed(alpha, delta, AFFORDED)
    if count < first:
        first = needed(alpha, delta, 0)
    return first, max(first, count // 2)


def _walk(answers: Sequence[Shot], first: int, alpha: float, delta: float) -> Sent | None:
    """The last point, beginning with the `first` surest answers, before one that fails."""
    best: Sent | None = None
    wrong = 0
    for count, shot in enumerate(answers, start=1):
        wrong += shot.wrong
        tied = count < len(answers) and answers[count].confidence == shot.confidence
        if count < first or tied:
            continue
        if chance(wrong, count, alpha) > delta:
            break
        assert shot.confidence is not None
        best = Sent(shot.confidence, count, wrong, 0.0)
    return best and Sent(
        best.threshold, best.sent, best.wrong, clopper_pearson(best.wrong, best.sent, 1 - 2 * delta)[1]
    )


@cache
def chance(wrong: int, count: int, alpha: float) -> float:
    """How likely so few mistakes among so many are if α does not hold: the worse of two exact p-values, that the true
    rate is above α, and that more than α of the next as many answers will be wrong."""
    allowed = math.floor(alpha * count + 1e-9)
    next_ones = hypergeometric_at_most(wrong, wrong + allowed + 1, count, 2 * count)
    return max(binomial_at_most(wrong, count, alpha), next_ones)


@cache
def needed(alpha: float, delta: float, mistakes: int) -> int:
    """Answers it takes to certify α when so many of them are wrong."""
    count = mistakes + 1
    while chance(mistakes, count, alpha) > delta:
        count += 1
    return count


def level_of(shots: Sequence[Shot], alpha: float, delta: float = DELTA) -> Level:
    """What is certified for one α: a threshold a group where every group has labels enough, else one for all.

    Whether a group has labels enough is read off their number alone, before any of them is looked at; groups share δ,
    so that what is said of all of them together holds at 1−δ as well.
    """
    groups = sorted({s.group for s in shots if s.confidence is not None})
    share = delta / max(1, len(groups))
    wanted = 2 * needed(alpha, share / 2, AFFORDED)
    short = [g for g in groups if len(_answers(shots, g)) < wanted]
    if len(groups) > 1 and not short:
        found = tuple(_group(g, _answers(shots, g), alpha, share) for g in groups)
        return Level(alpha, found, answered(shots, found))
    pooled = (_group(EVERYTHING, _answers(shots), alpha, delta),)
    why = f"{', '.join(short)}: fewer than {wanted} labelled answers each" if len(groups) > 1 else ""
    return Level(alpha, pooled, answered(shots, pooled), why)


def answered(shots: Sequence[Shot], groups: Sequence[Group]) -> float:
    """Share of in-scope questions that are answered at these thresholds; what a tool looks up counts."""
    in_scope = [s for s in shots if s.in_scope]
    return sum(is_sent(s, groups) for s in in_scope) / len(in_scope) if in_scope else 0.0


def wrong_rate(shots: Sequence[Shot], groups: Sequence[Group]) -> tuple[int, int]:
    """(wrong, sent) among answers at these thresholds. What a tool looked up is not counted: nothing was certified."""
    sent = [s for s in shots if not s.looked_up and is_sent(s, groups)]
    return sum(s.wrong for s in sent), len(sent)


def is_sent(shot: Shot, groups: Sequence[Group]) -> bool:
    """Whether the answer is sent at these thresholds."""
    if shot.looked_up:
        return True
    by_name = {group.name: group for group in groups}
    group = by_name.get(shot.group) or by_name.get(EVERYTHING)
    if shot.confidence is None or group is None or group.threshold is None:
        return False
    return shot.confidence >= group.threshold


def smallest_alpha(shots: Sequence[Shot], delta: float = DELTA) -> float | None:
    """The smallest limit, to a tenth of a per cent, that the labels support with one threshold; None above 50 %.

    For reading, not for choosing: a limit picked because it was the smallest is picked by looking at the labels.
    """
    low, high = 0, int(0.5 / _FINEST)
    if lowest_threshold(shots, high * _FINEST, delta) is None:
        return None
    return next(
        (n * _FINEST for n in range(low + 1, high + 1) if lowest_threshold(shots, n * _FINEST, delta) is not None), None
    )


def missing(shots: Sequence[Shot], alpha: float, delta: float = DELTA) -> int | None:
    """Labelled questions that are missing for a certificate at α, if the next ones go as these did; 0 = none is.

    None: more of the same would not do, since even the surest answers are wrong more often than α allows.
    """
    if lowest_threshold(shots, alpha, delta) is not None:
        return 0
    answers = sorted((s for s in shots if s.confidence is not None), key=_by_confidence)
    if not answers:
        return needed(alpha, delta / 2, 0)
    best, wrong = None, 0
    for count, shot in enumerate(answers, start=1):
        wrong += shot.wrong
        if count < 20 or wrong / count >= 0.8 * alpha:
            continue
        times = _times(wrong, count, alpha, delta)
        best = times if best is None else min(best, times)
    if best is None and not any(s.wrong for s in answers):
        best = needed(alpha, delta / 2, AFFORDED) / len(answers)
    return None if best is None else max(1, round((best - 1) * len(shots)))


def _times(wrong: int, count: int, alpha: float, delta: float) -> float:
    """How many times as many answers, as often wrong, it takes."""
    times = 1.0
    while chance(round(wrong * times), round(count * times), alpha) > delta / 2 and times < 200:
        times *= 1.05
    return times


def _group(name: str, shots: Sequence[Shot], alpha: float, delta: float) -> Group:
    labels = len(shots)
    found = lowest_threshold(shots, alpha, delta)
    if found is None:
        return Group(name, None, labels=labels, missing=missing(shots, alpha, delta) or 0)
    # Confidences are told to four places; half a place less lets through what rounds to the threshold.
    return Group(name, round(found.threshold - 5e-5, 5), found.sent, found.wrong, round(found.bound, 5), labels)


def _answers(shots: Sequence[Shot], group: str = "") -> list[Shot]:
    return [s for s in shots if s.confidence is not None and (not group or s.group == group)]


def _by_confidence(shot: Shot) -> float:
    return -(shot.confidence or 0.0)
