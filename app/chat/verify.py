"""The groundedness check: nothing that the evidence does not say is sent. Pure, and about a millisecond.

A written sentence is taken apart into clauses. Each clause must be carried by one place of the evidence: the same
values with the same units, the same yes or no, the same before and after, its conditions kept, and its words mostly
found there. A sentence that fails is replaced by the evidence it was nearest to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from app.chat.binding import next_place_differs, pays_otherwise, substituted, turned, unbound, with_neighbours
from app.chat.grounds import Grounds, evidence_text, grounds_of, named_in
from app.chat.language import language_of
from app.chat.stance import CLAIMED, LIMITS, OPPOSITES, promises, stance
from app.chat.support import Clause, Unit, clauses, joined, sounds, units
from app.chat.turn import Citation, Evidence, Question, Sentence
from app.chat.values import Value, canonical
from app.chat.wording import IDLE, without_opening
from app.knowledge.tokenize import words

LEAST_COVERED = 0.62
"""Share of a clause's content words that its evidence must hold."""
LEAST_TOLD = 0.6
"""Share of the words of several clauses that one written clause must hold to count as their sum, not their mixture."""
LEAST_WORDS = 2
"""A bare "no" or "30 days" is right or wrong only together with its question: it is not sent."""
LEAST_LIKE = 0.35
"""Below this a failing sentence has no nearest evidence: it is dropped, not replaced."""
LEAST_ALIKE_ACROSS = 0.86
"""Embedding cosine that a sentence and its evidence in the other language must reach."""
OTHER_WORDS, OTHER_LANGUAGE = "words that are not in the evidence", "no evidence in its language"
"""Reasons that say nothing against a sentence but that its words stand nowhere."""

_FORM = re.compile(
    r"^\s*(?:#{1,6}\s|```|\|.*\||(?:user|assistant|system|human|question|answer|notes?|context|customer|shopper|q|a)\s*[:：]|"
    r"(?:用户|顾客|助手|系统|客服|资料|问题|回答|问|答)\s*[:：])|<\|?[a-z_]+\|?>|\[/?INST\]",
    re.IGNORECASE,
)
_LEAK = re.compile(
    r"system prompt|my instructions|the instructions|as an ai|language model|提示词|系统提示|语言模型|我的指令|"
    r"\b(?:the|these|your|following) (?:notes|evidence|context|passages)\b|\bnotes (?:say|state|provided)|"
    r"根据(?:以上|上述|提供的)?资料|qwen|通义|阿里云|openai|chatgpt",
    re.IGNORECASE,
)
_LATIN_NAME = re.compile(r"(?<![A-Za-z0-9])[A-Z][A-Za-z]{2,}(?![A-Za-z])|(?<![A-Za-z0-9])[A-Z]{2,}(?![A-Za-z])")
_OPENERS = frozenset(
    {"unfortunately", "currently", "generally", "certainly", "absolutely", "okay", "yes", "sure", "sorry", "however"}
    | {
        "also",
        "additionally",
        "therefore",
        "otherwise",
        "simply",
        "once",
        "after",
        "before",
        "course",
        "please",
        "both",
    }
    | {"although", "while", "each", "most", "many", "all", "every", "note", "that", "these", "those", "not", "only"}
)

