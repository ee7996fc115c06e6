"""Evidence cut into units that can be compared with what was written: sentences, table rows, facts, draft sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.chat.language import language_of
from app.chat.stance import stance
from app.chat.turn import Citation, Evidence, Fact, Sentence
from app.chat.values import NUMBER_WORDS, Value, canonical, values
from app.chat.wording import plainly
from app.knowledge.chunk import Kind
from app.knowledge.sentences import spoken_sentences
from app.knowledge.stem import stem
from app.knowledge.tokenize import words

LONGEST_SPAN = 3
KEPT_PASSAGES = 512
KEPT_DRAFTS = 2048
_CLAUSE_END = re.compile(
    r"(?<!\d),|,(?!\d{3})|[;；|。!！?？\n()（）—]|[:：](?!\d\d)|\.(?=\s|$)|(?<=[a-z])\s-\s|\bbut\b|但是?|"
    r"\band\b(?=\s(?:can|do|does|is|are|will|must|may|costs?|the|we|you|it|they)\b|\scannot)"
)
_NAME_MARK = re.compile(r"\(([^\W\d]{1,4})\)")
"""A bracket that belongs to a name, "家居服套装（男）", and is no aside."""
_SOUNDLESS = re.compile(r"[\s，。；：、！？,;:!?\"'“”‘’()（）\[\]【】《》「」…—~*_|]+|\.(?!\d)")
_ROW = re.compile(r"[^:;]{1,40}: ([^;]+); ")
_FILLER = frozenset(
    {stem(word) for word in ("sure", "yes", "yeah", "ok", "okay", "certainly", "course", "absolutely", "sorry")}
    | {stem("unfortunately"), "当然", "好的"}
    | {"是的", "没问题", "放心", "抱歉", "很抱歉", "好", "您好", "亲爱", "亲爱的"}
)
_SAID_AS_VALUES = _FILLER | {stem(word) for word in NUMBER_WORDS if word != "one"}
"""Words that are no content of a clause: politeness, and numbers, which are compared as values."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of text without an inner pause: its content words (no numbers), hard values and stance."""

    text: str
    words: frozenset[str]
    values: tuple[Value, ...]
    stance: frozenset[str]
    is_divided: bool = False
    """Several clauses, of which some say no and some do not."""
    pieces: int = 1
    """How many clauses of the text were joined to make it."""

    @property
    def is_empty(self) -> bool:
        """Whether it claims nothing: "Sure," or "您好"."""
        return not self.words and not self.values


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing the evidence says.

    sentence   what is sent, cited, when something written in its place is not supported
    context    words of the heading, product name or question it stands under
    head       words of the first cell, in a table row: what the row is about
    names      words that tell it from its neighbours: the context, and the cells of a table row that hold no value
    spans      its clauses, and up to three neighbouring ones taken together
    """

    sentence: Sentence
    language: str
    sounds: str
    whole: Clause
    context: frozenset[str]
    names: frozenset[str]
    head: frozenset[str]
    spans: tuple[Clause, ...]
    is_draft: bool = False
    is_fact: bool = False
    is_card: bool = False
    """A line of a product's card, which says of that product only."""
    all_words: frozenset[str] = frozenset()
    """The words it holds, and those of its context."""


@lru_cache(maxsize=4096)
def sounds(text: str) -> str:
    """The text without punctuation, spaces and case: equal for an exact copy."""
    return _SOUNDLESS.sub("", canonical(text))


@lru_cache(maxsize=4096)
def clauses(text: str) -> tuple[Clause, ...]:
    """The clauses of a text in order; one that carries no content is joined to the next."""
    found: list[Clause] = []
    pending = ""
    for piece in _CLAUSE_END.split(_NAME_MARK.sub(r" \1 ", plainly(canonical(text)))):
        joined = f"{pending} {piece}".strip() if pending else piece.strip()
        if not joined:
            continue
        clause = _clause(joined)
        if clause.is_empty:
            pending = joined
            continue
        pending = ""
        found.append(clause)
    return tuple(found)


