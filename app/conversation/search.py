"""Finds past conversations: by what the desk knows of them, then by their words, which have to be opened for it."""

from __future__ import annotations

from dataclasses import replace

from app.conversation.board import Case, Wanted
from app.conversation.desk import Desk
from app.conversation.events import Event, EventType

OPENED = 300
"""The newest so many are opened to look for words: they are encrypted, so there is no index of them."""
_AROUND = 40


async def search(desk: Desk, shop: str, wanted: Wanted, text: str) -> tuple[list[tuple[Case, str]], int]:
    """Cases, newest first, each with the words around what was found; and how many were opened."""
    if not text:
        return [(case, "") for case in await desk.board.find(shop, wanted)], 0
    sought = text.casefold()
    cases = await desk.board.find(shop, replace(wanted, limit=OPENED))
    found: list[tuple[Case, str]] = []
    for case in cases:
        if case.conversation_id == text or case.ticket.casefold() == sought:
            found.append((case, text))
        elif excerpt := _excerpt(await desk.conversations.events(case.conversation_id), sought):
            found.append((case, excerpt))
        if len(found) >= wanted.limit:
            break
    return found, len(cases)


def _excerpt(events: list[Event], sought: str) -> str:
    for event in events:
        if event.type in (EventType.RECEIVED, EventType.AGENT_SAID, EventType.NOTED, EventType.TICKET):
            said = str(event.payload.get("text", ""))
        elif event.type is EventType.COMPLETED:
            said = str(event.payload.get("reply", {}).get("text", ""))
        else:
            continue
        if (at := said.casefold().find(sought)) >= 0:
            return said[max(0, at - _AROUND) : at + len(sought) + _AROUND].strip()
    return ""
