"""A turn, from message to checked reply. Read this first.

In the first half (`decide`) nothing has been sent, so a failure is an error the edge can answer with. In the second
(`reply`) the shopper is reading, so a failure becomes an event in the stream.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from app.chat.anger import AngerModel
from app.chat.confidence import Confidence, confidence_features, confidence_of
from app.chat.decide import Decider, Findings, names_subject, worth_saying
from app.chat.intents import IntentModel, with_anger, with_intent
from app.chat.language import language_of
from app.chat.own_order import OwnOrders, choice, evidence_of
from app.chat.ports import OneThreshold, Trust
from app.chat.products import ProductReader, Reading
from app.chat.read_rows import RowReader
from app.chat.reckon import opened, put_right, work_out
from app.chat.remember import Found, Memory
from app.chat.reply import Responder
from app.chat.rerank import Judge
from app.chat.retrieve import QueryVectors, Retriever
from app.chat.select import Selector, in_force, prefer_valid_window, without_opinions
from app.chat.turn import (
    Answer,
    Decision,
    Grounds,
    Passage,
    Question,
    Reply,
    Sentence,
    Turn,
    UseTool,
)
from app.chat.understand import Understander
from app.errors import Unavailable
from app.knowledge.glossary import in_other_language
from app.knowledge.view import KnowledgeView
from app.knowledge.views import Views
from app.shop.order_date import asks_about_order, placed_at
from app.shop.orders import OrderBook

_SAME_MATTER = 0.03
"""Dense scores this close are about the same matter, for choosing among dated rows."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """A question and the passages it may be answered from, not yet judged."""

    question: Question
    passages: tuple[Passage, ...]
    reading: Reading | None
    view: KnowledgeView


class Pipeline:
    """Answers turns of any shop. Holds no state of a turn."""

    def __init__(
        self,
        *,
        views: Views,
        understander: Understander,
        intents: IntentModel,
        retriever: Retriever,
        reader: ProductReader,
        selector: Selector,
        confidence: Confidence,
        decider: Decider,
        responder: Responder,
        orders: OrderBook,
        trust: Trust | None = None,
        memory: Memory | None = None,
        anger: AngerModel | None = None,
        judge: Judge | None = None,
    ) -> None:
        self._views = views
        self._understander = understander
        self._intents = intents
        self._retriever = retriever
        self._reader = reader
        self._selector = selector
        self._confidence = confidence
        self._decider = decider
        self._responder = responder
        self._orders = OwnOrders(orders)
        self._judge = judge
        self._rows = RowReader(judge.reranker) if judge else None
        self._trust = trust or OneThreshold(decider.threshold)
        self._memory = memory or Memory(None)
        self._anger = anger

    async def decide(self, turn: Turn) -> Decision:
        """What to do with the turn. Nothing has been sent yet: errors may be raised (Unavailable, NoKnowledge)."""
        question = self._understander.understand(turn)
        if decision := self._decider.before_retrieval(question, turn):
            return decision
        view = await self._views.of(turn.shop, turn.release)
        if question.intent == "order" and question.order_ids:
            return await self._order(question, turn, view)
        try:
            turn = await self._dated(question, turn)
            question, found = await self._find(question, turn, view)
        except Unavailable:
            return self._decider.hand_off(question, turn, "index_down")
        if isinstance(found, Decision):
            return found
        if turn.conversation_id:
            self._trust.saw(turn, found.grounds.features, found.confidence)
        return await self._conclude(question, found, turn)

    async def _find(self, question: Question, turn: Turn, view: KnowledgeView) -> tuple[Question, Findings | Decision]:
        """What is known of the question since somebody asked it, or what looking it up comes to now; or the decision,
        where its embedding says that nothing is to be looked up."""
        question = opened(question)
        key = self._memory.key(question, turn, view)
        if known := await self._memory.recall(key):
            question = known.asked_as(question)
            return question, self._findings(question, known.passages, known.reading, known.confidence, turn, view)
        question, query = await self._read(question, view)
        if decision := self._decider.before_retrieval(question, turn):
            return question, decision
        found = await self._look_up(question, query, turn, view.at(turn.as_of))
        found = await self._or_alone(found, question, query, turn)
        await self._memory.keep(key, _known(question, found))
        return question, found

    async def _conclude(self, question: Question, found: Findings, turn: Turn) -> Decision:
        """What was found is worked out, answered from, asked of the shopper's order, or handed over."""
        if worked := work_out(question, found.passages, found.view, turn, found.confidence):
            return replace(worked, grounds=found.grounds)
        if self._decider.is_about_an_order(question, turn, found.confidence, found.grounds.threshold):
            return await self._order(question, turn, found.view)
        decision = put_right(self._decider.decide(question, found, turn))
        return replace(decision, grounds=found.grounds)

    async def reply(self, turn: Turn, decision: Decision) -> AsyncIterator[Sentence]:
        """The reply, sentence by sentence, each checked against its evidence before it is yielded."""
        if not isinstance(decision, Answer) or not decision.needs_model:
            async for sentence in self._responder.reply(turn, decision):
                yield sentence
            return
        key = self._memory.key(decision.question, turn, await self._views.of(turn.shop, turn.release))
        for sentence in (known := await self._memory.recall_said(key, decision)):
            yield sentence
        if known:
            return
        said: list[Sentence] = []
        async for sentence in self._responder.reply(turn, decision):
            said.append(sentence)
            yield sentence
        await self._memory.keep_said(key, decision, said)

    async def run(self, turn: Turn) -> Reply:
        """Decide and reply in one go."""
        started = time.perf_counter()
        decision = await self.decide(turn)
        decided = time.perf_counter()
        sentences = [sentence async for sentence in self.reply(turn, decision)]
        timings = {"decide": 1000 * (decided - started), "reply": 1000 * (time.perf_counter() - decided)}
        return self.finish(turn, decision, sentences, timings)

    def finish(
        self, turn: Turn, decision: Decision, sentences: Sequence[Sentence], timings_ms: dict[str, float]
    ) -> Reply:
        """The finished turn as everyone sees it."""
        return self._responder.finish(turn, decision, sentences, timings_ms)

    async def search(self, turn: Turn) -> dict[str, Any]:
        """The hit test: the same path as a turn up to the decision, with every score. No model is called."""
        view = await self._views.of(turn.shop, turn.release)
        question, query = await self._read(self._understander.understand(turn), view)
        turn = await self._dated(question, turn)
        found = await self._look_up(question, query, turn, view.at(turn.as_of))
        found = await self._or_alone(found, question, query, turn)
        decision = self._decider.before_retrieval(question, turn)
        if decision is None and question.intent == "order" and question.order_ids:
            decision = await self._order(question, turn, view)
        decision = decision or await self._conclude(question, found, turn)
        return {
            "question": {
                "text": question.text,
                "standalone": question.standalone,
                "language": question.language,
                "intent": question.intent,
                "signals": dict(question.signals),
            },
            "decision": decision.name,
            "confidence": found.confidence,
            "grounds": found.grounds.as_json(),
            "asked": list(found.reading.concepts) if found.reading else [],
            "release": turn.release,
            "as_of": turn.as_of.isoformat(),
            "hits": [_hit(passage) for passage in found.passages],
        }

    async def candidates(self, turn: Turn) -> Candidates:
        """Question and passages before selection: what `xiaoer calibrate` is fitted on."""
        view = (await self._views.of(turn.shop, turn.release)).at(turn.as_of)
        question, query = await self._read(self._understander.understand(turn), view)
        passages = await self._retrieve(question, query, turn, view)
        return Candidates(question, tuple(passages), self._reader.read(question, passages, view), view)

    async def _read(self, question: Question, view: KnowledgeView) -> tuple[Question, QueryVectors]:
        """The question with what its embedding says of its intent, and the vectors it is searched with.

        Asked across languages, it is searched with its shop words in the language of the knowledge too.
        """
        question = await self._retriever.said_in_full(opened(question), view)
        query = await self._retriever.vectors(question)
        question = with_intent(question, self._intents.probabilities(query.alone))
        if self._anger:
            question = with_anger(question, self._anger, query.alone)
        crosses = bool(view.language) and language_of(question.text, view.language) != view.language
        if crosses and (more := in_other_language(question.standalone, question.language)):
            question = replace(question, standalone=f"{question.standalone} {more}")
            query = await self._retriever.vectors(replace(question, plain=f"{question.searched} {more}"), query.sought)
        return question, query

    async def _retrieve(
        self, question: Question, query: QueryVectors, turn: Turn, view: KnowledgeView
    ) -> list[Passage]:
        """What may be answered from: no mere opinions, and of rows that ask the same the one in force."""
        retrieved = await self._retriever.retrieve(question, query, turn, view)
        return in_force(without_opinions(question, retrieved), view, turn.as_of)

    async def _look_up(self, question: Question, query: QueryVectors, turn: Turn, view: KnowledgeView) -> Findings:
        retrieved = await self._retrieve(question, query, turn, view)
        reading = self._reader.read(question, retrieved, view)
        passages = self._selector.select(question, retrieved, view, reading)
        passages = prefer_valid_window(await self._judged(question, passages), _SAME_MATTER)
        if self._rows:
            passages, reading = await self._rows.read(question, passages, reading, view)
        confidence = confidence_of(self._confidence.model_for(passages), passages, worth_saying(passages))
        return self._findings(question, passages, reading, confidence, turn, view)

    def _findings(
        self,
        question: Question,
        passages: Sequence[Passage],
        reading: Reading | None,
        confidence: float,
        turn: Turn,
        view: KnowledgeView,
    ) -> Findings:
        """What was found, now or for whoever asked it before, held against what the shop demands today."""
        view = view.at(turn.as_of)
        grounds = self._grounds(question, passages, confidence, turn, view)
        return Findings(tuple(passages), view, reading, confidence, grounds)

    async def _judged(self, question: Question, passages: list[Passage]) -> list[Passage]:
        """The passages judged by reading them; by their surface alone where nobody reads, or the reader is down."""
        if self._judge is None:
            return passages
        try:
            return await self._judge.judge(question, passages)
        except Unavailable:
            return passages

    def _grounds(
        self, question: Question, passages: Sequence[Passage], confidence: float, turn: Turn, view: KnowledgeView
    ) -> Grounds:
        """What confidence rests on, and what the shop holds it against."""
        told = sum(passage.confidence for passage in worth_saying(passages))
        features = confidence_features(passages, told) if passages else {}
        if passages:
            features["certain"] = passages[0].scores.get("certain", 0.0)
        kind = passages[0].chunk.kind.value if passages else ""
        held_to = self._trust.standing(turn, view, kind, question.language)
        covered = held_to.certificate if confidence >= held_to.certified_from and not held_to.shifted else ""
        return Grounds(features, held_to.threshold, covered, held_to.model, kind, held_to.shifted)

    async def _or_alone(self, found: Findings, question: Question, query: QueryVectors, turn: Turn) -> Findings:
        """What the question finds by itself, where it leans on nothing and what was said before made it unsure.

        Shoppers change the subject: then the last subject's words pull the search away from the new one.
        """
        enough = self._decider.threshold if found.grounds.threshold is None else found.grounds.threshold
        if not question.history or found.confidence >= enough or question.leans:
            return found
        signals = MappingProxyType({**question.signals, "depends": 0.0})
        alone = replace(question, history=(), signals=signals)
        said = replace(turn, history=())
        again = await self._look_up(alone, await self._retriever.alone(alone, query), said, found.view)
        return again if again.confidence >= enough and names_subject(alone, again) else found

    async def _dated(self, question: Question, turn: Turn) -> Turn:
        """The turn as of the day its order was placed, when it asks about an order that is the shopper's own."""
        if not asks_about_order(question.text):
            return turn
        order = await self._orders.find(question, turn)
        return replace(turn, as_of=placed_at(order, turn.brand.timezone) or turn.as_of) if order else turn

    async def _order(self, question: Question, turn: Turn, view: KnowledgeView) -> Decision:
        """The order tool; asks for the number, then the tail. "None" and "not yours" get one reply. A shopper whom the
        shop vouches for chooses among their own."""
        names = {sku: chunk.title for sku, chunk in view.by_sku.items()}
        order = await self._orders.find(question, turn)
        if order is None and not question.order_ids:
            own = await self._orders.own(turn)
            if len(own) > 1:
                return self._decider.ask(question, turn, "clarify.which_order", [choice(one, names) for one in own])
            order = own[0] if own else None
        if order is not None:
            return UseTool(question, "where_is_my_order", evidence_of(order, question.language, names))
        if not question.order_ids:
            return self._decider.ask(question, turn, "clarify.order_number")
        missing = "clarify.order_not_found" if question.phone_tails else "clarify.phone_tail"
        return self._decider.ask(question, turn, missing)


def _known(question: Question, found: Findings) -> Found:
    signals = {name: value for name, value in question.signals.items() if name.startswith("p_")}
    return Found(question.intent, question.standalone, signals, found.passages, found.reading, found.confidence)


def _hit(passage: Passage) -> dict[str, Any]:
    """A passage as the hit test shows it."""
    chunk = passage.chunk
    return {
        "chunk_id": chunk.chunk_id,
        "kind": chunk.kind.value,
        "path": chunk.path,
        "locator": chunk.locator,
        "document_id": chunk.document_id,
        "title": chunk.title,
        "text": chunk.text,
        "scores": {"confidence": passage.confidence, **passage.scores},
    }
