"""Makes sentences out of a shop: each with the passages it was made from, and whether they still carry it."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.chat.support import sounds
from app.chat.turn import Evidence, Fact, Passage, Question
from app.chat.wording import without_opening
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.sentences import spoken_sentences
from app.knowledge.tokenize import words
from eval.planted.faithful import rewritten
from eval.planted.faults import FAULTS, Names

FAITHFUL = "faithful"
_PASSAGES = 3
"""A turn's evidence: the passage itself, and the two that share most words with it."""
_LEAST_CHARACTERS = {"zh": 10, "en": 25}
_SAYABLE = re.compile(
    r"材质|重量|容量|功率|保质期|价格|是否|产地|"
    "Material|Weight|Capacity|Price|washable|safe|Lumens|Battery",
    re.IGNORECASE,
)
_FIRST_CELL = re.compile(r"^\|\s*([^|]{2,30}?)\s*\|", re.MULTILINE)
_FACT_SHARE = 5
"""One sentence in so many is about a product's value."""


@dataclass(frozen=True, slots=True)
class Planted:
    """One sentence to be judged. `kind` is "faithful" or the error that was planted in it."""

    kind: str
    language: str
    sentence: str
    original: str
    evidence: Evidence
    question: Question

    @property
    def supported(self) -> bool:
        """Whether the evidence carries it."""
        return self.kind == FAITHFUL


@dataclass(frozen=True, slots=True)
class _Saying:
    """A sentence of the shop and what it rests on."""

    text: str
    source: str
    language: str
    evidence: Evidence
    question: Question


def planted(chunks: Sequence[Chunk], count: int, seed: int) -> list[Planted]:
    """`count` sentences, half of them faithful, the rest spread over the errors. The same for the same seed."""
    chance = random.Random(f"planted {seed}")
    sayings, names = list(_sayings(chunks)), _names(chunks)
    made: list[Planted] = []
    seen: set[str] = set()
    kinds = (FAITHFUL, *FAULTS)
    share = {kind: count // 2 if kind == FAITHFUL else count // 2 // len(FAULTS) for kind in kinds}
    share[FAITHFUL] += count - sum(share.values())
    for kind in kinds:
        wanted = share[kind]
        for _ in range(_TRIES * wanted):
            if not wanted:
                break
            saying = chance.choice(sayings)
            text = _made(kind, saying, names, chance)
            if text and text not in seen:
                seen.add(text)
                made.append(Planted(kind, saying.language, text, saying.text, saying.evidence, saying.question))
                wanted -= 1
    return made


_TRIES = 60
_REWORDED = 0.5
"""How many of the errors are reworded as well."""


def _made(kind: str, saying: _Saying, names: Names, chance: random.Random) -> str:
    """The sentence with its error, reworded half the time; "" where it can't be made or says what was said before."""
    if kind == FAITHFUL:
        text = rewritten(saying.text, chance)
        return "" if sounds(text) == sounds(saying.text) else text
    text = FAULTS[kind](saying.text, saying.source, names, chance)
    said = "".join(sounds(passage.chunk.text) for passage in saying.evidence.passages)
    if text and chance.random() < _REWORDED:
        text = rewritten(text, chance, most=1)
    return "" if sounds(without_opening(text)) in said else text


def _sayings(chunks: Sequence[Chunk]) -> Iterator[_Saying]:
    bags = [frozenset(words(f"{chunk.title} {chunk.text}")) for chunk in chunks]
    told = [n for n, chunk in enumerate(chunks) if chunk.kind is not Kind.PRODUCT]
    for number in told:
        chunk, bag = chunks[number], bags[number]
        shared = sorted((-len(bags[n] & bag), n) for n in told if n != number)
        near = [n for _, n in shared[: _PASSAGES - 1]]
        evidence = Evidence(tuple(Passage(chunks[n]) for n in (number, *near)))
        question = _question(chunk)
        for spoken in spoken_sentences(chunk.text):
            if len(spoken.spoken) >= _LEAST_CHARACTERS[question.language] and not spoken.literal.startswith("|"):
                yield _Saying(spoken.spoken, chunk.text, question.language, evidence, question)
    yield from _facts([chunk for chunk in chunks if chunk.kind is Kind.PRODUCT], len(told) // _FACT_SHARE)


def _facts(products: Sequence[Chunk], count: int) -> Iterator[_Saying]:
    """Values of products in a sentence, `count` of them, spread over the catalogue."""
    rows = [
        (c, name, value) for c in products for name, value in c.attributes.items() if _SAYABLE.search(name) and value
    ]
    for chunk, name, value in rows[:: max(1, len(rows) // max(1, count))]:
        zh = chunk.language[:2] == "zh"
        text = f"{chunk.title}的{name}是{value}。" if zh else f"The {name.lower()} of the {chunk.title} is {value}."
        fact = Fact(chunk.title, name, value, chunk.path, chunk.locator)
        yield _Saying(text, text, chunk.language[:2], Evidence((Passage(chunk),), (fact,)), _question(chunk))


def _question(chunk: Chunk) -> Question:
    asked = chunk.title.rpartition(" > ")[2]
    return Question(asked, asked, "zh" if chunk.language[:2] == "zh" else "en")


def _names(chunks: Sequence[Chunk]) -> Names:
    """Names by class: products of one category, and the first cells of one table."""
    classes: dict[str, set[str]] = defaultdict(set)
    for chunk in chunks:
        if chunk.kind is Kind.PRODUCT:
            kind = chunk.attributes.get("类目") or chunk.attributes.get("Type") or ""
            classes[f"product {kind}"].add(chunk.title)
        else:
            cells = [c for c in _FIRST_CELL.findall(chunk.text)[1:] if not set(c) <= set("-: ")]
            classes[f"table {chunk.chunk_id}"].update(
                part for cell in cells for part in cell.split("、") if len(part) > 1
            )
    found: dict[str, list[str]] = {}
    for held in classes.values():
        ordered = sorted(held)
        for name in ordered:
            found.setdefault(name, []).extend(other for other in ordered if other != name)
    return found
