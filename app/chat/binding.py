"""What binds the parts of a sentence together: its conditions, the thing it speaks of, the order of its values. Pure.

Each clause of a sentence may stand in the evidence and the sentence still be false: a condition left out beside it, a
name put in another's place, the next line's value, "no" for "yes" at the start.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from app.chat.stance import LIMITS
from app.chat.support import Clause, Unit, clauses, joined
from app.chat.values import Value
from app.chat.wording import GENERIC, IDLE, plainly

_STATEMENT_END = re.compile(r"[;；。!！?？\n]|\.(?=\s|$)")
_LEADS_CONDITION = re.compile(
    r"^(?:如果|若|如(?=[需有果您未在是])|只要|除|仅限?|只限|限(?=[于在购用])|前提|"
    r"(?:only |and )?(?:if|unless|except|provided|as long as|only|when)\b)"
)
_LEADS_DUTY = re.compile(r"^(?:须|必须|需|凭)")
"""A condition where something follows that depends on it; at the end merely something to do."""
_YES = re.compile(r"^\s*(?:yes|yep|yeah|是的|可以|能|支持|有的?)\s*[，,。.!！:：]", re.IGNORECASE)
_NO = re.compile(r"^\s*(?:no|nope|不是|不可以|不能|不支持|没有|不行)\s*[，,。.!！:：]", re.IGNORECASE)
_NEGATION = re.compile(
    r"不(?!锈|仅|但|光|论|管|同|少|过|好意思|客气|用客气)|没(?!关系|问题)|无(?!论|理由|纺|线|痕|门槛)|未(?!来)|勿|"
    r"\bnot\b|n't\b|\bcannot\b|\bno\b(?! longer than| more than| later than)|\bnever\b|\bwithout\b|\bnone\b|"
    r"\bnothing\b|\bunable\b"
)
_BOUNDS = frozenset({"least", "most", "before", "after"})
_LEAST_TOLD = 0.5
"""Share of a condition's words that a sentence must hold to have told it."""
_LEAST_NEXT = 0.7
"""Share of a clause's words that a neighbouring place must hold for the clause to have been meant for it."""


def unbound(parts: Sequence[Clause], whole: Clause, carriers: Sequence[Unit], sentence: str) -> str:
    """Why the sentence is not what its carriers say together; "" when it is."""
    if _answers_otherwise(sentence, carriers):
        return "yes and no differ"
    if any(_lacks_condition(parts, whole, unit) for unit in carriers):
        return "leaves out a condition"
    return ""


def substituted(part: Clause, span: Clause, unit: Unit, asked: Collection[str]) -> str:
    """A telling word in the place of another one; "" when the clause only says more, less, or the same otherwise."""
    gained = part.words - span.words - unit.all_words - IDLE
    around = unit.context if (unit.is_card or unit.is_fact) and part.words & unit.context else frozenset()
    lost = (span.words | around) - part.words - IDLE
    if not gained or not lost:
        return ""
    if gained <= frozenset(asked) and lost & GENERIC:
        return ""  # "the tent" for "goods"
    return "a word in the place of another"


def turned(part: Clause, span: Clause, whole: Clause) -> str:
    """A "not" too many or too few, or a limit whose figure was left out."""
    if span.pieces == 1 and negations(part.text) % 2 != negations(span.text) % 2:
        return "yes and no differ"
    if span.pieces == 1 and (bounds := (span.stance & _BOUNDS) - whole.stance):
        left_out = any(not any(value.same(said) for said in whole.values) for value in span.values)
        if (left_out and not _is_list(span)) or ("before" in bounds and span.values):
            return "leaves out a condition"
    return ""


def _is_list(span: Clause) -> bool:
    """Whether the place gives several values of one kind, of which one may be told alone."""
    units = [value.unit for value in span.values]
    return len(set(units)) < len(units)


def next_place_differs(part: Clause, previous: Clause | None, unit: Unit) -> bool:
    """Whether the place right after the previous clause's holds the same words with another value."""
    if previous is None or not part.values or not part.words:
        return False
    pieces = clauses(unit.sentence.text)
    at = next((n for n, piece in enumerate(pieces) if _same_place(previous, piece)), None)
    if at is None or at + 1 >= len(pieces):
        return False
    following = pieces[at + 1]
    shared = len(part.words & following.words) / len(part.words)
    return shared >= _LEAST_NEXT and bool(following.values) and not _any_same(part.values, following.values)


def _same_place(clause: Clause, piece: Clause) -> bool:
    told = len(clause.words & piece.words) >= _LEAST_NEXT * max(1, len(piece.words))
    return told and (not clause.values or _any_same(clause.values, piece.values))


def _any_same(some: Sequence[Value], others: Sequence[Value]) -> bool:
    return any(value.same(other) for value in some for other in others)


def negations(text: str) -> int:
    """How often a text in canonical form says no."""
    return len(_NEGATION.findall(plainly(text)))


def _answers_otherwise(sentence: str, carriers: Sequence[Unit]) -> bool:
    """Whether it opens with "no" where all that carries it opens with "yes", or the other way round."""
    sign = _sign(sentence)
    signs = [held for unit in carriers if (held := _sign(unit.sentence.text))]
    return bool(sign and signs) and all(held != sign for held in signs)


def _sign(text: str) -> int:
    return 1 if _YES.match(text) else -1 if _NO.match(text) else 0


def _lacks_condition(parts: Sequence[Clause], whole: Clause, unit: Unit) -> bool:
    """Whether a statement that is told has a condition of its own, beside what is told, that is not."""
    if len(unit.spans) < 2:
        return False
    for statement in _STATEMENT_END.split(unit.sentence.text):
        pieces = clauses(statement)
        if len(pieces) < 2 or not any(_tells(part, piece) for part in parts for piece in pieces):
            continue
        for piece, following in zip(pieces, [*pieces[1:], None], strict=True):
            duty = following and _LEADS_DUTY.match(piece.text) and any(_tells(part, following) for part in parts)
            leads = (_LEADS_CONDITION.match(piece.text) or duty) and piece.stance & LIMITS
            if leads and not _is_told(piece, whole):
                return True
    return False


def _tells(part: Clause, piece: Clause) -> bool:
    return bool(piece.words) and len(part.words & piece.words) >= _LEAST_NEXT * len(piece.words)


def _is_told(piece: Clause, whole: Clause) -> bool:
    told = len(piece.words & whole.words) >= _LEAST_TOLD * len(piece.words)
    return told and all(any(value.same(other) for other in whole.values) for value in piece.values)


def with_neighbours(parts: Sequence[Clause]) -> list[Clause]:
    """The clauses, each of a word or less joined to the one before it: alone it would stand anywhere."""
    found: list[Clause] = []
    for part in parts:
        content = part.words - IDLE
        if found and (not content or (not part.values and len(content) < _LEAST_ALONE)):
            found[-1] = joined((found[-1], part))
        else:
            found.append(part)
    return found


_LEAST_ALONE = 2


def pays_otherwise(part: Clause, other: Clause) -> bool:
    """Whether one says that the buyer pays and the other that the shop does."""
    pays = {"buyer pays", "shop pays"}
    return bool(part.stance & pays and other.stance & pays) and not part.stance & other.stance & pays
