"""Read product questions off the product rows: which product, which variant, which attribute, and its value.

A value is looked up, never generated. An attribute the shop has not recorded is found out here too:
"the product is known, that is not written about it" is an answer of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.chat.guard import tries_to_take_over
from app.chat.turn import Citation, Fact, Passage, Question
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.sentences import split_sentences
from app.knowledge.tokenize import words
from app.knowledge.view import KnowledgeView, Product

_LETTER_SIZE = re.compile(r"^(x{0,4}[sl]|m|[2-6]xl|均码|one size)$", re.IGNORECASE)
_COMPARISON = re.compile(
    r"区别|不同|差别|哪个|哪款|哪一?(个|款|种)|对比|比较|相比|还是|更(轻|大|便宜|贵|重|暖|厚|薄|亮|长)|\bvs\b|versus|differen|compare|which (one|is|of|has|holds|weigh)|better|\bor\b|between|(light|heavi|cheap|bright|bigg|warm|long|small|larg)er",
    re.IGNORECASE,
)


_PLAIN_COLUMN_WORDS = re.compile(r"\b(included|rating|type|safe|name|level|notes?|value)\b", re.IGNORECASE)
_TOLD_IN_WORDS = re.compile(r"备注|描述|说明|卖点|特点|description|notes?$|features?$|details?$", re.IGNORECASE)
_SIZE_WORDS = {
    "s": r"\bsmall\b|小码|小号",
    "m": r"\bmedium\b|\bmed\b|中码|中号",
    "l": r"(?<!x-)(?<!extra )(?<!x )\blarge\b|(?<!加)大码|(?<!加)大号",
    "xl": r"\b(extra|x)[- ]large\b|加大码|加大号",
}
_LEVEL = 0.04
"""Retrieval scores this close: a question that compares may mean either product."""


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing shoppers ask about products, how they ask it, and the columns that hold it."""

    name: str
    ask: re.Pattern[str]
    column: re.Pattern[str]
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What a product question came to.

    products   products it is about, best first, with the share of their name that was said (0..1)
    variants   the variants meant, over all products
    concepts   names of what was asked, empty when no known attribute was asked for
    columns    columns that hold it for at least one product
    missing    true when an attribute was clearly asked for and the product has no value for it
    """

    products: tuple[tuple[Product, float], ...]
    variants: tuple[Chunk, ...]
    concepts: tuple[str, ...]
    columns: tuple[str, ...]
    facts: tuple[Fact, ...]
    missing: bool
    compares: bool = False


def load_concepts(raw: Mapping[str, Mapping[str, object]]) -> tuple[Concept, ...]:
    """Concepts from prompts/shared/attributes.yaml, in its order."""
    return tuple(
        Concept(
            name,
            re.compile(str(entry["ask"]), re.IGNORECASE),
            re.compile(str(entry["column"]), re.IGNORECASE),
            bool(entry.get("weak", False)),
        )
        for name, entry in raw.items()
    )


class ProductReader:
    """Reads one shop's product rows for one question. Pure."""

    def __init__(self, concepts: Sequence[Concept]) -> None:
        self._concepts = tuple(concepts)

    def read(self, question: Question, passages: Sequence[Passage], view: KnowledgeView) -> Reading | None:
        """What the question asks of which product, or None when no product is in sight."""
        products = self._products(question, passages, view)
        if not products:
            return None
        text = without_names(question.text, [p for p, _ in products])
        asked = self.asked(text)
        variants = tuple(v for product, _ in products for v in meant_variants(question, product))
        columns = self._columns(text, asked, [p for p, _ in products], variants)
        return Reading(
            products=tuple(products),
            variants=variants,
            concepts=tuple(c.name for c in asked),
            columns=columns,
            facts=facts_of(variants, columns),
            missing=bool(asked) and not columns,
            compares=bool(_COMPARISON.search(question.text)),
        )

    def asked(self, text: str) -> tuple[Concept, ...]:
        """Concepts the text asks for; a weak one only when nothing more telling is there."""
        found = [c for c in self._concepts if c.ask.search(text)]
        strong = [c for c in found if not c.weak]
        return tuple(strong or found)

    def _products(
        self, question: Question, passages: Sequence[Passage], view: KnowledgeView
    ) -> list[tuple[Product, float]]:
        named = [view.by_sku[s] for s in skus_in(question.text, view)]
        if named:
            return [(product, 1.0) for product in {c.group or c.title: view.product_of(c) for c in named}.values()]
        scored = [
            (view.product_of(p.chunk), p.scores.get("name", 0.0), p.scores["score"])
            for p in passages
            if p.chunk.kind is Kind.PRODUCT
        ]
        if not scored:
            return []
        best = max(scored, key=lambda s: s[2] + 0.1 * s[1])
        compares = bool(_COMPARISON.search(question.text))
        close = [
            s
            for s in scored
            if s is best or (compares and (s[2] >= best[2] - _LEVEL or (s[1] >= 0.45 and s[1] >= 0.7 * best[1])))
        ]
        close.sort(key=lambda s: -(s[2] + 0.1 * s[1]))
        return [(product, coverage) for product, coverage, _ in close[:3]]

    def _columns(
        self, text: str, asked: Sequence[Concept], products: Sequence[Product], variants: Sequence[Chunk]
    ) -> tuple[str, ...]:
        """Columns named outright in the question, then those the asked concepts live in; only ones with a value."""
        present = tuple(dict.fromkeys(c for v in variants for c, value in v.attributes.items() if value.strip()))
        outright = [c for c in present if _names_column(text, c, products)]
        outright += [c for c in present if _TOLD_IN_WORDS.search(c) and _shares_word(text, c, variants)]
        by_concept = [c for concept in asked for c in present if concept.column.search(c)]
        return tuple(dict.fromkeys([*outright, *by_concept]))[:4]


