"""Query texts of turns that ask at the same moment: in one call, or in turn; the last few thousand vectors are kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from contextvars import Context
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.errors import Unavailable
from app.knowledge.ports import Embedder, Vector

_REMEMBERED = 2_048


class ClosableEmbedder(Embedder, Protocol):
    """An embedder that holds threads or memory."""

    async def close(self) -> None:
        """Let go of them. Twice is harmless."""


class GatheringEmbedder:
    """An `Embedder` in front of another, which is asked one thing at a time.

    Who comes while it is idle is passed on at once, and nobody waits for company: what is asked while a call runs makes
    up the next ones, in the order it came. Who asks for much gets it in slices, between which the others pass. What is
    remembered, or comes back with somebody else's call, is not asked for again.

    A call that fails is made again for each of its callers alone, so that what is wrong with one text is told to who
    sent it. A caller that is cancelled takes its texts out of the queue; a call under way goes on for the others.
    """

    def __init__(self, embedder: ClosableEmbedder, *, slice_texts: int, together: int, crowd: int = 0) -> None:
        """`slice_texts`: of one caller in a call, at most; `together`: of several callers, who share calls while more
        than `crowd` of them wait. Where a call of two texts takes nearly as long as two calls, the first waits for the
        second, and the little that is won is won by those far behind."""
        self._embedder = embedder
        self._slice_texts = slice_texts
        self._together = together
        self._crowd = crowd
        self._remembered = _Memory()
        self._queue: deque[_Asked] = deque()
        self._calling: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The name of the embedder behind: its vectors are passed on as they are."""
        return self._embedder.name

    @property
    def size(self) -> int:
        """Length of a vector."""
        return self._embedder.size

    async def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit row a text. Raises what the embedder behind raises for these texts, and Unavailable once closed."""
        if not texts:
            return np.empty((0, self.size), dtype=np.float32)
        known = self._remembered.of(texts)
        if any(text not in known for text in texts):
            known = await self._ask(_Asked(texts, known))
        return np.stack([known[text] for text in texts])

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit row a text. Passages come in long lists already, and go to the embedder behind as they come."""
        return await self._embedder.embed_passages(texts)

    async def close(self) -> None:
        """End the call under way, and close the embedder behind. Twice is harmless."""
        if self._calling is not None:
            self._calling.cancel()
            await asyncio.gather(self._calling, return_exceptions=True)
        await self._embedder.close()

    async def _ask(self, asked: _Asked) -> dict[str, Vector]:
        self._queue.append(asked)
        if self._calling is None:
            # In a context of its own: it works for many turns, and is part of the trace of none.
            self._calling = asyncio.create_task(self._serve_all(), context=Context())
        await asked.over
        if asked.problem is not None:
            raise asked.problem
        return asked.rows

    async def _serve_all(self) -> None:
        batch: list[_Asked] = []
        try:
            while batch := self._next_batch():
                await self._call(batch)
                self._queue.extend(asked for asked in batch if not asked.over.done())  # behind who came meanwhile
        finally:
            self._calling = None
            for asked in (*batch, *self._queue):
                asked.fail(Unavailable("The embedder was closed. The question was not looked up; ask it again."))
            self._queue.clear()

    def _next_batch(self) -> list[_Asked]:
        """The callers of the next call, taken from the queue. None: everybody has theirs."""
        waiting = []
        for asked in self._queue:
            asked.take(self._remembered.of(asked.missing))
            if not asked.over.done():
                waiting.append(asked)
        batch: list[_Asked] = []
        texts: set[str] = set()
        most = self._together if len(waiting) > self._crowd else 1
        for asked in waiting:
            texts |= set(asked.missing[: self._slice_texts])
            if batch and len(texts) > most:
                break
            batch.append(asked)
        self._queue = deque(waiting[len(batch) :])
        return batch

    async def _call(self, batch: Sequence[_Asked]) -> None:
        texts = list(dict.fromkeys(text for asked in batch for text in asked.missing[: self._slice_texts]))
        try:
            rows = await self._embedder.embed_queries(texts)
            found = {text: row.copy() for text, row in zip(texts, rows, strict=True)}
        except Exception as problem:  # whatever it is, it is the callers'
            if len(batch) == 1:
                batch[0].fail(problem)
            else:
                await asyncio.gather(*(self._call([asked]) for asked in batch))
            return
        self._remembered.keep(found)
        for asked in batch:
            asked.take(found)


class _Asked:
    """What one caller waits for: `rows` it has, texts that are `missing`, and whether it is `over`."""

    def __init__(self, texts: Sequence[str], known: dict[str, Vector]) -> None:
        self.rows = known
        self.missing = [text for text in dict.fromkeys(texts) if text not in known]
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.problem: Exception | None = None

    def take(self, found: Mapping[str, Vector]) -> None:
        """Note what of it was missing; with the last of it, it is over."""
        self.rows |= {text: found[text] for text in self.missing if text in found}
        self.missing = [text for text in self.missing if text not in found]
        if not self.missing:
            self._end()

    def fail(self, problem: Exception) -> None:
        """It is over, and nothing comes."""
        self.problem = problem
        self._end()

    def _end(self) -> None:
        if not self.over.done():  # done already: the caller was cancelled
            self.over.set_result(None)


class _Memory:
    """Vectors by text, those asked for last."""

    def __init__(self) -> None:
        self._rows: OrderedDict[str, Vector] = OrderedDict()

    def of(self, texts: Sequence[str]) -> dict[str, Vector]:
        """Those of the texts that are in here."""
        found = {text: self._rows[text] for text in texts if text in self._rows}
        for text in found:
            self._rows.move_to_end(text)
        return found

    def keep(self, found: Mapping[str, Vector]) -> None:
        """Add some, and forget what was not asked for in a long time."""
        self._rows |= found
        while len(self._rows) > _REMEMBERED:
            self._rows.popitem(last=False)
