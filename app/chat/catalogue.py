"""The product names of one release by their parts: which products a question's words could mean together."""

from __future__ import annotations

import math
import re
from collections import defaultdict

from app.chat.quantities import plain
from app.knowledge.stem import stem
from app.knowledge.tokenize import words
from app.knowledge.view import KnowledgeView, Product

_HAN = re.compile(r"[\u3400-\u9fff]+")
_TELLING = 0.35
"""Share of the best product's matched weight that another must reach to be meant too."""
_LEAST_WITHIN = 4
"""English letters that may stand for the end or the beginning of a joined name: "nest" for Cloudnest."""


class Catalogue:
    """Built once per release; finding costs in proportion to the products that share a part with the question."""

    def __init__(self, view: KnowledgeView) -> None:
        self._products = list(view.products.values())
        self._having: dict[str, set[int]] = defaultdict(set)
        for number, product in enumerate(self._products):
            section = product.variants[0].section.rpartition(">")[2]
            for part in parts_of(f"{product.name} {section} {product.variants[0].attributes.get('Type', '')}"):
                self._having[part].add(number)
        total = max(len(self._products), 2)
        self._weights = {part: math.log(1 + total / len(having)) for part, having in self._having.items()}

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
        widest = [
            n
            for n, parts in said.items()
            if weight[n] >= _TELLING * most and not any(parts < other for other in said.values())
        ]
        widest.sort(key=lambda n: (-weight[n], self._products[n].group != best.group))
        chosen = [self._products[n] for n in widest[:limit]]
        return chosen if len(widest) <= 2 * limit else chosen[: min(limit, 3)]

    @staticmethod
    def _is_kin(product: Product, best: Product) -> bool:
        """Whether two products are of one section, where the shop has sections."""
        sections = product.variants[0].section, best.variants[0].section
        return sections[0] == sections[1] or not all(sections)

    def _joined(self, part: str) -> list[str]:
        if not part.isascii() or not part.isalpha() or len(part) < _LEAST_WITHIN:
            return []
        return [known for known in self._having if len(known) > len(part) and known.endswith(part)]


def parts_of(text: str) -> set[str]:
    """Chinese character pairs, English stems, and numbers with their units."""
    low = plain(text)
    pairs = {run[i : i + 2] for run in _HAN.findall(low) for i in range(len(run) - 1)}
    return pairs | {w for w in words(low) if w.isascii() and len(w) > 1 and w not in _COMPARING}


_COMPARING = frozenset(
    map(stem, re.findall(r"\w+", "long last light heavy less more cheap big small full best better which"))
)
