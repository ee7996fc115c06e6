"""Claims that a question takes for granted: "so I have 30 days, right?", "满59就包邮对吧". Pure.

Such a question is looked up as the open question behind it ("how many days", "满多少包邮"), and what is found is held
against the claim: where the figure is another one, the answer begins with the right one.
"""

# ruff: noqa: E501 (word lists read better unbroken)
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.chat.support import clauses
from app.chat.turn import Question, Sentence
from app.chat.values import Value, canonical, values
from app.chat.wording import IDLE

_END = r"(?=\s*(?:[,，。.?？!！]|\s|$))"
_TAG = re.compile(
    r"[,，]?\s*(?:\b(?:right|correct|yeah|ye|yh|yep|innit|is that right|am i right|isn'?t (?:it|that)|aren'?t (?:they|you)|"
    r"don'?t (?:i|you|they)|doesn'?t it)" + _END + r"|(?:,|\s)(?:true|no)\s*[?？]\s*$|"
    r"(?:是)?(?:对吧|对不对|对不|对嘛|是吧|是不是|没错吧|没错|我没记错吧|没记错吧|吧|哈|嘛)" + _END + ")",
    re.IGNORECASE,
)
_CLAIMS = re.compile(
    r"\b(?:i (?:heard|thought|read|was told|saw|remember)(?: that)?|you (?:said|say|told me)(?: that)?|since|because|it says|apparently|"
    r"so (?=i |it |that |you )|given that|so (?=how |can |what |when |do |does |which ))|(?:我)?(?:记得|听说|以为)(?:是)?|你们说|说明书(?:这么)?写的?|"
    r"[罐盒页包]?上写着?|写着|你们不是(?=.{0,14}(?:吗|嘛|么))|不是(?=.{0,14}(?:吗|嘛|么))|说有|说是|那我有",
    re.IGNORECASE,
)
_SLANG = (
    (re.compile(r"\ba (?=kilo\b)", re.IGNORECASE), "1 "), (re.compile(r"\ba fiver\b", re.IGNORECASE), "5 pounds"),
    (re.compile(r"\ba tenner\b", re.IGNORECASE), "10 pounds"), (re.compile(r"(满\d+)(?=就|包|可|减|送)"), r"\1元"),
    (re.compile(r"\b(?:fort)?(?:a fortnight|fortnight)\b", re.IGNORECASE), "14 days"),
)  # fmt: skip
_ASKS = re.compile(
    r"多少|几|怎么|什么|哪|how (?:much|many|long|do|does|can)|\bwhat\b|\bwhen\b|\bwhich\b|\bwhere\b|\bwho\b",
    re.IGNORECASE,
)
_NO_CLAIM = frozenset({"code", "link", "clock", "weekday", "date", "year of", "month of", "age", "floor"})
_OWN = re.compile(
    r"\b(?:my|an?|the) (?:order|basket|cart)|order of|\b(?:i'?m|i am|i've|i bought|i ordered|i spent|i spend|weigh)\b|"
    r"我(?:买|订|身高|体重|有个|单|这单|下)|订单|买了|凑|付了|花了|公斤|厘米|cm|kg",
    re.IGNORECASE,
)
_ASKED_UNIT = {
    "day": ("多少天", "how many days"), "workday": ("几个工作日", "how many working days"), "hour": ("多少小时", "how many hours"),
    "week": ("多少周", "how many weeks"), "month": ("多少个月", "how many months"), "year": ("几年", "how many years"),
    "cny": ("多少元", "how much"), "gbp": ("多少钱", "how much"), "usd": ("多少钱", "how much"), "eur": ("多少钱", "how much"),
    "percent": ("百分之多少", "what percent"), "fold": ("几折", "what percent off"),
}  # fmt: skip
_SAME_KIND = (
    frozenset({"day", "workday", "hour", "week", "month", "year", "minute"}),
    frozenset({"cny", "gbp", "usd", "eur"}),
    frozenset({"percent", "fold"}),
    frozenset({"g", "kg", "jin", "lb", "oz"}),
)
_LEAST_SHARED = 1


