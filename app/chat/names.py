"""The names and SKUs of one release, and which of them a conversation has said."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from app.chat.mentions import EntityNames
from app.chat.products import skus_in
from app.chat.refer import said_in_full
from app.chat.turn import Question
from app.knowledge.tokenize import words
from app.knowledge.view import KnowledgeView

_OLDER = 0.6
"""What something said one message earlier counts, against something said now."""
_MESSAGES = 5


class ReleaseNames:
    """Built once per release; finding costs in proportion to what was said."""

    def __init__(self, view: KnowledgeView) -> None:
        self._view = view
        self._entities = EntityNames.of_view(view)
        self._about: dict[str, list[str]] = defaultdict(list)
        for chunk in view.chunks.values():
            if name := self._entities.about(chunk):
                self._about[name].append(chunk.chunk_id)
        self._shares = _name_shares(view)

    def said_in_full(self, question: Question) -> Question:
        """The question with the names that it points at in their places; see `app.chat.refer`."""
        return said_in_full(question, self._entities)

    def mentioned(self, question: Question, as_of: datetime, limit: int) -> dict[str, float]:
        """Chunk id → how strongly the name it is about stands in the shopper's mind, 0..1; at most `limit`, strongest
        first. A SKU said earlier is a mention too.
        """
        strengths = self._entities.mentions([*(m.text for m in question.history), question.text])
        found: dict[str, float] = {}
        for name in sorted(strengths, key=lambda n: -strengths[n]):
            if strengths[name] > 0.0:
                found |= dict.fromkeys(self._about.get(name, ()), strengths[name])
            if len(found) >= limit:
                break
        share = 1.0
        for message in reversed(question.history[-_MESSAGES:]):
            share *= _OLDER
            for sku in skus_in(message.text, self._view):
                chunk_id = self._view.by_sku[sku].chunk_id
                found[chunk_id] = max(found.get(chunk_id, 0.0), share)
        valid = (c for c in sorted(found, key=lambda c: -found[c]) if self._view.chunks[c].is_valid(as_of))
        return {chunk_id: found[chunk_id] for chunk_id, _ in zip(valid, range(limit), strict=False)}

    def skus(self, question: Question, as_of: datetime) -> list[str]:
        """Ids of the product rows whose SKU the message names."""
        chunks = (self._view.by_sku[sku] for sku in skus_in(question.text, self._view))
        return [chunk.chunk_id for chunk in chunks if chunk.is_valid(as_of)]

    def coverage(self, question: Question) -> dict[str, float]:
        """Product group → share of its name (by rare words) that the question or, weaker, the history says, 0..1."""
        said: dict[str, float] = {}
        weight = 1.0
        for text in [question.text, *(m.text for m in reversed(question.history))][:_MESSAGES]:
            for word in words(text):
                said.setdefault(word, weight)
            weight *= _OLDER
        covered: dict[str, float] = defaultdict(float)
        for word, strength in said.items():
            for group, share in self._shares.get(word, ()):
                covered[group] += share * strength
        return covered


def _name_shares(view: KnowledgeView) -> dict[str, list[tuple[str, float]]]:
    """Word → the products that have it in their name, with the share of the name's weight it carries."""
    shares: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for group, product in view.products.items():
        parts = set(words(product.name))
        total = view.name_weights.total(parts)
        for word in parts:
            shares[word].append((group, view.name_weights.weight(word) / total))
    return dict(shares)
