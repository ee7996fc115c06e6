"""Questions whose answer is worked out: delivery for an order, deadlines, points, money off; and claims put right.

Looks at a question twice. Before the look-up it opens a claim ("30 days, right?" → how many days). After it, what the
shop's terms come to in the shopper's own case is put before the draft, with its steps and its sources.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from app.chat.arithmetic import (
    Deadline,
    day,
    deadline,
    money,
    months_after,
    points_worth,
    shipping,
    stepped_discount,
)
from app.chat.places import is_home_place, names_home_place
from app.chat.premise import correction, open_question, premise_of
from app.chat.situation import (
    Dates,
    asks_deadline,
    asks_delivery_cost,
    dates_in,
    deadline_question,
    goods_of,
    names_level,
    place_in,
)
from app.chat.terms import DeliveryTerm, Window, delivery_terms, level_names, points_terms, step_terms, window_of
from app.chat.turn import Answer, Citation, Decision, Evidence, Passage, Question, Sentence, Turn
from app.chat.values import canonical
from app.knowledge.chunk import Kind
from app.knowledge.sentences import spoken_sentences
from app.knowledge.view import KnowledgeView

WORKED_OUT = 0.9
"""Confidence of what follows from a term that is read without doubt and a case that is stated in full."""
_ANY_DAY = date(2024, 2, 29)
"""For seeing whether days are named at all; every day of a year exists in this one."""
LEAST_WINDOW = 0.15
"""Confidence from which a passage is the one a deadline is asked of."""
_POINTS_ASKED = re.compile(r"(?<!\d)(\d{2,6})\s?(?:积分|分(?!钟|期|之)|points?|pts)", re.IGNORECASE)
_WORTH = re.compile(r"抵多少|能抵|值多少|多少钱|换多少|worth|how much|get (?:me|off)|knock off", re.IGNORECASE)
_OFF = re.compile(r"满减|活动|优惠|减多少|实付|到手|要付|付多少|多少钱", re.IGNORECASE)


def opened(question: Question) -> Question:
    """The question as it is looked up: where it takes a figure for granted, the open question behind it."""
    if question.asked_as or question.intent not in ("knowledge", "order") or question.order_ids:
        return question
    if asks_deadline(question.text) and dates_in(question.text, _ANY_DAY):
        plain = deadline_question(question.text, question.language)
        return replace(question, text=plain, plain="", standalone=plain, asked_as=question.text, intent="knowledge")
    if question.intent != "knowledge" or (premise := premise_of(question.text)) is None:
        return question
    return replace(open_question(question, premise), asked_as=question.text)


def as_asked(question: Question) -> Question:
    """The question in the shopper's own words again."""
    return replace(question, text=question.asked_as, plain="", asked_as="") if question.asked_as else question


def work_out(
    question: Question, passages: Sequence[Passage], view: KnowledgeView, turn: Turn, confidence: float
) -> Answer | None:
    """The answer worked out for the shopper's own case; None where it can't be, or may not be."""
    if question.intent not in ("knowledge", "order") or question.order_ids:
        return None
    asked = as_asked(question)
    draft = (
        delivery_case(asked, view, turn)
        or points_case(asked, view, turn)
        or step_case(asked, view, turn)
        or (deadline_case(asked, passages, turn) if asks_deadline(asked.text) else ())
    )
    if not draft:
        return None
    return Answer(asked, Evidence(passages=tuple(passages[:1]), draft=draft), max(confidence, WORKED_OUT))


def put_right(decision: Decision) -> Decision:
    """The decision with the shopper's own words again, and with what its claim should have been before the draft."""
    question = decision.question
    if not question.asked_as:
        return decision
    premise, asked = premise_of(question.asked_as), as_asked(question)
    if premise is None or not isinstance(decision, Answer):
        return replace(decision, question=asked)
    first = correction(premise, decision.evidence.draft, question.language)
    evidence = replace(decision.evidence, draft=(*first, *decision.evidence.draft))
    return replace(decision, question=asked, evidence=evidence, needs_model=decision.needs_model and not first)


