"""Decide what to do with a question: answer, ask back, use a tool, hand over, refuse, or chat. Pure.

The order of the questions asked here is the policy of the house; read `before_retrieval` and `decide` first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.chat.compose import Composer
from app.chat.lines import Lines
from app.chat.products import Reading
from app.chat.signals import MEASURE, MEDICAL
from app.chat.turn import (
    Answer,
    Clarify,
    Decision,
    Evidence,
    Grounds,
    HandOff,
    Message,
    Passage,
    Question,
    Refuse,
    SmallTalk,
    Turn,
)
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.tokenize import words
from app.knowledge.view import KnowledgeView

MOST_PASSAGES = 3
ENOUGH = 0.85
"""Summed confidence of the chosen passages at which no further one is said."""
LEAST_SHARE = 0.3
"""A further passage is said only when it is at least this share as likely as the best one."""
OWN_ORDER = 0.7
"""Probability of the intent "order" from which a phrase like "where is my parcel" means the shopper's own."""
MAYBE_ORDER = 0.7
NAMED_ORDER = 0.2
"""The same for a question that nothing answered: with no order at hand, and with one."""
ON_ITS_PAGE = 0.9
"""Confidence below which a shopper who writes from the page of an order is told of that order."""
SOUNDS_LIKE = 0.5
"""Probability of an intent from which it explains why a question could not be answered."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The shop's thresholds: confidence from which an answer is sent."""

    answer: float = 0.7


@dataclass(frozen=True, slots=True)
class Findings:
    """What looking a question up came to. `confidence` is P(an answer from the best of `passages` is right);
    `grounds` say what it was computed from and what it is held against."""

    passages: tuple[Passage, ...]
    view: KnowledgeView
    reading: Reading | None
    confidence: float
    grounds: Grounds = field(default_factory=Grounds)


class Decider:
    """Turns a question, its passages and their confidence into a Decision."""

    def __init__(self, composer: Composer, lines: Lines, policy: Policy | None = None) -> None:
        self._composer = composer
        self._lines = lines
        self._policy = policy or Policy()

    @property
    def threshold(self) -> float:
        """Confidence from which an answer is sent, where nobody says otherwise."""
        return self._policy.answer

    def before_retrieval(self, question: Question, turn: Turn) -> Decision | None:
        """What needs no knowledge: attacks, small talk, a wish for a human, anger, law."""
        intent = question.intent
        if intent == "injection":
            return Refuse(question, "injection", self._say("refuse.injection", question, turn))
        if intent in HANDED_OVER:
            return self.hand_off(question, turn, HANDED_OVER[intent])
        if intent.startswith("smalltalk."):
            return SmallTalk(question, self._say(f"smalltalk.{intent.partition('.')[2]}", question, turn))
        if intent == "unclear":
            return self.ask(question, turn, "clarify.what_about")
        return None

    def is_about_an_order(
        self, question: Question, turn: Turn, confidence: float, threshold: float | None = None
    ) -> bool:
        """Whether to look up the shopper's own order rather than answer from knowledge ("how do I track one?").

        A shopper whom the storefront vouches for stands on the page of that order: what knowledge does not answer
        beyond doubt is asked of the order.
        """
        likely = question.signals.get("p_order", 0.0)
        unsure = confidence < (self._policy.answer if threshold is None else threshold)
        if question.intent == "order":
            return likely >= OWN_ORDER or unsure
        if turn.identity.order_id and turn.identity.phone_last4:
            return confidence < ON_ITS_PAGE and question.signals.get("p_offtopic", 0.0) < SOUNDS_LIKE
        return unsure and likely >= (NAMED_ORDER if question.order_ids else MAYBE_ORDER)

    def decide(self, question: Question, found: Findings, turn: Turn) -> Decision:
        """What the passages are worth: an answer, one question back, or a human."""
        if question.intent == "medical" and not self._shop_wrote_of_health(found):
            return self.hand_off(question, turn, "sensitive_topic", found.confidence)
        evidence = self._composer.draft(
            question, worth_saying(found.passages), found.view, found.reading, turn.brand.currency
        )
        if evidence.draft and self._is_sure(found):
            return _answer(question, found, evidence)
        calm = not question.signals.get("sounds_angry")
        if calm and _is_vague(question, found.view) and not _asked_back(turn.history):
            line = self._say("clarify.what_about", question, turn)
            return Clarify(question, line, _options(found.passages, question.language), found.confidence, evidence)
        # The draft goes with the hand-over: the agent sees what would have been said, the shopper does not.
        return self.hand_off(question, turn, _reason(question, turn.history), found.confidence, evidence)

    def hand_off(
        self, question: Question, turn: Turn, reason: str, confidence: float = 0.0, evidence: Evidence | None = None
    ) -> HandOff:
        """A hand-over with the line for its reason."""
        text = self._say(f"handoff.{reason}", question, turn)
        return HandOff(question, reason, text, confidence, evidence or Evidence())

    def ask(self, question: Question, turn: Turn, key: str, options: Sequence[str] = ()) -> Clarify:
        """Ask for what is missing (an order number, a phone tail, the matter itself), with options to tap."""
        return Clarify(question, self._say(key, question, turn), tuple(options))

    def _is_sure(self, found: Findings) -> bool:
        """Whether confidence suffices for the shop. Where questions have shifted, no confidence is to be believed."""
        threshold = found.grounds.threshold
        return not found.grounds.shifted and found.confidence >= (
            self._policy.answer if threshold is None else threshold
        )

    def _shop_wrote_of_health(self, found: Findings) -> bool:
        """Whether the shop itself has written about the health matter, in the passage that answers."""
        if not self._is_sure(found) or not found.passages or found.passages[0].chunk.kind is Kind.PRODUCT:
            return False
        chunk = found.passages[0].chunk
        return bool(MEDICAL.search(f"{chunk.title} {chunk.text}"))

    def _say(self, key: str, question: Question, turn: Turn) -> str:
        return self._lines.say(key, question.language, turn.brand)


