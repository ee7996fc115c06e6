"""A shop's certificate: up to which share of its sent answers may be wrong, and from which confidence that holds. Pure.

`xiaoer calibrate` makes one (eval/certify.py has the statistics), the server reads it. It speaks of an embedder, of
fitted models and of a lineage of releases, and is stale for any other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

DEFAULT_ALPHA = 0.05
"""The limit that is looked at where the owner has chosen none."""
DRIFT_ALLOWED = 0.2
"""Share of the knowledge that may have changed since, before a certificate no longer speaks of it."""
EVERYTHING = "all"
_DIGEST_CHARACTERS = 10


class Stale(StrEnum):
    """Why a certificate is no longer good."""

    EMBEDDER = "embedder"
    MODEL = "model"
    KNOWLEDGE = "knowledge"


@dataclass(frozen=True, slots=True)
class Group:
    """One group of answers and its certified threshold.

    name       "language/kind", or "all" for whatever has no group of its own
    threshold  confidence from which its answers are covered; None = the labels support none
    sent       labelled answers at or above it, `wrong` of them wrong
    bound      exact upper bound of the wrong-answer rate among them
    labels     labelled answers of the group in all
    missing    how many more sent answers it takes, if they go as the ones before; 0 = enough
    """

    name: str
    threshold: float | None
    sent: int = 0
    wrong: int = 0
    bound: float = 1.0
    labels: int = 0
    missing: int = 0

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Level:
    """What is certified for one limit α: groups, and the share of in-scope questions that are then answered."""

    alpha: float
    groups: tuple[Group, ...]
    answered: float
    why_pooled: str = ""

    @property
    def holds(self) -> bool:
        """Whether anything can be answered under it."""
        return any(group.threshold is not None for group in self.groups)

    def threshold(self, kind: str, language: str) -> float | None:
        """From which confidence an answer of that kind and language is covered; None = none is."""
        by_name = {group.name: group for group in self.groups}
        group = by_name.get(f"{language}/{kind}") or by_name.get(EVERYTHING)
        return group.threshold if group else None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "alpha": self.alpha,
            "holds": self.holds,
            "answered": self.answered,
            "why_pooled": self.why_pooled,
            "groups": [group.as_json() for group in self.groups],
        }


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a certificate speaks of. `chunks` are digests of the contents of the release it was made on."""

    embedder: str
    model: str
    release: int
    chunks: frozenset[str]
    answers: str = "none"
    """The language model that phrased the labelled answers"""


@dataclass(frozen=True, slots=True)
class Certificate:
    """See the top of this file. `told` is the rest, for people: curve, reliability, errors, suite.

    watched  names of features; `rows` are their values over the labelled questions, each after its confidence
    """

    id: str
    shop: str
    made_at: datetime
    delta: float
    lineage: Lineage
    levels: tuple[Level, ...]
    watched: tuple[str, ...] = ()
    rows: tuple[tuple[float, ...], ...] = ()
    told: Mapping[str, Any] = field(default_factory=dict)

    def level(self, alpha: float) -> Level | None:
        """What is certified for that limit; None for one that was not looked at."""
        return next((level for level in self.levels if abs(level.alpha - alpha) < 1e-9), None)

    def stale(self, embedder: str, model: str, chunks: Collection[str]) -> Stale | None:
        """Why it does not speak of a shop that is in that state; None when it does."""
        if embedder != self.lineage.embedder:
            return Stale.EMBEDDER
        if model != self.lineage.model:
            return Stale.MODEL
        return Stale.KNOWLEDGE if self.drift(chunks) > DRIFT_ALLOWED else None

    def drift(self, chunks: Collection[str]) -> float:
        """Share of the knowledge, then and now taken together, that only one of the two has; 0..1."""
        now = {digest(content_hash) for content_hash in chunks}
        either = now | self.lineage.chunks
        return len(now ^ self.lineage.chunks) / len(either) if either else 0.0

    def as_json(self) -> dict[str, Any]:
        """Plain values, as they lie on disk."""
        return {
            "id": self.id,
            "shop": self.shop,
            "made_at": self.made_at.isoformat(),
            "delta": self.delta,
            "lineage": {
                "embedder": self.lineage.embedder,
                "model": self.lineage.model,
                "release": self.lineage.release,
                "answers": self.lineage.answers,
                "chunks": sorted(self.lineage.chunks),
            },
            "levels": [level.as_json() for level in self.levels],
            "watched": list(self.watched),
            "rows": [list(row) for row in self.rows],
            "told": dict(self.told),
        }


def digest(content_hash: str) -> str:
    """A content hash, shortened: a certificate names thousands."""
    return content_hash[:_DIGEST_CHARACTERS]


def certificate_of(raw: Mapping[str, Any]) -> Certificate:
    """The certificate that `as_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
    lineage = raw["lineage"]
    return Certificate(
        id=str(raw["id"]),
        shop=str(raw["shop"]),
        made_at=datetime.fromisoformat(raw["made_at"]),
        delta=float(raw["delta"]),
        lineage=Lineage(
            str(lineage["embedder"]),
            str(lineage["model"]),
            int(lineage["release"]),
            frozenset(map(str, lineage["chunks"])),
            str(lineage.get("answers", "none")),
        ),
        levels=tuple(_level(level) for level in raw["levels"]),
        watched=tuple(map(str, raw["watched"])),
        rows=tuple(tuple(map(float, row)) for row in raw["rows"]),
        told=dict(raw["told"]),
    )


def _level(raw: Mapping[str, Any]) -> Level:
    groups: Sequence[Mapping[str, Any]] = raw["groups"]
    return Level(
        float(raw["alpha"]),
        tuple(Group(**group) for group in groups),
        float(raw["answered"]),
        str(raw.get("why_pooled", "")),
    )
