"""A message in the words shops write in, to search with: "tmrw" is tomorrow, 几多钱 is 多少钱.

The embedder knows little of text-speak and dialect. The table (prompts/shared/plain_words.yaml) is data, so that those
who know a language better than we do can mend it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_DROPPED_G = re.compile(
    r"\b(ship|deliver|return|refund|chang|buy|cost|wash|dry|cook|bak|shop|order|track|wait|com|go|mak|try|look|find|gett|"
    r"runn|us|charg|leak|break|smell|fit|wear|work|start|stop|keep|feel|cancel|pay|send|call|bring|tak|ask|driv|walk|fall|"
    r"peel|fad|shrink|sitt|putt|cutt|clean|stor|freez|arriv|expir|hold|build|mix|pour|feed|swapp)in\b'?",
    re.IGNORECASE,
)
"""Stems whose "-in" is a dropped g: a plain rule would make "begin" a "beging"."""


@dataclass(frozen=True, slots=True)
class PlainWords:
    """Both languages' tables, compiled. Without tables every text stays as it is."""

    english: Mapping[str, str] = field(default_factory=dict)
    chinese: Mapping[str, str] = field(default_factory=dict)
    _english: re.Pattern[str] | None = None
    _chinese: re.Pattern[str] | None = None

    @classmethod
    def load(cls, tables: Mapping[str, Mapping[object, object]]) -> PlainWords:
        """From `{en: {said: meant}, zh: {…}}`; the longest entry that matches wins."""
        english = {str(said).lower(): str(meant) for said, meant in tables.get("en", {}).items()}
        chinese = {str(said): str(meant) for said, meant in tables.get("zh", {}).items()}
        return cls(
            english,
            chinese,
            re.compile(rf"(?<![\w'.-])(?:{_longest_first(english)})(?![\w'-])", re.IGNORECASE) if english else None,
            re.compile(_longest_first(chinese)) if chinese else None,
        )

    def of(self, text: str) -> str:
        """The text with what the tables know put plainly; names, numbers and all else untouched."""
        if self._chinese is not None:
            text = self._chinese.sub(lambda found: self.chinese[found.group()], text)
        if self._english is not None:
            text = _DROPPED_G.sub(r"\1ing", text)
            text = self._english.sub(lambda found: self.english[found.group().lower()], text)
        return text


def _longest_first(words: Mapping[str, str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
