"""Decide what to do with a question: answer, ask back, use a tool, hand over, refuse, or chat. Pure.

The order of the questions asked here is the policy of the house; read `Decider.decide` first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.chat.compose import Composer
from app.chat.lines import Lines
from app.chat.products import Reading
from app.chat.signals import MEDICAL
from app.chat.turn import (
    Answer,
    Clarify,
    Decision,
    Evidence,
    HandOff,
    Message,
    Passage,
    Question,
    Refuse,
    SmallTalk,
    Turn,
)
from app.knowledge.chunk import Kind
from app.knowledge.tokenize import words
from app.knowledge.view import KnowledgeView

OWN_ORDER = 0.7
"""Probability of the intent "order" from which a phrase like "where is my parcel" means the shopper's own."""
SOUNDS_VAGUE = 0.5
"""Probability of the intent "vague" from which an unanswered question is asked back."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The thresholds of deciding. `answer` is the shop's; the others follow from it."""

    answer: float = 0.7
    second_passage: float = 0.35
    clarify: float = 0.12


class Decider:
    """Turns a question, its passages and their confidence into a Decision."""

    def __init__(self, composer: Composer, lines: Lines, policy: Policy | None = None) -> None:
        self._composer = composer
        self._lines = lines
        self._policy = policy or Policy()

    def before_retrieval(self, question: Question, turn: Turn) -> Decision | None:
        """What needs no knowledge: attacks, small talk, a wish for a human, anger, law."""
        intent = question.intent
        if intent == "injection":
            return self._refuse(question, turn, "injection")
        if intent == "human":
            return self.hand_off(question, turn, "asked_for_human")
        if intent == "complaint":
            return self.hand_off(question, turn, "anger")
        if intent == "legal":
            return self.hand_off(question, turn, "sensitive_topic")
        if intent.startswith("smalltalk."):
            return SmallTalk(question, self._say(f"smalltalk.{intent.partition('.')[2]}", question, turn))
        if intent == "unclear":
            return self._clarify(question, turn, "clarify.what_about")
        return None

    def decide(
        self,
        question: Question,
        passages: Sequence[Passage],
        view: KnowledgeView,
        reading: Reading | None,
        turn: Turn,
        confidence: float,
    ) -> Decision:
        """What the passages are worth: an answer, one question back, or a human."""
        if question.intent == "medical" and not _speaks_of_it(passages, confidence, self._policy.answer):
            return self.hand_off(question, turn, "sensitive_topic", confidence)
        if passages and confidence >= self._policy.answer:
            return self._answer(question, passages, view, reading, turn, confidence)
        if is_vague(question, view) and not _asked_back(turn.history):
            return self._clarify(
                question, turn, "clarify.what_about", options=_options(passages), confidence=confidence
            )
        reason = "repeated_question" if _repeats(question, turn.history) else "low_confidence"
        return self.hand_off(question, turn, reason, confidence, Evidence(passages=tuple(passages[:3])))

    def is_about_an_order(self, question: Question, confidence: float) -> bool:
        """Whether to look up the shopper's own order rather than answer from knowledge ("how do I track one?")."""
        likely = question.signals.get("p_order", 0.0)
        if question.intent == "order":
            return likely >= OWN_ORDER or confidence < self._policy.answer
        return likely >= 0.5 and confidence < self._policy.answer

    def hand_off(
        self, question: Question, turn: Turn, reason: str, confidence: float = 0.0, evidence: Evidence | None = None
    ) -> HandOff:
        """A hand-over with the line for its reason."""
        text = self._say(f"handoff.{reason}", question, turn)
        return HandOff(question, reason, text, confidence, evidence or Evidence())

    def ask(self, question: Question, turn: Turn, key: str) -> Clarify:
        """Ask for what is missing (an order number, a phone tail)."""
        return self._clarify(question, turn, key)

    def _answer(
        self,
        question: Question,
        passages: Sequence[Passage],
        view: KnowledgeView,
        reading: Reading | None,
        turn: Turn,
        confidence: float,
    ) -> Decision:
        best = passages[0]
        evidence = self._evidence(question, passages, view, reading, turn)
        if not evidence.draft:
            return self.hand_off(question, turn, "low_confidence", confidence)
        needs_model = best.chunk.kind is Kind.POLICY or best.chunk.language[:2] != question.language
        return Answer(question, evidence, confidence, needs_model, related_questions=best.chunk.related[:3])

    def _evidence(
        self,
        question: Question,
        passages: Sequence[Passage],
        view: KnowledgeView,
        reading: Reading | None,
        turn: Turn,
    ) -> Evidence:
        if passages[0].chunk.kind is Kind.PRODUCT and reading is not None:
            return self._composer.from_products(question, reading, passages[:1], turn.brand)
        return self._composer.from_passages(question, self._worth_saying(passages), view)

    def _held_back(
        self,
        question: Question,
        passages: Sequence[Passage],
        view: KnowledgeView,
        reading: Reading | None,
        turn: Turn,
    ) -> Evidence:
        """What would have been said, for the agent who takes over; never shown to the shopper."""
        return self._evidence(question, passages, view, reading, turn) if passages else Evidence()

    def _worth_saying(self, passages: Sequence[Passage]) -> list[Passage]:
        """The best passage and, when it is nearly as likely, one more that is no product."""
        best = passages[0]
        more = [
            p
            for p in passages[1:]
            if p.chunk.kind is not Kind.PRODUCT
            and p.confidence >= max(self._policy.second_passage, 0.5 * best.confidence)
        ]
        return [best, *more[:1]]

    def _clarify(
        self, question: Question, turn: Turn, key: str, *, options: tuple[str, ...] = (), confidence: float = 0.0
    ) -> Clarify:
        return Clarify(question, self._say(key, question, turn), options, confidence)

    def _refuse(self, question: Question, turn: Turn, reason: str) -> Refuse:
        return Refuse(question, reason, self._say(f"refuse.{reason}", question, turn))

    def _say(self, key: str, question: Question, turn: Turn) -> str:
        return self._lines.say(key, question.language, turn.brand)