def _clause(text: str) -> Clause:
    # Numbers are compared as values, with their units; as words they would count twice.
    content = frozenset(word for word in words(text) if not word[0].isdigit()) - _SAID_AS_VALUES
    return Clause(text, content, tuple(values(text, already_canonical=True)), stance(text))


def joined(run: Sequence[Clause]) -> Clause:
    """Several clauses as one."""
    if len(run) == 1:
        return run[0]
    return Clause(
        "，".join(clause.text for clause in run),
        frozenset().union(*(clause.words for clause in run)),
        tuple(value for clause in run for value in clause.values),
        frozenset().union(*(clause.stance for clause in run)),
        len({"no" in clause.stance for clause in run}) > 1,
        len(run),
    )


def units(evidence: Evidence) -> tuple[Unit, ...]:
    """Every unit of the evidence: draft sentences first, then facts, then the sentences of the passages."""
    found = [_draft_unit(sentence) for sentence in evidence.draft if sentence.text.strip()]
    found.extend(_fact_unit(fact) for fact in evidence.facts)
    for passage in evidence.passages:
        chunk = passage.chunk
        found.extend(
            _passage_units(
                chunk.path,
                chunk.locator,
                chunk.document_id,
                chunk.title,
                chunk.section,
                chunk.text,
                chunk.kind is Kind.PRODUCT,
            )
        )
    return tuple(found)


def unit_of(text: str, context: str = "") -> Unit:
    """A unit out of plain text, cited to nothing: for checks outside a turn."""
    return _unit(text, Sentence(text, origin="evidence"), context)


def _unit(
    text: str,
    sentence: Sentence,
    context: str,
    *,
    is_draft: bool = False,
    is_fact: bool = False,
    is_row: bool = False,
    is_card: bool = False,
) -> Unit:
    parts = clauses(text)
    count = len(parts)
    runs = [parts[i : i + n] for n in range(1, LONGEST_SPAN + 1) for i in range(count - n + 1)]
    if count > LONGEST_SPAN:
        runs.append(parts)
    around = _context_words(context)
    whole = joined(parts) if parts else _clause("")
    labels = (clause.words for clause in parts if is_row and not clause.values)
    row = _ROW.match(text)
    return Unit(
        sentence=sentence,
        language=language_of(text),
        sounds=sounds(text),
        whole=whole,
        context=around,
        names=around.union(*labels),
        head=_context_words(row[1]) if row else frozenset(),
        spans=tuple(joined(run) for run in runs),
        is_draft=is_draft,
        is_fact=is_fact,
        is_card=is_card,
        all_words=whole.words | around,
    )


@lru_cache(maxsize=4096)
def _context_words(text: str) -> frozenset[str]:
    return frozenset(word for word in words(text) if not word[0].isdigit())


@lru_cache(maxsize=KEPT_DRAFTS)
def _draft_unit(sentence: Sentence) -> Unit:
    return _unit(sentence.text, sentence, "", is_draft=True)


def _fact_unit(fact: Fact) -> Unit:
    text = f"{fact.subject} {fact.name}: {fact.value}"
    return _unit(text, Sentence(text, fact.citations, "fact"), f"{fact.subject} {fact.name}", is_fact=True)


@lru_cache(maxsize=KEPT_PASSAGES)
def _passage_units(
    path: str, locator: str, document_id: str, title: str, section: str, text: str, is_card: bool
) -> tuple[Unit, ...]:
    """The units of a chunk, by all of it that they are made of: a chunk is quoted in many turns."""
    found = []
    for spoken in spoken_sentences(text):
        citation = Citation(path, locator, document_id, spoken.literal)
        sentence = Sentence(spoken.spoken, (citation,), "evidence")
        is_row = spoken.literal.startswith("|")
        found.append(_unit(spoken.spoken, sentence, f"{title} {section}", is_row=is_row, is_card=is_card))
    return tuple(found)
