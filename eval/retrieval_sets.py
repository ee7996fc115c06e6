"""The shared retrieval sets as a shop would hold them: chunks, and questions with the chunks that answer them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from app.chat.turn import Message
from app.knowledge.chunk import Chunk, Kind
from ingestion.points import PointText, point_texts

_BULLET = re.compile(r"^- ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, what was said before it, and the ids of the chunks that count as found."""

    question: str
    history: tuple[Message, ...]
    gold: frozenset[str]


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """One shop's knowledge and the questions put to it. `target` is the recall in five to reach."""

    name: str
    language: Literal["zh", "en"]
    chunks: tuple[Chunk, ...]
    asked: tuple[Asked, ...]
    target: float


SETS: tuple[tuple[str, Literal["zh", "en"], float], ...] = (
    ("en_dstc11_faq_reviews", "en", 0.80),
    ("zh_crosswoz_products", "zh", 0.93),
    ("en_banking77", "en", 0.95),
)


def load_set(data: Path, name: str, language: Literal["zh", "en"], target: float) -> RetrievalSet:
    """Read one set; turns that ask nothing of the knowledge are left out."""
    chunks = tuple(_chunk(record) for record in _lines(data / name / "documents.jsonl"))
    asked = tuple(
        _asked(record) for record in _lines(data / name / "questions.jsonl") if record.get("knowledge_seeking", True)
    )
    return RetrievalSet(name, language, chunks, asked, target)


def texts_of(chunks: Sequence[Chunk]) -> dict[str, list[PointText]]:
    """Chunk id → the texts that get vectors, as ingestion makes them, less the single sentences.

    Sentences would treble the minutes of a first run, and find answers inside long policies, which these sets have not.
    """
    made = point_texts(chunks)
    return {chunk_id: [text for text in texts if text.aspect != "sentence"] for chunk_id, texts in made.items()}


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _chunk(record: dict[str, Any]) -> Chunk:
    kind = Kind(record["kind"]) if record["kind"] in set(Kind) else Kind.POLICY
    return Chunk(
        chunk_id=record["id"],
        document_id=record["id"],
        path="documents.jsonl",
        locator=record["title"],
        kind=kind,
        title=record["title"],
        text=record["text"],
        language=record["language"],
        content_hash=record["id"],
        phrasings=_phrasings(record) if kind is Kind.FAQ else (),
        group=record["id"] if kind is Kind.PRODUCT else "",
    )


def _phrasings(record: dict[str, Any]) -> tuple[str, ...]:
    """The title, and the similar questions where the text is a list of them."""
    lines: Sequence[str] = record["text"].splitlines()
    return (record["title"], *(_BULLET.sub("", line) for line in lines if _BULLET.match(line)))


def _asked(record: dict[str, Any]) -> Asked:
    history = tuple(
        Message(cast(Literal["user", "assistant"], said["role"]), said["text"]) for said in record["history"]
    )
    return Asked(record["question"], history, frozenset(record["gold_doc_ids"]))
