"""Small shops written for fitting (`eval/training/*.jsonl`): confusable passages, and questions labelled with the
passages that answer them, or with none.

They are no suite: nobody's figure is measured on them. They teach the selector what two full shops can't.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

from app.chat.language import language_of
from app.chat.turn import Message, Turn
from app.knowledge.catalogue import ChunkVersion
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.ports import FOREVER, Embedder, KnowledgeIndex, Vector
from app.knowledge.release import Release
from app.shop.brand import Brand
from eval.fit_intents import read_utterances
from eval.harness import Sample, Source
from ingestion.points import SidedText, index_points, point_texts

FOLDER = Path(__file__).parent / "training"
_KEPT_APART = FOLDER / "kept_apart.txt"
_RELEASE = 1
_BATCH = 64
_SPARE_PHRASINGS = 2
"""Phrasings beside its title that a row needs, for one to be asked instead of known."""
_PRICE = re.compile(r"价|price", re.IGNORECASE)
_ASKS_PRICE = {
    "zh": ("{name}多少钱？", "{name}价格", "想问下{name}怎么卖"),
    "en": ("How much is the {name}?", "price of {name}", "what does the {name} cost"),
}


@dataclass(frozen=True, slots=True)
class TrainingShop:
    """One small shop: its chunks, and its questions as samples. A chunk's path is its id."""

    name: str
    language: str
    chunks: tuple[Chunk, ...]
    samples: tuple[Sample, ...]

    def turn(self, sample: Sample) -> Turn:
        """The sample as a turn of this shop."""
        brand = Brand(name=self.name, default_language=self.language)
        return Turn(self.name, brand, _RELEASE, datetime.now(UTC), sample.question, sample.history)


class TrainingCatalogue:
    """The part of a catalogue that a turn reads, over training shops."""

    def __init__(self, shops: Sequence[TrainingShop]) -> None:
        self._chunks = {shop.name: list(shop.chunks) for shop in shops}

    async def live_release(self, shop: str) -> int | None:
        """Every training shop has one release."""
        return _RELEASE if shop in self._chunks else None

    async def releases(self, shop: str) -> list[Release]:
        """Nobody lists them."""
        return []

    async def chunks(self, shop: str, release: int) -> list[Chunk]:
        """The shop's chunks."""
        return self._chunks[shop]

    async def shops(self) -> list[str]:
        """All training shops."""
        return list(self._chunks)


def read_training_shops(folder: Path = FOLDER) -> list[TrainingShop]:
    """All shops of all files, in order."""
    return [
        _shop(json.loads(line))
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]


def kept_apart() -> frozenset[str]:
    """Names of the shops that the built-in query encoder and reader are never shown.

    What judges by their scores is fitted on these: of what they have seen they are surer than they will ever be of a
    shop's real questions.
    """
    return frozenset(line.strip() for line in _KEPT_APART.read_text(encoding="utf-8").splitlines() if line.strip())


