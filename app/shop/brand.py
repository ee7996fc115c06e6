"""A shop's brand: its voice, its lines, its languages and hours, as `brand.yaml` states them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Brand:
    """What `brand.yaml` says. Keys we do not know are kept in `notes`, for the prompt; they are never an error."""

    name: str
    assistant_name: str = "小二"
    languages: tuple[str, ...] = ("zh", "en")
    default_language: str = "zh"
    tone: str = ""
    forbidden_words: tuple[str, ...] = ()
    greeting: Mapping[str, str] = field(default_factory=_empty)
    handoff: Mapping[str, str] = field(default_factory=_empty)
    service_hours: Mapping[str, Any] = field(default_factory=_empty)
    contact: Mapping[str, Any] | str = ""
    notes: Mapping[str, Any] = field(default_factory=_empty)

    @property
    def timezone(self) -> str:
        """IANA name of the shop's time zone; a date without a time is a day in it."""
        return str(self.service_hours.get("timezone", "Asia/Shanghai"))
