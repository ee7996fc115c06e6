"""One working fake of every port: small, deterministic, and held to the same contract tests as the real adapters."""

from __future__ import annotations

import asyncio
import math
import time
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.chat.ports import Delta, Prompt
from app.chat.turn import (
    Answer,
    Citation,
    Clarify,
    Decision,
    Evidence,
    HandOff,
    ModelUse,
    Passage,
    Question,
    Reply,
    Sentence,
    SmallTalk,
    Turn,
)
from app.conversation.events import Draft, Event, EventType
from app.conversation.log import Entry, Moved
from app.errors import Conflict, ModelUnavailable, NotFound, Unavailable, XiaoerError
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.job_board import LAPSES_SECONDS, JobView, gone
from app.knowledge.ports import IndexHit, IndexPoint, IndexQuery, PointSpan, Sparse, Vector
from app.knowledge.tokenize import words
from app.shop.identity import IdentityRule
from app.shop.orders import Order


class FakeIndex:
    """A KnowledgeIndex in a dict, with the scores of the real one: dot products, and IDF counted per release."""

    def __init__(self) -> None:
        self.points_by_id: dict[str, IndexPoint] = {}
        self.down = False

    async def upsert(self, points: Sequence[IndexPoint]) -> None:
        self._check()
        for point in points:
            self.points_by_id[point.point_id] = point

    async def close_chunks(self, shop: str, chunk_ids: Sequence[str], to_release: int) -> None:
        self._check()
        for key, point in self.points_by_id.items():
            if (
                point.shop == shop
                and point.chunk_id in chunk_ids
                and point.from_release < to_release < point.to_release
            ):
                self.points_by_id[key] = replace(point, to_release=to_release)

    async def search(self, query: IndexQuery) -> list[IndexHit]:
        self._check()
        part = self._of_release(query.shop, query.release)
        carries = query.dense is not None and query.with_vectors
        scored = self._dense(part, query.dense) if query.dense is not None else self._sparse(part, query.sparse or {})
        hits = [
            IndexHit(p.point_id, p.chunk_id, p.aspect, p.ordinal, score, p.dense if carries else None)
            for p, score in scored
            if self._allowed(p, query)
        ]
        return sorted(hits, key=lambda hit: -hit.score)[: query.limit]

    async def search_batch(self, queries: Sequence[IndexQuery]) -> list[list[IndexHit]]:
        return [await self.search(query) for query in queries]

    async def count(self, shop: str, release: int) -> int:
        self._check()
        return len(self._of_release(shop, release))

    async def points(self, shop: str) -> list[PointSpan]:
        self._check()
        own = [p for p in self.points_by_id.values() if p.shop == shop]
        return [PointSpan(p.point_id, p.chunk_id, p.from_release, p.to_release) for p in own]

    async def remove_points(self, point_ids: Sequence[str]) -> None:
        self._check()
        for point_id in point_ids:
            self.points_by_id.pop(point_id, None)

    async def remove_shop(self, shop: str) -> None:
        self._check()
        self.points_by_id = {key: point for key, point in self.points_by_id.items() if point.shop != shop}

    async def flush(self) -> None:
        self._check()

    async def close(self) -> None:
        pass

    def _check(self) -> None:
        if self.down:
            raise Unavailable("The index is down (this fake was told so).")

    def _of_release(self, shop: str, release: int) -> list[IndexPoint]:
        return [p for p in self.points_by_id.values() if p.shop == shop and p.from_release <= release < p.to_release]

    @staticmethod
    def _allowed(point: IndexPoint, query: IndexQuery) -> bool:
        if query.kinds and point.kind not in query.kinds:
            return False
        if query.chunk_ids and point.chunk_id not in query.chunk_ids:
            return False
        if query.as_of is None:
            return True
        now = query.as_of.timestamp()
        starts = -math.inf if point.valid_from_seconds is None else point.valid_from_seconds
        ends = math.inf if point.valid_until_seconds is None else point.valid_until_seconds
        return starts <= now < ends

    @staticmethod
    def _dense(part: list[IndexPoint], vector: Vector) -> list[tuple[IndexPoint, float]]:
        return [(p, float(np.dot(p.dense, vector))) for p in part]

    @staticmethod
    def _sparse(part: list[IndexPoint], terms: Sparse) -> list[tuple[IndexPoint, float]]:
        with_terms = [p for p in part if p.sparse]
        total = len(with_terms)
        scored = []
        for p in with_terms:
            shared = [t for t in terms if t in p.sparse]
            if not shared:
                continue
            score = 0.0
            for term in shared:
                having = sum(term in other.sparse for other in with_terms)
                idf = math.log(1 + (total - having + 0.5) / (having + 0.5))
                score += idf * terms[term] * p.sparse[term]
            scored.append((p, score))
        return scored