def facts_of(variants: Iterable[Chunk], columns: Sequence[str]) -> tuple[Fact, ...]:
    """One fact per variant and column that has a value; of a text that gives orders to the attendant, what is before."""
    return tuple(
        _fact(variant, column, value)
        for column in columns
        for variant in variants
        if (value := _honest(variant.attributes.get(column, "").strip()))
    )


def _honest(value: str) -> str:
    """The value up to the first sentence that tries to take over: a product's description is anybody's text."""
    if not tries_to_take_over(value):
        return value
    hostile = next((s for s in split_sentences(value) if tries_to_take_over(s)), value)
    before = value[: value.find(hostile)].strip() if hostile in value else ""
    return "" if tries_to_take_over(before) else before


def _fact(variant: Chunk, column: str, value: str) -> Fact:
    elsewhere = variant.attribute_paths.get(column)
    if elsewhere is None:
        return Fact(variant.title, column, value, variant.path, variant.locator, document_id=variant.document_id)
    row = Citation(variant.path, variant.locator, variant.document_id, variant.title)
    named = variant.attribute_locators.get(column, "")
    return Fact(variant.title, column, value, elsewhere, variant.locator, named, row)


def meant_variants(question: Question, product: Product) -> tuple[Chunk, ...]:
    """Variants whose option values the question names (else the history, else all)."""
    for text in (
        question.text,
        *(m.text for m in reversed(question.history) if question.signals.get("depends", 0) > 0),
    ):
        narrowed = _narrow(text, product)
        if len(narrowed) < len(product.variants):
            return narrowed
    return product.variants


def _narrow(text: str, product: Product) -> tuple[Chunk, ...]:
    variants = product.variants
    for column in product.options:
        said = [
            v
            for v in variants
            if (value := v.attributes.get(column, "").strip()) and len(value) <= 40 and says_value(text, value)
        ]
        if said:
            longest = max(len(v.attributes[column]) for v in said)
            variants = tuple(v for v in said if len(v.attributes[column]) == longest)
    return variants


def says_value(text: str, value: str) -> bool:
    """Whether the text names an option value: a letter size as a size, a word as a word, Chinese as a substring."""
    low, wanted = text.casefold(), value.casefold()
    if _LETTER_SIZE.match(value):
        if re.search(_SIZE_WORDS.get(wanted, r"(?!)"), low):
            return True
        exact = re.search(rf"(?<![A-Za-z0-9'’]){re.escape(value)}(?![A-Za-z0-9'’])", text)
        loose = re.search(
            rf"(?<![a-z0-9'’]){re.escape(wanted)}\s*(码|号|size)|size\s*{re.escape(wanted)}(?![a-z0-9])", low
        )
        return bool(exact or loose)
    if wanted.isascii():
        return bool(re.search(rf"(?<![a-z0-9.]){re.escape(wanted)}(?![a-z0-9])", low))
    core = re.sub(r"[（(].*?[)）]", "", wanted).strip()
    short = core[:-1] if len(core) > 1 and core.endswith("色") else core
    return bool(short) and (core in low or (len(short) >= 2 and short in low))


def skus_in(text: str, view: KnowledgeView) -> list[str]:
    """SKUs of this shop that the text names, in any case."""
    candidates = re.findall(r"[A-Za-z0-9][A-Za-z0-9._/-]{2,40}", text)
    return [key for c in candidates if (key := c.casefold().strip("._/-")) in view.by_sku]


def without_names(text: str, products: Sequence[Product]) -> str:
    """The question less the product's own name, so that a "wool blanket" does not ask for its material."""
    for product in products:
        for part in _name_parts(product.name):
            text = re.sub(re.escape(part), " ", text, flags=re.IGNORECASE)
    return text


@lru_cache(maxsize=4096)
def _name_parts(name: str) -> tuple[str, ...]:
    """The name, its words between spaces and brackets, and (Chinese) runs cut by the tokenizer; longest first."""
    parts = {name, *re.split(r"[\s·/()（）【】,，-]+", name)}
    parts |= {w for w in words(name) if not w.isascii() and len(w) >= 2}
    return tuple(sorted((p for p in parts if len(p) >= 2), key=len, reverse=True))


def _shares_word(text: str, column: str, variants: Sequence[Chunk]) -> bool:
    """Whether what the shop wrote in the column speaks of something the question asks about."""
    asked = {w for w in words(text) if len(w) >= (3 if w.isascii() else 2)}
    return any(asked & set(words(v.attributes.get(column, ""))) for v in variants)


def _names_column(text: str, column: str, products: Sequence[Product]) -> bool:
    """Whether the question says the column's name: all its telling words, or the name itself."""
    bare = re.sub(r"[（(\[].*?[)）\]]", "", column).strip()
    bare = re.sub(r"^是否(可|能|支持|含|有)?|^(variant|option\d?) ", "", bare, flags=re.IGNORECASE)
    if len(bare) >= 2 and not bare.isascii() and bare in text:
        return True
    squeezed = re.sub(r"\s+|-", "", _PLAIN_COLUMN_WORDS.sub("", bare)).casefold()
    if len(squeezed) >= 6 and bare.isascii() and squeezed in re.sub(r"\s+|-", "", text).casefold():
        return True
    told = set(words(bare))
    return bool(told) and bare.isascii() and len(bare) > 3 and told <= set(words(text))
