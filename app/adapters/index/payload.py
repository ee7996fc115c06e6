"""How a point's plain fields are stored beside its vectors: the same words in both Qdrant adapters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.knowledge.ports import IndexPoint, PointSpan

DENSE = "dense"
TERMS = "terms"
HIT_FIELDS = ["chunk_id", "aspect", "ordinal"]
SPAN_FIELDS = ["chunk_id", "from_release", "to_release"]
KEYWORD_FIELDS = ("shop", "kind", "chunk_id")
INTEGER_FIELDS = ("from_release", "to_release")
FLOAT_FIELDS = ("valid_from", "valid_until")

_ALWAYS = 1e15
"""Seconds beyond any date: an open bound is stored as a number, so that one plain range filter is enough."""


def payload_of(point: IndexPoint) -> dict[str, str | int | float]:
    """Everything of a point but its vectors."""
    return {
        "shop": point.shop,
        "chunk_id": point.chunk_id,
        "kind": point.kind,
        "aspect": point.aspect,
        "ordinal": point.ordinal,
        "from_release": point.from_release,
        "to_release": point.to_release,
        "valid_from": -_ALWAYS if point.valid_from_seconds is None else point.valid_from_seconds,
        "valid_until": _ALWAYS if point.valid_until_seconds is None else point.valid_until_seconds,
    }


def span_of(point_id: str, payload: Mapping[str, Any]) -> PointSpan:
    """A point without its vectors, from its stored fields."""
    return PointSpan(point_id, payload["chunk_id"], int(payload["from_release"]), int(payload["to_release"]))
