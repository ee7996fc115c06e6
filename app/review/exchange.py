"""Reads out of a conversation's events what was asked, what the bot made of it and what a person answered. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.conversation.events import Event, EventType
from app.review.tidy import asks_something

HISTORY = 8


@dataclass
class Exchange:
    """One thing a shopper asked, with what came of it.

    decided    the bot's decision, as the log has it; empty where it made none
    drafted    what it would have said while a person had the conversation
    answers    what a person said to it, in order
    comment    what the shopper thought of the reply
    before     what was said before, oldest first: (role, text)
    """

    message_id: str
    question: str = ""
    decided: Mapping[str, Any] = field(default_factory=dict)
    reply: Mapping[str, Any] = field(default_factory=dict)
    drafted: Mapping[str, Any] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    agent: str = ""
    comment: str = ""
    helpful: bool | None = None
    before: list[tuple[str, str]] = field(default_factory=list)
    about: Exchange | None = None
    """what was asked before, where this only calls for a person or says hello: the answer is to that"""

    @property
    def intent(self) -> str:
        """What the bot took it for: its decision where that tells, else its intent."""
        if self.about is not None:
            return self.about.intent
        decision = str(self.decided.get("decision") or self.drafted.get("decision") or "")
        return decision if decision in ("tool", "smalltalk", "refuse") else str(self.decided.get("intent", ""))

    @property
    def asks(self) -> bool:
        """Whether it asks anything of the shop: a greeting does not, nor a call for a person."""
        return asks_something(self.question) and self.intent not in ("human", "smalltalk")


class Reading:
    """Folds events into exchanges."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.exchanges: dict[str, Exchange] = {}
        self._texts: dict[str, str] = {}
        self._waiting: list[str] = []
        self._said: list[tuple[str, str]] = []
        self._asked: Exchange | None = None
        for event in events:
            if event.payload:
                self._take(event)

    def about(self, message_id: str) -> Exchange:
        """The exchange of that message; for "@7" what the shopper had last asked before event 7."""
        found = self.exchanges.get(message_id)
        return found or Exchange(message_id, before=self._said[-HISTORY:])

    def _take(self, event: Event) -> None:
        payload = event.payload
        match event.type:
            case EventType.RECEIVED:
                self._texts[payload["message_id"]] = str(payload["text"])
                self._waiting.append(payload["message_id"])
            case EventType.DECIDED:
                self._decided(payload)
            case EventType.COMPLETED:
                reply = payload["reply"]
                self._of(str(reply["message_id"])).reply = reply
                self._said.append(("bot", str(reply.get("text", ""))))
            case EventType.DRAFTED:
                self._of(str(payload.get("message_id", ""))).drafted = payload
            case EventType.AGENT_SAID:
                self._answered(payload)
            case EventType.FEEDBACK:
                rated = self._noted(event)
                rated.comment, rated.helpful = str(payload.get("comment", "")), bool(payload.get("helpful"))
            case EventType.HANDOFF:
                self._noted(event)

    def _noted(self, event: Event) -> Exchange:
        """What an event is about that may name no message: then the last thing the shopper asked."""
        message_id = str(event.payload.get("message_id") or "") or f"@{event.seq}"
        found = self._of(message_id)
        if not found.question:
            before = self._asked.question if self._asked else ""
            found.question = self._texts.get(self._waiting[-1], "") if self._waiting else before
        return found

    def _of(self, message_id: str) -> Exchange:
        if message_id not in self.exchanges:
            question = self._texts.get(message_id, "")
            self.exchanges[message_id] = Exchange(message_id, question, before=self._said[-HISTORY:])
        return self.exchanges[message_id]

    def _decided(self, payload: Mapping[str, Any]) -> None:
        found = self._of(str(payload["message_id"]))
        found.decided = payload
        self._ask(found, [str(id_) for id_ in payload.get("answers", ())])

    def _answered(self, payload: Mapping[str, Any]) -> None:
        found = self._of(str(payload.get("draft") or payload.get("answers") or ""))
        if self._waiting:
            self._ask(found, list(self._waiting))
        if not found.asks and self._asked is not None and self._asked is not found:
            found.about, found.question = self._asked, self._asked.question
        found.answers.append(str(payload.get("text", "")))
        found.agent = str(payload.get("name", ""))
        self._said.append(("agent", found.answers[-1]))

    def _ask(self, found: Exchange, answers: list[str]) -> None:
        texts = [self._texts[id_] for id_ in answers if id_ in self._texts]
        found.question = "\n".join(texts) or found.question
        self._waiting = [id_ for id_ in self._waiting if id_ not in answers]
        self._said += [("shopper", text) for text in texts]
        if found.asks:
            self._asked = found


def read(events: Sequence[Event]) -> Reading:
    """The exchanges of a conversation."""
    return Reading(events)
