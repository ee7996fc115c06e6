"""Turns a finished turn into what is kept in the log and sent to the shopper: plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.chat.language import join_sentences
from app.chat.turn import Answer, Citation, Clarify, Decision, HandOff, Refuse, Reply, Sentence, UseTool
from app.knowledge.chunk import Kind

CARDS = 4
PRICES = ("price", "价格", "售价", "单价")


def citation_json(citation: Citation) -> dict[str, str]:
    """One citation as the contract has it."""
    return {
        "path": citation.path,
        "locator": citation.locator,
        "document_id": citation.document_id,
        "quote": citation.quote,
    }


def sentence_json(message_id: str, index: int, sentence: Sentence) -> dict[str, Any]:
    """The payload of `reply.sentence`."""
    return {
        "message_id": message_id,
        "index": index,
        "text": sentence.text,
        "citations": [citation_json(citation) for citation in sentence.citations],
        "origin": sentence.origin,
    }


def reply_json(reply: Reply) -> dict[str, Any]:
    """The reply object of the contract: the JSON response, `reply.completed`, and what a repeat gets."""
    decision = reply.decision
    return {
        "message_id": reply.message_id,
        "text": reply.text,
        "decision": decision.name,
        "confidence": round(decision.confidence, 4),
        "citations": [citation_json(citation) for citation in reply.citations],
        "related_questions": _related(decision),
        "cards": _cards(decision, reply.citations),
        "handoff": {"reason": decision.reason} if isinstance(decision, HandOff) else None,
        "certificate": _certificate(decision),
        "release": reply.release,
        "language": reply.language,
        "timings_ms": {name: round(value, 2) for name, value in reply.timings_ms.items()},
    }


def decision_json(
    message_id: str, answers: Sequence[str], release: int, decision: Decision, timings_ms: Mapping[str, float]
) -> dict[str, Any]:
    """The payload of `decision.made`: why, from what, in which release. Chunks are named, not copied: a release
    never changes, so the words can be looked up again."""
    evidence = decision.evidence
    return {
        "message_id": message_id,
        "answers": list(answers),
        "decision": decision.name,
        "reason": decision.reason if isinstance(decision, HandOff | Refuse) else "",
        "confidence": round(decision.confidence, 4),
        "release": release,
        "language": decision.question.language,
        "intent": decision.question.intent,
        "standalone": decision.question.standalone,
        "passages": [
            {
                "chunk_id": passage.chunk.chunk_id,
                "path": passage.chunk.path,
                "locator": passage.chunk.locator,
                "confidence": round(passage.confidence, 4),
                "scores": {name: round(float(score), 5) for name, score in passage.scores.items()},
            }
            for passage in evidence.passages
        ],
        "facts": [
            {
                "subject": fact.subject,
                "name": fact.name,
                "value": fact.value,
                "path": fact.path,
                "locator": fact.locator,
            }
            for fact in evidence.facts
        ],
        "grounds": decision.grounds.as_json(),
        "timings_ms": {name: round(value, 2) for name, value in timings_ms.items()},
    }


def replay_json(reply: Reply) -> dict[str, Any]:
    """A reply as evaluation reads it: a line of the replay format, the passages, and the draft behind it."""
    evidence = reply.decision.evidence
    drafted = dict.fromkeys(c for sentence in evidence.draft or () for c in sentence.citations)
    return {
        "reply": replay_record(reply),
        "passages": [
            {
                "path": passage.chunk.path,
                "locator": passage.chunk.locator,
                "title": passage.chunk.title,
                "text": passage.chunk.text,
                "confidence": passage.confidence,
                "scores": {name: float(score) for name, score in passage.scores.items()},
            }
            for passage in evidence.passages
        ],
        "draft": {
            "text": join_sentences([sentence.text for sentence in evidence.draft], reply.language),
            "citations": [citation_json(citation) for citation in drafted],
        }
        if evidence.draft
        else {},
        "grounds": {
            **reply.decision.grounds.as_json(),
            "origins": [sentence.origin for sentence in reply.sentences],
            "said": [sentence.text for sentence in reply.sentences],
        },
    }


def replay_record(reply: Reply) -> dict[str, Any]:
    """One line of the replay format, but for its id. One field more than the contract has: `cached_tokens`, the part
    of `prompt_tokens` that the engine took from its prefix cache."""
    decision, use = reply.decision, reply.model_use
    return {
        "text": reply.text,
        "decision": decision.name,
        "confidence": round(decision.confidence, 4),
        "citations": [citation_json(citation) for citation in reply.citations],
        "handoff": {"reason": decision.reason} if isinstance(decision, HandOff) else None,
        "language": reply.language,
        "release": reply.release,
        "model_calls": use.calls,
        "prompt_tokens": use.prompt_tokens,
        "cached_tokens": use.cached_tokens,
        "timings_ms": {name: round(value, 2) for name, value in reply.timings_ms.items()},
    }


def _certificate(decision: Decision) -> str | None:
    """The certificate that covers what was sent as true from knowledge; None where none does."""
    return (decision.grounds.certificate or None) if isinstance(decision, Answer) else None


def _related(decision: Decision) -> list[str]:
    if isinstance(decision, Answer):
        return list(decision.related_questions)
    return list(decision.options) if isinstance(decision, Clarify) else []


def _cards(decision: Decision, citations: Sequence[Citation]) -> list[dict[str, Any]]:
    """Product rows the reply cites, and the rows a tool looked up, to be shown as cards."""
    cited = {(citation.path, citation.locator) for citation in citations}
    cards: dict[tuple[str, str], dict[str, Any]] = {}
    for passage in decision.evidence.passages:
        chunk = passage.chunk
        if chunk.kind is Kind.PRODUCT and (chunk.path, chunk.locator) in cited:
            cards[chunk.path, chunk.locator] = {
                "kind": "product",
                "title": chunk.title,
                "sku": chunk.locator,
                "price": next((v for name, v in chunk.attributes.items() if name.strip().lower() in PRICES), ""),
                "attributes": dict(chunk.attributes),
                "path": chunk.path,
                "locator": chunk.locator,
            }
    if isinstance(decision, UseTool):
        for fact in decision.evidence.facts:
            card = cards.setdefault(
                (fact.path, fact.locator),
                {
                    "kind": decision.tool,
                    "title": fact.subject,
                    "attributes": {},
                    "path": fact.path,
                    "locator": fact.locator,
                },
            )
            if fact.name != "order":  # a sentence's evidence that stands on the card under another name
                card["attributes"].setdefault(fact.name, fact.value)
    return list(cards.values())[:CARDS]
