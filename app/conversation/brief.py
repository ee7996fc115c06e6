"""What a person needs to know before they take a conversation over: in two lines, then in full. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from app.chat.signals import ANGER, THANKS
from app.conversation.events import Event, EventType

TRIED = 6
_ORDER = re.compile(r"(?<![A-Za-z0-9])(?!\d{4}-\d\d?-\d)[A-Za-z]{0,6}[-_]?\d[\dA-Za-z-]{4,24}(?![A-Za-z0-9])")
_SAYS_SOMETHING = re.compile(r"[^\W\d_]{2}")
_SHORT = 90

_WORDS = {
    "zh": {
        "asks": "顾客想要：{question}",
        "tried": "机器人答了 {answers} 次、反问 {clarified} 次；转人工：{reason}。",
        "angry": "（情绪激动）",
        "nothing": "还没有提问。",
    },
    "en": {
        "asks": "Wants: {question}",
        "tried": "The bot answered {answers}×, asked back {clarified}×; handed over: {reason}.",
        "angry": " (upset)",
        "nothing": "Has not asked anything yet.",
    },
}
REASONS = {
    "low_confidence": ("没有把握", "not sure of an answer"),
    "unanswerable": ("资料里没有", "not in the knowledge"),
    "asked_for_human": ("顾客要求", "asked for a person"),
    "repeated_question": ("重复提问", "asked the same again"),
    "anger": ("情绪激动", "upset"),
    "sensitive_topic": ("敏感话题", "sensitive topic"),
    "tool_failed": ("没能查到", "a look-up failed"),
    "model_down": ("模型不可用", "model down"),
    "index_down": ("检索不可用", "index down"),
    "policy": ("本店模式", "the shop's mode"),
    "agent_vanished": ("客服掉线", "a colleague lost the connection"),
    "transferred": ("同事转来", "passed on by a colleague"),
}


def brief(events: Sequence[Event], language: str) -> dict[str, Any]:
    """The hand-over's context as JSON: `summary` (two lines), question, reason, emotion, orders, tried, passages."""
    said = [e.payload for e in events if e.type is EventType.RECEIVED and e.payload]
    decided = [e.payload for e in events if e.type is EventType.DECIDED and e.payload]
    replies = [e.payload.get("reply", {}) for e in events if e.type is EventType.COMPLETED and e.payload]
    call = next((e.payload for e in reversed(events) if e.type is EventType.HANDOFF and e.payload), {})
    texts = {payload["message_id"]: payload["text"] for payload in said}
    asked = [texts[m] for m in call.get("answers", ()) if m in texts]
    question = " / ".join(asked) or (said[-1]["text"] if said else "")
    if question and not _SAYS_SOMETHING.search(_ORDER.sub(" ", question)):
        before = [payload["text"] for payload in said if payload["text"] not in asked]
        question = " / ".join([*before[-1:], question])  # a bare number answers the bot: what was it about?
    emotion = _emotion([payload["text"] for payload in said], str(call.get("reason", "")))
    decisions = [str(reply.get("decision", "")) for reply in replies]
    reason = str(call.get("reason", ""))
    ticket = next((e.payload for e in reversed(events) if e.type is EventType.TICKET and e.payload), None)
    return {
        "summary": _summary(question, decisions, reason, emotion, language),
        "question": question,
        "reason": reason,
        "emotion": emotion,
        "orders": _orders([payload["text"] for payload in said], decided),
        "own_orders": _looked_up(decided),
        "facts": [fact for payload in decided[-3:] for fact in payload.get("facts", ())][:12],
        "tried": [_tried(reply, decided, texts) for reply in replies[-TRIED:]],
        "passages": list(decided[-1].get("passages", ()))[:5] if decided else [],
        "offline": bool(call.get("offline")),
        "ticket": dict(ticket) if ticket else None,
    }


def _summary(question: str, decisions: Sequence[str], reason: str, emotion: str, language: str) -> list[str]:
    words = _WORDS.get(language, _WORDS["en"])
    wants = words["asks"].format(question=_cut(question)) if question else words["nothing"]
    named = REASONS.get(reason, (reason, reason))[0 if language == "zh" else 1]
    answers = sum(d in ("answer", "tool") for d in decisions)
    tried = words["tried"].format(answers=answers, clarified=decisions.count("clarify"), reason=named or "—")
    upset = emotion == "angry" and reason != "anger"  # else the second line says so
    return [wants + (words["angry"] if upset else ""), tried]


def _emotion(texts: Sequence[str], reason: str) -> str:
    if reason == "anger" or any(ANGER.search(text) for text in texts[-4:]):
        return "angry"
    return "content" if texts and THANKS.search(texts[-1]) else "neutral"


def _orders(texts: Sequence[str], decided: Sequence[Any]) -> list[str]:
    """Order numbers: those that were looked up, then those that look like one in what the shopper wrote."""
    written = [number for text in texts for number in _ORDER.findall(text)]
    return list(dict.fromkeys([*_looked_up(decided), *written]))[:5]


def _looked_up(decided: Sequence[Any]) -> list[str]:
    """Orders that were found with the phone tail the shopper gave: theirs."""
    facts = [fact for payload in decided for fact in payload.get("facts", ())]
    return list(dict.fromkeys(fact["subject"] for fact in facts if fact.get("name") == "order"))


def _tried(reply: Any, decided: Sequence[Any], texts: dict[str, str]) -> dict[str, Any]:
    answers = next((d["answers"] for d in decided if d.get("message_id") == reply.get("message_id")), ())
    return {
        "question": " / ".join(texts[m] for m in answers if m in texts),
        "decision": reply.get("decision", ""),
        "text": reply.get("text", ""),
        "confidence": reply.get("confidence", 0.0),
    }


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHORT else flat[: _SHORT - 1] + "…"