def delivery_case(question: Question, view: KnowledgeView, turn: Turn) -> tuple[Sentence, ...]:
    """What an order of so much to such a place pays: "50 < 99, so delivery is 8; 58 in all"."""
    text, language = question.text, question.language
    goods = goods_of(text)
    if goods is None or names_level(text, level_names(view)):
        return ()
    terms = delivery_terms(view, turn.as_of)
    place = place_in(text, (place for term in terms for place in term.places))
    if not asks_delivery_cost(text, names_place=bool(place) or names_home_place(text)):
        return ()
    term = _term_for(place, text, terms)
    if term is None or goods <= 0:
        return ()
    cost = shipping(goods, term.threshold)
    said, charge, total = (money(amount, turn.brand.currency, language) for amount in (goods, cost.charge, cost.total))
    free = (
        money(term.threshold.free_from, turn.brand.currency, language) if term.threshold.free_from is not None else ""
    )
    if language == "zh":
        where = f"寄{place}：" if place else ""
        step = f"{said}已满{free}，包邮，" if cost.is_free else (f"{said}不满{free}，" if free else "没有包邮门槛，")
        text = f"{where}{step}运费{charge}，一共付{total}。" if not cost.is_free else f"{where}{step}一共付{total}。"
    else:
        where = f"For {place}: " if place else ""
        step = f"{said} is below {free}" if free else "there is no free-delivery threshold"
        reached = f"{said} reaches {free}, so delivery is free; you pay {total}."
        text = f"{where}{reached if cost.is_free else f'{step}, so delivery is {charge}; you pay {total} in all.'}"
    return _with_source(text, term.said, term.citation)


def points_case(question: Question, view: KnowledgeView, turn: Turn) -> tuple[Sentence, ...]:
    """What so many points are worth, whole blocks only."""
    match = _POINTS_ASKED.search(question.text)
    if match is None or not _WORTH.search(question.text):
        return ()
    terms = points_terms(view, turn.as_of)
    if not terms or len({(t.first, t.second) for t in terms}) > 1:
        return ()
    term, points = terms[0], int(match[1])
    worth = points_worth(points, int(term.first), term.second)
    said, each = (money(a, turn.brand.currency, question.language) for a in (worth, term.second))
    steps = f"{points // int(term.first)} × {each}"
    is_zh = question.language == "zh"
    text = f"{points}积分可抵{said}（{steps}）。" if is_zh else f"{points} points are worth {said} ({steps})."
    return _with_source(text, term.said, term.citation)