class FakeQueryEncoder:
    """A QueryEncoder that has learnt by heart what some questions are after; others it takes at their word."""

    def __init__(self, embedder: FakeEmbedder, learnt: Mapping[str, str] | None = None) -> None:
        self._fake = embedder
        self._learnt = learnt or {}
        self.asked: list[str] = []

    @property
    def embedder(self) -> str:
        return self._fake.name

    async def vector(self, asked: str) -> NDArray[np.float32]:
        self.asked.append(asked)
        return np.asarray(self._fake._embed([self._learnt.get(asked, asked)])[0])


class FakeEmbedder:
    """An Embedder without a model: words and their letter pairs hashed into a unit vector.

    Texts that share words or spellings come out similar; texts that share none come out near 0.
    """

    def __init__(self, size: int = 256, name: str = "fake-embedder-1") -> None:
        self._size = size
        self._name = name
        self.embedded: list[str] = []

    @property
    def name(self) -> str:
        return self._name

    @property
    def size(self) -> int:
        return self._size

    async def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._embed(texts)

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.embedded += texts
        return self._embed(texts)

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.zeros((len(texts), self._size), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in words(text):
                row[self._slot("w" + word)] += 1.0
                for start in range(len(word) - 1):
                    row[self._slot("p" + word[start : start + 2])] += 0.4
            if not row.any():
                row[0] = 1.0
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    def _slot(self, feature: str) -> int:
        return zlib.crc32(feature.encode("utf-8")) % self._size


class FakeEventLog:
    """An EventLog in lists. `down` makes every write fail, as a full disk would."""

    def __init__(self) -> None:
        self.events: dict[str, list[Event]] = {}
        self.rows: dict[str, Entry] = {}
        self.commits = 0
        self.down = False
        self.shared = False

    async def create(self, conversation_id: str, shop: str, started: Draft) -> Event:
        now = datetime.now(UTC)
        event = Event(conversation_id, 1, started.type, now, started.payload)
        self.events[conversation_id] = [event]
        self.rows[conversation_id] = Entry(conversation_id, shop, "open", 1, False, now)
        return event

    async def entry(self, conversation_id: str) -> Entry | None:
        return self.rows.get(conversation_id)

    async def append(
        self, conversation_id: str, drafts: Sequence[Draft], status: str = "", after: int | None = None
    ) -> list[Event]:
        await asyncio.sleep(0)
        if self.down:
            raise Unavailable("The log is down (this fake was told so).")
        row = self._row(conversation_id)
        if after is not None and row.seq != after:
            raise Moved("Somebody else wrote first.")
        if row.erased:
            raise Conflict("This conversation was erased.")
        now = datetime.now(UTC)
        written = [Event(conversation_id, row.seq + n, d.type, now, d.payload) for n, d in enumerate(drafts, start=1)]
        self.events[conversation_id].extend(written)
        self.rows[conversation_id] = replace(row, seq=written[-1].seq, status=status or row.status, updated_at=now)
        self.commits += 1
        return written

    async def read(self, conversation_id: str, after: int = 0) -> list[Event]:
        return [event for event in self.events.get(conversation_id, []) if event.seq > after]

    async def erase(self, conversation_id: str) -> None:
        if self._row(conversation_id).erased:
            return
        await self.append(conversation_id, [Draft(EventType.ERASED, {})], "closed")
        self.rows[conversation_id] = replace(self.rows[conversation_id], erased=True)
        self.events[conversation_id] = [replace(event, payload={}) for event in self.events[conversation_id]]

    def _row(self, conversation_id: str) -> Entry:
        if conversation_id not in self.rows:
            raise NotFound("There is no such conversation.")
        return self.rows[conversation_id]


RETURNS_QUOTE = "Unused items may be returned within 30 days."


class FakeAttendant:
    """Answers every turn from one policy; the message says when it should do otherwise.

    "human", "angry" and "unsure" hand over, "which" asks back, "fail first" and "fail later" raise in that half,
    "crash" raises what nobody expects.
    `gate` holds every decision, and `sentence_gate` every reply, until it is set.
    """

    def __init__(self, pause_seconds: float = 0.0) -> None:
        self.turns: list[Turn] = []
        self.gate = asyncio.Event()
        self.sentence_gate = asyncio.Event()
        self.gate.set()
        self.sentence_gate.set()
        self.pause_seconds = pause_seconds
        self.failing: dict[str, XiaoerError] = {
            "fail first": Unavailable("The index is down. Ask again."),
            "fail later": Unavailable("The model went away. Ask again."),
        }

    async def decide(self, turn: Turn) -> Decision:
        self.turns.append(turn)
        await self.gate.wait()
        if self.pause_seconds:
            await asyncio.sleep(self.pause_seconds)
        if "fail first" in turn.text and "fail first" in self.failing:
            raise self.failing["fail first"]
        if "crash" in turn.text:
            raise RuntimeError("nobody expected this")
        question = Question(turn.text, turn.text, turn.locale or "en")
        if "angry" in turn.text:
            return HandOff(question, "anger", "I am sorry. I am calling a colleague.")
        if "human" in turn.text:
            return HandOff(question, "asked_for_human", "I am calling a colleague.")
        if "unsure" in turn.text:
            return HandOff(question, "low_confidence", "I am not sure. I am calling a colleague.")
        if "which" in turn.text:
            return Clarify(question, "Which one do you mean?")
        chunk = Chunk(
            "c1", "returns", "knowledge/returns.md", "Returns", Kind.POLICY, "Returns", RETURNS_QUOTE, "en", "h"
        )
        return Answer(
            question, Evidence((Passage(chunk, {"dense": 0.9}, 0.93),)), 0.93, related_questions=("Who pays?",)
        )

    async def reply(self, turn: Turn, decision: Decision) -> AsyncIterator[Sentence]:
        if isinstance(decision, HandOff | Clarify | SmallTalk):
            yield Sentence(decision.text)
            return
        citation = Citation("knowledge/returns.md", "Returns", "returns", RETURNS_QUOTE)
        yield Sentence(f"You asked: {turn.text}", (), "line")
        await self.sentence_gate.wait()
        if "fail later" in turn.text and "fail later" in self.failing:
            raise self.failing["fail later"]
        yield Sentence(RETURNS_QUOTE, (citation,), "evidence")

    def finish(
        self, turn: Turn, decision: Decision, sentences: Sequence[Sentence], timings_ms: dict[str, float]
    ) -> Reply:
        text = " ".join(sentence.text for sentence in sentences)
        return Reply(
            turn.message_id, text, decision, tuple(sentences), turn.release, decision.question.language,
            ModelUse(1, 100, 60, 20), timings_ms,
        )  # fmt: skip

    async def search(self, turn: Turn) -> Mapping[str, Any]:
        decision = await self.decide(turn)
        return {"release": turn.release, "decision": decision.name, "confidence": decision.confidence, "hits": []}


class FakeModel:
    """A LanguageModel that says what it is told to, in small pieces; `mode` as in tests/stub_model.py."""

    name = "fake"

    def __init__(self, text: str = "", *, mode: str = "ok", piece: int = 3) -> None:
        self.text = text
        self.mode = mode
        self.piece = piece
        self.available = True
        self.prompts: list[Prompt] = []
        self.closed_early = 0

    async def stream(self, prompt: Prompt, *, timeout_seconds: float) -> AsyncIterator[Delta]:
        self.prompts.append(prompt)
        if self.mode in ("stuck", "nonsense", "error", "refuses"):
            raise ModelUnavailable(f"The fake model was told to be {self.mode}.")
        pieces = [self.text[i : i + self.piece] for i in range(0, len(self.text), self.piece)]
        if self.mode == "empty" or not pieces:
            raise ModelUnavailable("The fake model was told to say nothing.")
        try:
            for n, text in enumerate(pieces):
                if self.mode in ("dies", "aborts") and n >= len(pieces) // 2:
                    raise ModelUnavailable("The fake model was told to break off.")
                yield Delta(text=text)
        except GeneratorExit:
            self.closed_early += 1
            raise
        use = ModelUse(calls=1, prompt_tokens=100, cached_tokens=60, completion_tokens=len(pieces))
        yield Delta(use=use, cut=self.mode == "cut")

    async def close(self) -> None:
        """Nothing to close."""


class FakeOrders:
    """An OrderBook of a few orders, which remembers what it was asked."""

    def __init__(self, *orders: Order) -> None:
        self.orders = {order.order_id: order for order in orders}
        self.asked: list[tuple[str, str]] = []

    async def find(self, shop: str, order_id: str, phone_last4: str, customer_id: str = "") -> Order | None:
        self.asked.append((order_id, phone_last4))
        order = self.orders.get(order_id)
        known = order and (
            (phone_last4 and order.phone_last4 == phone_last4) or (customer_id and order.customer_id == customer_id)
        )
        return order if known else None

    async def of_customer(self, shop: str, customer_id: str) -> Sequence[Order]:
        own = [order for order in self.orders.values() if customer_id and order.customer_id == customer_id]
        return sorted(own, key=lambda order: order.created_at, reverse=True)

    def looks_like_order_number(self, shop: str, text: str) -> bool:
        return bool(self.orders) and text.startswith("TC") and len(text) == 10


class FakeIdentityBook:
    """An IdentityBook in dicts."""

    def __init__(self, *rules: IdentityRule) -> None:
        self.rules = {rule.shop: rule for rule in rules}
        self.uses: dict[str, tuple[int, int]] = {}

    async def rule(self, shop: str) -> IdentityRule | None:
        return self.rules.get(shop)

    async def put(self, rule: IdentityRule) -> None:
        self.rules[rule.shop] = rule

    async def drop(self, shop: str) -> None:
        self.rules.pop(shop, None)

    async def use(self, token_hash: str, until: int, now: int) -> int:
        self.uses = {key: kept for key, kept in self.uses.items() if kept[1] >= now}
        many = self.uses.get(token_hash, (0, 0))[0] + 1
        self.uses[token_hash] = (many, until)
        return many


class FakePublicKeys:
    """PublicKeys of addresses it was given; `down` makes them silent."""

    def __init__(self, documents: Mapping[str, Sequence[Mapping[str, Any]]] | None = None) -> None:
        self.documents = dict(documents or {})
        self.down = False

    async def read(self, url: str, kid: str = "") -> Sequence[Mapping[str, Any]]:
        if self.down or url not in self.documents:
            raise Unavailable("The shop's public keys cannot be read (this fake was told so).")
        return self.documents[url]


class FakeRelay:
    """The relay of one instance. Those that share a `wire` hear each other, in the order of what was told."""

    def __init__(self, wire: list[FakeRelay] | None = None) -> None:
        self.wire = wire if wire is not None else []
        self.wire.append(self)
        self.alive = True
        self._hears: list[tuple[str, Callable[[Mapping[str, Any]], None]]] = []

    def tell(self, topic: str, what: Mapping[str, Any]) -> None:
        for other in self.wire if self.alive else ():
            if other is not self and other.alive:
                for followed, hears in tuple(other._hears):
                    if followed == topic:
                        asyncio.get_running_loop().call_soon(hears, what)

    def follow(self, topic: str, hears: Callable[[Mapping[str, Any]], None]) -> Callable[[], None]:
        entry = (topic, hears)
        self._hears.append(entry)
        asyncio.get_running_loop().call_soon(hears, {})
        return lambda: self._hears.remove(entry) if entry in self._hears else None


class FakeLeases:
    """Leases by the loop's clock; those that share a dict share the leases."""

    def __init__(self, held: dict[str, tuple[str, float]] | None = None) -> None:
        self.held = held if held is not None else {}

    async def take(self, name: str, holder: str, seconds: float = 6.0) -> bool:
        now = time.monotonic()
        by, until = self.held.get(name, (holder, 0.0))
        if by != holder and until > now:
            return False
        self.held[name] = (holder, now + seconds)
        return True

    async def free(self, name: str, holder: str) -> None:
        if self.held.get(name, ("", 0.0))[0] == holder:
            del self.held[name]


class FakeJobBoard:
    """A JobBoard in a dict, by the loop's clock. `down` makes it raise."""

    def __init__(self, lapses_seconds: float = LAPSES_SECONDS) -> None:
        self.down = False
        self.puts = 0
        self._lapses_seconds = lapses_seconds
        self._told: dict[str, tuple[JobView, float]] = {}

    async def put(self, view: JobView) -> None:
        self._must_be_up()
        self.puts += 1
        self._told[view.job_id] = (view, time.monotonic() + self._lapses_seconds)

    async def get(self, job_id: str) -> JobView | None:
        self._must_be_up()
        return self._seen(job_id) if job_id in self._told else None

    async def of_shop(self, shop: str, limit: int) -> Sequence[JobView]:
        self._must_be_up()
        found = [self._seen(job_id) for job_id, (view, _) in self._told.items() if view.shop == shop]
        return sorted(found, key=lambda view: view.created_at, reverse=True)[:limit]

    def _seen(self, job_id: str) -> JobView:
        view, until = self._told[job_id]
        return gone(view) if until < time.monotonic() and not view.over else view

    def _must_be_up(self) -> None:
        if self.down:
            raise Unavailable("The fake job board is away.")


class FakeAttachmentStore:
    """An AttachmentStore in a dict, for conversations it was told of."""

    def __init__(self, *conversation_ids: str) -> None:
        self.conversation_ids = set(conversation_ids)
        self.kept: dict[tuple[str, str], bytes] = {}

    async def put(self, conversation_id: str, attachment_id: str, data: bytes) -> None:
        if conversation_id not in self.conversation_ids:
            raise NotFound("There is no such conversation, or it was erased.")
        self.kept[conversation_id, attachment_id] = data

    async def get(self, conversation_id: str, attachment_id: str) -> bytes:
        if conversation_id not in self.conversation_ids or (conversation_id, attachment_id) not in self.kept:
            raise NotFound("There is no such file in this conversation.")
        return self.kept[conversation_id, attachment_id]


class FakeEntailment:
    """Counts the sentence's words that the evidence holds; one says no where the other does not: 0.

    It remembers what it was asked. `down` makes it raise, `chance` say the same of everything.
    """

    def __init__(self, *, down: bool = False, chance: float | None = None) -> None:
        self.down = down
        self.chance = chance
        self.available = True
        self.asked: list[tuple[str, str]] = []

    async def supports(self, pairs: Sequence[tuple[str, str]], *, timeout_seconds: float) -> list[float]:
        self.asked.extend(pairs)
        if self.down:
            raise Unavailable("The fake entailment model is down.")
        return [self._chance(*pair) if self.chance is None else self.chance for pair in pairs]

    @staticmethod
    def _chance(evidence: str, sentence: str) -> float:
        claimed, held = set(words(sentence)), set(words(evidence))
        negated = [bool(said & {"not", "no", "不", "没"}) for said in (claimed, held)]
        return len(claimed & held) / max(1, len(claimed)) if negated[0] == negated[1] else 0.0

    async def close(self) -> None:
        """Nothing to close."""


class FakeReranker:
    """Reads by counting shared words, and remembers what it was shown."""

    def __init__(self, *, down: bool = False) -> None:
        self.down = down
        self.shown: list[tuple[str, tuple[str, ...]]] = []

    async def scores(self, question: Question, passages: Sequence[Passage]) -> list[float]:
        """Four times the share of the question's words that stand in the passage, less two."""
        if self.down:
            raise Unavailable("The fake reranker is down.")
        self.shown.append((question.text, tuple(p.chunk.chunk_id for p in passages)))
        asked = set(words(question.searched))
        return [4 * len(asked & set(words(p.chunk.text))) / max(1, len(asked)) - 2 for p in passages]
