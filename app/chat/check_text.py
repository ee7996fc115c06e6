"""How likely a whole text is supported by a context: the groundedness check as a probability, for benchmarks."""

from __future__ import annotations

import math

from app.chat.grounds import Grounds, grounds_of
from app.chat.support import Unit, clauses, joined, unit_of
from app.chat.turn import Question
from app.chat.values import canonical
from app.chat.verify import Verifier
from app.knowledge.sentences import split_sentences

_NO_QUESTION = Question("", "", "en")
_BIAS, _COVERED, _SEEN, _STRICT, _VALUE = -4.2, 2.6, 3.4, 0.9, 1.6
"""Set by hand, so that 0.5 is about where half of the plain cases are supported; only the order is benchmarked."""


def check_text(answer: str, context: str) -> float:
    """Probability (0..1) that every sentence of the answer follows from the context. Its weakest sentence decides."""
    grounds = context_grounds(context)
    sentences = [sentence for sentence in split_sentences(answer) if clauses(sentence)]
    if not sentences:
        return 0.5
    verifier = Verifier()
    each = [_probability(sentence, grounds, verifier) for sentence in sentences]
    return 0.7 * min(each) + 0.3 * sum(each) / len(each)


def context_grounds(context: str) -> Grounds:
    """Grounds out of plain text, one unit a sentence."""
    units: tuple[Unit, ...] = tuple(unit_of(sentence) for sentence in split_sentences(context))
    return grounds_of(units, _NO_QUESTION, canonical(context))


def _probability(sentence: str, grounds: Grounds, verifier: Verifier) -> float:
    whole = joined(clauses(sentence))
    best = max((_share(whole.words, unit.whole.words) for unit in grounds.units), default=0.0)
    seen = _share(whole.words, grounds.words)
    held = [value for unit in grounds.units for value in unit.whole.values]
    foreign = sum(not any(value.same(other) for other in held) for value in whole.values)
    passed = not verifier.judge(sentence, grounds).reason
    return 1 / (1 + math.exp(-(_BIAS + _COVERED * best + _SEEN * seen + _STRICT * passed - _VALUE * foreign)))


def _share(written: frozenset[str], held: frozenset[str]) -> float:
    return len(written & held) / len(written) if written else 1.0