def step_case(question: Question, view: KnowledgeView, turn: Turn) -> tuple[Sentence, ...]:
    """What is left to pay under a "so much off for every so much" that is on now."""
    goods = goods_of(question.text)
    if goods is None or not re.search("减|活动", question.text) or names_level(question.text, level_names(view)):
        return ()
    terms = step_terms(view, turn.as_of)
    if not terms or not _OFF.search(question.text):
        return ()
    term = terms[0]
    off = stepped_discount(goods, term.first, term.second, once=term.once)
    said, taken, left = (money(a, turn.brand.currency, question.language) for a in (goods, off, goods - off))
    times = int(goods // term.first)
    step = f"{said}里有{min(times, 1) if term.once else times}个{term.first}元" if off else f"{said}不满{term.first}元"
    return _with_source(
        f"{step}，减{taken}，付{left}。" if off else f"{step}，不减，付{left}。", term.said, term.citation
    )


def deadline_case(question: Question, passages: Sequence[Passage], turn: Turn) -> tuple[Sentence, ...]:
    """Whether a day is still in time, counted from the day the shopper names."""
    today = turn.as_of.astimezone(ZoneInfo(turn.brand.timezone)).date()
    dates = dates_in(question.text, today)
    if dates is None:
        return ()
    for passage in passages[:4]:
        chunk = passage.chunk
        if passage.confidence < LEAST_WINDOW or chunk.kind is Kind.PRODUCT:
            continue
        for spoken in spoken_sentences(chunk.text):
            window = window_of(spoken.spoken, chunk.text)
            if window and window.event and (days := _days_for(question.text, window)):
                citation = Citation(chunk.path, chunk.locator, chunk.document_id, spoken.literal)
                text = _deadline_text(question.language, dates, window, days)
                return _with_source(text, spoken.spoken, citation)
    return ()


def _days_for(text: str, window: Window) -> int:
    """The window's length for this shopper; 0 where membership is named that the sentence does not speak of."""
    folded = text.casefold()
    is_member = not _NO_MEMBER.search(folded)
    for name, days in window.members.items():
        if is_member and (name in folded or (name.endswith("club") and re.search(r"\bmember|\bclub", folded))):
            return days
    return 0 if is_member and names_level(text, ()) else window.number


_NO_MEMBER = re.compile(r"not a member|no member|不是会员|没有?会员|非会员")


def _deadline_text(language: str, dates: Dates, window: Window, days: int) -> str:
    if window.unit == "day":
        found = deadline(dates.start, days, dates.asked)
    else:
        final = months_after(dates.start, days * (12 if window.unit == "year" else 1))
        found = Deadline(final, dates.asked, (final - dates.asked).days)
    if window.event == "delivery" and dates.event != "delivery":
        return _from_arrival(language, found, dates, days, window.unit)
    start, last, asked = (day(moment, language) for moment in (dates.start, found.last, dates.asked))
    length = _length(language, days, window.unit)
    if language == "zh":
        verdict = "可以，还来得及" if found.in_time else "不行，已经过期了"
        return f"{verdict}：{start}起{length}，最后一天是{last}，{asked}{'没过' if found.in_time else '已过'}。"
    verdict = "Yes, that is in time" if found.in_time else "No, that is too late"
    past = "not past it" if found.in_time else "past it"
    return f"{verdict}: {length} from {start} end on {last}, and {asked} is {past}."


def _from_arrival(language: str, found: Deadline, dates: Dates, days: int, unit: str) -> str:
    """Days that count from arrival, asked with the day of the order: sure only where even that day is in time."""
    start, asked = day(dates.start, language), day(dates.asked, language)
    length = _length(language, days, unit)
    if found.in_time:
        return (
            f"可以：期限从签收算起{length}，就算{start}当天签收，{asked}也没过。"
            if language == "zh"
            else f"Yes: {length} count from delivery, and even from {start} {asked} is in time."
        )
    earliest = day(_earliest(dates, found), language)
    if language == "zh":
        return f"期限是从签收算起{length}，不是从下单算起：{earliest}或之后签收的，{asked}还来得及。"
    when = f"if it arrived on {earliest} or later, {asked} is in time"
    return f"The {length} count from delivery, not from the order: {when}."


def _earliest(dates: Dates, found: Deadline) -> date:
    return date.fromordinal(dates.asked.toordinal() - (found.last - dates.start).days)


def _length(language: str, number: int, unit: str) -> str:
    zh, en = {"day": ("天", "days"), "month": ("个月", "months"), "year": ("年", "years")}[unit]
    return f"{number}{zh}" if language == "zh" else f"{number} {en if number != 1 else en[:-1]}"


def _term_for(place: str, text: str, terms: Sequence[DeliveryTerm]) -> DeliveryTerm | None:
    """The term of the place named; home's where none is named, or one at home that has no term of its own."""
    if place:
        return next((term for term in terms if place in term.places), None)
    home = [term for term in terms if term.is_home]
    if not home or not is_home_place(text, canonical(" ".join(p for term in terms for p in term.places))):
        return None
    return home[0]


def _with_source(text: str, said: str, citation: Citation) -> tuple[Sentence, ...]:
    return (Sentence(text, (citation,), "fact"), Sentence(said, (citation,), "evidence"))
