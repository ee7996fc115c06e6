"""Tells what is one person's from what all are told: a warehouse's address goes to many shoppers, a home to one."""

from __future__ import annotations

import re
from collections import defaultdict

from app.review.exchange import Exchange
from app.review.known import PublicWords
from app.review.mask import Masker
from app.review.masked_names import is_given_name

ENOUGH = 3
"""A value that people told to so many shoppers, and that no shopper wrote, is the shop's."""
_HAN = re.compile(r"[㐀-鿿]")
_OF_ONE_PERSON = frozenset({"order", "id", "card", "plate", "account", "network"})


class PublicValues:
    """What the shop makes public, and what its people tell everybody."""

    def __init__(self, public: PublicWords, masker: Masker) -> None:
        self._public = public
        self._masker = masker
        self._told: defaultdict[str, set[str]] = defaultdict(set)
        self._kinds: dict[str, str] = {}
        self._of_shoppers: list[str] = []
        self._staff: set[str] = set()

    def see(self, conversation_id: str, exchange: Exchange) -> None:
        """Take in one exchange."""
        self._of_shoppers.append(exchange.question.casefold())
        self._staff |= set(exchange.agent.casefold().split())
        for text in exchange.answers:
            for found in self._masker.find(text):
                value = text[found.start : found.end]
                self._told[value].add(conversation_id)
                self._kinds[value] = found.kind

    def __call__(self, value: str) -> bool:
        """Whether the value is everybody's."""
        if self._public(value):
            return True
        if len(self._told.get(value, ())) < ENOUGH or self._kinds[value] in _OF_ONE_PERSON:
            return False
        if self._kinds[value] == "name" and (_HAN.search(value) or self._is_somebody(value)):
            return False
        folded = value.casefold()
        return not any(folded in text for text in self._of_shoppers)

    def _is_somebody(self, value: str) -> bool:
        parts = value.casefold().split()
        return any(part in self._staff or is_given_name(part) for part in parts)
