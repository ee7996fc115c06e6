"""A shop's terms read out of its own sentences and tables as typed values: delivery by region, windows, points. Pure.

Only what is written in a form that leaves no doubt is read; everything else stays text.
"""

# ruff: noqa: E501 (word lists read better unbroken)
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from app.chat.arithmetic import Threshold
from app.chat.turn import Citation
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.sentences import SpokenSentence, spoken_sentences
from app.knowledge.view import KnowledgeView

Event = Literal["delivery", "payment", "order", ""]

_CELL = re.compile(r"([^:;]{1,40}):\s*([^;]*)(?:;|$)")
_REGION_HEAD = re.compile(r"^(?:地区|区域|收货地|region|area|destination|zone|country)", re.IGNORECASE)
_CHARGE_HEAD = re.compile(r"首重|运费|邮费|^费用|charge|postage|^cost|^price|^rate", re.IGNORECASE)
_FREE_HEAD = re.compile(r"包邮|免邮|免运费|free (?:from|over|above)", re.IGNORECASE)
_SERVICE_HEAD = re.compile(r"^(?:service|服务|方式)$", re.IGNORECASE)
_STANDARD = re.compile(r"standard|tracked|普通|标准|^$", re.IGNORECASE)
_HOME = re.compile(r"普通地区|大陆|内地|国内|uk mainland|mainland|domestic", re.IGNORECASE)
_AMOUNT = r"(?:[¥￥£$€]\s?)?(\d+(?:\.\d+)?)"
_ZH_TERM = re.compile(
    rf"(?P<where>[^，。；:：]{{0,24}}?)(?:单笔)?(?:实付|消费|订单)?满{_AMOUNT}元?(?:可|即|就)?(?:包邮|免运费|免邮)[，,]\s*"
    rf"(?:不满|未满|不足)(?:{_AMOUNT}元?)?(?:收|付|运费|需付|邮费)+{_AMOUNT}元"
)
_EN_TERM = re.compile(
    rf"delivery to (?:the )?(?P<where>[A-Z][A-Za-z ]+?) costs {_AMOUNT}.{{0,30}}?free .{{0,50}}?{_AMOUNT} or more",
    re.DOTALL,
)
_ZH_WINDOW = re.compile(
    r"(?P<event>签收|收货|收到货?|确认收货|付款|下单|购买|激活|开票)(?:显示)?(?:的?次日)?(?:之?后|起|算起)?(?P<n>\d+)(?P<unit>天|个月|年)(?:内|之内|以内)"
)
_EN_WINDOW = re.compile(
    r"(?P<n>\d+) (?P<unit>days|months|years)\W{0,9}(?:from|of|after) (?:the )?(?:day of |date of )?"
    r"(?P<event>delivery|order|purchase|you bought|payment|receipt)",
    re.IGNORECASE,
)
_EVENTS: Mapping[str, Event] = {
    "签收": "delivery", "收货": "delivery", "收到": "delivery", "收到货": "delivery", "确认收货": "delivery", "付款": "payment",
    "下单": "order", "购买": "order", "delivery": "delivery", "receipt": "delivery", "order": "order", "purchase": "order",
    "you bought": "order", "payment": "payment",
}  # fmt: skip
_LEVEL = re.compile(r"(?P<names>[\u4e00-\u9fff]{2,4}(?:[、和与][\u4e00-\u9fff]{2,4})*)会员(?:是|为)?(?P<n>\d+)天")
_LEVEL_HEAD = re.compile(r"^(?:会员)?(?:等级|级别)$|^(?:level|tier|membership)$", re.IGNORECASE)
_EN_MEMBER = re.compile(r"(?P<names>[A-Z][a-z]+ Club|members)(?: members)? have (?P<n>\d+) days")
_POINTS = re.compile(r"(\d+)\s?(?:积分|分)抵(\d+(?:\.\d+)?)元|(\d+) points are worth [£$€](\d+(?:\.\d+)?)")
_STEP = re.compile(r"每满(\d+)减(\d+)|(?<!每)满(\d+)减(\d+)，每单限减一次")


@dataclass(frozen=True, slots=True)
class DeliveryTerm:
    """What delivery to these places costs. `places` as written, empty for everywhere else in the home country."""

    places: tuple[str, ...]
    threshold: Threshold
    citation: Citation
    said: str
    is_home: bool
    is_dated: bool


@dataclass(frozen=True, slots=True)
class Window:
    """How long after an event something can be done. `members` name → days that differ for them."""

    event: Event
    number: int
    unit: str
    members: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Stated:
    """Two figures out of one sentence, with where it stands: so many points for so much, so much off for every."""

    first: Decimal
    second: Decimal
    once: bool
    citation: Citation
    said: str


def delivery_terms(view: KnowledgeView, as_of: datetime) -> list[DeliveryTerm]:
    """Every delivery term in force, a dated one before what holds otherwise."""
    found = [term for chunk, spoken in _valid(view, as_of) for term in _terms_of(chunk, spoken)]
    return sorted(found, key=lambda term: not term.is_dated)


def points_terms(view: KnowledgeView, as_of: datetime) -> list[Stated]:
    """What points are worth."""
    return [one for chunk, spoken in _valid(view, as_of) if (one := _points(chunk, spoken))]


