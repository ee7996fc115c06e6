"""What every entailment adapter makes of texts and labels: NLI models differ in how many labels they have."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

MOST_CHARACTERS = 1_500
"""Of a text: longer ones would be cut by the model anyway, at its own limit of tokens."""
SUPPORTED = frozenset({"entailment", "entailed", "entails", "supported", "supports", "consistent"})
"""Names that models give the label that means yes, in lower case."""


def cleaned(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs without what neither a tokenizer nor JSON takes, each text cut to `MOST_CHARACTERS`."""
    return [(_clean(evidence), _clean(sentence)) for evidence, sentence in pairs]


def _clean(text: str) -> str:
    return text[:MOST_CHARACTERS].replace("\0", " ").encode("utf-8", "ignore").decode("utf-8")


def supporting(labels: Sequence[str]) -> str:
    """The label that means "supported": the only one, or the one with such a name. Raises ValueError when there is none
    or several."""
    if len(labels) == 1:
        return labels[0]
    found = [label for label in labels if label.strip().casefold() in SUPPORTED]
    if len(found) != 1:
        raise ValueError(f"its labels are {', '.join(sorted(labels)) or 'none'}; one of them must be called entailment")
    return found[0]


def chance(scores: Mapping[str, float]) -> float:
    """The probability of support out of label → probability. Raises ValueError for what is none."""
    value = float(scores[supporting(list(scores))])
    if not math.isfinite(value) or not -1e-6 <= value <= 1 + 1e-6:
        raise ValueError(f"it gives {value} as a probability")
    return min(1.0, max(0.0, value))
