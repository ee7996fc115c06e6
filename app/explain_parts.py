"""Puts together what explains turns: the log, and the model whose confidence is explained. Called by bootstrap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.adapters.db.engine import Database
from app.adapters.db.turns import TurnFinder
from app.chat.calibrate import load_model
from app.chat.confidence import Confidence
from app.conversation.log import EventLog
from app.trust.explain import explanation
from app.trust_parts import fitted_fingerprint


class Explainer:
    """Tells why a turn came out as it did."""

    def __init__(self, finder: TurnFinder, confidence: Confidence, fitted: str) -> None:
        self._finder = finder
        self._confidence = confidence
        self._fitted = fitted

    async def turn(self, turn: str) -> dict[str, Any]:
        """One turn of the log, with the shop it is of. Raises NotFound."""
        shop, decided, said = await self._finder.find(turn)
        told = self._explained(decided.payload, [event.payload for event in said])
        return {"shop": shop, "conversation_id": decided.conversation_id, "at": decided.time.isoformat(), **told}

    def trial(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """What the hit test told, explained the same way."""
        return self._explained(told, told.get("sentences", ()))

    def _explained(self, told: Mapping[str, Any], said: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """By the model that gave the confidence: what was read together with the question has one of its own."""
        features = (told.get("grounds") or {}).get("features") or {}
        return explanation(self._confidence.model_of(features), told, said, self._fitted)


def make_explainer(database: Database, log: EventLog, fitted: Path) -> Explainer:
    """Over that log, for the fitted models in that folder."""
    confidence = Confidence(load_model(fitted / "confidence.json"), load_model(fitted / "confidence-read.json"))
    return Explainer(TurnFinder(database, log), confidence, fitted_fingerprint(fitted))
