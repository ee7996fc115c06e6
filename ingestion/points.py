"""What of a chunk is put into the index: the whole, each phrasing, each name, each sentence."""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from app.knowledge.catalogue import ChunkVersion
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.ports import IndexPoint, PointSpan, Vector
from app.knowledge.sentences import spoken_sentences
from app.knowledge.tokenize import sparse_vector
from ingestion.chunkers.policy import count_tokens
from ingestion.headers import Column, meanings

SidedText: TypeAlias = tuple[str, str]
"""(side, text): what a vector is made of."""

WHOLE_TOKENS = 400
CARD_TOKENS = 120
MAX_FIGURES = 8
MAX_OPTION_CHARACTERS = 24
_NUMBER = re.compile(r"\d+")
_NAMESPACE = uuid.UUID("5d1f6a52-7f0e-4c58-9d0c-8f6b2f6f9a31")


@dataclass(frozen=True, slots=True)
class PointText:
    """A text of a chunk that gets a vector of its own. Its words are taken from `terms`, where that says more."""

    aspect: str
    ordinal: int
    text: str
    terms: str = ""

    @property
    def side(self) -> Literal["query", "passage"]:
        """What it is embedded as. A phrasing is a question like the shopper's: as a query it lies nearer to one."""
        return "query" if self.aspect == "phrasing" else "passage"


def point_texts(chunks: Sequence[Chunk], among: Sequence[Chunk] = ()) -> dict[str, list[PointText]]:
    """Chunk id → its texts. `among` are the other chunks of the release: a group shows which options tell variants
    apart."""
    groups = {_group(chunk) for chunk in chunks if chunk.kind is Kind.PRODUCT}
    siblings = [c for c in among if c.kind is Kind.PRODUCT and _group(c) in groups] if groups else []
    options = _options([*siblings, *chunks])
    return {chunk.chunk_id: _texts(chunk, options.get(_group(chunk), ())) for chunk in chunks}


def _texts(chunk: Chunk, options: Iterable[str]) -> list[PointText]:
    texts = [PointText("whole", 0, _whole(chunk), chunk.text if chunk.kind is Kind.PRODUCT else "")]
    if chunk.kind is Kind.FAQ:
        texts.extend(PointText("phrasing", i, phrasing) for i, phrasing in enumerate(chunk.phrasings))
    if chunk.kind is Kind.PRODUCT:
        chosen = [chunk.attributes[name] for name in options if chunk.attributes.get(name)]
        texts.append(PointText("name", 0, " ".join([chunk.title, *chosen])))
        return texts
    sentences = spoken_sentences(chunk.text)
    if len(sentences) > 1:
        lead = f"{chunk.locator}: " if chunk.kind is Kind.POLICY else ""
        texts.extend(PointText("sentence", i, f"{lead}{sentence.spoken}") for i, sentence in enumerate(sentences))
    return texts


def _whole(chunk: Chunk) -> str:
    if chunk.kind is Kind.PRODUCT:
        # A size chart's figures blur what the product is, and cost half of the embedding time.
        lines = [line for line in chunk.text.split("\n") if len(_NUMBER.findall(line)) < MAX_FIGURES]
        return _shortened("\n".join(lines), CARD_TOKENS)
    return _shortened(f"{chunk.title}\n{chunk.text}", WHOLE_TOKENS)


def _shortened(text: str, limit: int) -> str:
    tokens = count_tokens(text)
    return text if tokens <= limit else text[: len(text) * limit // tokens]


def _options(chunks: Sequence[Chunk]) -> dict[str, tuple[str, ...]]:
    """Group → the short attributes that differ between its variants, except price and name."""
    groups: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        if chunk.kind is Kind.PRODUCT:
            groups[_group(chunk)].append(chunk)
    found: dict[str, tuple[str, ...]] = {}
    for group, variants in groups.items():
        names = dict.fromkeys(name for variant in variants for name in variant.attributes)
        found[group] = tuple(name for name in names if _tells_apart(name, variants))
    return found


def _tells_apart(name: str, variants: Sequence[Chunk]) -> bool:
    values = [variant.attributes.get(name, "") for variant in variants]
    if not all(values) or len(set(values)) < 2 or max(map(len, values)) > MAX_OPTION_CHARACTERS:
        return False
    if set(meanings(name)) & {Column.PRICE, Column.NAME}:
        return False
    # A bare number (stock, price, grams) tells a shopper nothing beside a name; "42 cm" or "XL" does.
    return not all(value.replace(".", "", 1).isdigit() for value in values) or _is_size(name)


def _is_size(name: str) -> bool:
    return any(word in name.casefold() for word in ("尺", "码", "规格", "容量", "size", "capacity", "length", "width"))


def _group(chunk: Chunk) -> str:
    return f"{chunk.path}\n{chunk.group or chunk.title}"


def point_id(shop: str, version: ChunkVersion, text: PointText) -> str:
    """The id of a point: derived, so that writing it twice changes nothing."""
    name = f"{shop}\n{version.chunk.chunk_id}\n{version.from_release}\n{text.aspect}\n{text.ordinal}"
    return str(uuid.uuid5(_NAMESPACE, name))


def point_spans(shop: str, version: ChunkVersion, texts: Sequence[PointText]) -> list[PointSpan]:
    """What the index should tell of the points of one chunk."""
    chunk_id, (begins, ends) = version.chunk.chunk_id, (version.from_release, version.to_release)
    return [PointSpan(point_id(shop, version, text), chunk_id, begins, ends) for text in texts]


def index_points(
    shop: str, version: ChunkVersion, texts: Sequence[PointText], vectors: Mapping[SidedText, Vector]
) -> list[IndexPoint]:
    """The points of one chunk; `vectors` by side and text."""
    chunk = version.chunk
    return [
        IndexPoint(
            point_id=point_id(shop, version, text),
            shop=shop,
            chunk_id=chunk.chunk_id,
            kind=chunk.kind.value,
            aspect=text.aspect,
            ordinal=text.ordinal,
            dense=vectors[text.side, text.text],
            sparse=sparse_vector(text.terms or text.text),
            from_release=version.from_release,
            to_release=version.to_release,
            valid_from_seconds=chunk.valid_from.timestamp() if chunk.valid_from else None,
            valid_until_seconds=chunk.valid_until.timestamp() if chunk.valid_until else None,
        )
        for text in texts
    ]