def is_vague(question: Question, view: KnowledgeView) -> bool:
    """Too little said to look anything up: hardly a telling word, and nothing earlier to lean on."""
    telling = [w for w in set(words(question.standalone)) if view.weights.knows(w) and not _is_filler(w)]
    return len(telling) <= 1 and len(question.text) <= 40


def _is_filler(word: str) -> bool:
    return bool(
        re.fullmatch(r"[\d.]+|东西|这个|那个|问题|时候|可以|多少|怎么|thing|item|one|work|need|help|get|use", word)
    )


def _speaks_of_it(passages: Sequence[Passage], confidence: float, threshold: float) -> bool:
    """Whether the shop itself has written about the health matter, in the passage that answers."""
    if not passages or confidence < threshold or passages[0].chunk.kind is Kind.PRODUCT:
        return False
    chunk = passages[0].chunk
    return bool(MEDICAL.search(f"{chunk.title} {chunk.text}"))


def _options(passages: Sequence[Passage]) -> tuple[str, ...]:
    titles = [p.chunk.title if p.chunk.kind is not Kind.POLICY else p.chunk.locator for p in passages[:8]]
    return tuple(dict.fromkeys(titles))[:3]


def _asked_back(history: Sequence[Message]) -> bool:
    """Whether the attendant's last words were already a question back: ask once, then call a human."""
    return bool(history) and history[-1].role == "assistant" and history[-1].decision == "clarify"


def _reason(question: Question, history: Sequence[Message]) -> str:
    """Why a human takes over a question that could not be answered."""
    if _repeats(question, history):
        return "repeated_question"
    if question.signals.get("p_complaint", 0.0) >= 0.5:
        return "anger"
    return "asked_for_human" if question.signals.get("p_human", 0.0) >= 0.5 else "low_confidence"


def _repeats(question: Question, history: Sequence[Message]) -> bool:
    asked = set(words(question.text))
    return any(m.role == "user" and asked and asked == set(words(m.text)) for m in history[-6:])
