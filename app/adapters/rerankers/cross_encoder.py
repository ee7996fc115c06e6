"""A reranker that reads question and passage together: sentence-transformers' CrossEncoder. Needs the `hub` extra."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from app.chat.turn import Passage, Question
from app.errors import ConfigurationError

_PASSAGE_CHARACTERS = 1_500


class CrossEncoderReranker:
    """Scores passages with a cross-encoder (e.g. BAAI/bge-reranker-v2-m3), on a thread of its own.

    Raises ConfigurationError when the `hub` extra is missing or the model cannot be found.
    """

    def __init__(self, model: str, *, device: str = "") -> None:
        self._model = _load(model, device or None)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rerank")

    async def scores(self, question: Question, passages: Sequence[Passage]) -> list[float]:
        """One raw score a passage, higher is better; comparable within one model only."""
        if not passages:
            return []
        pairs = [(question.standalone, f"{p.chunk.title}\n{p.chunk.text}"[:_PASSAGE_CHARACTERS]) for p in passages]
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._predict, pairs)

    async def close(self) -> None:
        """Stop the thread. Twice is harmless."""
        self._thread.shutdown(wait=True)

    def _predict(self, pairs: list[tuple[str, str]]) -> list[float]:
        return [float(score) for score in self._model.predict(pairs, show_progress_bar=False)]


def _load(model: str, device: str | None) -> Any:
    try:
        from sentence_transformers import CrossEncoder  # noqa: PLC0415
    except ImportError as problem:
        raise ConfigurationError(
            f"XIAOER_RERANKER names {model}, which needs sentence-transformers. "
            "Install it with `pip install xiaoer[hub]`, or set XIAOER_RERANKER=none."
        ) from problem
    try:
        return CrossEncoder(model, device=device)
    except (OSError, ValueError) as problem:
        raise ConfigurationError(
            f"The reranking model {model} cannot be loaded ({problem}). Check its name or give the path of a folder."
        ) from problem
