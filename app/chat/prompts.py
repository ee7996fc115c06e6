"""The prompts, which are text files: shared rules, tasks, and what a brand adds. Read once, then kept."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from app.errors import ConfigurationError
from app.shop.brand import Brand

_PLACE = re.compile(r"\{([a-z_]+)\}")
LONGEST_TONE = 80
"""Characters of the brand's tone that go into the fixed prefix."""


class Prompts:
    """Prompts under one directory: shared/, tasks/ and brands/<brand>/, each file `name.zh.md` or `name.en.md`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._text = lru_cache(maxsize=256)(self._read)
        self._rules = lru_cache(maxsize=256)(self._read_rules)

    def rules(self, brand: Brand, language: str) -> str:
        """The fixed prefix of every prompt of this brand and language: it must not change between turns."""
        return self._rules(brand.name, brand.assistant_name, brand.tone[:LONGEST_TONE], language)

    def examples(self, language: str) -> tuple[tuple[str, str], ...]:
        """(task, reply) pairs that show a small model what is wanted; part of the fixed prefix, so nearly free."""
        blocks = self._text("shared", "examples", language).split("\n===\n")
        pairs = (block.partition("\n---\n") for block in blocks if "\n---\n" in block)
        return tuple((asked.strip(), answered.strip()) for asked, _, answered in pairs)

    def task(self, name: str, language: str, **values: str) -> str:
        """A task's text with its places filled. What is filled in is never filled again."""
        return _fill(self._text("tasks", name, language), values)

    def _read_rules(self, shop: str, assistant: str, tone: str, language: str) -> str:
        text = self._text("shared", "rules", language)
        filled = _fill(text, {"shop": shop, "assistant": assistant, "tone": tone})
        own = self._directory / "brands" / _folder(shop) / f"rules.{language}.md"
        return f"{filled}\n{own.read_text(encoding='utf-8').strip()}" if own.is_file() else filled

    def _read(self, folder: str, name: str, language: str) -> str:
        path = self._directory / folder / f"{name}.{language}.md"
        if not path.is_file():
            path = self._directory / folder / f"{name}.en.md"
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigurationError(f"The prompt {path} cannot be read: {error}.") from error


def _fill(text: str, values: dict[str, str]) -> str:
    return _PLACE.sub(lambda match: values.get(match[1], match.group()), text)


def _folder(name: str) -> str:
    """A brand's folder name: no separators, so that no name leads out of the prompts."""
    return re.sub(r"[^\w-]+", "-", name).strip("-").lower() or "-"
