"""Hold the values of products against each other: who wins, and by how much. Pure arithmetic on looked-up values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.chat.quantities import Quantity, quantities
from app.chat.turn import Fact
from app.knowledge.view import Product


@dataclass(frozen=True, slots=True)
class Direction:
    """What a question wants more or less of.

    dimensions  kinds of number it may be told by; empty for any
    column      what the column must be called, where the kind of number does not tell
    """

    ask: re.Pattern[str]
    wants_most: bool
    dimensions: frozenset[str]
    zh: str
    en: tuple[str, str]
    column: re.Pattern[str] | None = None


def _direction(ask: str, most: bool, dimensions: str, zh: str, en: tuple[str, str], column: str = "") -> Direction:
    return Direction(
        re.compile(ask, re.IGNORECASE),
        most,
        frozenset(dimensions.split()),
        zh,
        en,
        re.compile(column, re.IGNORECASE) if column else None,
    )


DIRECTIONS = (
    _direction(r"便宜|划算|省钱|cheap|less expensive|save", False, "money", "便宜", ("cheaper", "cheapest")),
    _direction(r"(?<!不)贵(?!不)|expensive|dear", True, "money", "贵", ("dearer", "dearest")),
    _direction(r"(?<!年)轻(?!松|微|音)|\blight(er|est)\b|weighs? less", False, "mass", "轻", ("lighter", "lightest")),
    _direction(r"更?重(?!要)|沉|heav(y|ier|iest)|weighs? more", True, "mass", "重", ("heavier", "heaviest")),
    _direction(r"亮|bright", True, "light", "亮", ("brighter", "brightest")),
    _direction(r"静得?深|降噪", True, "sound", "降噪{}深", ("deeper", "deepest"), "降噪|cancel"),
    _direction(
        r"安静|静音|声(音|儿)?小|吵|噪|quiet|silent|nois|light sleeper", False, "sound", "安静", ("quieter", "quietest")
    ),
    _direction(r"暖|warm", False, "temperature", "暖", ("warmer", "warmest")),
    _direction(r"快|fast|quick", False, "time", "快", ("faster", "fastest")),
    _direction(
        r"久|长(?!度)|耐用|\blong(er|est)\b|last", True, "time length charge", "久", ("longer", "longest")
    ),
    _direction(r"短(?!信)|\bshort(er|est)\b", False, "time length", "短", ("shorter", "shortest")),
    _direction(r"高(?!度)|\btall(er|est)\b|height", True, "length", "高", ("taller", "tallest")),
    _direction(r"矮|低|\blow(er|est)\b", False, "length", "矮", ("lower", "lowest")),
    _direction(r"厚|\bthick(er|est)?\b", True, "momme length mass", "厚", ("thicker", "thickest")),
    _direction(
        r"大(?!概|约|人)|装得多|能装|\b(bigg|larg)(er|est)\b|holds? (the )?(more|most)",
        True, "volume length charge energy", "大", ("bigger", "biggest"),
    ),
    _direction(r"小(?!时|棠)|\bsmall(er|est)\b", False, "volume length", "小", ("smaller", "smallest")),
    _direction(
        r"(?<![几好差])多(?!少|久|大|重|长|高|钱)|强|\b(more|most|strong(er|est)?|powerful)\b",
        True, "", "多", ("more", "most"),
    ),
    _direction(r"少(?!钱)|\b(less|least)\b", False, "", "少", ("less", "least")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contender:
    """One thing that is held against others: what it is called and its values of one column."""

    name: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who wins, and what the best and the next differ by, in the unit of the values; `facts` are what it rests on."""

    text: str
    facts: tuple[Fact, ...]


def verdicts(question: str, contenders: Sequence[Contender], column: str, language: str) -> list[Verdict]:
    """What the question wants to know of one column; empty where the values cannot be put in order."""
    amounts = [_amount(c, column) for c in contenders]
    if len(contenders) < 2 or any(a is None for a in amounts):
        return []
    known = [a for a in amounts if a is not None]
    if len({a.dimension for a in known}) != 1:
        return []
    dimension = known[0].dimension
    wanted = [
        d
        for d in DIRECTIONS
        if d.ask.search(question)
        and (
            dimension in d.dimensions or (not d.dimensions and dimension != "money" and not _told(question, dimension))
        )
        and (d.column is None or d.column.search(column))
    ]
    # Deeper noise cancelling is no louder noise.
    if any(d.column for d in wanted):
        wanted = [d for d in wanted if d.column]
    facts = tuple(f for c in contenders for f in c.facts[:1])
    if len({(a.low, a.high) for a in known}) == 1:
        return [Verdict("两者一样。" if language == "zh" else "They are the same.", facts)] if len(known) == 2 else []
    found = [Verdict(_winner(contenders, known, d, column, language), facts) for d in wanted[:1]]
    if not found and len(known) == 2 and (gap := _gap(known[0], known[1], _unit(known[0], facts[0], column))):
        found.append(Verdict(f"相差 {gap}。" if language == "zh" else f"The difference is {gap}.", facts))
    return found


