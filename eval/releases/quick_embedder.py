"""An embedder without a model: for measuring what happens around one, at the scale of a large shop."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.knowledge.tokenize import words


class QuickEmbedder:
    """Each word has a direction of its own, drawn from its hash; a text is the sum of its words'.

    The same in every process and on every machine. Texts that share words come out similar. `embedded` counts texts.
    """

    def __init__(self, size: int = 384) -> None:
        self._size = size
        self._words: dict[str, NDArray[np.float32]] = {}
        self.embedded = 0

    @property
    def name(self) -> str:
        """A name of its own, so that no vector is taken for a model's."""
        return f"quick-words-{self._size}"

    @property
    def size(self) -> int:
        """Length of a vector."""
        return self._size

    async def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (len(texts), size), rows of unit length."""
        return self._embed(texts)

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The same: there is no model that would tell the sides apart."""
        return self._embed(texts)

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.embedded += len(texts)
        rows = np.array([self._sum(text) for text in texts], dtype=np.float32).reshape(len(texts), self._size)
        return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float32)

    def _sum(self, text: str) -> NDArray[np.float32]:
        return np.asarray(sum((self._direction(word) for word in words(text) or [text]), np.zeros(self._size)))

    def _direction(self, word: str) -> NDArray[np.float32]:
        if (known := self._words.get(word)) is None:
            seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
            known = self._words[word] = np.random.default_rng(seed).standard_normal(self._size, dtype=np.float32)
        return known
