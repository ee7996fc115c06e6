"""Vectors of texts that an evaluation embeds again and again, kept in one file per embedder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.knowledge.ports import Embedder

_SAVE_EVERY = 1_024


class CachedEmbedder:
    """An `Embedder` in front of another that remembers every text on disk, by content."""

    def __init__(self, embedder: Embedder, folder: Path, on_progress: Callable[[int], None] | None = None) -> None:
        self._embedder = embedder
        self._file = folder / f"{embedder.name}.npz"
        self._on_progress = on_progress or (lambda _count: None)
        self._rows: dict[str, NDArray[np.float32]] = {}
        if self._file.exists():
            with np.load(self._file) as stored:
                self._rows = dict(zip(stored["keys"].tolist(), stored["rows"], strict=True))

    @property
    def name(self) -> str:
        """The name of the embedder behind."""
        return self._embedder.name

    @property
    def size(self) -> int:
        """Length of a vector."""
        return self._embedder.size

    async def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit row a text."""
        return await self._embed(texts, "q")

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit row a text."""
        return await self._embed(texts, "p")

    def save(self) -> None:
        """Write all vectors; a reader never sees half a file."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        keys = np.array(list(self._rows))
        rows = np.stack(list(self._rows.values())) if self._rows else np.empty((0, self.size), np.float32)
        partial = self._file.with_suffix(".tmp.npz")
        np.savez(partial, keys=keys, rows=rows)
        partial.replace(self._file)

    async def _embed(self, texts: Sequence[str], side: str) -> NDArray[np.float32]:
        keys = [blake2b(f"{side}:{text}".encode("utf-8", "ignore"), digest_size=16).hexdigest() for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._rows}
        ask = self._embedder.embed_queries if side == "q" else self._embedder.embed_passages
        for start in range(0, len(missing), _SAVE_EVERY):
            part = list(missing.items())[start : start + _SAVE_EVERY]
            rows = await ask([text for _, text in part])
            self._rows |= {key: row.copy() for (key, _), row in zip(part, rows, strict=True)}
            self._on_progress(len(part))
            if len(missing) >= _SAVE_EVERY:
                self.save()
        return np.stack([self._rows[key] for key in keys]) if keys else np.empty((0, self.size), np.float32)
