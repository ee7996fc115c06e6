"""What a channel has to be told of what stands in a conversation's log. Pure: letters are read off the events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.channels.channel import ChannelConfig, LetterKind
from app.channels.ports import NewLetter
from app.conversation import lines
from app.conversation.brief import brief
from app.conversation.conversation import CHANNEL_AGENT
from app.conversation.events import Event, EventType
from app.shop.brand import Brand

SOURCES = 3
_WORDS = {
    "zh": {
        "sources": "依据：",
        "order": "订单：",
        "between": "、",
        "unread": "顾客发来 {files} 个附件，机器人看不了。",
    },
    "en": {
        "sources": "Sources: ",
        "order": "Orders: ",
        "between": ", ",
        "unread": "The shopper sent {files} attachment(s), which the bot cannot read.",
    },
}


def letters_of(
    events: Sequence[Event], after: int, config: ChannelConfig, brand: Brand, locale: str
) -> list[NewLetter]:
    """Letters for the events with seq > `after`; `events` are all of the conversation."""
    language = lines.language_of(locale, brand)
    greeted = any(e.type is EventType.COMPLETED and e.seq <= after for e in events)
    letters: list[NewLetter] = []
    for event in (e for e in events if e.seq > after and e.payload):
        told = _told(event, events, config, language)
        if told and event.type is EventType.COMPLETED and not greeted:
            greeted = True
            told = [_disclosed(told[0], lines.disclosure(brand, language)), *told[1:]]
        letters += [NewLetter(event.seq, part, kind, content) for part, (kind, content) in enumerate(told)]
    return letters


_Told = tuple[LetterKind, dict[str, Any]]


def _told(event: Event, events: Sequence[Event], config: ChannelConfig, language: str) -> list[_Told]:
    payload = event.payload
    ours = not str(payload.get("agent") or payload.get("by") or "").startswith(CHANNEL_AGENT)
    match event.type:
        case EventType.COMPLETED:
            return _reply(payload["reply"], config, language)
        case EventType.HANDOFF:
            return _handoff(payload, [e for e in events if e.seq <= event.seq], language)
        case EventType.AGENT_SAID if ours:
            said = {"text": str(payload["text"]), "by": "agent", "name": str(payload.get("name", ""))}
            return [(LetterKind.MESSAGE, said | {"message_id": str(payload["message_id"])})]
        case EventType.REQUEUED if payload.get("text"):
            return [(LetterKind.MESSAGE, {"text": str(payload["text"]), "by": "desk", "message_id": f"e{event.seq}"})]
        case EventType.LEFT | EventType.WITHDRAWN if ours:
            return [(LetterKind.RESUME, {})]
        case EventType.CLOSED if ours:
            return [(LetterKind.CLOSED, {"outcome": str(payload.get("outcome", ""))})]
    return []


def _reply(reply: Any, config: ChannelConfig, language: str) -> list[_Told]:
    if not str(reply.get("text", "")).strip():
        return []
    citations = list(reply.get("citations", ()))
    return [
        (
            LetterKind.MESSAGE,
            {
                "text": str(reply["text"]),
                "by": "bot",
                "message_id": str(reply["message_id"]),
                "decision": str(reply.get("decision", "")),
                "citations": citations,
                "related_questions": list(reply.get("related_questions", ())),
                "language": str(reply.get("language") or language),
                "footer": _sources(citations, str(reply.get("language") or language)) if config.sources else "",
            },
        )
    ]


def _sources(citations: Sequence[Any], language: str) -> str:
    """Where the answer stands, by name: "Sources: Returns · How long is delivery?"."""
    named = (str(citation.get("locator", "")).rpartition(" | ")[2] for citation in citations)
    names = list(dict.fromkeys(name for name in named if name))[:SOURCES]
    words = _WORDS.get(language, _WORDS["en"])
    return words["sources"] + " · ".join(names) if names else ""


def _handoff(payload: Any, events: Sequence[Event], language: str) -> list[_Told]:
    """What was announced outside a turn, the note for whoever takes it, and the call itself."""
    context = brief(events, language)
    told: list[_Told] = []
    if not payload.get("message_id") and payload.get("text"):
        told.append(
            (LetterKind.MESSAGE, {"text": str(payload["text"]), "by": "bot", "message_id": f"e{events[-1].seq}"})
        )
    told.append((LetterKind.NOTE, {"text": _note(context, int(payload.get("files") or 0), language), "brief": context}))
    call = {"reason": str(payload.get("reason", "")), "summary": context["summary"], "offline": context["offline"]}
    return [*told, (LetterKind.HANDOFF, call)]


def _note(context: Any, files: int, language: str) -> str:
    """The summary in two lines, then what a person would otherwise have to ask for again."""
    words = _WORDS.get(language, _WORDS["en"])
    told = list(context["summary"])
    if context["orders"]:
        told.append(words["order"] + words["between"].join(context["orders"]))
    if files:
        told.append(words["unread"].format(files=files))
    return "\n".join(told)


def _disclosed(told: _Told, disclosure: str) -> _Told:
    kind, content = told
    return kind, content | {"disclosure": disclosure}
