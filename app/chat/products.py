"""Read product questions off the product rows: which products, which variants, which attributes, and their values.

A value is looked up, never generated. An attribute the shop has not recorded is found out here too:
"the product is known, that is not written about it" is an answer of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from weakref import WeakKeyDictionary

from app.chat.catalogue import Catalogue
from app.chat.compare import chosen_by_extreme
from app.chat.concepts import TOLD_IN_WORDS, Asked, Concept, asked_concepts, columns_for, load_concepts, shares_words
from app.chat.guard import tries_to_take_over
from app.chat.quantities import asked_dimensions, dimensions
from app.chat.say_value import YES_NO_QUESTION, says_yes_or_no
from app.chat.sizes import states_a_measure
from app.chat.turn import Citation, Fact, Passage, Question
from app.chat.variants import meant, meant_variants, says_value
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.sentences import split_sentences
from app.knowledge.tokenize import words
from app.knowledge.view import KnowledgeView, Product

__all__ = [
    "Concept", "ProductReader", "Reading", "facts_of", "load_concepts", "meant_variants", "says_value", "skus_in",
    "without_name", "without_names",
]  # fmt: skip

COMPARES = re.compile(
    r"区别|不同|差别|哪个|哪款|哪一?(个|款|种|套|台|把|条|双|瓶|件|张)|对比|比较|相比|还是|一样|相差|差(几|多少|好多)|分别|各(是|要|多|几)|"
    r"两(个|款|种|套|台|把|条|双|瓶|件|支)|(仨|三)(个|款|种)?|更(轻|大|便宜|贵|重|暖|厚|薄|亮|长|高|久|静)|最(轻|大|小|便宜|贵|重|沉|暖|厚|薄|亮|长|高|久|静)|"
    r"(比|跟|和|与).{1,16}(轻|大|小|便宜|贵|重|沉|暖|厚|薄|亮|长|高|久|静|好)|"
    r"\bvs\b|versus|differen|compare|which (one|is|of|has|holds|weigh|charges|lasts)|better|\bor\b|between|\bboth\b|\bsame\b|"
    r"(light|heavi|cheap|bright|bigg|warm|long|small|larg|quiet|strong|tall|thick)e(r|st)\b|\b(more|less|most|least)\b",
    re.IGNORECASE,
)
MANY = re.compile(
    r"哪(个|款|种|套|台|把|条|双|瓶|件)?.{0,4}最|最.{1,4}的?是?(哪|谁)|有(哪些|几款)|最(便宜|贵|轻|重|沉|大|小|长|久|亮|静)|(仨|三)(个|款|种)?|"
    r"\b(cheap|light|heavi|bright|bigg|warm|long|small|larg|quiet|strong|tall|thick)est\b|\b(most|least)\b|\bwhich\b",
    re.IGNORECASE,
)
"""A question over a whole family of products, not over two."""
_PARTS_ALONE = re.compile(
    r"单(独)?(买|卖|配|售)|另配|换(一)?(块|个|根|条|张|片).{1,5}(多少|几)|sold (solo|alone)|替换|配件|备用|\bspare|replacement|on its own|separately",
    re.IGNORECASE,
)
"""What is asked is a part of the product, which its row says nothing about."""
_INTRODUCE = re.compile(
    r"介绍|怎么样|咋样|好不好|好用|了解|看看|说说|推荐|tell me|\babout\b|what.s (it|this|that)|\binfo|details|describe"
    r"|recommend|look at|any good",
    re.IGNORECASE,
)
_EMPTY = re.compile(
    r"[\W\d]+|[a-z0-9]*\d[a-z0-9-]*|这个|那个|这款|那款|一款|有吗|sku|one|want|like|look|please|need|got|have",
    re.IGNORECASE,
)
_AS_BEFORE = re.compile(
    r"[呢咧嘞捏的那也都又码号色米]|[一二三四五六七八九十百两半]+米?|一样|size|colou?r|n|ok|same|about|what|how|in|on|too|then",
    re.IGNORECASE,
)
"""Words (or their stems) of a message that only says of which variant it asks what was asked before"""
_ASKS_WHICH = re.compile(r"\b(how|which|what|when|where)\b|多少|几|哪|什么|啥", re.IGNORECASE)
_BEGINS_YES_NO = re.compile(r"\W*(is|are|can|could|do|does|did|will|would|has|have)\b", re.IGNORECASE)
_FOREIGN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{4,}(?![A-Za-z0-9])|(?<![A-Za-z0-9])[A-Z]{3,}(?![A-Za-z0-9])")
_FEW, _FAMILY = 3, 6
_LONG_TEXT = 100
_NAME, _BODY = 0.05, 0.2
"""What the share of the name that was said, and of the question that the row speaks of, add to retrieval's score."""
_LEVEL = 0.04
"""Retrieval scores this close: a question that compares may mean either product."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a product question came to.

    products   products it is about, best first, with the share of their name that was said (0..1)
    variants   the variants meant, over all products
    concepts   names of what was asked, empty when no known attribute was asked for
    columns    columns that hold it for at least one product
    missing    true when an attribute was clearly asked for and the product has no value for it
    compares   whether values are to be held against each other
    introduces whether the product itself is asked for, by its name or SKU alone or "tell me about": a question for
               something its row does not speak of is not answered with what the row does say
    alone      reads the question as being about one other product alone; looked at only where that one is chosen
    """

    products: tuple[tuple[Product, float], ...]
    variants: tuple[Chunk, ...]
    concepts: tuple[str, ...]
    columns: tuple[str, ...]
    facts: tuple[Fact, ...]
    missing: bool
    compares: bool = False
    introduces: bool = True
    alone: Callable[[Product], Reading] | None = field(default=None, compare=False, repr=False)

    def about(self, product: Product) -> Reading | None:
        """The reading that speaks of this product: this one, or the one it would be alone."""
        if any(read.group == product.group for read, _ in self.products):
            return self
        return self.alone(product) if self.alone else None