@dataclass(frozen=True, slots=True)
class Premise:
    """What a shopper takes for granted. `asked` is the open question behind it."""

    claimed: tuple[Value, ...]
    asked: str
    said: str


def premise_of(text: str) -> Premise | None:
    """The claim in a message, None where it is an open question or a statement about the shopper's own things."""
    tagged = bool(_TAG.search(text)) and not _ASKS.search(text)
    if not tagged and not _CLAIMS.search(text):
        return None
    plain = text
    for said, meant in _SLANG:
        plain = said.sub(meant, plain)
    folded = canonical(plain)
    found = [v for v in values(folded, already_canonical=True) if v.unit not in _NO_CLAIM and v.unit != "number"]
    claims = [v for v in found if not v.is_loose or v.unit == "piece"]
    if not claims or (_OWN.search(text) and not _CLAIMS.search(text)):
        return None
    return Premise(tuple(claims), _open(folded, claims), text)


def open_question(question: Question, premise: Premise) -> Question:
    """The question as it is looked up: with the claim's figure asked for."""
    return replace(question, text=premise.asked, plain="", standalone=premise.asked)


def _open(folded: str, claims: Sequence[Value]) -> str:
    """ "满59元就包邮对吧" → "满多少元就包邮?"."""
    is_zh = bool(re.search("[\u4e00-\u9fff]", folded))
    last = claims[-1]
    written = folded[last.start : last.end]
    asked = _ASKED_UNIT.get(last.unit, ("", ""))[0 if is_zh else 1]
    asked = asked or re.sub(r"\d[\d.,]*", "多少" if is_zh else "how many ", written, count=1).replace("  ", " ")
    text = _CLAIMS.sub(" ", f"{folded[: last.start]}{asked}{folded[last.end :]}")
    text = re.sub(r"\s+", " ", _TAG.sub(" ", text)).strip(" ,，.。?？!！")
    return f"{text}？" if is_zh else f"{text}?"


def correction(premise: Premise, draft: Sequence[Sentence], language: str) -> tuple[Sentence, ...]:
    """What goes before the draft: "No, it's 7 days." with the source; nothing where the claim may stand."""
    best: tuple[float, Sentence, list[Value]] | None = None
    claim = premise.claimed[-1]
    said = frozenset().union(*(clause.words for clause in clauses(premise.asked))) - IDLE
    for sentence in draft:
        held = [v for clause in clauses(sentence.text) for v in clause.values]
        if any(v.same(c) for v in held for c in premise.claimed):
            return ()
        alike = [v for v in held if _one_kind(v.unit, claim.unit)]
        around = " ".join(citation.locator for citation in sentence.citations)
        there = frozenset().union(*(clause.words for clause in (*clauses(sentence.text), *clauses(around))))
        shared = len(said & there)
        if alike and shared >= _LEAST_SHARED and (best is None or shared > best[0]):
            best = (shared, sentence, alike)
    if best is None:
        return ()
    _, sentence, alike = best
    if len({(v.unit, v.amount) for v in alike}) > 1:
        text = "不是这样的，以下面的为准：" if language == "zh" else "Not quite; here is what applies:"
    else:
        right = _literal(sentence, alike[0])
        text = f"不是的，是{right}。" if language == "zh" else f"No, it's {right}."
    return (replace(sentence, text=text, origin="fact"),)


def _one_kind(one: str, other: str) -> bool:
    return one == other or any(one in kind and other in kind for kind in _SAME_KIND)


def _literal(sentence: Sentence, value: Value) -> str:
    """The value as the source writes it."""
    folded = canonical(sentence.text)
    found = next((v for v in values(folded, already_canonical=True) if v.same(value)), value)
    written = folded[found.start : found.end].strip()
    at = sentence.text.casefold().find(written)
    return sentence.text[at : at + len(written)] if at >= 0 else written
