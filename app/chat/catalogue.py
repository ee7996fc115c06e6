"""The products of one release by their words: which a question could mean together, and how much a row speaks of it."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass

from app.chat.quantities import plain
from app.chat.variants import option_columns
from app.knowledge.stem import stem
from app.knowledge.tokenize import words
from app.knowledge.view import KnowledgeView, Product

_HAN = re.compile(r"[\u3400-\u9fff]+")
_TOKEN = re.compile(r"(?<![\d.])[a-z]{2,}|(\d+(?:\.\d+)?)[a-z]*")
_LATIN = re.compile(r"[A-Za-z]{3,}")
_TELLING = 0.35
"""Share of the best product's matched weight that another must reach to be meant too."""
_LEAST_WITHIN = 4
"""English letters that may stand for the end or the beginning of a joined name: "nest" for Cloudnest."""
_KEPT = 4096


@dataclass(frozen=True, slots=True)
class _Words:
    """Words, and the same between blanks for finding what they begin and end with."""

    all: frozenset[str]
    spaced: str

    def have(self, word: str) -> bool:
        """Whether the word stands there, or an English word of some length begins or ends one that does."""
        if word in self.all:
            return True
        if len(word) < _LEAST_WITHIN or not (word.isascii() and word.isalpha()):
            return False
        return f" {word}" in self.spaced or f"{word} " in self.spaced


def _words_of(found: frozenset[str]) -> _Words:
    return _Words(found, f" {' '.join(sorted(found))} ")


class Catalogue:
    """Built once per release; finding costs in proportion to the products that share a part with the question."""

    def __init__(self, view: KnowledgeView) -> None:
        self._view = view
        self._products = list(view.products.values())
        self._having: dict[str, set[int]] = defaultdict(set)
        for number, product in enumerate(self._products):
            section = product.variants[0].section.rpartition(">")[2]
            for part in parts_of(f"{product.name} {section} {product.variants[0].attributes.get('Type', '')}"):
                self._having[part].add(number)
        total = max(len(self._products), 2)
        self._weights = {part: math.log(1 + total / len(having)) for part, having in self._having.items()}
        self._bodies: dict[str, _Words] = {}
        self._names: dict[str, _Words] = {}

    def said(self, text: str) -> dict[int, frozenset[str]]:
        """Product number → the parts of its name that the text says."""
        found: dict[int, set[str]] = defaultdict(set)
        for part in parts_of(text):
            for known in [part] if part in self._having else self._joined(part):
                for number in self._having[known]:
                    found[number].add(known)
        return {number: frozenset(parts) for number, parts in found.items()}

    def family(self, text: str, best: Product, limit: int) -> list[Product]:
        """The products a comparing question means: of those that say a part of it, none that another says more of.

        "明前和雨前" means both, for each says a part that the other has not; "两个养生壶" means every one of that name.
        """
        said = {n: parts for n, parts in self.said(text).items() if self._is_kin(self._products[n], best)}
        weight = {n: sum(self._weights[p] for p in parts) for n, parts in said.items()}
        most = max(weight.values(), default=0.0)
        distinct = set(said.values())
        widest = [
            n
            for n, parts in said.items()
            if weight[n] >= _TELLING * most and not any(parts < other for other in distinct)
        ]
        widest.sort(key=lambda n: (-weight[n], self._products[n].group != best.group))
        chosen = [self._products[n] for n in widest[:limit]]
        return chosen if len(widest) <= 2 * limit else chosen[: min(limit, 3)]

    def body_share(self, text: str, product: Product) -> float:
        """Share of the question's words, by how much they tell, that stand in the product's rows."""
        body = self._bodies.get(product.group)
        if body is None:
            held = frozenset().union(*(self._view.chunk_words[v.chunk_id] for v in product.variants))
            body = _keep(self._bodies, product.group, _words_of(held))
        asked = set(words(text))
        total = self._view.weights.total(asked)
        return self._view.weights.total(w for w in asked if body.have(w)) / total if total else 0.0

    def without_options(self, text: str, product: Product) -> str:
        """The text less the English words that are, begin or end a word of the name or of an option: they say which
        product is meant, not what is asked of it.
        """
        named = self._names.get(product.group)
        if named is None:
            options = option_columns(product)
            told = {product.name, *(v.attributes.get(c, "") for c in options for v in product.variants)}
            named = _keep(self._names, product.group, _words_of(frozenset(w for text in told for w in words(text))))
        return _LATIN.sub(lambda m: " " if named.have(stem(m.group().casefold())) else m.group(), text)

    @staticmethod
    def _is_kin(product: Product, best: Product) -> bool:
        """Whether two products are of one section, where the shop has sections."""
        sections = product.variants[0].section, best.variants[0].section
        return sections[0] == sections[1] or not all(sections)

    def _joined(self, part: str) -> list[str]:
        if not part.isascii() or not part.isalpha() or len(part) < _LEAST_WITHIN:
            return []
        return [known for known in self._having if len(known) > len(part) and known.endswith(part)]


def _keep(kept: dict[str, _Words], group: str, found: _Words) -> _Words:
    """Remember what was read of a product, not of endlessly many."""
    if len(kept) >= _KEPT:
        kept.clear()
    kept[group] = found
    return found


def parts_of(text: str) -> set[str]:
    """Chinese character pairs, English stems, and numbers, also with the letters that stand on them ("3l")."""
    low = plain(text)
    pairs = {run[i : i + 2] for run in _HAN.findall(low) for i in range(len(run) - 1)}
    tokens = {stem(m.group()) for m in _TOKEN.finditer(low)} | {m[1] for m in _TOKEN.finditer(low) if m[1]}
    return pairs | {t for t in tokens if len(t) > 1 and t not in _COMPARING}


_COMPARING = frozenset(
    map(
        stem,
        re.findall(
            r"\w+",
            "long last light heavy less more cheap big small full best better which the and for with how much many "
            "does what is are of or in on to my it can you your do be have has one two both",
        ),
    )
)
