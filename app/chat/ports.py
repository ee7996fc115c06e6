"""What a turn needs from outside: models that phrase, read and check. See also app/knowledge/ports.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.chat.turn import ModelUse, Passage, Question, Turn
from app.knowledge.ports import Vector
from app.knowledge.view import KnowledgeView


@dataclass(frozen=True, slots=True)
class Prompt:
    """Chat messages in their fixed order: shared rules and brand first, so that the engine's prefix cache holds."""

    messages: tuple[tuple[str, str], ...]
    """(role, content) pairs"""
    max_tokens: int = 256
    temperature: float = 0.0
    stop: tuple[str, ...] = ()
    affinity: str = ""
    """Prompts with the same one begin alike: where there are several servers, they go to the same"""


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the model's stream: text, or (last) the use it reports. `cut`: it was stopped at max_tokens."""

    text: str = ""
    use: ModelUse | None = None
    cut: bool = False


class LanguageModel(Protocol):
    """One OpenAI-compatible chat model."""

    @property
    def name(self) -> str:
        """What is served, for logs and /v1/models; "none" for the extractive-only one."""

    @property
    def available(self) -> bool:
        """False while there is no model, it is starting, or it has just failed: do not wait for it."""

    def stream(self, prompt: Prompt, *, timeout_seconds: float) -> AsyncIterator[Delta]:
        """Stream the completion. Raises ModelUnavailable when it is down, too slow or speaks no sense.

        Closing the iterator cancels the request.
        """

    async def close(self) -> None:
        """Release connections; stop the process if this object started it."""


class QueryEncoder(Protocol):
    """Turns a question into the vector of what would answer it, among the passages as the embedder put them."""

    @property
    def embedder(self) -> str:
        """Name of the embedder whose passages it was fitted to: with another it knows nothing."""

    async def vector(self, asked: str) -> Vector:
        """One unit vector. Raises ConfigurationError when its weights are missing."""


class Reranker(Protocol):
    """Orders passages by reading them together with the question."""

    async def scores(self, question: Question, passages: Sequence[Passage]) -> list[float]:
        """One raw score a passage, higher is better."""


class Entailment(Protocol):
    """Says how likely a text says what a sentence claims: an NLI model, or a cross-encoder fitted on support."""

    @property
    def available(self) -> bool:
        """False while it has just failed or been too slow: do not wait for it."""

    async def supports(self, pairs: Sequence[tuple[str, str]], *, timeout_seconds: float) -> list[float]:
        """For each (evidence, sentence) the probability, 0..1, that the evidence supports the sentence.

        Raises Unavailable when it is down, too slow, or answers with what is no probability.
        """

    async def close(self) -> None:
        """Release what it holds. Twice is harmless."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a shop's answers are held to now.

    threshold       confidence from which an answer is sent
    certificate     id of the certificate that is good for this shop as it is; "" = there is none
    certified_from  confidence from which it covers an answer
    shifted         the shop relies on its certificate, and what is asked is no longer what that was made on
    model           fingerprint of the fitted models
    """

    threshold: float
    certificate: str = ""
    certified_from: float = 1.0
    shifted: bool = False
    model: str = ""


class Trust(Protocol):
    """Knows each shop's threshold and certificate, and watches what is asked."""

    def standing(self, turn: Turn, view: KnowledgeView, kind: str, language: str) -> Standing:
        """What an answer out of a passage of that kind is held to. Never raises, never waits."""

    def saw(self, turn: Turn, features: Mapping[str, float], confidence: float) -> None:
        """A shopper's question was looked up. Never raises, never waits."""


class OneThreshold:
    """The same threshold for every shop, and no certificate."""

    def __init__(self, threshold: float) -> None:
        self._standing = Standing(threshold)

    def standing(self, turn: Turn, view: KnowledgeView, kind: str, language: str) -> Standing:
        """The one threshold."""
        return self._standing

    def saw(self, turn: Turn, features: Mapping[str, float], confidence: float) -> None:
        """Nobody watches."""
