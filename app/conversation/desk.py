"""The desk: what people do with conversations. Every act is an event of the log, judged by its rules."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from app.conversation import lines
from app.conversation.assist import Assistant
from app.conversation.board import Board, CannedReplies, Person, Roster
from app.conversation.brief import brief
from app.conversation.conversation import Conversation
from app.conversation.events import Draft, Event, EventType
from app.conversation.hub import Hub, Ping
from app.conversation.modes import Modes
from app.conversation.ports import Brands
from app.conversation.reception import PRIORITY
from app.conversation.session import Sign
from app.conversation.speak import Conversations
from app.conversation.standing import Status
from app.errors import BadInput, Conflict, NotFound, XiaoerError

MOST_TAGS = 20
SOON_SECONDS = 0.1
_MOVES_THE_QUEUE = frozenset(
    {EventType.JOINED, EventType.WITHDRAWN, EventType.REQUEUED, EventType.RAISED, EventType.CLOSED, EventType.ERASED}
)
OUTCOMES = ("solved", "unsolved", "no_reply", "follow_up", "spam")


class Desk:
    """Claims, words, notes, tags, transfers and closings, by a person who is named each time."""

    def __init__(
        self,
        conversations: Conversations,
        board: Board,
        roster: Roster,
        brands: Brands,
        hub: Hub,
        assistant: Assistant,
        canned: CannedReplies,
        modes: Modes,
        clock: Callable[[], datetime],
    ) -> None:
        self.canned = canned
        self.modes = modes
        self.conversations = conversations
        self.board = board
        self.roster = roster
        self.hub = hub
        self._brands = brands
        self._assistant = assistant
        self._clock = clock
        self._telling: dict[str, asyncio.Task[None]] = {}
        conversations.listen(hub.hear)
        conversations.listen(self._hear)

    async def claim(self, conversation_id: str, person: Person) -> None:
        """Take a conversation out of the queue, or from the bot. Of several who reach for it one gets it, the others
        Conflict. So does who has as many as they can take."""
        now = await self.roster.person(person.agent) or person
        if now.holds >= now.capacity:
            raise Conflict(
                f"You have {now.holds} conversations, as many as you take at once. Nothing was changed; finish one, "
                "or take more at once."
            )
        await self.conversations.join_agent(conversation_id, person.agent, person.name)

    async def assign(self, conversation_id: str, to: str, by: Person) -> None:
        """Give a conversation to somebody who is at the desk. Raises Conflict when they are not."""
        target = await self._present(to, conversation_id)
        conversation = await self.conversations.look(conversation_id)
        if conversation.status is Status.WITH_AGENT:
            await self._pass(conversation, target, by)
            return
        joined = {"agent": target.agent, "name": target.name, "by": by.agent}
        await self.conversations.record(conversation_id, Draft(EventType.JOINED, joined))

    async def take_over(self, conversation_id: str, by: Person) -> None:
        """A supervisor takes a conversation from whoever has it: a colleague, the queue or the bot."""
        conversation = await self.conversations.look(conversation_id)
        if conversation.status is Status.WITH_AGENT:
            await self._pass(conversation, by, by)
        else:
            await self.conversations.join_agent(conversation_id, by.agent, by.name)

    async def transfer(
        self, conversation_id: str, person: Person, to: str = "", skill: str = "", note: str = ""
    ) -> None:
        """Pass one's conversation on: at once to somebody free, else through the queue to them or to the skill."""
        conversation = await self.conversations.look(conversation_id)
        if conversation.standing.agent != person.agent:
            raise Conflict("You do not have this conversation. Nothing was changed; take it over first.")
        if note:
            await self.note(conversation_id, person, note)
        target = next((p for p in await self.roster.people(conversation.shop) if p.agent == to), None) if to else None
        if target is not None and target.status == "online" and target.holds < target.capacity:
            await self._pass(conversation, target, person)
            return
        text = lines.line("passed_on", *self._voice(conversation))
        about = {"agent": person.agent, "reason": "transferred", "text": text, "skill": skill, "wanted_agent": to}
        await self._requeue(conversation, {**about, "priority": PRIORITY["agent_vanished"]})

    async def say(
        self, conversation_id: str, person: Person, text: str, client_message_id: str = "", draft: str = ""
    ) -> str:
        """Say something to the shopper; returns the message's id. The same client_message_id twice is said once.

        `draft` names the draft it was made from: whether it was changed is kept with it."""
        if not text.strip():
            raise BadInput("The message is empty. Nothing was sent.")
        conversation = await self.conversations.look(conversation_id)
        if known := conversation.by_agent.get(client_message_id if client_message_id else "\0"):
            return known
        about: dict[str, Any] = {"client_message_id": client_message_id} if client_message_id else {}
        if draft:
            about |= {"draft": draft, "edited": not await self._is_draft(conversation_id, draft, text)}
        return await self.conversations.say_as_agent(conversation_id, person.agent, text, person.name, about)

    async def typing(self, conversation_id: str, person: Person) -> None:
        """Let the shopper see that they type. Only the holder's typing shows."""
        if (await self.conversations.look(conversation_id)).standing.agent == person.agent:
            await self.conversations.show_typing(conversation_id, person.agent, person.name)

    async def note(self, conversation_id: str, person: Person, text: str) -> None:
        """Write down something for colleagues. The shopper never sees it."""
        if not text.strip():
            raise BadInput("The note is empty. Nothing was kept.")
        noted = {"agent": person.agent, "name": person.name, "text": text}
        await self.conversations.record(conversation_id, Draft(EventType.NOTED, noted))

    async def tag(self, conversation_id: str, person: Person, tags: list[str]) -> None:
        """Put these tags on the conversation, instead of those it has."""
        clean = list(dict.fromkeys(" ".join(tag.split())[:40] for tag in tags if tag.strip()))[:MOST_TAGS]
        tagged = {"agent": person.agent, "tags": clean}
        await self.conversations.record(conversation_id, Draft(EventType.TAGGED, tagged))

    async def hand_back(self, conversation_id: str, person: Person) -> None:
        """Give the conversation back to the bot: one's own, or one out of the queue."""
        conversation = await self.conversations.look(conversation_id)
        type_ = EventType.WITHDRAWN if conversation.status is Status.WAITING else EventType.LEFT
        await self.conversations.record(conversation_id, Draft(type_, {"agent": person.agent, "name": person.name}))

    async def close(self, conversation_id: str, person: Person, outcome: str) -> None:
        """End the conversation with what came of it. Only its holder, or nobody's, may be closed."""
        if outcome not in OUTCOMES:
            raise BadInput(f"`outcome` is one of {', '.join(OUTCOMES)}. Nothing was changed.")
        conversation = await self.conversations.look(conversation_id)
        if conversation.standing.agent not in ("", person.agent):
            raise Conflict("A colleague has this conversation. Nothing was changed; take it over first.")
        await self.conversations.close_conversation(conversation_id, "agent", outcome)

    async def redraft(self, conversation_id: str) -> None:
        """Draft again, now."""
        await self.conversations.look(conversation_id)
        self._assistant.draft(conversation_id)

    async def sweep(self) -> int:
        """Put what vanished people had back into the queue; returns how many. Safe to run on every instance."""
        moved = 0
        for case in await self.roster.vanished(self._clock()):
            conversation = await self.conversations.look(case.conversation_id)
            text = lines.line("vanished", *self._voice(conversation))
            about = {"agent": case.agent, "reason": "agent_vanished", "text": text}
            try:
                await self._requeue(conversation, {**about, "priority": PRIORITY["agent_vanished"]})
            except XiaoerError:
                continue  # another instance was first, or they have just closed it
            moved += 1
        return moved

    async def values_for(self, conversation_id: str, shop: str) -> dict[str, str]:
        """What a canned reply may name of a conversation: {order}, {ticket}, {question}. Of another shop: nothing."""
        conversation = await self.conversations.look(conversation_id)
        if conversation.shop != shop:
            return {}
        told = brief(await self.conversations.events(conversation_id), conversation.locale)
        ticket = conversation.episode.ticket if conversation.episode else ""
        values = {"order": next(iter(told["orders"]), ""), "ticket": ticket, "question": str(told["question"])}
        return {name: value for name, value in values.items() if value}

    def _hear(self, conversation: Conversation, events: Sequence[Event], ours: bool) -> None:
        """Whoever leaves the queue, for whatever reason, moves the others up: they are told, soon and once."""
        if ours and any(event.type in _MOVES_THE_QUEUE for event in events) and conversation.shop not in self._telling:
            task = asyncio.create_task(self._tell_soon(conversation.shop))
            self._telling[conversation.shop] = task

    async def _tell_soon(self, shop: str) -> None:
        await asyncio.sleep(SOON_SECONDS)
        self._telling.pop(shop, None)
        with contextlib.suppress(XiaoerError):  # passing signs: the next move of the queue tells them again
            await self.tell_places(shop)

    async def close_down(self) -> None:
        """Stop telling."""
        for task in self._telling.values():
            task.cancel()
        await asyncio.gather(*self._telling.values(), return_exceptions=True)

    async def tell_places(self, shop: str) -> None:
        """Show everybody in the queue who follows here the place they have now."""
        for place, case in enumerate((c for c in await self.board.waiting(shop) if not c.offline), start=1):
            await self.conversations.signal(case.conversation_id, Sign("handoff.position", {"position": place}))

    async def place(self, conversation_id: str) -> int:
        """The conversation's place in its queue; 0 = it is in none."""
        case = await self.board.case(conversation_id)
        if case is None or case.status != Status.WAITING.value or case.offline:
            return 0
        queue = [c.conversation_id for c in await self.board.waiting(case.shop) if not c.offline]
        return queue.index(conversation_id) + 1 if conversation_id in queue else 0

    async def shopper_types(self, conversation_id: str) -> None:
        """The shopper is typing: whoever watches the desk sees it."""
        conversation = await self.conversations.look(conversation_id)
        if conversation.status in (Status.WITH_AGENT, Status.WAITING):
            self.hub.tell(Ping("shopper.typing", conversation.shop, conversation_id))

    async def _present(self, agent: str, conversation_id: str) -> Person:
        conversation = await self.conversations.look(conversation_id)
        for person in await self.roster.people(conversation.shop):
            if person.agent == agent:
                return person
        raise NotFound("Nobody of that name is at the desk now. Nothing was changed.")

    async def _pass(self, conversation: Conversation, target: Person, by: Person) -> None:
        about = {"from": conversation.standing.agent, "agent": target.agent, "name": target.name, "by": by.agent}
        await self.conversations.record(conversation.id, Draft(EventType.TRANSFERRED, about))

    async def _requeue(self, conversation: Conversation, about: dict[str, Any]) -> None:
        await self.conversations.record(conversation.id, Draft(EventType.REQUEUED, about))

    async def _is_draft(self, conversation_id: str, message_id: str, text: str) -> bool:
        for event in reversed(await self.conversations.events(conversation_id)):
            if event.type is EventType.DRAFTED and event.payload.get("message_id") == message_id:
                return str(event.payload.get("text", "")).strip() == text.strip()
        return False

    def _voice(self, conversation: Conversation) -> tuple[Any, str]:
        brand = self._brands(conversation.shop)
        return brand, lines.language_of(conversation.locale, brand)
