"""Read a size chart: which of its sizes fit the body or foot measures a shopper states. Pure.

Measures are compared in kilograms and centimetres, whatever the shopper and the chart count in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.chat.quantities import Quantity, plain, quantities

_ENTRY = re.compile(r"\s*([A-Za-z0-9./一-龥()（） -]{1,20}?)\s*[:：]\s*([^;；\n|]+)")
_RANGE = re.compile(r"([^\d;；,，/:：]*?)(\d+(?:\.\d+)?)\s*[-–~～至到]\s*(\d+(?:\.\d+)?)\s*([A-Za-z㎝斤公厘米千克]*)")
_NO_BODY = re.compile(r"床|被|枕|线|桌|柜|架|车|mattress|\bbed\b|cable|\bcord\b|sheet|duvet|screen", re.IGNORECASE)
_AMOUNT = r"(\d{{2,3}}(?:\.\d+)?)\s*(cm|in\b|inch(?:es)?|\")?"
_NEAR = (
    rf"(?:{{word}})\D{{{{0,12}}}}?{_AMOUNT}|{_AMOUNT}\s*(?:round|around|across)?\s*(?:the|my|his|her)?\s*(?:{{word}})"
)
_GIRTHS: tuple[tuple[str, str], ...] = (
    # (how the chart calls it, how the shopper says it)
    (r"胸围|chest|bust|girth|rib", r"胸围?|chest|bust|ribs?|girth"),
    (r"腰围|waist", r"腰围?|waist"),
    (r"臀围|hip", r"臀围?|hips?"),
    (r"脚长|foot|适合脚|码", r"脚长?|foot|feet|穿"),
)
_WEIGHT, _HEIGHT = r"体重|weight|kg|lbs?\b", r"身高|height|tall"
_LIGHTEST_KG, _HEAVIEST_KG = 2.5, 200.0
_SHORTEST_CM, _TALLEST_CM = 45.0, 230.0
_CM_AN_INCH, _KG_A_POUND = 2.54, 0.453592


def fitting_sizes(question: str, chart: str) -> list[str]:
    """Entries of a chart ("M:胸围96/建议体重50-57kg;L:…"), as written, whose ranges hold the measures that are stated.

    Empty when the text is no chart, or the question states no measure, or none fits.
    """
    entries = [(m[0].strip(), m[2]) for m in _ENTRY.finditer(chart)]
    return _fitting(question, entries) if len(entries) >= 2 else []


def fitting_rows(question: str, rows: Sequence[str]) -> list[int]:
    """Places of the table rows, each spoken as "column: value; column: value", that hold the measures stated."""
    fitting = _fitting(question, [(str(n), row) for n, row in enumerate(rows)])
    return [int(n) for n in fitting]


def states_a_measure(question: str) -> bool:
    """Whether the question says how big, heavy or tall somebody is."""
    return bool(_stated(question))


def _fitting(question: str, entries: Sequence[tuple[str, str]]) -> list[str]:
    stated = _stated(question)
    held = {entry: sum(_holds(measures, *s) for s in stated) for entry, measures in entries}
    most = max(held.values(), default=0)
    fitting = [entry for entry, n in held.items() if n == most] if most else []
    return fitting if len(fitting) < len(entries) else []


def _stated(question: str) -> list[tuple[str, float, bool]]:
    """(how a chart names the measure, amount, whether it is in kilograms or centimetres) of what the question states.

    A girth without a unit is meant in the chart's own.
    """
    text = plain(question)
    found: list[tuple[str, float, bool]] = []
    for chart_name, word in _GIRTHS:
        for match in re.finditer(_NEAR.format(word=word), text):
            number, unit = (match[1], match[2]) if match[1] else (match[3], match[4])
            inches = bool(unit) and unit.startswith(("in", '"'))
            found.append((chart_name, float(number) * (_CM_AN_INCH if inches else 1.0), bool(unit)))
    girths = [value for _, value, _ in found]
    for quantity in quantities(question):
        kilograms, centimetres = quantity.low / 1000, quantity.low / 10
        if quantity.dimension == "mass" and quantity.unit not in ("g", "克", "mg", "oz", "ounces"):
            if _LIGHTEST_KG <= kilograms <= _HEAVIEST_KG:
                found.append((_WEIGHT, kilograms, True))
        elif quantity.dimension == "length" and centimetres not in girths and not _NO_BODY.search(text):
            if _SHORTEST_CM <= centimetres <= _TALLEST_CM:
                found.append((_HEIGHT, centimetres, True))
        elif _is_bare_height(quantity, text):
            found.append((_HEIGHT, quantity.low, True))
    return found


def _is_bare_height(quantity: Quantity, text: str) -> bool:
    return not quantity.dimension and 130 <= quantity.low < 200 and "身高" in text


def _holds(measures: str, chart_name: str, amount: float, is_metric: bool) -> bool:
    for match in _RANGE.finditer(measures):
        named = match[1] + match[4]
        scale = _scale(named) if is_metric else 1.0
        if re.search(chart_name, named, re.IGNORECASE) and float(match[2]) * scale <= amount <= float(match[3]) * scale:
            return True
    return False


def _scale(named: str) -> float:
    """From the chart's unit to kilograms or centimetres; a chart that names none is taken at its word."""
    if re.search(r"\blbs?\b|pound", named, re.IGNORECASE):
        return _KG_A_POUND
    if "斤" in named and "公斤" not in named:
        return 0.5
    return _CM_AN_INCH if re.search(r"\bin\b|inch", named, re.IGNORECASE) else 1.0
