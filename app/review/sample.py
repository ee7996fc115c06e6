"""Makes a suite sample of a turn: the question without anything personal, and what should come of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import BadInput
from app.review.exchange import Exchange
from app.review.item import Item
from app.review.mask import Masker

CATEGORY = "review"
_ROLES = {"shopper": "user", "bot": "assistant", "agent": "agent"}
_EXPECTED = ("answer", "clarify", "tool", "handoff", "refuse", "smalltalk")


def sample_of(item: Item, exchange: Exchange, sent: Mapping[str, Any], masker: Masker) -> dict[str, Any]:
    """A line of a suite.

    `sent`: `decision` (what should be done), `sources` ([{path, locator}]: what it should rest on), `facts` (texts that
    must stand in the answer), `question` (as the editor left it), `must_pass`. Raises BadInput.
    """
    decision = str(sent.get("decision") or "answer")
    if decision not in _EXPECTED:
        raise BadInput(f"`decision` is one of {', '.join(_EXPECTED)}. Nothing was changed.")
    sources = [
        {"path": str(source.get("path", "")), "locator": str(source.get("locator", ""))}
        for source in sent.get("sources") or ()
        if isinstance(source, Mapping) and source.get("path")
    ]
    facts = [[str(fact)] for fact in sent.get("facts") or () if str(fact).strip()]
    if decision == "answer" and not (sources or facts):
        raise BadInput(
            "Say what the answer should rest on: a row, or words that must stand in it. Nothing was changed."
        )
    question = str(sent.get("question") or "").strip() or masker.mask(exchange.question)
    if not question:
        raise BadInput("There is no question in this item. Nothing was changed; settle it another way.")
    return {
        "id": f"review-{item.id}",
        "category": CATEGORY,
        "language": item.language[:2],
        "question": question,
        "history": [{"role": _ROLES[role], "text": masker.mask(text)} for role, text in exchange.before if text],
        "answerable": decision in ("answer", "tool"),
        "decisions": [decision],
        "sources": sources,
        "facts": facts,
        "must_pass": bool(sent.get("must_pass")),
        "note": "from the review queue",
    }