def step_terms(view: KnowledgeView, as_of: datetime) -> list[Stated]:
    """So much off for every so much, the narrowest window first."""
    found = [(chunk.window_seconds, one) for chunk, s in _valid(view, as_of) if (one := _step(chunk, s))]
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def level_names(view: KnowledgeView) -> frozenset[str]:
    """Names of membership levels: the first cells of tables of levels."""
    rows = (
        _CELL.findall(s.spoken) for c in view.chunks.values() if c.kind is Kind.POLICY for s in spoken_sentences(c.text)
    )
    return frozenset(cells[0][1].strip() for cells in rows if cells and _LEVEL_HEAD.match(cells[0][0].strip()))


def window_of(text: str, around: str = "") -> Window | None:
    """The window a sentence states, with what `around` says of members; None when it states none, or several."""
    found = list(_ZH_WINDOW.finditer(text)) or list(_EN_WINDOW.finditer(text))
    if len(found) != 1:
        return None
    match = found[0]
    unit = {"天": "day", "days": "day", "个月": "month", "months": "month"}.get(match["unit"].lower(), "year")
    members: dict[str, int] = {}
    for level in (*_LEVEL.finditer(around or text), *_EN_MEMBER.finditer(around or text)):
        for name in re.split("[、和与]", level["names"]):
            members[name.casefold()] = int(level["n"])
    return Window(_EVENTS.get(match["event"].casefold(), ""), int(match["n"]), unit, members)


def _valid(view: KnowledgeView, as_of: datetime) -> Iterator[tuple[Chunk, SpokenSentence]]:
    for chunk in view.chunks.values():
        if chunk.kind is not Kind.PRODUCT and chunk.is_valid(as_of) and view.in_force(chunk, as_of) is chunk:
            yield from ((chunk, spoken) for spoken in spoken_sentences(chunk.text))
            if chunk.kind is Kind.FAQ:
                yield chunk, SpokenSentence(chunk.text, chunk.text)


def _terms_of(chunk: Chunk, spoken: SpokenSentence) -> Iterator[DeliveryTerm]:
    dated = chunk.valid_from is not None
    citation = Citation(chunk.path, chunk.locator, chunk.document_id, spoken.literal)
    cells = _CELL.findall(spoken.spoken)
    if len(cells) >= 3 and _REGION_HEAD.match(cells[0][0].strip()):
        if term := _row_term(cells):
            yield DeliveryTerm(*term, citation, spoken.spoken, bool(_HOME.search(cells[0][1])), dated)
        return
    for match in _ZH_TERM.finditer(spoken.spoken):
        places = _places(match["where"])
        amounts = [Decimal(g) for g in match.groups()[1:] if g]
        threshold = Threshold(amounts[-1], amounts[0])
        yield DeliveryTerm(places, threshold, citation, match.group(), not places, dated)
    if english := _EN_TERM.search(spoken.spoken):
        where, threshold = english["where"], Threshold(Decimal(english[2]), Decimal(english[3]))
        yield DeliveryTerm(_places(where), threshold, citation, spoken.spoken, bool(_HOME.search(where)), dated)


def _row_term(cells: Sequence[tuple[str, str]]) -> tuple[tuple[str, ...], Threshold] | None:
    charge = next((value for head, value in cells if _CHARGE_HEAD.search(head.strip())), "")
    free = next((value for head, value in cells if _FREE_HEAD.search(head.strip())), "")
    service = next((value for head, value in cells if _SERVICE_HEAD.match(head.strip())), "")
    if not re.fullmatch(r"\s*\d+(?:\.\d+)?\s*", charge) or not _STANDARD.search(service.strip()):
        return None
    free_from = Decimal(free.strip()) if re.fullmatch(r"\s*\d+(?:\.\d+)?\s*", free) else None
    return _places(cells[0][1]), Threshold(Decimal(charge.strip()), free_from)


def _places(written: str) -> tuple[str, ...]:
    """Names of places in a cell or before a term: "新疆、西藏" → both; "Highlands and Islands" stays one."""
    bare = re.sub(r"[（(].*?[）)]", "", written)
    if re.search("[\u4e00-\u9fff]", bare):
        parts = [p.strip() for p in re.split(r"[、和及]", bare)]
        return tuple(p for p in parts if 2 <= len(p) <= 5 and not re.search(r"单笔|订单|月|日|门槛|普通", p))
    return tuple(p.strip() for p in re.split(r",| and (?=[A-Z])", bare) if p.strip()) if bare.strip() else ()


def _points(chunk: Chunk, spoken: SpokenSentence) -> Stated | None:
    match = _POINTS.search(spoken.spoken)
    if match is None:
        return None
    first, second = (Decimal(g) for g in match.groups() if g)
    return Stated(
        first, second, False, Citation(chunk.path, chunk.locator, chunk.document_id, spoken.literal), spoken.spoken
    )


def _step(chunk: Chunk, spoken: SpokenSentence) -> Stated | None:
    match = _STEP.search(spoken.spoken)
    if match is None or chunk.valid_from is None:
        return None
    first, second = (Decimal(g) for g in match.groups() if g)
    citation = Citation(chunk.path, chunk.locator, chunk.document_id, spoken.literal)
    return Stated(first, second, bool(match[3]), citation, spoken.spoken)