def _told(question: str, dimension: str) -> bool:
    """Whether another direction already says what is wanted of this kind of number."""
    return any(d.ask.search(question) and dimension in d.dimensions for d in DIRECTIONS if d.dimensions)


def _amount(contender: Contender, column: str) -> Quantity | None:
    """The value that stands for a contender: the only one, or of prices the lowest."""
    read = [held[0] for f in contender.facts if (held := quantities(f.value, column))]
    if not read or len(read) != len(contender.facts):
        return None
    if len({(q.low, q.high) for q in read}) > 1:
        return min(read, key=lambda q: q.low) if read[0].dimension == "money" else None
    return read[0]


def _winner(
    contenders: Sequence[Contender], amounts: Sequence[Quantity], wanted: Direction, column: str, language: str
) -> str:
    order = sorted(range(len(amounts)), key=lambda n: amounts[n].low, reverse=wanted.wants_most)
    best, after = order[0], order[1]
    level = [n for n in order if amounts[n].low == amounts[best].low]
    names = [contenders[n].name for n in level]
    unit = _unit(amounts[best], contenders[best].facts[0], column)
    gap = _gap(amounts[best], amounts[after], unit) if len(level) == 1 else ""
    if language == "zh":
        degree = "更" if len(amounts) == 2 else "最"
        told = f"{'、'.join(names)}{wanted.zh.format(degree) if '{' in wanted.zh else degree + wanted.zh}"
        return f"{told}，相差 {gap}。" if gap else f"{told}。"
    told = f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'} "
    told += wanted.en[0] if len(amounts) == 2 else f"the {wanted.en[1]}"
    return f"{told}, by {gap}." if gap else f"{told}."


def _unit(amount: Quantity, fact: Fact, column: str) -> str:
    """The unit as the cell writes it, or as the header does."""
    for text in (fact.value, column):
        if amount.unit and (found := re.search(re.escape(amount.unit), text, re.IGNORECASE)):
            return found.group()
    named = re.search(r"[（(]\s*([^）)]{1,8}?)\s*[）)]", column)
    return named[1] if named and amount.dimension not in ("", "money") else ""


def _gap(one: Quantity, other: Quantity, unit: str) -> str:
    """The difference with the unit the values are written in; "" where they are ranges or of several units."""
    if one.low != one.high or other.low != other.high or one.unit != other.unit:
        return ""
    try:
        difference = abs(Decimal(one.number) - Decimal(other.number))
    except ArithmeticError:
        return ""
    figure = format(difference.normalize(), "f")
    return f"{unit}{figure}" if unit and unit in "¥￥£$€" else f"{figure} {unit}".strip()


_EXTREME = re.compile(
    r"最(?:便宜|贵|轻|重|沉|大|小|长|短|亮|高|矮|久)的(?!是|哪|呢|[？?]|$)|(?<!更)(?:便宜|贵|轻|重)的?那(?:个|款|把|台|种|只)"
    r"|\b(?:cheap|light|heavi|bright|bigg|small|larg|long|short|tall|thick)est\b (?!one\b|of\b|is\b)"
    r"\w+\b(?! (?:that|which|i|you|u|with)\b)",
    re.IGNORECASE,
)
"""An extreme that says which product is meant ("how long does the cheapest torch last"), not one that is asked for."""


def chosen_by_extreme(question: str, products: Sequence[Product]) -> tuple[Product, str] | None:
    """The one product of several that the question means by an extreme of a column, and that column; None for none."""
    said = _EXTREME.search(question)
    if said is None or len(products) < 2:
        return None
    wanted = next((d for d in DIRECTIONS if d.dimensions and d.ask.search(said.group())), None)
    shared = [c for c in products[0].columns if all(c in p.columns for p in products[1:])]
    for column in shared if wanted else ():
        amounts = [_extreme_of(p, column, wanted) for p in products] if wanted else []
        known = [a for a in amounts if a is not None]
        if wanted and len(known) == len(products) and len(set(known)) > 1:
            best = max(known) if wanted.wants_most else min(known)
            return (products[known.index(best)], column) if known.count(best) == 1 else None
    return None


def _extreme_of(product: Product, column: str, wanted: Direction) -> float | None:
    """The product's largest or smallest amount in a column, None where a cell holds no such number."""
    held = [
        quantities(value, column)
        for v in product.variants
        if (value := v.attributes.get(column, "").strip()) and not column.casefold().startswith("compare")
    ]
    lows = [q[0].low for q in held if q and q[0].dimension in wanted.dimensions]
    if not lows or len(lows) < len(held):
        return None
    return max(lows) if wanted.wants_most else min(lows)
