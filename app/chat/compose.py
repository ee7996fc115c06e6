"""Draft the extractive answer from evidence: complete, true and cited, with no model at all.

FAQ: the editor's words. Product: looked-up values in a sentence. Policy: the sentences that answer, in their order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from app.chat.guard import tries_to_take_over
from app.chat.products import Reading, facts_of, meant_variants
from app.chat.say_value import said
from app.chat.shapes import asked_kinds, held_kinds
from app.chat.sizes import fitting_sizes
from app.chat.turn import Citation, Evidence, Fact, Passage, Question, Sentence
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.sentences import SpokenSentence, spoken_sentences
from app.knowledge.tokenize import words
from app.knowledge.view import KnowledgeView, Product

WHOLE_LIMIT = {"zh": 320, "en": 900}
"""A policy section up to this many characters is given whole: leaving out its exception would be worse."""
_KEPT_SENTENCES = 4
_KEPT_VALUES = 8
_CARD_COLUMNS = 18
_CARD_VALUES = 5
_CARD_CITATIONS = 8


class Composer:
    """Drafts answers. Pure, and without any setting of its own."""

    def draft(
        self,
        question: Question,
        passages: Sequence[Passage],
        view: KnowledgeView,
        reading: Reading | None,
        currency: str = "",
    ) -> Evidence:
        """An answer from these passages, best first; what two of them say alike is said once.

        A product that is not the best passage is spoken of only when the question was read as being about it too.
        """
        kept: dict[str, Sentence] = {}
        facts: list[Fact] = []
        for passage in passages:
            if passage.chunk.kind is Kind.PRODUCT:
                if passage is not passages[0] and not _is_about(reading, view.product_of(passage.chunk)):
                    continue
                looked_up = self._looked_up(question, passage.chunk, view, reading, currency)
                facts += looked_up.facts
                sentences: Sequence[Sentence] = looked_up.draft
            else:
                sentences = self._sentences(question, passage.chunk, view)
            for sentence in sentences:
                kept.setdefault(_bare(sentence.text), sentence)
        return Evidence(passages=tuple(passages), facts=tuple(dict.fromkeys(facts)), draft=tuple(kept.values()))

    def _looked_up(
        self, question: Question, chunk: Chunk, view: KnowledgeView, reading: Reading | None, currency: str
    ) -> Evidence:
        """The product's asked values: from the reading when it is about this product, else its own card."""
        product = view.product_of(chunk)
        if reading is None or not _is_about(reading, product):
            reading = Reading(((product, 0.0),), meant_variants(question, product), (), (), (), missing=False)
        return self.from_products(question, reading, currency)

    def from_products(self, question: Question, reading: Reading, currency: str = "") -> Evidence:
        """An answer from product rows: the asked values, or the whole card when no one attribute was named."""
        if not reading.facts:
            return self._cards(question, reading, currency)
        sentences = [
            sentence
            for product, _ in reading.products
            for sentence in self._values(
                question, [f for f in reading.facts if f.subject == product.name or not f.subject], reading, currency
            )
        ]
        draft = tuple(sentences) or tuple(
            _fact_sentence(question.language, [f], currency) for f in reading.facts[:_KEPT_VALUES]
        )
        return Evidence(facts=reading.facts, draft=draft)

    def _cards(self, question: Question, reading: Reading, currency: str) -> Evidence:
        """Each product: what the shop wrote about it, then one sentence of every telling column with its values."""
        facts: list[Fact] = []
        sentences = []
        for product, _ in reading.products[:2]:
            variants = [v for v in reading.variants if v in product.variants] or list(product.variants)
            found = facts_of(variants[:_KEPT_VALUES], _card_columns(variants))
            if found:
                facts += found
                written = {f.value: f for f in found if _CARD_FIRST.search(f.name)}
                sentences += [_fact_sentence(question.language, [f], currency) for f in list(written.values())[:2]]
                if rest := [f for f in found if not _CARD_FIRST.search(f.name)]:
                    sentences.append(_card_sentence(question.language, rest, currency))
        return Evidence(facts=tuple(facts), draft=tuple(sentences))

    def _values(self, question: Question, facts: Sequence[Fact], reading: Reading, currency: str) -> list[Sentence]:
        """One sentence a column: the shared value, or each variant's own; a size chart narrowed to what fits."""
        sentences = []
        for column in dict.fromkeys(f.name for f in facts):
            of_column = [f for f in facts if f.name == column]
            by_value: dict[str, list[Fact]] = {}
            for fact in of_column:
                by_value.setdefault(fact.value, []).append(fact)
            fitting = [
                replace(f, value=part)
                for f in next(iter(by_value.values()))[:1]
                for part in fitting_sizes(question.text, f.value)
            ]
            if fitting:
                sentences.append(_fact_sentence(question.language, fitting[:2], currency))
            if len(by_value) == 1:
                sentences.append(_fact_sentence(question.language, of_column[:_KEPT_VALUES], currency))
            else:
                sentences.append(_variants_sentence(question.language, by_value, reading, currency))
        return sentences

    def _sentences(self, question: Question, chunk: Chunk, view: KnowledgeView) -> list[Sentence]:
        spoken = _honest(spoken_sentences(chunk.text))
        if chunk.kind is not Kind.FAQ and len(chunk.text) > WHOLE_LIMIT.get(chunk.language, 900):
            spoken = telling_sentences(question, spoken, view)
        origin: Literal["approved", "evidence"] = "approved" if chunk.kind is Kind.FAQ else "evidence"
        return [Sentence(s.spoken, (cite(chunk, s.literal),), origin) for s in spoken]


