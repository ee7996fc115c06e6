"""The default reranker: reads question and passage together with a small model of our own, without any server or hub.

The model is the default embedder with a fitted low-rank difference (`fitted/reader.npz`, see eval/reader). It costs
some 45 ms a passage on one core, so a turn shows it only the passages that are in doubt.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from app.adapters.e5.encoder import Difference, Encoder, load_difference
from app.adapters.e5.packed_e5 import PackedModel, Vocabulary, weights_path
from app.adapters.e5.unigram import pieces_of
from app.chat.language import language_of
from app.chat.turn import Passage, Question
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.sentences import split_sentences
from app.knowledge.tokenize import words

FITTED = Path(__file__).parent / "fitted" / "reader.npz"
_TEXT = {"zh": 120, "en": 360}
"""Characters of a passage's text that are read: what shares most with the question, in its order."""
_QUESTION_CHARACTERS, _TITLE_CHARACTERS = 300, 120
_QUESTION_PIECES, _TITLE_PIECES, _TEXT_PIECES = 56, 32, 90
_REMEMBERED_TEXTS = 8_192

T = TypeVar("T")


class PassageReader:
    """Scores passages by reading them with the question, on a thread of its own. Implements `Reranker`."""

    def __init__(self, fitted: Path = FITTED) -> None:
        self._fitted = fitted
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read")
        self._loaded: tuple[PairCutter, Encoder, Difference] | None = None

    def start(self) -> None:
        """Begin to load the weights (about a second), so that the first question in doubt need not wait."""
        self._thread.submit(self._load)

    async def warm(self) -> None:
        """Load the weights now. Raises ConfigurationError when they are missing."""
        await self._run(self._load)

    async def scores(self, question: Question, passages: Sequence[Passage]) -> list[float]:
        """One raw score a passage, higher is better; comparable within this model only."""
        if not passages:
            return []
        asked = question.asked
        chunks = [passage.chunk for passage in passages]
        return await self._run(lambda: self._read(asked, chunks))

    async def close(self) -> None:
        """Stop the thread. Twice is harmless."""
        self._thread.shutdown(wait=True)

    def _read(self, asked: str, chunks: Sequence[Chunk]) -> list[float]:
        cutter, encoder, difference = self._load()
        weights, offset = difference.head
        scores: list[float] = (encoder.pooled([cutter.pair(asked, c) for c in chunks]) @ weights + offset).tolist()
        return scores

    def _load(self) -> tuple[PairCutter, Encoder, Difference]:
        if self._loaded is None:
            packed, difference = PackedModel(weights_path()), load_difference(self._fitted)
            self._loaded = PairCutter(packed.vocabulary), Encoder(packed, difference), difference
        return self._loaded

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


class PairCutter:
    """Makes the token ids of a question with a passage. Remembers texts it has cut."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._begin, self._end = vocabulary.begin, vocabulary.end
        self._cut = lru_cache(_REMEMBERED_TEXTS)(lambda text: tuple(pieces_of(text, vocabulary)))

    def pair(self, asked: str, chunk: Chunk) -> list[int]:
        """`<s> question </s></s> title text </s>`, each part cut to its share."""
        title, text = told_text(asked, chunk)
        question = self._cut(f"query: {asked[:_QUESTION_CHARACTERS]}")[:_QUESTION_PIECES]
        heading = self._cut(f"passage: {title[:_TITLE_CHARACTERS]}")[:_TITLE_PIECES]
        return [self._begin, *question, self._end, self._end, *heading, *self._cut(text)[:_TEXT_PIECES], self._end]


def told_text(asked: str, chunk: Chunk) -> tuple[str, str]:
    """Title and text of a chunk as the model reads them: of a policy the last two headings, of a long text the
    sentences that share most with the question, in their order."""
    title = " ".join(chunk.title.split(" > ")[-2:]) if chunk.kind is Kind.POLICY else chunk.title
    limit = _TEXT["zh" if language_of(chunk.text, "en") == "zh" else "en"]
    return title, chunk.text if len(chunk.text) <= limit else _telling(asked, chunk.text, limit)


def _telling(asked: str, text: str, limit: int) -> str:
    wanted = set(words(asked))
    sentences = split_sentences(text)
    told = [set(words(sentence)) for sentence in sentences]
    shares = [len(wanted & own) / math.sqrt(3 + len(own)) for own in told]
    kept: set[int] = set()
    used = 0
    for n in sorted(range(len(sentences)), key=lambda n: -shares[n]):
        if kept and used + len(sentences[n]) > limit:
            continue
        kept.add(n)
        used += len(sentences[n])
    return " ".join(sentences[n] for n in sorted(kept))[: limit + limit // 3]
