"""Follow-ups that name their matter by its place in what was said, or leave out what they ask of it.

"And the second one?" after two products were named asks of the second; "小青柑的呢" after "明前龙井保质期多长" asks how
long 小青柑 keeps. Said in full, such a question needs no history: it is searched, read and judged as any other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from app.chat.mentions import EntityNames
from app.chat.products import without_name
from app.chat.turn import Question

_KIND = r"(?:个|款|支|台|种|把|件|条|瓶|只|双|套|盒|块|张|本|样)"
_ONE = r"\s*(?:one|ones|product|model)"
_PLACES = (
    (re.compile(rf"(?:第一|前面那?|前一|头一|上一){_KIND}的?|前者|\bthe (?:first|former)(?:{_ONE})?\b", re.I), 0),
    (re.compile(rf"(?:第二){_KIND}的?|\bthe second(?:{_ONE})?\b", re.I), 1),
    (re.compile(rf"(?:第三){_KIND}的?|\bthe third(?:{_ONE})?\b", re.I), 2),
    (re.compile(rf"(?:后面那?|后一|最后一?){_KIND}的?|后者|\bthe (?:last|latter)(?:{_ONE})?\b", re.I), -1),
)
_OTHER = re.compile(rf"另外?(?:那|一|的那)?{_KIND}的?|\bthe other(?:{_ONE})?\b", re.I)
_MIDDLE = re.compile(rf"中间那?{_KIND}的?|\bthe middle(?:{_ONE})?\b", re.I)
_POINTS = re.compile("|".join(p.pattern for p in (*(pattern for pattern, _ in _PLACES), _OTHER, _MIDDLE)), re.I)
_LEFT_OUT = (
    re.compile(r"^(?:那|那么|还有|再问下)?[,，\s]*(.{1,24}?)(?:那款|那个)?的?(?:呢|咧|嘞|捏)[?？。\s]*$"),
    re.compile(
        r"^(?:and|n|ok n|ok and|what about|how about|same for)\s+(?:for\s+)?(.{2,48}?)(?:,? (?:then|too))?[?.\s]*$",
        re.I,
    ),
)
"""Messages that are a name and no question"""


def said_in_full(question: Question, names: EntityNames) -> Question:
    """The question with what it points at put in the place of the pointing words; itself where that is not certain."""
    if not question.history or not question.signals.get("depends", 0.0):
        return question
    text = _by_place(question, names) or _by_pattern_of_before(question, names)
    if not text:
        return question
    signals = MappingProxyType({**question.signals, "depends": 0.0})
    return replace(question, text=text, plain="", standalone=text, history=(), signals=signals)


def _by_place(question: Question, names: EntityNames) -> str:
    """With "the second one" replaced by the name that was listed second, where a message listed several."""
    # Finding names costs more than finding the words that point, and few messages point.
    if not _POINTS.search(question.text) or names.listed(question.text):
        return ""
    listed = next((said for m in reversed(question.history[-3:]) if len(said := names.listed(m.text)) > 1), [])
    for pattern, place in _pointers(question, names, listed):
        if (found := pattern.search(question.text)) and -len(listed) <= place < len(listed):
            before, after = question.text[: found.start()], question.text[found.end() :]
            return _tidy(f"{before} {listed[place]} {after}")
    return ""


def _pointers(question: Question, names: EntityNames, listed: Sequence[str]) -> list[tuple[re.Pattern[str], int]]:
    pointers = list(_PLACES)
    if len(listed) == 3:
        pointers.append((_MIDDLE, 1))
    asked = names.listed(question.asked_before)
    others = [n for n, name in enumerate(listed) if name not in asked]
    if len(listed) == 2 and len(others) == 1:
        pointers.append((_OTHER, others[0]))
    return pointers


def _by_pattern_of_before(question: Question, names: EntityNames) -> str:
    """The question before, asked of the name that this message is all about."""
    found = next((match for pattern in _LEFT_OUT if (match := pattern.match(question.text))), None)
    if found is None:
        return ""
    now = names.listed(found[1]) or list(filter(None, [names.named_by(found[1])]))
    before = names.listed(question.asked_before)
    if len(now) != 1 or len(before) != 1 or now == before:
        return ""
    return _tidy(f"{now[0]} {without_name(question.asked_before, before[0])}")


def _tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