class ProductReader:
    """Reads one shop's product rows for one question. Pure; keeps of a release the words of its product names."""

    def __init__(self, concepts: Sequence[Concept]) -> None:
        self._concepts = tuple(concepts)
        self._colours = tuple(pair for c in self._concepts if c.name == "color" for pair in c.families)
        self._catalogues: WeakKeyDictionary[KnowledgeView, Catalogue] = WeakKeyDictionary()

    def read(self, question: Question, passages: Sequence[Passage], view: KnowledgeView) -> Reading | None:
        """What the question asks of which product, or None when no product is in sight."""
        products = self._products(question, passages, view)
        if not products:
            return None
        reading = self._of(question, products, view)
        return replace(reading, alone=lambda product: self._of(question, [(product, 0.0)], view))

    def asked(self, text: str) -> tuple[Concept, ...]:
        """Concepts the text asks for; a weak one only when nothing more telling is there."""
        return asked_concepts(text, self._concepts)

    def _of(
        self,
        question: Question,
        products: Sequence[tuple[Product, float]],
        view: KnowledgeView,
    ) -> Reading:
        text = without_names(question.text, [p for p, _ in products])
        asked = self.asked(text)
        if not asked and (before := self._left_out(question, products, view)):
            text, asked = before, self.asked(before)
        variants: list[Chunk] = []
        facts: list[Fact] = []
        columns: dict[str, None] = {}
        extreme = chosen_by_extreme(question.text, [product for product, _ in products])
        for product, _ in products:
            rows, narrowed = meant(question, product, self._colours)
            telling = _less(self._catalogue(view).without_options(text, product), rows, narrowed)
            of_product = Asked(text, question.text, asked, narrowed, states_a_measure(question.text), telling)
            found = () if _PARTS_ALONE.search(text) else columns_for(of_product, rows, view.weights)
            if extreme and product is not extreme[0]:
                found = tuple(c for c in found if c == extreme[1])
            if _wants_what_nobody_wrote(telling, asked, rows, found, view):
                found = ()
            variants += rows
            facts += [_telling_part(fact, text) for fact in facts_of(rows, found)]
            columns |= dict.fromkeys(found)
        return Reading(
            products=tuple(products),
            variants=tuple(variants),
            concepts=tuple(c.name for c in asked),
            columns=tuple(columns),
            facts=tuple(facts),
            missing=bool(asked) and not columns,
            compares=bool(COMPARES.search(question.text)),
            introduces=introduces(text),
        )

    def _left_out(self, question: Question, products: Sequence[tuple[Product, float]], view: KnowledgeView) -> str:
        """What the shopper asked before, where the message only says of which variant it asks the same ("and in XL?");
        else nothing."""
        if not question.leans or not question.asked_before:
            return ""
        product = products[0][0]
        rows, narrowed = meant(replace(question, history=()), product, self._colours)
        text = without_names(question.text, [product])
        rest = _less(self._catalogue(view).without_options(text, product), rows, narrowed)
        if not narrowed or not all(_EMPTY.fullmatch(w) or _AS_BEFORE.fullmatch(w) for w in words(rest)):
            return ""
        return without_names(question.asked_before, [product])

    def _products(
        self, question: Question, passages: Sequence[Passage], view: KnowledgeView
    ) -> list[tuple[Product, float]]:
        named = [view.by_sku[s] for s in skus_in(question.text, view)]
        if named:
            return [(product, 1.0) for product in {c.group or c.title: view.product_of(c) for c in named}.values()]
        stands_alone = 1.0 - question.signals.get("depends", 0.0)
        scored = [
            (
                product := view.product_of(p.chunk),
                name := p.scores.get("name", 0.0),
                p.scores["score"]
                + _NAME * name
                + _BODY * stands_alone * self._catalogue(view).body_share(question.text, product),
            )
            for p in passages
            if p.chunk.kind is Kind.PRODUCT
        ]
        if not scored:
            return []
        best = max(scored, key=lambda s: s[2])
        if not COMPARES.search(question.text):
            return [(best[0], best[1])]
        limit = _FAMILY if MANY.search(question.text) else _FEW
        family = self._catalogue(view).family(question.text, best[0], limit)
        section = best[0].variants[0].section
        close = [
            s
            for s in scored
            if s is best
            or (limit == _FAMILY and s[2] >= best[2] - _LEVEL and s[0].variants[0].section == section)
            or (s[1] >= 0.45 and s[1] >= 0.7 * best[1])
        ]
        close.sort(key=lambda s: -s[2])
        coverage = {product.group: share for product, share, _ in scored}
        chosen = family if len(family) > 1 else [product for product, _, _ in close[:_FEW]]
        return [(product, coverage.get(product.group, 0.0)) for product in chosen]

    def _catalogue(self, view: KnowledgeView) -> Catalogue:
        if (catalogue := self._catalogues.get(view)) is None:
            catalogue = self._catalogues[view] = Catalogue(view)
        return catalogue


