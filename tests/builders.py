"""Values of the domain with sensible defaults: a test states only what it is about.

a_faq("How long is delivery?", "Three days.", valid_until=NEW_YEAR)
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import yaml

from app.chat.calibrate import FittedModel, model_from_json
from app.chat.compose import Composer
from app.chat.language import language_of
from app.chat.lines import Lines
from app.chat.products import ProductReader, load_concepts
from app.chat.turn import Message, Passage, Question, Turn
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.ports import IndexPoint
from app.knowledge.sentences import split_sentences
from app.knowledge.tokenize import sparse_vector
from app.knowledge.view import KnowledgeView
from app.shop.brand import Brand
from app.shop.orders import Order, OrderItem, TrackingEvent
from tests.fakes import FakeEmbedder

SHOP = "tea"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SHARED_PROMPTS = Path(__file__).parents[1] / "prompts" / "shared"

RAW_SCORES: Mapping[str, float] = MappingProxyType(
    dict.fromkeys(
        ("score", "dense", "dense_alone", "sought", "best_whole", "best_phrasing", "best_sentence", "best_name"), 0.8
    )
    | dict.fromkeys(("lexical", "name", "mention", "sku"), 0.0)
)
"""Every score that retrieval gives a passage."""


def a_chunk(title: str = "Returns", text: str = "", **fields: Any) -> Chunk:
    """A policy chunk; any field by its name."""
    made = Chunk(
        chunk_id=title,
        document_id="returns",
        path="policies/returns.md",
        locator=title,
        kind=Kind.POLICY,
        title=title,
        text=text or f"{title}: ask us.",
        language=language_of(f"{title} {text}", "en"),
        content_hash=f"{title}|{text}",
    )
    return replace(made, **fields)


def a_policy(
    title: str = "Returns", text: str = "Unused items may be returned within 30 days.", **fields: Any
) -> Chunk:
    """A section of a policy."""
    return a_chunk(title, text, **fields)


def a_faq(
    question: str = "How long is delivery?", answer: str = "Delivery takes three days.", *similar: str, **fields: Any
) -> Chunk:
    """An FAQ row with its similar questions."""
    row = {"document_id": "faq", "path": "faq.csv", "locator": f"row 2 | {question}", "kind": Kind.FAQ}
    return a_chunk(question, answer, **{**row, "phrasings": (question, *similar), **fields})


def a_product(name: str = "Clay Teapot", sku: str = "TP-100", **fields: Any) -> Chunk:
    """One variant of a product; `attributes` is a plain dict, which the card is written from."""
    attributes: dict[str, str] = fields.pop("attributes", {"Price": "£32", "Colour": "Brown"})
    card = "\n".join((name, *(f"{column}: {value}" for column, value in attributes.items())))
    row = {"chunk_id": sku, "document_id": "products", "path": "products.csv", "locator": sku, "kind": Kind.PRODUCT}
    return a_chunk(name, card, **{**row, "group": name, "attributes": MappingProxyType(attributes), **fields})


def a_passage(chunk: Chunk | None = None, confidence: float = 0.9, **scores: float) -> Passage:
    """A retrieved and judged chunk."""
    return Passage(chunk or a_faq(), MappingProxyType({**RAW_SCORES, **scores}), confidence)


def a_question(text: str = "How long is delivery?", **fields: Any) -> Question:
    """A question that stands alone, in the language it is written in; `signals` is a plain dict."""
    signals = MappingProxyType(dict(fields.pop("signals", {})))
    return replace(Question(text, text, language_of(text, "en"), signals=signals), **fields)


def a_turn(text: str = "How long is delivery?", *history: str | Message, **fields: Any) -> Turn:
    """A turn; history as messages, or as plain texts said by shopper and attendant in turn."""
    said = tuple(
        line if isinstance(line, Message) else Message("assistant" if n % 2 else "user", line)
        for n, line in enumerate(history)
    )
    turn = Turn(SHOP, a_brand(), 1, NOON, text, said, message_id="m1", conversation_id="c1")
    return replace(turn, **fields)


def a_brand(**fields: Any) -> Brand:
    """A shop that speaks English first."""
    return replace(Brand("Tea Corner", assistant_name="Cha", languages=("en", "zh"), default_language="en"), **fields)


def a_view(*chunks: Chunk) -> KnowledgeView:
    """A release that holds these chunks."""
    return KnowledgeView(SHOP, 1, chunks)


def an_order(order_id: str = "TC20260001", phone_last4: str = "4821", **fields: Any) -> Order:
    """A shipped order of one teapot."""
    made = Order(
        order_id=order_id,
        phone_last4=phone_last4,
        customer_id="c7",
        status="shipped",
        created_at="2026-04-28T09:00:00+00:00",
        shipped_at="2026-04-29T10:30:00+00:00",
        carrier="Royal Mail",
        tracking_no="RM123",
        tracking=(TrackingEvent("2026-04-30T08:00:00+00:00", "in transit", "Left the depot."),),
        items=(OrderItem("TP-100", 1, "32.00"),),
        address_city="Leeds",
    )
    return replace(made, **fields)


def the_lines() -> Lines:
    """The fixed lines as they are shipped."""
    return Lines.load(SHARED_PROMPTS / "lines.yaml")


def a_composer() -> Composer:
    """A composer with the shipped lines."""
    return Composer()


def a_reader() -> ProductReader:
    """A product reader with the shipped concepts."""
    raw = yaml.safe_load((SHARED_PROMPTS / "attributes.yaml").read_text(encoding="utf-8"))
    return ProductReader(load_concepts(raw))


def a_fitted(
    weights: Mapping[str, float], *, intercept: float = 0.0, knots: Sequence[Sequence[float]] = ()
) -> FittedModel:
    """A hand-made linear model: the logit is `intercept` + weights · features."""
    return model_from_json(
        {
            "name": "hand-made",
            "embedder": "fake-embedder-1",
            "features": list(weights),
            "weights": list(weights.values()),
            "intercept": intercept,
            "knots": knots,
        }
    )


async def points_of(chunk: Chunk, embedder: FakeEmbedder) -> list[IndexPoint]:
    """The index points of a chunk: its whole, its phrasings, its sentences, a product's name."""
    texts = [("whole", 0, f"{chunk.title} {chunk.text}")]
    texts += [("phrasing", n, phrasing) for n, phrasing in enumerate(chunk.phrasings)]
    if chunk.kind is Kind.POLICY:
        texts += [("sentence", n, sentence) for n, sentence in enumerate(split_sentences(chunk.text))]
    if chunk.kind is Kind.PRODUCT:
        texts += [("name", 0, chunk.title)]
    vectors = await embedder.embed_passages([text for _, _, text in texts])
    return [
        IndexPoint(
            point_id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{chunk.chunk_id}/{aspect}/{ordinal}")),
            shop=SHOP,
            chunk_id=chunk.chunk_id,
            kind=chunk.kind.value,
            aspect=aspect,
            ordinal=ordinal,
            dense=np.asarray(vector),
            sparse=sparse_vector(text),
            from_release=1,
            valid_from_seconds=chunk.valid_from.timestamp() if chunk.valid_from else None,
            valid_until_seconds=chunk.valid_until.timestamp() if chunk.valid_until else None,
        )
        for (aspect, ordinal, text), vector in zip(texts, vectors, strict=True)
    ]
