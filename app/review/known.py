"""What the shop says in public, so that nobody takes it for somebody's personal data."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.knowledge.chunk import Chunk
from app.shop.brand import Brand

_WORD = re.compile(r"[^\W\d_][\w'’-]*[^\W\d_]")
_NUMBER = re.compile(r"[A-Za-z]*[-_]?\d[\dA-Za-z ()+.-]{3,}\d")
_HAN = re.compile(r"[㐀-鿿]")
_LEAST_DIGITS = 4


class PublicWords:
    """The words, numbers and names of a brand and of a release's chunks. Call it with a value."""

    def __init__(self, brand: Brand, chunks: Iterable[Chunk]) -> None:
        told = [str(value) for value in _leaves([brand.name, brand.assistant_name, brand.contact, brand.notes])]
        for chunk in chunks:
            told += [chunk.title, chunk.text, chunk.locator, *chunk.phrasings, *map(str, chunk.attributes.values())]
        text = "\n".join(told)
        self._han = text if _HAN.search(text) else ""
        self._words = {word for word in _WORD.findall(text) if not word.islower()}
        self._numbers = {digits for found in _NUMBER.findall(text) if len(digits := _bare(found)) >= _LEAST_DIGITS}
        self._lower = text.casefold()

    def __call__(self, value: str) -> bool:
        """Whether the shop says it itself."""
        if _HAN.search(value):
            return len(value) > 1 and value in self._han
        if any(c.isdigit() for c in value):
            return (len(bare := _bare(value)) >= _LEAST_DIGITS and bare in self._numbers) or value.casefold() in (
                self._lower if len(value) > _LEAST_DIGITS + 4 else ()
            )
        if "@" in value:
            return value.casefold() in self._lower
        return all(word in self._words for word in _WORD.findall(value)) and bool(_WORD.search(value))


def _bare(number: str) -> str:
    return re.sub(r"[^0-9a-z]", "", number.casefold())


def _leaves(value: object) -> Iterable[object]:
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _leaves(part)
    elif hasattr(value, "values"):
        for part in value.values():
            yield from _leaves(part)
    else:
        yield value
