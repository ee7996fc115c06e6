"""Settle what the quick check leaves in doubt, by asking an entailment model where one is configured.

The quick check (verify.py) compares values, yes or no, conditions and words. All but the words it knows for certain,
and nothing here overrules it there. Words it can only count: a sentence that says the same in other words fails, and
one that tells only a part, or dropped one "not" of two, may pass. Only such sentences are put to the model, and wait
for it only so long; when it does not answer, the quick check's verdict stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.chat.binding import negations
from app.chat.grounds import Grounds
from app.chat.language import language_of
from app.chat.ports import Entailment
from app.chat.support import Clause, Unit, clauses, joined, sounds
from app.chat.turn import Evidence
from app.chat.values import canonical
from app.chat.verify import OTHER_LANGUAGE, OTHER_WORDS, Verdict, keeps_values_and_stance
from app.chat.wording import IDLE, without_opening
from app.errors import Unavailable

MOSTLY_HELD, MOSTLY_TOLD = 0.9, 0.6
"""Shares from which there is no doubt: of a sentence's words in its evidence, of each clause there in the sentence."""
SAYS_THE_SAME = 0.9
"""Probability from which a sentence is sent that says in other words what its evidence says. High: it lets through."""
DOES_NOT_FOLLOW = 0.5
"""Probability below which a sentence is replaced though most of its words stand in the evidence. It costs phrasing."""
MOST_ASKED = 3
"""Places of the evidence that a sentence in other words is held against."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is asked about a sentence: whether any of these places says it, or all of them together do."""

    places: tuple[Unit, ...]
    together: bool


class Arbiter:
    """Puts sentences in doubt to an entailment model; keeps nothing."""

    def __init__(self, model: Entailment, timeout_seconds: float = 0.5) -> None:
        self._model = model
        self._timeout_seconds = timeout_seconds

    async def settle(self, sentence: str, verdict: Verdict, grounds: Grounds, evidence: Evidence) -> Verdict:
        """The verdict as it is, or turned where the model is sure of the opposite. Never raises, waits only so long."""
        doubt = doubt_about(sentence, verdict, grounds)
        if doubt is None or not self._model.available:
            return verdict
        headings = _headings(evidence)
        texts = [_told(unit, headings) for unit in doubt.places]
        premises = ["\n".join(dict.fromkeys(texts))] if doubt.together else texts
        pairs = [(premise, sentence) for premise in premises]
        try:
            chances = await self._model.supports(pairs, timeout_seconds=self._timeout_seconds)
        except Unavailable:
            return verdict
        return _refused(verdict, chances[0]) if doubt.together else _accepted(verdict, doubt.places, chances)


def doubt_about(sentence: str, verdict: Verdict, grounds: Grounds) -> Doubt | None:
    """What the quick check could not know of the sentence; None where it did."""
    if not verdict.reason:
        return None if _surely_said(sentence, verdict.supported_by) else Doubt(verdict.supported_by, together=True)
    if verdict.reason not in (OTHER_WORDS, OTHER_LANGUAGE):
        return None
    places = _may_say_it(sentence, grounds)
    return Doubt(places, together=False) if places else None


def _surely_said(sentence: str, carriers: Sequence[Unit]) -> bool:
    """Whether it is a copy, or has nothing that its carriers lack, lacks nothing they say, and as often says no."""
    plain = without_opening(sentence)
    if any(unit.sounds == sounds(plain) for unit in carriers):
        return True
    told = joined(clauses(plain))
    content, held = told.words - IDLE, frozenset().union(*(unit.all_words for unit in carriers))
    return (
        len(content & held) >= MOSTLY_HELD * len(content)
        and negations(canonical(plain)) == sum(negations(canonical(unit.sentence.text)) for unit in carriers)
        and all(_is_told(clause, told) for unit in carriers for clause in clauses(unit.sentence.text))
    )


def _is_told(clause: Clause, told: Clause) -> bool:
    content = clause.words - IDLE
    return len(content & told.words) >= MOSTLY_TOLD * len(content) and all(
        any(value.same(other) for other in told.values) for value in clause.values
    )


def _may_say_it(sentence: str, grounds: Grounds) -> tuple[Unit, ...]:
    """Places with the sentence's values and stance that it does not call by another's name, the likeliest first."""
    parts = clauses(without_opening(sentence))
    content = joined(parts).words - IDLE
    language = language_of(sentence)
    others = grounds.names - grounds.question_words
    fitting = [
        unit
        for unit in grounds.units
        if keeps_values_and_stance(parts, sentence, unit)
        and (unit.language != language or not (content - unit.all_words) & others)
    ]
    return tuple(sorted(fitting, key=lambda unit: -len(content & unit.all_words))[:MOST_ASKED])


def _accepted(verdict: Verdict, places: Sequence[Unit], chances: Sequence[float]) -> Verdict:
    chance, place = max(zip(chances, places, strict=True), key=lambda row: row[0])
    return replace(verdict, reason="", supported_by=(place,)) if chance >= SAYS_THE_SAME else verdict


def _refused(verdict: Verdict, chance: float) -> Verdict:
    if chance >= DOES_NOT_FOLLOW:
        return verdict
    return replace(verdict, reason="does not follow from its evidence", supported_by=())


def _headings(evidence: Evidence) -> dict[tuple[str, str], str]:
    """What each passage stands under: an answer says little without its question, a paragraph without its heading."""
    return {(p.chunk.document_id, p.chunk.locator): p.chunk.title for p in evidence.passages}


def _told(unit: Unit, headings: dict[tuple[str, str], str]) -> str:
    text = unit.sentence.text
    for citation in unit.sentence.citations:
        heading = headings.get((citation.document_id, citation.locator), "")
        if heading and heading not in text:
            return f"{heading}\n{text}"
    return text