def _honest(sentences: Sequence[SpokenSentence]) -> list[SpokenSentence]:
    """The sentences less those that give orders to the attendant, alone or, cut by a line break, with the next."""
    hostile = {n for n, sentence in enumerate(sentences) if tries_to_take_over(sentence.literal)}
    for n in range(len(sentences) - 1):
        if hostile.isdisjoint((n, n + 1)) and tries_to_take_over(f"{sentences[n].literal} {sentences[n + 1].literal}"):
            hostile |= {n, n + 1}
    return [sentence for n, sentence in enumerate(sentences) if n not in hostile]


def cite(chunk: Chunk, quote: str) -> Citation:
    """A citation of words that stand in the chunk."""
    return Citation(chunk.path, chunk.locator, chunk.document_id, quote)


def telling_sentences(
    question: Question, sentences: Sequence[SpokenSentence], view: KnowledgeView
) -> list[SpokenSentence]:
    """The few sentences that share most with the question or hold the kind of value asked for, in their order."""
    asked = set(words(question.standalone))
    kinds = asked_kinds(question.text) - {"yesno"}
    weight = max(view.weights.total(asked), 1e-6)

    def told(sentence: SpokenSentence) -> float:
        shared = view.weights.total(asked & set(words(sentence.spoken))) / weight
        return shared + 0.15 * len(kinds & held_kinds(sentence.literal)) / max(1, len(kinds))

    ranked = sorted(range(len(sentences)), key=lambda n: -told(sentences[n]))[:_KEPT_SENTENCES]
    return [sentences[n] for n in sorted(ranked)]


_CARD_DULL = re.compile(
    r"sku|货号|编码|^handle$|^vendor$|^brand$|^tags?$|^type$|^name$|^title$|名称|类目|分类|^category$|^url|barcode|条码",
    re.I,
)
_CARD_FIRST = re.compile(r"备注|描述|说明|卖点|特点|description|notes?$|features?$|details?$|more", re.I)


def _card_columns(variants: Sequence[Chunk]) -> tuple[str, ...]:
    """The telling columns of a card: what the shop wrote about it first; long texts and names left out."""
    columns = dict.fromkeys(
        c
        for v in variants
        for c, value in v.attributes.items()
        if value.strip() and len(value) <= 300 and not _CARD_DULL.search(c)
    )
    first = [c for c in columns if _CARD_FIRST.search(c)]
    return (*first, *(c for c in columns if c not in first))[:_CARD_COLUMNS]


def _card_sentence(language: str, facts: Sequence[Fact], currency: str) -> Sentence:
    colon, semicolon = ("：", "；") if language == "zh" else (": ", "; ")
    parts = []
    for column in dict.fromkeys(f.name for f in facts):
        shown = list(dict.fromkeys(said(f, language, currency) for f in facts if f.name == column))[:_CARD_VALUES]
        parts.append(f"{shown[0][0]}{colon}{' / '.join(value.rstrip('。.') for _, value in shown)}")
    citations = _cited(facts)[:_CARD_CITATIONS]
    text = semicolon.join(parts)
    subject = facts[0].subject
    return Sentence(f"{subject}：{text}。" if language == "zh" else f"{subject} – {text}.", citations, "fact")


def _is_about(reading: Reading | None, product: Product) -> bool:
    return reading is not None and any(read.group == product.group for read, _ in reading.products)


def _fact_sentence(language: str, facts: Sequence[Fact], currency: str) -> Sentence:
    name, value = said(facts[0], language, currency)
    return _told(language, facts[0].subject, name, value, _cited(facts))


def _told(language: str, subject: str, name: str, value: str, citations: tuple[Citation, ...]) -> Sentence:
    value = value.rstrip("。." if language == "zh" else ".")
    text = f"{subject}的{name}：{value}。" if language == "zh" else f"{subject} – {name}: {value}."
    return Sentence(text, citations, "fact")


def _variants_sentence(language: str, by_value: dict[str, list[Fact]], reading: Reading, currency: str) -> Sentence:
    """A value per variant, each named by what tells it apart."""
    labels = _variant_labels(reading)
    comma, colon, semicolon = ("、", "：", "；") if language == "zh" else (", ", ": ", "; ")
    parts = []
    told: list[Fact] = []
    for facts in list(by_value.values())[:_KEPT_VALUES]:
        names = list(dict.fromkeys(labels.get(f.locator, f.locator) for f in facts))
        _, value = said(facts[0], language, currency)
        parts.append(colon.join(filter(None, (comma.join(n for n in names[:4] if n), value))))
        told += facts[:4]
    name, _ = said(told[0], language, currency)
    return _told(language, told[0].subject, name, semicolon.join(parts), _cited(told))


def _cited(facts: Sequence[Fact]) -> tuple[Citation, ...]:
    """Where the values stand, then the products' own rows; a row that many values share is cited once."""
    places = [fact.citations for fact in facts]
    return tuple(dict.fromkeys([*(p[0] for p in places), *(c for p in places for c in p[1:])]))


def _variant_labels(reading: Reading) -> dict[str, str]:
    """SKU → short name of the variant by its option values; numbers such as price and stock are no names."""
    labels = {}
    for product, _ in reading.products:
        naming = [
            c
            for c in product.options
            if not _CARD_FIRST.search(c)
            and not re.search(r"价|price|库存|stock|inventory|sku|编码|货号|重量|weight|gram|barcode|条码", c, re.I)
            and all(len(v.attributes.get(c, "")) <= 24 for v in product.variants)
        ]
        for variant in product.variants:
            labels[variant.locator] = _label(variant, naming)
    return labels


def _label(variant: Chunk, naming: Sequence[str]) -> str:
    """The variant's option values, one that another already says left out."""
    label = ""
    for column in naming[:3]:
        value = variant.attributes.get(column, "").strip()
        if value and value.casefold() not in label.casefold().split():
            label = f"{label} {value}" if label else value
    return label


def _bare(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()
