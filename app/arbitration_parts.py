"""Picks who is asked where the check of a phrased sentence is in doubt. Called by bootstrap."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from app.api.container import Part
from app.chat.arbitrate import Arbiter
from app.chat.ports import Entailment

NOBODY = "none"


class EntailmentAdapter(Entailment, Protocol):
    """An entailment model that can say how it is."""

    @property
    def told(self) -> str:
        """Its state for people."""


@dataclass(frozen=True, slots=True)
class Arbitration:
    """Who is asked, if anybody."""

    model: EntailmentAdapter | None = None
    arbiter: Arbiter | None = None

    def parts(self) -> tuple[Part, ...]:
        """The state of the model for /readyz. Never required: without it the check decides alone."""
        return (Part("nli", self.model.available, self.model.told, required=False),) if self.model else ()


@asynccontextmanager
async def open_arbitration(name: str, key: str, timeout_seconds: float) -> AsyncIterator[Arbitration]:
    """The model that a setting names; closed in the end. Raises ConfigurationError for one that is not to be had."""
    model = make_entailment(name, key)
    if model is None:
        yield Arbitration()
        return
    try:
        yield Arbitration(model, Arbiter(model, timeout_seconds))
    finally:
        await model.close()


def make_entailment(name: str, key: str = "") -> EntailmentAdapter | None:
    """`none`, the URL of a service, or a CrossEncoder model, which is loaded now. Raises ConfigurationError."""
    if name == NOBODY:
        return None
    if "://" in name:
        from app.adapters.entailment.service import EntailmentService  # noqa: PLC0415  only where it is wanted

        return EntailmentService(name, key=key)
    from app.adapters.entailment.cross_encoder import CrossEncoderEntailment  # noqa: PLC0415  loads torch

    return CrossEncoderEntailment(name)