Alike = Callable[[str], float]
"""Cosine between the written sentence and a text of the evidence, where somebody has embedded them."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check found. `reason` is empty for a supported sentence; `nearest` the evidence it is closest to."""

    reason: str
    supported_by: tuple[Unit, ...] = ()
    nearest: Unit | None = None
    likeness: float = 0.0

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The sources that carry the sentence, each once."""
        return tuple(dict.fromkeys(c for unit in self.supported_by for c in unit.sentence.citations))


class Verifier:
    """Checks sentences against evidence; keeps nothing between turns but the last preparation."""

    def __init__(self) -> None:
        self._last: tuple[Evidence, Question, Grounds] | None = None

    def verify(
        self,
        sentence: str,
        evidence: Evidence,
        question: Question,
        *,
        forbidden_words: Iterable[str] = (),
        said: Collection[str] = (),
        alike: Alike | None = None,
    ) -> Sentence | None:
        """The sentence with its citations; or the evidence sentence that says it right; or None where that was said.

        said     texts of this reply that were sent before
        alike    needed to accept a sentence in another language than its evidence
        """
        grounds = self.grounds(evidence, question)
        verdict = self.judge(sentence, grounds, forbidden_words=forbidden_words, alike=alike)
        return self.conclude(sentence, verdict, said)

    def conclude(self, sentence: str, verdict: Verdict, said: Collection[str] = ()) -> Sentence | None:
        """What is sent after a verdict, see `verify`."""
        spoken = {sounds(text) for text in said}
        if not verdict.reason:
            return None if sounds(sentence) in spoken else Sentence(sentence.strip(), verdict.citations, "model")
        nearest = verdict.nearest
        if nearest is None or verdict.likeness < LEAST_LIKE or any(nearest.sounds in s for s in spoken):
            return None
        return nearest.sentence if nearest.is_draft else replace(nearest.sentence, origin="evidence")

    def grounds(self, evidence: Evidence, question: Question) -> Grounds:
        """Prepare evidence; asking again for the same objects costs nothing."""
        if self._last is None or self._last[0] is not evidence or self._last[1] is not question:
            self._last = (evidence, question, grounds_of(units(evidence), question, evidence_text(evidence)))
        return self._last[2]

    def judge(
        self, sentence: str, grounds: Grounds, *, forbidden_words: Iterable[str] = (), alike: Alike | None = None
    ) -> Verdict:
        """Whether the evidence carries the sentence, and if not, why."""
        nearest, likeness = _nearest(sentence, grounds, alike)
        reason = _form_fault(sentence, grounds, forbidden_words)
        if reason:
            return Verdict(reason, (), nearest, likeness)
        heard = sounds(without_opening(sentence))
        for unit in grounds.units:
            if unit.sounds == heard:
                return Verdict("", (unit,), unit, 1.0)
        parts = clauses(without_opening(sentence))
        if not parts or len(joined(parts).words - {"不", "没", "not", "no"}) < LEAST_WORDS:
            return Verdict("says nothing", (), nearest, likeness)
        language = language_of(sentence)
        if any(unit.language == language for unit in grounds.units):
            reason, carriers = _carried(with_neighbours(parts), joined(parts), grounds)
            reason = reason or unbound(parts, joined(parts), carriers, without_opening(sentence))
            if not reason:
                return Verdict("", carriers, nearest, likeness)
        else:
            reason = OTHER_LANGUAGE
        carrier = _carried_across(parts, sentence, language, grounds, alike)
        if carrier is not None:
            return Verdict("", (carrier,), carrier, likeness)
        return Verdict(reason, (), nearest, likeness)


def _form_fault(sentence: str, grounds: Grounds, forbidden_words: Iterable[str]) -> str:
    """What no sentence may hold, whatever the evidence: role marks, leaks, links, promises, forbidden words, names."""
    folded = canonical(sentence)
    if _FORM.search(sentence):
        return "headings or role marks"
    if (leak := _LEAK.search(folded)) and leak.group() not in grounds.text:
        return "talks about itself"
    for word in forbidden_words:
        if canonical(word) in folded:
            return "a word the brand forbids"
    for phrase in promises(sentence):
        if canonical(phrase) not in grounds.text:
            return "promises something"
    for value in named_in(folded):
        if value.unit == "link" and value.amount not in grounds.text:
            return "a link or address that is not in the evidence"
        if value.unit == "code" and not _names_code(value.amount, grounds):
            return "an identifier that is not in the evidence"
    for name in _LATIN_NAME.findall(sentence):
        if name.casefold() in _OPENERS:
            continue
        if name.casefold() not in grounds.text and not set(words(name)) <= (grounds.words | grounds.question_words):
            return "a name that is not in the evidence"
    return ""


def _names_code(code: str, grounds: Grounds) -> bool:
    plain = re.sub(r"\D", "", grounds.text) if code.isdigit() else grounds.text
    return code in plain or code in grounds.question_codes


def _carried(parts: Sequence[Clause], whole: Clause, grounds: Grounds) -> tuple[str, tuple[Unit, ...]]:
    """("", units that carry the clauses), or the reason why a clause is carried by none."""
    carriers: list[Unit] = []
    previous: Clause | None = None
    for part in parts:
        reason, carrier = _carrier(part, whole, grounds)
        if carrier is None:
            return reason, ()
        if carrier in carriers and next_place_differs(part, previous, carrier):
            return "says of one thing what is said of another", ()
        previous = part
        if carrier not in carriers:
            carriers.append(carrier)
    return "", tuple(carriers)


def _carrier(part: Clause, whole: Clause, grounds: Grounds) -> tuple[str, Unit | None]:
    ranked = sorted(_candidates(part, whole, grounds), key=lambda row: (*row[:2], -row[2]), reverse=True)
    if not ranked or ranked[0][0] < LEAST_COVERED:
        return OTHER_WORDS, None
    first_reason = ""
    for covered, _, _, unit, span in ranked:
        if covered < max(LEAST_COVERED, ranked[0][0] - 0.05):
            break
        reason = (
            _value_fault(part.values, span.values)
            or _stance_fault(part, span, whole)
            or turned(part, span, whole)
            or substituted(part, span, unit, grounds.question_words)
            or _mixing_fault(part, span, unit, grounds)
        )
        if not reason:
            return "", unit
        first_reason = first_reason or reason
    return first_reason, None


def _candidates(part: Clause, whole: Clause, grounds: Grounds) -> Iterator[tuple[float, int, int, Unit, Clause]]:
    """(share covered, shorter first, order, unit, span) of each place that shares enough words to be worth a look."""
    for index, unit in enumerate(grounds.units):
        around = len(part.words & unit.context)
        for span in unit.spans:
            if 3 * (len(part.words & span.words) + around) >= len(part.words):
                covered = _covered(part, span, unit, whole.words, grounds)
                yield covered, -len(span.words), index, unit, span


def _covered(part: Clause, span: Clause, unit: Unit, everything: frozenset[str], grounds: Grounds) -> float:
    """0 to about 1: the clause's words found in the span, a little for its neighbours' words and for its values."""
    content = part.words - IDLE
    if part.values and not content:
        held = sum(any(value.same(other) for other in span.values) for value in part.values) / len(part.values)
        return held * 0.8 + 0.2 * len(everything & (span.words | unit.context)) / max(1, len(everything))
    content = content or part.words
    here = content & span.words
    near = (content & (unit.context | (unit.whole.words if unit.is_fact else frozenset()))) - here
    asked = (content & grounds.question_words) - here - near
    score = (len(here) + 0.9 * len(near) + 0.2 * len(asked)) / len(content)
    if part.values:
        held = sum(any(value.same(other) for other in span.values) for value in part.values) / len(part.values)
        score = 0.95 * score + 0.05 * held  # only to choose between places that say nearly the same
    return score


def _value_fault(written: Sequence[Value], held: Sequence[Value]) -> str:
    """Every value must be held; where several of its dimension are held, all must be written, in their order."""
    for value in written:
        if not any(value.same(other) for other in held):
            return "a value that is not in the evidence"
    for dimension in {_dimension(value) for value in written}:
        there = _distinct(value for value in held if _dimension(value) == dimension)
        here = _distinct(value for value in written if _dimension(value) == dimension)
        if len(there) > 1 and [v.amount[-5:] for v in here] != [v.amount[-5:] for v in there]:
            return "one of several values, and not clear which"
    return ""


def _dimension(value: Value) -> str:
    return "count" if value.is_loose else value.unit


def _distinct(found: Iterable[Value]) -> list[Value]:
    kept: list[Value] = []
    for value in found:
        if not any(value.same(other) for other in kept):
            kept.append(value)
    return kept


def _stance_fault(part: Clause, span: Clause, whole: Clause) -> str:
    if ("no" in part.stance) != ("no" in span.stance):
        return "yes and no differ"
    if missing := (part.stance & CLAIMED) - span.stance:
        return f"claims {sorted(missing)[0]!r}"
    if (span.is_divided and not part.is_divided) or any(
        pair <= span.stance and len(pair & part.stance) == 1 for pair in OPPOSITES
    ):
        return "mixes two clauses"
    if (span.stance & LIMITS) and not (whole.stance & LIMITS):
        return "leaves out a condition"
    if "no" in span.stance and (span.stance & {"before", "after"}) - whole.stance:
        return "leaves out a condition"
    if "free" in part.stance and span.values and not whole.values:
        return "leaves out a condition"
    return ""


def _mixing_fault(part: Clause, span: Clause, unit: Unit, grounds: Grounds) -> str:
    """A word that this place does not have, but the name of another place does, or this unit elsewhere."""
    if span.pieces > 1 and len(part.words & span.words) < LEAST_TOLD * len(span.words):
        return "mixes two clauses"
    missing = part.words - span.words - unit.context - IDLE
    if missing & (grounds.names - grounds.question_words):
        return "names something else"
    if (part.values or part.stance & {"before", "after", "no"}) and missing & unit.whole.words:
        return "mixes two clauses"
    for other in grounds.clauses:
        if missing & other.words and _contradicts(part, other):
            return "says of one thing what is said of another"
    return ""


def _contradicts(part: Clause, other: Clause) -> bool:
    """Whether a place that has the missing word says no for yes, or gives another value of the same dimension."""
    if ("no" in part.stance) != ("no" in other.stance) or pays_otherwise(part, other):
        return True
    dimensions = {_dimension(value) for value in part.values}
    return any(
        _dimension(value) in dimensions and not any(value.same(own) for own in part.values) for value in other.values
    )


def _carried_across(
    parts: Sequence[Clause], sentence: str, language: str, grounds: Grounds, alike: Alike | None
) -> Unit | None:
    """Words cannot be compared across languages: all values, in order, the same stance, and a close embedding."""
    if alike is None:
        return None
    for unit in grounds.units:
        if unit.language == language or not keeps_values_and_stance(parts, sentence, unit):
            continue
        if alike(unit.sentence.text) >= LEAST_ALIKE_ACROSS:
            return unit
    return None


def keeps_values_and_stance(parts: Sequence[Clause], sentence: str, unit: Unit) -> bool:
    """Whether all that can be compared without words is the same: values in their order, yes or no, conditions."""
    if _value_fault([value for part in parts for value in part.values], unit.whole.values):
        return False
    committed, held = stance(sentence), unit.whole.stance
    if ("no" in committed) != ("no" in held) or (committed & CLAIMED) - held:
        return False
    return not (held & LIMITS) or bool(committed & LIMITS)


def _nearest(sentence: str, grounds: Grounds, alike: Alike | None) -> tuple[Unit | None, float]:
    """The unit a failing sentence stands for; a draft sentence wins over an equal one, for it was chosen to be said."""
    parts = clauses(sentence)
    content = frozenset().union(*(part.words for part in parts))
    total = _weight(content, grounds)
    language = language_of(sentence)
    best: Unit | None = None
    best_score = 0.0
    for unit in grounds.units:
        if unit.language != language:
            score = alike(unit.sentence.text) if alike is not None else 0.0
        else:
            here = content & unit.whole.words
            near = content & (unit.context - unit.whole.words)
            asked = grounds.question_words & (unit.whole.words | unit.context)
            score = (_weight(here, grounds) + 0.5 * _weight(near, grounds)) / max(0.01, total)
            score += 0.1 * bool(content & unit.head) + 0.2 * _weight(asked, grounds) / max(
                0.01, _weight(grounds.question_words, grounds)
            )
        score += 0.15 if unit.is_draft and score else 0.0
        if score > best_score:
            best, best_score = unit, score
    return best, best_score


def _weight(content: frozenset[str], grounds: Grounds) -> float:
    """A word that few units hold tells more which of them is meant; one that none holds weighs like half a rare one."""
    return sum(1 / grounds.holders[word] if word in grounds.holders else 0.5 for word in content)
