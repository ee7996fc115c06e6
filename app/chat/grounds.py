"""Evidence prepared once for all sentences of a turn that are checked against it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from app.chat.support import Clause, Unit, clauses
from app.chat.turn import Evidence, Question
from app.chat.values import Value, canonical, values
from app.knowledge.tokenize import words

_MAY_NAME = re.compile(r"[\d@]|www\.|://")


@dataclass(frozen=True, slots=True)
class Grounds:
    """Evidence prepared once for all sentences of a turn."""

    units: tuple[Unit, ...]
    text: str
    words: frozenset[str]
    names: frozenset[str]
    clauses: tuple[Clause, ...]
    holders: Mapping[str, int]
    """word → how many units hold it"""
    question_words: frozenset[str]
    question_codes: frozenset[str]


def grounds_of(found: tuple[Unit, ...], question: Question, text: str) -> Grounds:
    """Prepare units for judging; `text` is all the evidence in canonical form."""
    asked = f"{question.text} {question.standalone}"
    return Grounds(
        units=found,
        text=canonical(text),
        words=frozenset().union(*(unit.all_words for unit in found)),
        names=frozenset().union(*(unit.names for unit in found)),
        clauses=tuple(part for unit in found for part in clauses(unit.sentence.text)),
        holders=Counter(chain.from_iterable(unit.all_words for unit in found)),
        question_words=frozenset(words(asked)),
        question_codes=frozenset(value.amount for value in named_in(canonical(asked)) if value.unit == "code"),
    )


def evidence_text(evidence: Evidence) -> str:
    parts = [sentence.text for sentence in evidence.draft]
    parts.extend(f"{fact.subject} {fact.name} {fact.value}" for fact in evidence.facts)
    for passage in evidence.passages:
        chunk = passage.chunk
        parts.append(f"{chunk.title}\n{chunk.text}\n{chunk.locator}")
        parts.extend(f"{name} {value}" for name, value in chunk.attributes.items())
    return "\n".join(parts)


def named_in(folded: str) -> list[Value]:
    """Values of a canonical text where some may be links or identifiers, else none: most sentences have neither."""
    return values(folded, already_canonical=True) if _MAY_NAME.search(folded) else []