HANDED_OVER = {
    "human": "asked_for_human",
    "complaint": "anger",
    "legal": "sensitive_topic",
    "accident": "sensitive_topic",
}
"""Intent → reason, for what a person handles without anything being looked up."""


def worth_saying(passages: Sequence[Passage]) -> list[Passage]:
    """The best passage, and the next ones while it is unsure which of them is meant: at most `MOST_PASSAGES`."""
    chosen = list(passages[:1])
    for passage in passages[1:MOST_PASSAGES]:
        told = sum(p.confidence for p in chosen)
        if told >= ENOUGH or passage.confidence < LEAST_SHARE * chosen[0].confidence:
            break
        chosen.append(passage)
    return chosen


def _answer(question: Question, found: Findings, evidence: Evidence) -> Answer:
    best = found.passages[0].chunk
    # Words of several sources are not the model's to weave together: they stand apart.
    is_one_source = len(evidence.passages) == 1
    needs_model = is_one_source and (best.kind is Kind.POLICY or best.language[:2] != question.language)
    return Answer(question, evidence, found.confidence, needs_model, related_questions=best.related[:3])


def _is_vague(question: Question, view: KnowledgeView) -> bool:
    """Too little said to look anything up: it sounds so, or hardly a telling word stands in it.

    A clear question about what the shop never writes of ("do you sell violins?") is none.
    """
    if question.signals.get("p_vague", 0.0) >= SOUNDS_LIKE:
        return True
    if question.signals.get("p_knowledge", 0.0) >= SOUNDS_LIKE:
        return False
    telling = [w for w in set(words(question.standalone)) if view.weights.knows(w) and not _FILLER.fullmatch(w)]
    return len(telling) <= 1 and len(question.text) <= 40


_FILLER = re.compile(
    r"[\d.]+|东西|这个|那个|问题|时候|可以|多少|怎么|thing|item|one|work|need|help|get|use|how|what", re.IGNORECASE
)


def names_subject(question: Question, found: Findings) -> bool:
    """Whether the question itself says what it is about, in the words by which the best passage is known.

    "How long does that take?", or "and for how many days?" in a language that leaves "that" out, does not.
    """
    if not found.passages:
        return False
    chunk = found.passages[0].chunk
    asked = {w for w in words(question.searched) if found.view.weights.knows(w) and not MEASURE.fullmatch(w)}
    named = set(words(" ".join((chunk.title, chunk.locator, *chunk.phrasings))))
    return len(asked) > 1 and bool(asked & named)


_ORDINAL = re.compile(
    r"^(?:第[一二三四五六七八九十百\d]{1,4}[章节条]\s*|[(（]?[一二三四五六七八九十百\d]{1,3}[)）、.．](?!\d)\s*)"
)
"""The number of a heading: "一、", "2. ", "第三条" """


def _options(passages: Sequence[Passage], language: str) -> tuple[str, ...]:
    """What may be meant, in words a shopper would send: an FAQ row's question, a product's name, "about …"."""
    said = [_about(p.chunk, language) if p.chunk.kind is Kind.POLICY else p.chunk.title for p in passages[:8]]
    return tuple(dict.fromkeys(said))[:3]


def _about(chunk: Chunk, language: str) -> str:
    """A section asked for by its name. With the one above it, since many are called just "Exceptions", and since it is
    found again more surely so."""
    heading = _ORDINAL.sub("", chunk.locator) or chunk.locator
    if heading.endswith(("?", "？")):
        return heading
    above = chunk.title.rpartition(" > ")[0].rpartition(" > ")[2]
    if language == "zh":
        return f"关于「{above} · {heading}」" if above else f"关于「{heading}」"
    return f"About “{heading}” ({above})" if above else f"About “{heading}”"


def _asked_back(history: Sequence[Message]) -> bool:
    """Whether the attendant's last words were already a question back: ask once, then call a human."""
    return bool(history) and history[-1].role == "assistant" and history[-1].decision == "clarify"


def _reason(question: Question, history: Sequence[Message]) -> str:
    """Why a human takes over a question that could not be answered."""
    if _repeats(question, history):
        return "repeated_question"
    if question.signals.get("p_complaint", 0.0) >= SOUNDS_LIKE or question.signals.get("sounds_angry"):
        return "anger"
    return "asked_for_human" if question.signals.get("p_human", 0.0) >= SOUNDS_LIKE else "low_confidence"


def _repeats(question: Question, history: Sequence[Message]) -> bool:
    asked = set(words(question.text))
    return any(m.role == "user" and asked and asked == set(words(m.text)) for m in history[-6:])
