"""Fixed lines: what is said without a model, by reason code, in the shopper's language and the brand's voice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from app.errors import ConfigurationError
from app.shop.brand import Brand

_PLACE = re.compile(r"\{([a-z_]+)\}")
_BRAND_WORDS = {"anger": "angry", "sensitive_topic": "sensitive", "tool_failed": "order", "asked_for_human": "asked"}
"""Reason code → the word a brand.yaml uses for it (`zh_angry`)."""

Texts = Mapping[str, Mapping[str, Mapping[str, str]]]
"""group → name → language → line"""


class Lines:
    """The lines of prompts/shared/lines.yaml, with a brand's own in their place where it has them."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    @classmethod
    def load(cls, path: Path) -> Lines:
        """Read and check a lines file. Raises ConfigurationError, naming the key, when one lacks a language."""
        texts = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group, lines in texts.items():
            for name, line in lines.items():
                if not (isinstance(line, dict) and line.get("zh") and line.get("en")):
                    raise ConfigurationError(f"{path.name}: {group}.{name} needs a line in zh and in en.")
        return cls(texts)

    def say(self, key: str, language: str, brand: Brand, **values: str) -> str:
        """The line for a key such as "handoff.low_confidence". Raises KeyError for a key that no file has.

        Placeholders are filled once: what comes in through `values` or the brand is never filled again.
        """
        group, _, name = key.partition(".")
        if own := self._own(group, name, language, brand):
            return own
        line = self._texts[group][name]
        text = line.get(language) or line.get(brand.default_language) or line["en"]
        known = {"shop": brand.name, "assistant": brand.assistant_name, **values}

        def fill(match: re.Match[str]) -> str:
            if match[1] == "handoff":
                return self._handoff(language, brand)
            return known.get(match[1], match.group())

        return _PLACE.sub(fill, text).strip()

    def _handoff(self, language: str, brand: Brand) -> str:
        own = brand.handoff.get(language)
        return str(own) if own else str(self._texts["handoff"]["default"].get(language, ""))

    @staticmethod
    def _own(group: str, name: str, language: str, brand: Brand) -> str:
        """The brand's own line for that very reason; its general hand-over line is filled into ours instead."""
        if group == "smalltalk" and name == "greeting":
            return str(brand.greeting.get(language, ""))
        if group != "handoff":
            return ""
        if name == "default":
            return str(brand.handoff.get(language, ""))
        for word in (name, _BRAND_WORDS.get(name, name)):
            if own := brand.handoff.get(f"{language}_{word}"):
                return str(own)
        return ""
