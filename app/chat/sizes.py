"""Read a size chart: which of its sizes fit the body or foot measures a shopper states. Pure."""

from __future__ import annotations

import re

_ENTRY = re.compile(r"\s*([A-Za-z0-9./一-龥()（） -]{1,20}?)\s*[:：]\s*([^;；\n|]+)")
_RANGE = re.compile(r"([^\d;；,，/:：]*?)(\d+(?:\.\d+)?)\s*[-–~～至到]\s*(\d+(?:\.\d+)?)\s*([A-Za-z㎝斤公厘米千克]*)")
_MEASURES: tuple[tuple[str, str, str], ...] = (
    # (kind, how the chart calls it, how the shopper says it; the number is group 1)
    ("weight", r"体重|weight|kg", r"(\d{2,3}(?:\.\d+)?)\s*(?:kg|公斤|千克|kilos?)"),
    ("weight_jin", r"体重|weight|kg", r"(\d{2,3}(?:\.\d+)?)\s*斤"),
    ("height", r"身高|height", r"(?:身高\s*)?(1[3-9]\d)\s*(?:cm|厘米|公分)?(?!\d)"),
    ("chest", r"胸围|chest|bust", r"(?:胸围|chest|bust)\D{0,12}?(\d{2,3}(?:\.\d+)?)"),
    ("waist", r"腰围|waist", r"(?:腰围|waist)\D{0,12}?(\d{2,3}(?:\.\d+)?)"),
    ("hip", r"臀围|hip", r"(?:臀围|hips?)\D{0,12}?(\d{2,3}(?:\.\d+)?)"),
    ("foot", r"脚长|foot|适合脚|码", r"(?:脚长?|foot|feet|穿)\D{0,10}?(\d{2}(?:\.\d+)?)"),
)


def fitting_sizes(question: str, chart: str) -> list[str]:
    """Entries of a chart ("M:胸围96/建议体重50-57kg;L:…"), as written, whose ranges hold a measure the question states.

    Empty when the text is no chart, or the question states no measure, or none fits.
    """
    entries = [(m[0].strip(), m[2]) for m in _ENTRY.finditer(chart)]
    if len(entries) < 2:
        return []
    stated = _stated(question)
    fitting = [entry for entry, measures in entries if any(_holds(measures, *s) for s in stated)]
    return fitting if len(fitting) < len(entries) else []


def _stated(question: str) -> list[tuple[str, float]]:
    """(how a chart names the measure, value) pairs the question states; 斤 counted as half kilograms."""
    found = []
    for kind, chart_name, pattern in _MEASURES:
        for match in re.finditer(pattern, question, re.IGNORECASE):
            value = float(match[1])
            found.append((chart_name, value / 2 if kind == "weight_jin" else value))
    return found


def _holds(measures: str, chart_name: str, value: float) -> bool:
    return any(
        re.search(chart_name, match[1] + match[4], re.IGNORECASE) and float(match[2]) <= value <= float(match[3])
        for match in _RANGE.finditer(measures)
    )