def self_asked(chunks: Sequence[Chunk], count: int, seed: int = 0) -> list[Sample]:
    """Questions whose answer is beyond doubt: `count` FAQ phrasings as they stand, half as many prices of products.

    Hand-written suites are all hard; without these the models never learn what an easy question looks like.
    """
    rng = Random(seed)
    now = datetime.now(UTC)
    faqs = [c for c in chunks if c.kind is Kind.FAQ and c.is_valid(now)]
    priced = [c for c in chunks if c.kind is Kind.PRODUCT and _PRICE.search(c.text)]
    products = list({c.group or c.title: c for c in priced}.values())
    samples = []
    for n, chunk in enumerate(rng.sample(faqs, min(count, len(faqs)))):
        twins = [c for c in faqs if set(c.phrasings) & set(chunk.phrasings)]
        sources = tuple(Source(c.path, c.locator) for c in twins)
        asked = rng.choice(chunk.phrasings or (chunk.title,))
        samples.append(Sample(id=f"self-faq-{n}", question=asked, sources=sources))
    for n, chunk in enumerate(rng.sample(products, min(count // 2, len(products)))):
        ask = rng.choice(_ASKS_PRICE[chunk.language[:2]]).format(name=chunk.title)
        samples.append(Sample(id=f"self-price-{n}", question=ask, sources=(Source(chunk.path, chunk.locator),)))
    return samples


def titles_asked(chunks: Sequence[Chunk]) -> list[Sample]:
    """Every FAQ row's own question: plain questions of a shop, for the intents to know them by."""
    rows = [chunk for chunk in chunks if chunk.kind is Kind.FAQ]
    return [Sample(f"title-{n}", row.title, sources=(Source(row.path, row.locator),)) for n, row in enumerate(rows)]


def without_one_phrasing(chunks: Sequence[Chunk], seed: int = 0) -> tuple[list[Chunk], list[Sample]]:
    """The chunks with one phrasing fewer on every FAQ row that can spare one, and questions that ask just those.

    That is how most shoppers ask: plainly, in words of their own. Nobody has to write or label it.
    """
    rng = Random(seed)
    kept: list[Chunk] = []
    samples: list[Sample] = []
    for chunk in chunks:
        spare = [text for text in chunk.phrasings if text != chunk.title]
        if chunk.kind is not Kind.FAQ or len(spare) < _SPARE_PHRASINGS:
            kept.append(chunk)
            continue
        asked = rng.choice(spare)
        kept.append(replace(chunk, phrasings=tuple(text for text in chunk.phrasings if text != asked)))
        source = Source(chunk.path, chunk.locator)
        samples.append(Sample(f"plain-{len(samples)}", asked, category="faq", sources=(source,)))
    return kept, samples


def off_subject(language: str, count: int, seed: int = 0) -> list[Sample]:
    """Questions that are nothing to any shop: without them the models never learn how far off "far off" is."""
    chinese = language.startswith("zh")
    strange = [text for text, intent in read_utterances() if intent == "offtopic"]
    own = [text for text in strange if (language_of(text, "") == "zh") == chinese]
    chosen = Random(seed).sample(own, min(count, len(own)))
    return [Sample(f"off-{n}", text, category="offtopic", answerable=False) for n, text in enumerate(chosen)]


def with_plain_questions(shop: TrainingShop, *, certain: int, strange: int, seed: int = 0) -> TrainingShop:
    """The shop asked easy things too: phrasings it no longer knows, ones it does, and what is nothing to it."""
    chunks, plain = without_one_phrasing(shop.chunks, seed)
    easy = [*plain, *self_asked(chunks, certain, seed), *off_subject(shop.language, strange, seed)]
    return replace(shop, chunks=tuple(chunks), samples=(*shop.samples, *easy))


async def index_training_shops(shops: Sequence[TrainingShop], index: KnowledgeIndex, embedder: Embedder) -> None:
    """Embed and write every shop's points, as ingestion would."""
    for shop in shops:
        texts = point_texts(shop.chunks)
        vectors = await embed_texts({(t.side, t.text) for found in texts.values() for t in found}, embedder)
        points = [
            point
            for chunk in shop.chunks
            for point in index_points(shop.name, ChunkVersion(chunk, _RELEASE, FOREVER), texts[chunk.chunk_id], vectors)
        ]
        await index.upsert(points)


async def embed_texts(texts: set[SidedText], embedder: Embedder) -> Mapping[SidedText, Vector]:
    """The vector of every text, by its side and itself."""
    vectors: dict[SidedText, Vector] = {}
    for side, embed in (("query", embedder.embed_queries), ("passage", embedder.embed_passages)):
        own = sorted(text for s, text in texts if s == side)
        for start in range(0, len(own), _BATCH):
            batch = own[start : start + _BATCH]
            rows = await embed(batch)
            vectors.update({(side, text): row for text, row in zip(batch, rows, strict=True)})
    return vectors


def _shop(record: Mapping[str, Any]) -> TrainingShop:
    name, language = str(record["shop"]), str(record["language"])
    chunks = tuple(_chunk(name, language, raw) for raw in record["chunks"])
    return TrainingShop(name, language, chunks, tuple(_samples(name, record["questions"])))


def _samples(shop: str, questions: Sequence[Mapping[str, Any]]) -> Iterator[Sample]:
    for number, raw in enumerate(questions):
        yield Sample(
            id=f"{shop}-{number}",
            question=str(raw["text"]),
            category=str(raw.get("type", "")),
            answerable=bool(raw["answers"]),
            sources=tuple(Source(str(answer)) for answer in raw["answers"]),
            history=tuple(Message(m["role"], m["text"]) for m in raw.get("history", ())),
        )


def _chunk(shop: str, language: str, raw: Mapping[str, Any]) -> Chunk:
    kind = Kind(raw["kind"])
    title, text = str(raw["title"]), str(raw["text"])
    return Chunk(
        chunk_id=f"{shop}/{raw['id']}",
        document_id=str(raw["id"]),
        path=str(raw["id"]),
        locator=title.rsplit(">", maxsplit=1)[-1].strip(),
        kind=kind,
        title=title,
        text=text,
        language=language,
        content_hash="",
        phrasings=tuple(dict.fromkeys([title, *raw.get("phrasings", [])])) if kind is Kind.FAQ else (),
        attributes=MappingProxyType(dict(_attributes(text)) if kind is Kind.PRODUCT else {}),
        group=title if kind is Kind.PRODUCT else "",
    )


def _attributes(card: str) -> Iterator[tuple[str, str]]:
    for line in card.replace("：", ":").split("\n")[1:]:
        name, _, value = line.partition(":")
        if value.strip():
            yield name.strip(), value.strip()
