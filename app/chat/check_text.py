"""How likely a whole text is supported by a context: the groundedness check as a probability.

For benchmarks and for callers that have plain texts and no turn. A turn's sentences go through `Verifier`, which says
yes or no and why; this is a small fitted model over cheap features, of which that yes or no is one.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from app.chat.calibrate import FittedModel, load_model
from app.chat.support_features import context_grounds, support_features

SHIPPED = Path(__file__).parent / "fitted" / "support.json"


def check_text(answer: str, context: str, model: FittedModel | None = None) -> float:
    """Probability (0..1) that all of the answer follows from the context; from 0.5 on it counts as supported."""
    return (model or shipped()).probability(support_features(answer, context))


@lru_cache(maxsize=1)
def shipped() -> FittedModel:
    """The model that comes with the code. Raises ConfigurationError where its file can't be read."""
    return load_model(SHIPPED)


__all__ = ["check_text", "context_grounds", "shipped"]
