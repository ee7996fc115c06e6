"""Draft the extractive answer from evidence: complete, true and cited, with no model at all.

FAQ: the editor's words. Product: looked-up values in a sentence. Policy: the sentences that answer, in their order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from app.chat.guard import tries_to_take_over
from app.chat.products import Reading
from app.chat.say_products import ProductSpeaker
from app.chat.shapes import asked_kinds, held_kinds
from app.chat.sizes import fitting_rows
from app.chat.turn import Citation, Evidence, Fact, Passage, Question, Sentence
from app.chat.variants import says_number
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.sentences import SpokenSentence, spoken_sentences
from app.knowledge.tokenize import words
from app.knowledge.view import KnowledgeView, Product

WHOLE_LIMIT = {"zh": 320, "en": 900}
"""A policy section up to this many characters is given whole: leaving out its exception would be worse."""
_KEPT_SENTENCES = 4
_OF_ITS_OWN = 0.35
"""Confidence from which a passage answers although a likelier product has nothing to say."""


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

        A product that is not the best passage is spoken of only when the question was read as being about it too. Where
        the best passage is a product whose row does not say, another answers only if it would on its own.
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
            elif not kept and passages[0].chunk.kind is Kind.PRODUCT and passage.confidence < _OF_ITS_OWN:
                continue
            else:
                sentences = self._sentences(question, passage.chunk, view)
            for sentence in sentences:
                kept.setdefault(_bare(sentence.text), sentence)
        return Evidence(passages=tuple(passages), facts=tuple(dict.fromkeys(facts)), draft=tuple(kept.values()))

    def _looked_up(
        self, question: Question, chunk: Chunk, view: KnowledgeView, reading: Reading | None, currency: str
    ) -> Evidence:
        """What the question asks of the product; nothing when its row does not say."""
        product = view.product_of(chunk)
        unread = Reading(((product, 0.0),), product.variants, (), (), (), missing=False)
        read = (reading.about(product) if reading else None) or unread
        return self.from_products(question, read, currency)

    def from_products(self, question: Question, reading: Reading, currency: str = "") -> Evidence:
        """An answer from product rows: the asked values, or price and stock when nothing was asked."""
        return ProductSpeaker(question, currency).evidence(reading)

    def _sentences(self, question: Question, chunk: Chunk, view: KnowledgeView) -> list[Sentence]:
        spoken = _honest(spoken_sentences(chunk.text))
        if chunk.kind is not Kind.FAQ and len(chunk.text) > WHOLE_LIMIT.get(chunk.language, 900):
            spoken = telling_sentences(question, spoken, view)
        spoken = telling_rows(question, spoken) if chunk.kind is Kind.POLICY else spoken
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


def telling_rows(question: Question, spoken: list[SpokenSentence]) -> list[SpokenSentence]:
    """Of a table the rows that the question names, or that hold the measures it states; all where it does neither."""
    rows = [n for n, s in enumerate(spoken) if len(_CELL.findall(s.spoken)) >= 2]
    if len(rows) < _LEAST_ROWS:
        return spoken
    texts = [spoken[n].spoken for n in rows]
    fitting = fitting_rows(question.text, texts)
    named = fitting or [n for n, text in enumerate(texts) if (cell := _CELL.match(text)) and says(question, cell[1])]
    if not named or len(named) == len(rows):
        return spoken
    kept = {rows[n] for n in named}
    return [s for n, s in enumerate(spoken) if n in kept or n not in rows]


_CELL = re.compile(r"[^:：;；]{1,40}[:：]\s*([^;；]+?)\s*(?:[;；]|$)")
_LEAST_ROWS = 3


def says(question: Question, cell: str) -> bool:
    """Whether the question says what a row is about: its words, or its number."""
    if says_number(question.text, cell):
        return True
    asked = set(words(question.standalone))
    return any(w in asked for w in words(cell) if not w.isdigit() and len(w) > 1)


def telling_sentences(
    question: Question, sentences: Sequence[SpokenSentence], view: KnowledgeView
) -> list[SpokenSentence]:
    """The few sentences that share most with the question or hold the kind of value asked for, in their order."""
    asked = set(words(question.standalone))
    kinds = asked_kinds(question.searched) - {"yesno"}
    weight = max(view.weights.total(asked), 1e-6)

    def told(sentence: SpokenSentence) -> float:
        shared = view.weights.total(asked & set(words(sentence.spoken))) / weight
        return shared + 0.15 * len(kinds & held_kinds(sentence.literal)) / max(1, len(kinds))

    ranked = sorted(range(len(sentences)), key=lambda n: -told(sentences[n]))[:_KEPT_SENTENCES]
    return [sentences[n] for n in sorted(ranked)]


def _is_about(reading: Reading | None, product: Product) -> bool:
    return reading is not None and any(read.group == product.group for read, _ in reading.products)


def _bare(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()
