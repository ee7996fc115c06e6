"""A shop's brand: its voice, its lines, its languages and hours, as `brand.yaml` states them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

_SIGN_OF_CODE = {"CNY": "¥", "RMB": "¥", "JPY": "¥", "USD": "$", "GBP": "£", "EUR": "€", "HKD": "HK$", "TWD": "NT$"}
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
_CURRENCY_OF_ZONE = {
    "Asia/Shanghai": "¥", "Asia/Hong_Kong": "HK$", "Asia/Taipei": "NT$", "Asia/Tokyo": "¥", "Asia/Singapore": "S$",
    "Europe/London": "£", "Europe/Paris": "€", "Europe/Berlin": "€", "Europe/Madrid": "€", "Europe/Rome": "€",
    "Europe/Amsterdam": "€", "Europe/Dublin": "€", "America/New_York": "$", "America/Chicago": "$",
    "America/Denver": "$", "America/Los_Angeles": "$",
}  # fmt: skip


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
    def currency(self) -> str:
        """Sign of the currency: the key `currency` of brand.yaml, else that of the time zone; "" when unknown."""
        own = self.notes.get("currency")
        return _SIGN_OF_CODE.get(str(own).upper(), str(own)) if own else _CURRENCY_OF_ZONE.get(self.timezone, "")

    @property
    def accent(self) -> str:
        """The brand's colour for the chat window, `accent: "#8b1e3f"` in brand.yaml; "" where it names none."""
        named = str(self.notes.get("accent") or "")
        return named if _COLOUR.fullmatch(named) else ""

    @property
    def timezone(self) -> str:
        """IANA name of the shop's time zone; a date without a time is a day in it."""
        return str(self.service_hours.get("timezone", "Asia/Shanghai"))


def brand_of(raw: Mapping[str, Any], name: str = "") -> Brand:
    """The brand a `brand.yaml` states; what is missing or of the wrong shape falls back, nothing is an error."""
    known = {f for f in Brand.__dataclass_fields__ if f != "notes"}
    languages = tuple(str(code)[:2] for code in _list(raw.get("languages"))) or ("zh", "en")
    default = str(raw.get("default_language") or languages[0])[:2]
    contact = raw.get("contact")
    return Brand(
        name=str(raw.get("name") or name),
        assistant_name=str(raw.get("assistant_name") or ("小二" if default == "zh" else "Xiaoer")),
        languages=languages,
        default_language=default if default in ("zh", "en") else "en",
        tone=str(raw.get("tone") or ""),
        forbidden_words=tuple(str(word) for word in _list(raw.get("forbidden_words"))),
        greeting=_texts(raw.get("greeting")),
        handoff=_texts(raw.get("handoff")),
        service_hours=MappingProxyType(dict(hours))
        if isinstance(hours := raw.get("service_hours"), Mapping)
        else _empty(),
        contact=MappingProxyType(dict(contact)) if isinstance(contact, Mapping) else str(contact or ""),
        notes=MappingProxyType({key: value for key, value in raw.items() if key not in known}),
    )


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _texts(value: object) -> Mapping[str, str]:
    """A mapping of language to text; a bare text counts for both languages."""
    if isinstance(value, Mapping):
        return MappingProxyType({str(key): str(text) for key, text in value.items() if text})
    return MappingProxyType({"zh": str(value), "en": str(value)}) if value else MappingProxyType({})
