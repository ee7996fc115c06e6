"""Plots as inline SVG: no script, nothing fetched, readable on a phone, in light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from eval.metrics import Bin
from eval.risk import RiskPoint
from eval.statistics import wilson

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 14, 46
_PLOT_WIDTH, _PLOT_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM


def reliability_diagram(bins: Sequence[Bin]) -> str:
    """What confidence promised against what came true, with intervals; the area of a dot is how many it stands for."""
    if not bins:
        return _empty("no confidence to judge")
    most = max(b.n for b in bins)
    marks = [f'<path class="ideal" d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}"/>']
    for one in bins:
        low, high = wilson(one.accuracy * one.n, one.n)
        at, radius = _x(one.confidence), 3 + 8 * math.sqrt(one.n / most)
        tip = f"promised {one.confidence:.2f}, right {one.accuracy:.2f} ({low:.2f} to {high:.2f}) of {one.n}"
        marks.append(f'<path class="whisker" d="M{at} {_y(low)}V{_y(high)}"/>')
        marks.append(f'<circle class="dot" cx="{at}" cy="{_y(one.accuracy)}" r="{radius:.1f}">{_tip(tip)}</circle>')
    label = "Reliability diagram: confidence against the share that was right"
    return _chart(label, marks, "confidence", "share right", _SHARES, _SHARES)


def risk_coverage(points: Sequence[RiskPoint], threshold: float) -> str:
    """How many would be wrong when the most confident share is answered; the line marks the threshold in use."""
    if not points:
        return _empty("no confidence to judge")
    top = next((nice for nice in _TOPS if nice >= max(p.risk for p in points) * 1.05), 1.0)
    line = "".join(f"{'L' if n else 'M'}{_x(p.coverage)} {_y(p.risk / top)}" for n, p in enumerate(points))
    band = [(p.coverage, min(1.0, p.high / top)) for p in points]
    band += [(p.coverage, p.low / top) for p in reversed(points)]
    around = "".join(f"{'L' if n else 'M'}{_x(c)} {_y(r)}" for n, (c, r) in enumerate(band)) + "Z"
    marks = [f'<path class="band" d="{around}"/>', f'<path class="line" d="{line}"/>']
    inside = [p for p in points if p.confidence >= threshold]
    if inside:
        at = inside[-1]
        tip = f"threshold {threshold:g}: {at.coverage:.0%} answered, {at.risk:.1%} of those wrong"
        marks.append(f'<path class="mark" d="M{_x(at.coverage)} {_y(0)}V{_y(1)}"/>')
        marks.append(f'<circle class="dot" cx="{_x(at.coverage)}" cy="{_y(at.risk / top)}" r="5">{_tip(tip)}</circle>')
        marks.append(_text(_x(at.coverage) + 6, TOP + 12, f"{threshold:g}", "note"))
    ticks = [(n / 4, f"{100 * top * n / 4:g}%") for n in range(5)]
    return _chart("Risk and coverage", marks, "share answered", "wrong among them", _SHARES, ticks)


def latency_histogram(milliseconds: Sequence[float], median: float, late: float) -> str:
    """How long turns took, on a logarithmic axis, with the median and the 95th percentile."""
    if not milliseconds:
        return _empty("no turn was timed")
    low = math.log10(max(min(milliseconds), 1.0))
    high = max(math.log10(max(*milliseconds, 0.2)), low + 0.3)
    bars = 28
    counts = [0] * bars
    for one in milliseconds:
        counts[min(bars - 1, int(max(math.log10(max(one, 0.1)) - low, 0) / (high - low) * bars))] += 1
    most = max(counts)
    wide = _PLOT_WIDTH / bars
    marks = [
        f'<rect class="bar" x="{LEFT + n * wide + 0.5:.1f}" y="{_y(count / most)}" width="{wide - 1:.1f}" '
        f'height="{_PLOT_HEIGHT * count / most:.1f}">{_tip(f"{count} turns")}</rect>'
        for n, count in enumerate(counts)
        if count
    ]
    for line, (value, name) in enumerate(((median, "p50"), (late, "p95"))):
        at = max(math.log10(max(value, 0.1)) - low, 0) / (high - low)
        side, kind = (-4, "note end") if at > 0.6 else (4, "note")
        marks.append(f'<path class="mark" d="M{_x(at)} {_y(0)}V{_y(1)}"/>')
        marks.append(_text(_x(at) + side, TOP + 12 + 14 * line, f"{name} {value:,.0f} ms", kind))
    decades = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000]
    ticks = [((math.log10(ms) - low) / (high - low), f"{ms:,}") for ms in decades if low <= math.log10(ms) <= high]
    return _chart("Latency of whole turns", marks, "milliseconds", "turns", ticks, [(0, "0"), (1, str(most))])


def confusion_matrix(rows: Sequence[tuple[str, Sequence[tuple[int, bool]]]], columns: Sequence[str]) -> str:
    """What was labelled (rows) against what was decided. A cell is (how many, whether the label allows it)."""
    if not rows:
        return _empty("nothing was decided")
    left, top, cell = 16 + 5.6 * max(len(name) for name, _ in rows), 30, 30
    wide = max(WIDTH, left + len(columns) * 58)
    step = (wide - left) / len(columns)
    most = max((n for _, cells in rows for n, _ in cells), default=1) or 1
    marks = [_text(left + step * (n + 0.5), top - 10, name, "tick middle") for n, name in enumerate(columns)]
    for r, (name, cells) in enumerate(rows):
        y = top + r * cell
        marks.append(_text(left - 8, y + cell / 2 + 4, name, "tick end"))
        for c, (count, allowed) in enumerate(cells):
            kind, strength = ("good" if allowed else "bad"), 0.12 + 0.75 * math.sqrt(count / most) if count else 0
            x = left + c * step
            tip = f"{count} of “{name}” were decided {columns[c]}"
            marks.append(
                f'<rect class="{kind}" style="fill-opacity:{strength:.2f}" x="{x + 1:.1f}" y="{y + 1}" '
                f'width="{step - 2:.1f}" height="{cell - 2}" rx="4">{_tip(tip)}</rect>'
            )
            if count:
                marks.append(_text(x + step / 2, y + cell / 2 + 4, str(count), "count middle"))
    high = top + len(rows) * cell + 6
    return _svg("Labelled against decided", "".join(marks), wide, high)


_TOPS = (0.04, 0.08, 0.12, 0.2, 0.28, 0.4, 0.6, 0.8, 1.0)
_SHARES = [(n / 5, f"{n / 5:g}") for n in range(6)]


def _chart(
    label: str,
    marks: Sequence[str],
    x_name: str,
    y_name: str,
    x_ticks: Sequence[tuple[float, str]],
    y_ticks: Sequence[tuple[float, str]],
) -> str:
    axes = [
        f'<path class="grid" d="M{LEFT} {_y(at)}H{WIDTH - RIGHT}"/>' + _text(LEFT - 6, _y(at) + 4, name, "tick end")
        for at, name in y_ticks
    ]
    axes += [_text(_x(at), HEIGHT - BOTTOM + 18, name, "tick middle") for at, name in x_ticks]
    axes.append(f'<path class="axis" d="M{LEFT} {TOP}V{_y(0)}H{WIDTH - RIGHT}"/>')
    axes.append(_text(LEFT + _PLOT_WIDTH / 2, HEIGHT - 8, x_name, "name middle"))
    turned = f"translate(13 {TOP + _PLOT_HEIGHT / 2}) rotate(-90)"
    axes.append(f'<text class="name middle" transform="{turned}">{escape(y_name)}</text>')
    return _svg(label, "".join([*axes, *marks]), WIDTH, HEIGHT)


def _svg(label: str, inside: str, wide: float, high: float) -> str:
    return (
        f'<svg viewBox="0 0 {wide:.0f} {high:.0f}" role="img" aria-label="{escape(label)}" '
        f'xmlns="http://www.w3.org/2000/svg">{inside}</svg>'
    )


def _empty(why: str) -> str:
    return f'<p class="dim">{escape(why)}</p>'


def _x(share: float) -> float:
    return round(LEFT + _PLOT_WIDTH * share, 1)


def _y(share: float) -> float:
    return round(TOP + _PLOT_HEIGHT * (1 - share), 1)


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _tip(text: str) -> str:
    return f"<title>{escape(text)}</title>"


def as_file(plot: str) -> str:
    """A plot that stands on its own: the colours of the page come with it, on white."""
    head, _, rest = plot.partition(">")
    style = (
        "text{font:11px system-ui,sans-serif;fill:#5b6675}.middle{text-anchor:middle}.end{text-anchor:end}"
        ".note{fill:#1c2430}.count{font-weight:600;fill:#1c2430}.grid{stroke:#d9dee6}.axis{stroke:#5b6675;fill:none}"
        ".ideal{stroke:#5b6675;stroke-dasharray:4 4;fill:none}"
        ".whisker{stroke:#2f6fde;stroke-opacity:.45;stroke-width:2}"
        ".dot{fill:#2f6fde;fill-opacity:.85}.line{stroke:#2f6fde;stroke-width:2;fill:none}"
        ".band{fill:#2f6fde;fill-opacity:.15}.mark{stroke:#cf3a3a;stroke-dasharray:5 4;fill:none}"
        ".bar{fill:#2f6fde;fill-opacity:.75}.good{fill:#1a8f5a}.bad{fill:#cf3a3a}.other{stroke:#cf3a3a}"
    )
    white = '<rect width="100%" height="100%" fill="#fff"/>'
    return f"{head}><style>{style}</style>{white}{rest}\n"


def histogram(shares: Sequence[float], limit: float, label: str, bars: int = 24) -> str:
    """How often which share came out, and the limit it had to keep."""
    if not shares:
        return _svg(label, _text(LEFT, HEIGHT / 2, "nothing was certified", "note"), WIDTH, HEIGHT)
    top = max(*shares, limit, 0.01) * 1.25
    counts = [0] * bars
    for one in shares:
        counts[min(bars - 1, int(one / top * bars))] += 1
    most, wide = max(counts), _PLOT_WIDTH / bars
    marks = [
        f'<rect class="bar" x="{LEFT + n * wide + 0.5:.1f}" y="{_y(count / most)}" width="{wide - 1:.1f}" '
        f'height="{_PLOT_HEIGHT * count / most:.1f}">{_tip(f"{count} of {len(shares)}")}</rect>'
        for n, count in enumerate(counts)
        if count
    ]
    marks.append(f'<path class="mark" d="M{_x(limit / top)} {_y(0)}V{_y(1)}"/>')
    over = sum(one > limit for one in shares)
    marks.append(_text(_x(limit / top) + 5, TOP + 12, f"α = {limit:.0%}; above: {over} of {len(shares)}", "note"))
    ticks = [(n / 5, f"{100 * top * n / 5:.1f}%") for n in range(6)]
    return _chart(label, marks, label, "splits", ticks, [(0, "0"), (1, str(most))])