def _wants_what_nobody_wrote(
    text: str, concepts: Sequence[Concept], rows: Sequence[Chunk], columns: Sequence[str], view: KnowledgeView
) -> bool:
    """Whether a question for yes or no is about a thing that stands nowhere in the shop's knowledge, and no cell says
    yes or no either: "is it Teflon" is not answered by "non-stick coating".
    """
    if not columns or COMPARES.search(text) or not YES_NO_QUESTION.search(text):
        return False
    if not _BEGINS_YES_NO.match(text) and (text.isascii() or _ASKS_WHICH.search(text)):
        return False
    wanted = set(asked_dimensions(text)) - {"money"}
    cells = [(c, v.attributes.get(c, "")) for c in columns for v in rows]
    if any(says_yes_or_no(value) or not wanted.isdisjoint(dimensions(value, c)) for c, value in cells):
        return False
    foreign = (w for w in _FOREIGN.findall(text) if not any(c.ask.search(w) for c in concepts))
    return any(found and not any(view.weights.knows(w) for w in found) for found in map(words, foreign))


def _less(text: str, rows: Sequence[Chunk], columns: Iterable[str]) -> str:
    """The text less the words of the option values that say which variant is meant."""
    named = {w for c in columns for row in rows for w in words(row.attributes.get(c, "")) if len(w) >= 2}
    for word in named:
        text = text.replace(word, " ") if not word.isascii() else text
    return text


def introduces(text: str) -> bool:
    """Whether a question, less the product's name, asks for nothing in particular."""
    return bool(_INTRODUCE.search(text)) or all(_EMPTY.fullmatch(w) for w in words(text))


def facts_of(variants: Iterable[Chunk], columns: Sequence[str]) -> tuple[Fact, ...]:
    """One fact per variant and column that has a value; of a text that gives orders to the attendant, what is before."""
    kept = tuple(variants)
    return tuple(
        _fact(variant, column, value)
        for column in columns
        for variant in kept
        if (value := _honest(variant.attributes.get(column, "").strip()))
    )


def _telling_part(fact: Fact, text: str) -> Fact:
    """Of a long text that the shop wrote, the sentences that speak of the question; all of it where none does."""
    if not TOLD_IN_WORDS.search(fact.name) or len(fact.value) <= _LONG_TEXT:
        return fact
    telling = [s for s in split_sentences(fact.value) if shares_words(text, s)]
    return replace(fact, value=telling[0]) if len(telling) == 1 and telling[0] in fact.value else fact


@lru_cache(maxsize=8192)
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


def skus_in(text: str, view: KnowledgeView) -> list[str]:
    """SKUs of this shop that the text names, in any case."""
    candidates = re.findall(r"[A-Za-z0-9][A-Za-z0-9._/-]{2,40}", text)
    return [key for c in candidates if (key := c.casefold().strip("._/-")) in view.by_sku]


def without_names(text: str, products: Sequence[Product]) -> str:
    """The question less the product's own name, so that a "wool blanket" does not ask for its material."""
    for product in products:
        text = without_name(text, product.name)
    return text


def without_name(text: str, name: str) -> str:
    """The text less the parts of one name."""
    for part in _name_parts(name):
        text = re.sub(re.escape(part), " ", text, flags=re.IGNORECASE)
    return text


@lru_cache(maxsize=4096)
def _name_parts(name: str) -> tuple[str, ...]:
    """The name, its words between spaces and brackets, and (Chinese) runs cut by the tokenizer; longest first."""
    parts = {name, *re.split(r"[\s·/()（）【】,，-]+", name)}
    parts |= {w for w in words(name) if not w.isascii() and len(w) >= 2}
    return tuple(sorted((p for p in parts if len(p) >= 2), key=len, reverse=True))
