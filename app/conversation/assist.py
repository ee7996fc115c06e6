"""Drafts for people: for each shopper message while a person has the conversation, what the bot would have said.

A draft comes from the same pipeline as a reply, with its sources and confidence, and stands in the log where only staff
see it. Nothing here can send one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from app.chat.language import join_sentences
from app.chat.turn import Clarify, Decision, HandOff
from app.conversation.conversation import Conversation, Received
from app.conversation.events import Draft, Event, EventType
from app.conversation.modes import Mode
from app.conversation.ports import Attendant, Brands, Witness
from app.conversation.present import citation_json, reply_json
from app.conversation.reception import Reception
from app.conversation.speak import Conversations
from app.conversation.standing import Status
from app.errors import XiaoerError

_WAKES = frozenset({EventType.RECEIVED, EventType.JOINED, EventType.TRANSFERRED, EventType.YIELDED})
PASSAGES = 4


class Assistant:
    """Listens to conversations and drafts: one at a time for each, the newest message's first."""

    def __init__(
        self,
        conversations: Conversations,
        attendant: Attendant,
        reception: Reception,
        brands: Brands,
        witness: Witness,
    ) -> None:
        self._witness = witness
        self._conversations = conversations
        self._attendant = attendant
        self._reception = reception
        self._brands = brands
        self._drafting: dict[str, asyncio.Task[None]] = {}
        conversations.listen(self.hear)

    def hear(self, conversation: Conversation, events: Sequence[Event], ours: bool) -> None:
        """Begin a draft where a person here is waiting for one. The instance that wrote drafts, no other."""
        if not ours:
            return
        here = conversation.status is Status.WITH_AGENT and not conversation.is_held_there
        if here and any(event.type in _WAKES for event in events):
            self.draft(conversation.id)
        elif conversation.status is Status.CLOSED and (task := self._drafting.get(conversation.id)):
            task.cancel()

    def draft(self, conversation_id: str) -> None:
        """Draft for what the shopper has said since somebody last answered."""
        if running := self._drafting.get(conversation_id):
            running.cancel()
        task = asyncio.create_task(self._run(conversation_id))
        self._drafting[conversation_id] = task
        task.add_done_callback(lambda done: self._done(conversation_id, done))

    async def close(self) -> None:
        """Stop drafting."""
        tasks = list(self._drafting.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, conversation_id: str, task: asyncio.Task[None]) -> None:
        if self._drafting.get(conversation_id) is task:
            del self._drafting[conversation_id]

    async def _run(self, conversation_id: str) -> None:
        """Draft. What goes wrong is told to the witness: the person answers without a draft."""
        try:
            await self._draft(conversation_id)
        except XiaoerError as error:
            self._witness.turn_failed(conversation_id, "", error, error)
        except Exception as error:
            self._witness.turn_failed(conversation_id, "", XiaoerError("No draft could be made."), error)

    async def _draft(self, conversation_id: str) -> None:
        conversation = await self._conversations.look(conversation_id)
        messages = _to_answer(conversation)
        if not messages or conversation.status is not Status.WITH_AGENT:
            return
        if await self._reception.mode(conversation.shop, self._brands(conversation.shop)) is Mode.OFF:
            return
        turn = await self._conversations.turn_for(conversation_id, messages)
        decision = await self._attendant.decide(turn)
        sentences = [sentence async for sentence in self._attendant.reply(turn, decision)]
        reply = reply_json(self._attendant.finish(turn, decision, tuple(sentences), {}))
        told = {**_of_draft(decision, reply), "message_id": turn.message_id, "release": turn.release}
        await self._conversations.record(conversation_id, Draft(EventType.DRAFTED, told))


def _to_answer(conversation: Conversation) -> tuple[Received, ...]:
    """The messages nobody has answered; else the last one, for a person who has just come."""
    waiting = tuple(conversation.unanswered.values())
    if waiting or not conversation.messages:
        return waiting
    last = next(reversed(conversation.messages.values()))
    answered = conversation.said and conversation.said[-1][1].role == "agent"
    return () if answered else (last,)


def _of_draft(decision: Decision, reply: dict[str, Any]) -> dict[str, Any]:
    """What the desk shows. A hand-over drafts what its evidence would have said: the person may judge better."""
    evidence = decision.evidence
    text, citations = reply["text"], reply["citations"]
    if isinstance(decision, HandOff):
        text = join_sentences([sentence.text for sentence in evidence.draft], decision.question.language)
        citations = [citation_json(c) for sentence in evidence.draft for c in sentence.citations]
    return {
        "text": text,
        "decision": decision.name,
        "reason": decision.reason if isinstance(decision, HandOff) else "",
        "confidence": reply["confidence"],
        "citations": citations,
        "facts": [{"subject": f.subject, "name": f.name, "value": f.value} for f in evidence.facts],
        "passages": [
            {"path": p.chunk.path, "locator": p.chunk.locator, "title": p.chunk.title, "text": p.chunk.text[:400],
             "confidence": round(p.confidence, 4)}
            for p in evidence.passages[:PASSAGES]
        ],
        "next_steps": list(decision.options) if isinstance(decision, Clarify) else list(reply["related_questions"]),
    }  # fmt: skip
