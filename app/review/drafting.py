"""Drafted FAQ rows out of what people answered. Nothing of it is kept: it is worked out from the log each time.

So what a person said is in no draft once their conversation is erased, and what an editor has settled drops out.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.chat.language import language_of
from app.knowledge.editor import Editing, Reply
from app.knowledge.ports import Embedder
from app.review.covered import Coverage
from app.review.draft import draft_of
from app.review.exchange import Exchange
from app.review.group import UNLIKE, Pair, centred, groups_of
from app.review.item import Item, ReviewQueue
from app.review.mask import Masker
from app.review.public import PublicValues
from app.review.reader import Reader
from app.review.tidy import asks_something, tidy_answer, tidy_question

READ = 1_000
"""The newest so many answered turns are looked at."""
LEAST_SHOPPERS = 2
BATCH = 16
SECONDS_A_CALL = 4.0
VECTORS = 5_000
_PERSONAL = ("tool", "smalltalk", "refuse", "order")


@dataclass(frozen=True, slots=True)
class Answered:
    """An item with its words, tidied and masked."""

    item: Item
    exchange: Exchange
    question: str
    answer: str


class Drafter:
    """Drafts rows for approval."""

    def __init__(
        self,
        queue: ReviewQueue,
        reader: Reader,
        embedder: Embedder,
        coverage: Coverage,
        editing: Callable[[], Awaitable[Editing]],
    ) -> None:
        self._queue = queue
        self._reader = reader
        self._embedder = embedder
        self._coverage = coverage
        self._editing = editing
        self._unlike: NDArray[np.float32] | None = None
        self._vectors: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    async def drafts(self, shop: str, seconds: float = SECONDS_A_CALL) -> Reply:
        """The drafts, most asked first. Reads for so many seconds at most: while `reading.done` is short of
        `reading.total` there are none yet, and calling again goes on."""
        until = time.monotonic() + seconds
        items = await self._queue.answered(shop, READ)
        answered = await self._answered(shop, items)
        done = await self._embed([one.question for one in answered], until)
        reading = {"done": done, "total": len(answered), "turns": len(items)}
        if done < len(answered):
            return {"shop": shop, "reading": reading, "drafts": []}
        told = []
        for number, group in enumerate(self._groups(answered)):
            draft = await self._draft(shop, [answered[at] for at in group])
            if draft is not None:
                told.append(draft)
            if time.monotonic() > until + seconds:
                reading["left_out"] = max(0, len(answered) - number)
                break
        return {"shop": shop, "reading": reading, "drafts": told}

    async def _answered(self, shop: str, items: Sequence[Item]) -> list[Answered]:
        """Those that ask something a shop could answer to anybody, and were answered so."""
        opened = [(item, await self._reader.exchange(item)) for item in items]
        asked = [(i, e) for i, e in opened if e.answers and e.intent not in _PERSONAL and asks_something(e.question)]
        public = await self._reader.public(shop)
        told = PublicValues(public, Masker(public))
        for item, exchange in asked:
            told.see(item.conversation_id, exchange)
        masker = Masker(told)
        found = []
        for item, exchange in asked:
            question = tidy_question(masker.mask(exchange.question))
            answer = _joined([tidy_answer(masker.mask(text)) for text in exchange.answers])
            if answer and asks_something(question):
                found.append(Answered(item, exchange, question, answer))
        return found

    async def _embed(self, questions: Sequence[str], until: float) -> int:
        """Embed what is not remembered, while there is time; returns how many of the questions have a vector."""
        if self._unlike is None:
            self._unlike = await self._embedder.embed_queries(UNLIKE)
        missing = [text for text in dict.fromkeys(questions) if _key(text) not in self._vectors]
        for start in range(0, len(missing), BATCH):
            if time.monotonic() > until:
                break
            part = missing[start : start + BATCH]
            vectors = centred(await self._embedder.embed_queries(part), self._unlike)
            for text, vector in zip(part, vectors, strict=True):
                self._vectors[_key(text)] = vector
        while len(self._vectors) > VECTORS:
            self._vectors.popitem(last=False)
        return sum(_key(text) in self._vectors for text in questions)

    def _groups(self, answered: Sequence[Answered]) -> list[list[int]]:
        """Groups that enough shoppers asked, most shoppers first; answers of two languages are two rows."""
        by_language: defaultdict[str, list[int]] = defaultdict(list)
        for at, one in enumerate(answered):
            by_language[language_of(one.answer, one.item.language or "zh")].append(at)
        found = []
        for places in by_language.values():
            groups = groups_of([self._pair(answered[at]) for at in places])
            found += [[places[at] for at in group] for group in groups]
        counted = [(len({answered[at].item.conversation_id for at in group}), group) for group in found]
        enough = [(shoppers, group) for shoppers, group in counted if shoppers >= LEAST_SHOPPERS]
        return [group for _, group in sorted(enough, key=lambda told: (-told[0], told[1][0]))]

    def _pair(self, one: Answered) -> Pair:
        return Pair(one.question, one.answer, self._vectors[_key(one.question)])

    async def _draft(self, shop: str, group: Sequence[Answered]) -> Reply | None:
        drafted = draft_of([self._pair(one) for one in group])
        covered = await self._coverage.row_that_says(shop, drafted, (await self._editing()).rows)
        items = [one.item for one in group]
        decisions = Counter(item.decision for item in items if item.decision)
        return {
            "id": hashlib.blake2b("|".join(sorted(str(i.id) for i in items)).encode(), digest_size=8).hexdigest(),
            "question": drafted.question,
            "answer": drafted.answer,
            "phrasings": list(drafted.phrasings),
            "variants": list(drafted.variants),
            "language": language_of(drafted.answer, items[0].language or "zh"),
            "shoppers": len({item.conversation_id for item in items}),
            "times": len(items),
            "first_at": min(item.at for item in items),
            "last_at": max(item.updated_at for item in items),
            "decisions": dict(decisions),
            "items": sorted(item.id for item in items),
            "covered": covered,
        }


def _joined(answers: Sequence[str]) -> str:
    """What a person said in several messages, as one text."""
    told: list[str] = []
    for answer in answers:
        if answer and answer not in told:
            told.append(answer)
    return ("" if told and language_of(told[0], "zh") == "zh" else " ").join(told)


def _key(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def reading_is_done(told: dict[str, Any]) -> bool:
    """Whether a reply of `drafts` is complete."""
    return bool(told["reading"]["done"] >= told["reading"]["total"])
