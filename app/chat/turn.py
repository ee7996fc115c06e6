"""The values that flow through a turn. All are frozen: a step takes what it needs and returns a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from app.knowledge.chunk import Chunk
from app.shop.brand import Brand


def _no_scores() -> Mapping[str, float]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Message:
    """One earlier utterance. `decision` is what the bot decided in that turn, for assistant messages."""

    role: Literal["user", "assistant", "agent"]
    text: str
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the storefront vouches for about the shopper, e.g. the order page they came from."""

    order_id: str = ""
    phone_last4: str = ""
    customer_id: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One shopper message and everything it is answered from. Pins one release and one moment."""

    shop: str
    brand: Brand
    release: int
    as_of: datetime
    text: str
    history: tuple[Message, ...] = ()
    locale: str = ""
    identity: Identity = Identity()
    conversation_id: str = ""
    message_id: str = ""


LEANS = 0.5
"""How much a message leans on what was said before, from which it cannot be read without"""


@dataclass(frozen=True, slots=True)
class Question:
    """The message made standalone.

    text       cleaned message as written; a follow-up that could be said in full, in full
    plain      the same in the words shops write in, to search with; "" where it is the same
    standalone the same with what pronouns and fragments point at filled in from the history
    language   "zh" or "en": the language to answer in
    intent     "knowledge", "order", "human", "smalltalk", "complaint", "medical", "legal", "accident", "injection",
               "unclear"
    order_ids, phone_tails: identifiers named in the message, or still standing from the history
    signals    everything else worth logging, by name
    asked_as   the message as written, where `text` is the open question behind a claim ("30 days, right?"); else ""
    """

    text: str
    standalone: str
    language: str
    intent: str = "knowledge"
    history: tuple[Message, ...] = ()
    order_ids: tuple[str, ...] = ()
    phone_tails: tuple[str, ...] = ()
    signals: Mapping[str, float] = field(default_factory=_no_scores)
    plain: str = ""
    asked_as: str = ""

    @property
    def searched(self) -> str:
        """What is looked for: the message in plain words."""
        return self.plain or self.text

    @property
    def asked_before(self) -> str:
        """The shopper's message before this one, as written; "" where there was none."""
        return next((m.text for m in reversed(self.history) if m.role == "user"), "")

    @property
    def leans(self) -> bool:
        """Whether it cannot be understood without what was said before."""
        return self.signals.get("depends", 0.0) >= LEANS

    @property
    def asked(self) -> str:
        """The question as one who does not know the conversation must read it."""
        return self.standalone if self.leans else self.searched


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as retrieved. `scores` are raw, by name; `confidence` is calibrated, set by the selector."""

    chunk: Chunk
    scores: Mapping[str, float] = field(default_factory=_no_scores)
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Citation:
    """An answer sentence → its evidence. `quote` is literally in the source."""

    path: str
    locator: str
    document_id: str
    quote: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One value out of one product or order row. It must survive byte for byte in whatever is said.

    path      the file the value was read in
    locator   the SKU of the product, or the order id
    named     how `path` names the row, where that is not by `locator`: a spec sheet may go by handle or name
    row       the product's own row, where the value stands in another file
    """

    subject: str
    name: str
    value: str
    path: str
    locator: str
    named: str = ""
    row: Citation | None = None
    document_id: str = ""

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Where the value stands, then the product's own row where that is another file."""
        value = Citation(self.path, self.named or self.locator, self.document_id or self.path, self.value)
        return (value, self.row) if self.row else (value,)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One checked sentence, ready to be sent.

    origin  "approved" an editor's words · "fact" a looked-up value · "evidence" quoted from a source ·
            "model" phrased by the model and checked · "line" a fixed line (greeting, hand-over, clarification)
    """

    text: str
    citations: tuple[Citation, ...] = ()
    origin: Literal["approved", "fact", "evidence", "model", "line"] = "line"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an answer may rest on. `draft` is the extractive answer: always complete, true and cited."""

    passages: tuple[Passage, ...] = ()
    facts: tuple[Fact, ...] = ()
    draft: tuple[Sentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a decision was made on, to explain it later: numbers only, no words of anybody.

    features     what confidence was computed from
    threshold    confidence from which an answer was sent; None = nothing was looked up
    certificate  id of the certificate that covers the answer; "" = none does
    model        fingerprint of the fitted models
    kind         kind of the best passage: "faq", "policy", "product"
    shifted      what is asked is no longer what was calibrated on, so that nothing is answered
    arm          the arm of a running comparison that the conversation is in
    """

    features: Mapping[str, float] = field(default_factory=_no_scores)
    threshold: float | None = None
    certificate: str = ""
    model: str = ""
    kind: str = ""
    shifted: bool = False
    arm: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "features": {name: round(float(value), 5) for name, value in self.features.items()},
            "threshold": self.threshold,
            "certificate": self.certificate,
            "model": self.model,
            "kind": self.kind,
            "shifted": self.shifted,
            "arm": self.arm,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer from evidence. `needs_model` is true where phrasing helps: several passages, another language."""

    question: Question
    evidence: Evidence
    confidence: float
    needs_model: bool = False
    related_questions: tuple[str, ...] = ()
    grounds: Grounds = Grounds()
    name: Literal["answer"] = "answer"


@dataclass(frozen=True, slots=True)
class Clarify:
    """Ask one question back, with options to tap where there are some."""

    question: Question
    text: str
    options: tuple[str, ...] = ()
    confidence: float = 0.0
    evidence: Evidence = Evidence()
    grounds: Grounds = Grounds()
    name: Literal["clarify"] = "clarify"


@dataclass(frozen=True, slots=True)
class UseTool:
    """A shop tool answered (where is my order). The facts are in the evidence, drafted."""

    question: Question
    tool: str
    evidence: Evidence
    confidence: float = 1.0
    grounds: Grounds = Grounds()
    name: Literal["tool"] = "tool"


@dataclass(frozen=True, slots=True)
class HandOff:
    """A human takes over. `reason` is a code with a line per language in prompts/shared/lines.yaml."""

    question: Question
    reason: str
    text: str
    confidence: float = 0.0
    evidence: Evidence = Evidence()
    grounds: Grounds = Grounds()
    name: Literal["handoff"] = "handoff"


@dataclass(frozen=True, slots=True)
class Refuse:
    """Not something this shop's attendant does. `reason` as for HandOff."""

    question: Question
    reason: str
    text: str
    confidence: float = 0.0
    evidence: Evidence = Evidence()
    grounds: Grounds = Grounds()
    name: Literal["refuse"] = "refuse"


@dataclass(frozen=True, slots=True)
class SmallTalk:
    """A greeting, thanks, good-bye or "are you a robot": answered in the brand's voice, without knowledge."""

    question: Question
    text: str
    confidence: float = 1.0
    evidence: Evidence = Evidence()
    grounds: Grounds = Grounds()
    name: Literal["smalltalk"] = "smalltalk"


Decision: TypeAlias = Answer | Clarify | UseTool | HandOff | Refuse | SmallTalk


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What a turn cost the model. Tokens as the engine counts them; `cached` came from its prefix cache."""

    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished turn as everyone sees it: HTTP, replay and the event log are all written from this."""

    message_id: str
    text: str
    decision: Decision
    sentences: tuple[Sentence, ...]
    release: int
    language: str
    model_use: ModelUse = ModelUse()
    timings_ms: Mapping[str, float] = field(default_factory=_no_scores)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Each source once, in the order the sentences name them."""
        return tuple(dict.fromkeys(c for s in self.sentences for c in s.citations))
