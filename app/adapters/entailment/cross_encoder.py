"""An entailment model in this process: sentence-transformers' CrossEncoder. Needs the `hub` extra.

Fits NLI models (e.g. MoritzLaurer/mDeBERTa-v3-base-xnli-multilingual-nli-2mil7) and models with one score.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from app.adapters.entailment.labels import chance, cleaned, supporting
from app.adapters.llm.breaker import Breaker
from app.errors import ConfigurationError, Unavailable

log = structlog.get_logger(__name__)


class CrossEncoderEntailment:
    """Implements `Entailment` on a thread of its own. One that is too slow again and again is left alone for a while.

    Raises ConfigurationError when the `hub` extra is missing, the model cannot be found, or none of its labels says
    that a text supports a sentence.
    """

    def __init__(self, model: str, *, device: str = "", breaker: Breaker | None = None) -> None:
        self._name = model
        self._model = _load(model, device or None)
        self._labels = _labels_of(self._model, model)
        self._breaker = breaker or Breaker()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="entail")

    @property
    def available(self) -> bool:
        """False while it has just been too slow."""
        return self._breaker.closed

    @property
    def told(self) -> str:
        """Its state for people."""
        return self._name if self.available else f"{self._name}, too slow: rested for a while, sentences go without it"

    async def supports(self, pairs: Sequence[tuple[str, str]], *, timeout_seconds: float) -> list[float]:
        """The probability that the evidence supports the sentence, for each pair."""
        if not pairs:
            return []
        if not self._breaker.begin():
            raise Unavailable("The entailment model is resting. The check decides without it.")
        # A call that has not begun when its time is over is taken off the thread's list; one that has ends unheard.
        asked = asyncio.get_running_loop().run_in_executor(self._thread, self._predict, cleaned(pairs))
        try:
            async with asyncio.timeout(timeout_seconds):
                found = await asked
        except TimeoutError as problem:
            self._breaker.fail()
            log.warning("entailment.slow", model=self._name, seconds=timeout_seconds)
            raise Unavailable("The entailment model takes too long. The check decides without it.") from problem
        except (RuntimeError, ValueError) as problem:
            self._breaker.fail()
            log.warning("entailment.failed", model=self._name, error=type(problem).__name__)
            raise Unavailable("The entailment model failed. The check decides without it.") from problem
        except BaseException:  # the reader left
            self._breaker.forget()
            raise
        self._breaker.succeed()
        return found

    async def close(self) -> None:
        """Stop the thread. Twice is harmless."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _predict(self, pairs: list[tuple[str, str]]) -> list[float]:
        from torch.nn import Identity  # noqa: PLC0415  loaded with the model

        # Raw scores, whatever the model's own files say is done with them: they differ from model to model.
        rows = self._model.predict(pairs, activation_fn=Identity(), convert_to_numpy=True, show_progress_bar=False)
        return [chance(dict(zip(self._labels, _probabilities(row), strict=True))) for row in rows]


def _probabilities(row: Any) -> list[float]:
    """Raw scores of the labels as probabilities: of one label by itself, of several against each other."""
    scores = [float(score) for score in row.reshape(-1)]
    if len(scores) == 1:
        return [0.5 * (1.0 + math.tanh(scores[0] / 2))]
    most = max(scores)
    weights = [math.exp(score - most) for score in scores]
    return [weight / sum(weights) for weight in weights]


def _labels_of(model: Any, name: str) -> list[str]:
    named = model.config.id2label
    labels = [str(named[n]) for n in sorted(named)]
    try:
        supporting(labels)
    except ValueError as problem:
        raise ConfigurationError(
            f"XIAOER_NLI names {name}, and {problem}. Nothing was started; name a model for natural language "
            "inference, or set XIAOER_NLI=none."
        ) from problem
    return labels


def _load(model: str, device: str | None) -> Any:
    try:
        from sentence_transformers import CrossEncoder  # noqa: PLC0415
    except ImportError as problem:
        raise ConfigurationError(
            f"XIAOER_NLI names {model}, which needs sentence-transformers. "
            "Install it with `pip install xiaoer[hub]`, or set XIAOER_NLI=none."
        ) from problem
    try:
        return CrossEncoder(model, device=device)
    except (OSError, ValueError) as problem:
        raise ConfigurationError(
            f"The entailment model {model} cannot be loaded ({problem}). Check its name or give the path of a folder."
        ) from problem
