"""One run as one self-contained page: what was found, how sure that is, the plots, and every failure to read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from typing import Any

from eval.harness import Outcome
from eval.metrics import percentile, reliability
from eval.report.plots import confusion_matrix, latency_histogram, reliability_diagram, risk_coverage
from eval.report.tables import COLUMNS, figure
from eval.risk import area_under_risk, risk_curve
from eval.scorers.verdict import HELD_BACK, SENT
from eval.statistics import Rate
from eval.summary import Summary, judged_confidences, total_ms

DECISIONS = ("answer", "tool", "clarify", "handoff", "refuse", "smalltalk")
HEADLINES = (
    ("right_answerable", "answerable questions right", ""),
    ("wrong", "wrong among what was told as true", "bad"),
    ("unanswerable", "unanswerable ones handled", ""),
    ("answered", "answered", ""),
    ("recall_5", "needed source in the first five", ""),
)
STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#d9dee6;--card:#fff;--page:#f5f6f8;--blue:#2f6fde;
--good:#1a8f5a;--bad:#cf3a3a;font:15px/1.55 system-ui,-apple-system,"PingFang SC","Noto Sans SC",sans-serif}
@media(prefers-color-scheme:dark){:root{--ink:#e7ebf1;--soft:#9aa6b6;--line:#323b48;--card:#1b212a;--page:#12161c;
--blue:#7aa7ff;--good:#4cc58c;--bad:#ff7b7b}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink)}
main{max-width:74rem;margin:0 auto;padding:1.6rem 1rem 4rem}h1{font-size:1.7rem;margin:.2rem 0}
h2{font-size:1.3rem;margin:2.6rem 0 .6rem}h3{font-size:1rem;margin:0}p{margin:.35rem 0}.dim{color:var(--soft)}
.cards,.plots{display:grid;gap:.9rem;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr))}
.plots{grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr))}
.card,figure{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:.9rem 1rem;margin:0}
.card b{font-size:1.75rem;line-height:1.2;display:block;font-variant-numeric:tabular-nums}
.card.bad b{color:var(--bad)}figcaption{font-weight:600;margin-bottom:.2rem}
figcaption span{font-weight:400;color:var(--soft);display:block;font-size:.86rem}
svg{width:100%;height:auto;display:block}
svg text{font:11px system-ui,sans-serif;fill:var(--soft)}svg .middle{text-anchor:middle}svg .end{text-anchor:end}
svg .count{font-weight:600;fill:var(--ink)}
svg .note{fill:var(--ink);paint-order:stroke;stroke:var(--card);stroke-width:3px}svg .grid{stroke:var(--line)}
svg .axis{stroke:var(--soft);fill:none}svg .ideal{stroke:var(--soft);stroke-dasharray:4 4;fill:none}
svg .whisker{stroke:var(--blue);stroke-opacity:.45;stroke-width:2}svg .dot{fill:var(--blue);fill-opacity:.85}
svg .line{stroke:var(--blue);stroke-width:2;fill:none}svg .band{fill:var(--blue);fill-opacity:.15}
svg .mark{stroke:var(--bad);stroke-dasharray:5 4;fill:none}svg .bar{fill:var(--blue);fill-opacity:.75}
svg .good{fill:var(--good)}svg .bad{fill:var(--bad)}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;width:100%;font-size:.9rem}
th,td{padding:.3rem .6rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal;min-width:8rem}
td small{color:var(--soft);display:block}
tr.whole{font-weight:600}article,details.right{background:var(--card);border:1px solid var(--line);border-radius:10px;
margin:.7rem 0;padding:.6rem 1rem}article{border-left:4px solid var(--bad)}.why{color:var(--bad)}
blockquote{margin:.4rem 0;padding-left:.8rem;border-left:3px solid var(--line)}summary{cursor:pointer}
pre{white-space:pre-wrap;margin:.2rem 0;font:inherit;font-size:.86rem;color:var(--soft)}
mark{background:color-mix(in srgb,var(--blue) 18%,transparent);color:inherit;padding:0 .4rem;border-radius:.4rem}
.lost{color:var(--bad)}.won{color:var(--good)}
"""


def page(title: str, body: str) -> str:
    """A whole document; no script, nothing fetched."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )


def suite_section(name: str, outcomes: Sequence[Outcome], groups: Mapping[str, Summary], threshold: float = 0.7) -> str:
    """One suite: headline figures, plots, the table, and what went wrong."""
    failed = [o for o in outcomes if not o.passed("right")]
    right = [o for o in outcomes if o.passed("right")]
    return (
        f"<section><h2>{escape(name)}</h2>{_cards(groups['all'])}{_plots(outcomes, groups['all'], threshold)}"
        f'<h3 style="margin-top:1.4rem">Figures by category, with 95 % intervals</h3>{_table(groups)}'
        f'<h3 style="margin-top:1.4rem">{len(failed)} of {len(outcomes)} not right</h3>'
        + "".join(f"<article>{outcome_html(o)}</article>" for o in failed)
        + f'<details class="right"><summary>the {len(right)} that are right</summary>'
        + "".join(f"<div>{outcome_html(o)}</div><hr>" for o in right)
        + "</details></section>"
    )


def _cards(summary: Summary) -> str:
    cards = [
        f'<div class="card {kind}"><b>{figure(one.value, "share")}</b>{escape(label)}'
        f'<div class="dim">{interval(one)} · {one.hits:g} of {one.n}</div></div>'
        for metric, label, kind in HEADLINES
        if (one := summary.rates.get(metric)) and one.n
    ]
    return f'<div class="cards">{"".join(cards)}</div>'


def _plots(outcomes: Sequence[Outcome], summary: Summary, threshold: float) -> str:
    confidences, right = judged_confidences(outcomes)
    curve = risk_curve(confidences, right)
    times = [t for o in outcomes if (t := total_ms(o)) is not None]
    area, ece = area_under_risk(curve), summary.ece
    figures = (
        (
            "Reliability",
            f"does 0.8 come true in 80 %? expected calibration error {figure(ece, 'ratio3')}",
            reliability_diagram(reliability(confidences, right)),
        ),
        (
            "Risk and coverage",
            f"what answering more costs; area {figure(area, 'ratio3')}, AUROC {figure(summary.auroc, 'ratio3')}",
            risk_coverage(curve, threshold),
        ),
        ("Decisions", "rows: what the label allows; columns: what was decided", _confusion(outcomes)),
        (
            "Latency",
            "whole turns, as the pipeline reports them",
            latency_histogram(times, percentile(times, 50) or 0, percentile(times, 95) or 0),
        ),
    )
    drawn = "".join(
        f"<figure><figcaption>{escape(title)}<span>{escape(told)}</span></figcaption>{plot}</figure>"
        for title, told, plot in figures
    )
    return f'<div class="plots" style="margin-top:.9rem">{drawn}</div>'


def _confusion(outcomes: Sequence[Outcome]) -> str:
    rows: dict[str, dict[str, int]] = {}
    allowed: dict[str, frozenset[str]] = {}
    for outcome in outcomes:
        sample = outcome.sample
        may = sample.decisions or (SENT if sample.answerable else HELD_BACK)
        label = "/".join(d for d in DECISIONS if d in may)
        allowed[label] = frozenset(may)
        decided = str(outcome.solved.reply.get("decision"))
        counts = rows.setdefault(label, {})
        counts[decided] = counts.get(decided, 0) + 1
    ordered = sorted(rows, key=lambda label: -sum(rows[label].values()))
    return confusion_matrix(
        [(label, [(rows[label].get(d, 0), d in allowed[label]) for d in DECISIONS]) for label in ordered], DECISIONS
    )


def _table(groups: Mapping[str, Summary]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading, _, _ in COLUMNS)
    rows = "".join(
        f'<tr class="{"whole" if group == "all" else ""}"><td>{escape(group)}</td>'
        + "".join(_cell(summary, metric, form) for _, metric, form in COLUMNS)
        + "</tr>"
        for group, summary in groups.items()
    )
    return f'<div class="scroll"><table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _cell(summary: Summary, metric: str, form: str) -> str:
    one = summary.rates.get(metric)
    under = f"<small>{interval(one)}</small>" if one and one.n else ""
    return f"<td>{figure(getattr(summary, metric), form)}{under}</td>"


def interval(one: Rate) -> str:
    """The ends of a rate's interval, in per cent."""
    return f"{100 * one.low:.1f}–{100 * one.high:.1f} %"


def outcome_html(outcome: Outcome) -> str:
    """One sample to read: what was asked, what was sent, what is wrong with it, what it was found in."""
    sample, reply = outcome.sample, outcome.solved.reply
    history = "".join(f'<div class="dim">{m.role}: {escape(m.text)}</div>' for m in sample.history)
    cited = "".join(
        f"<li>{escape(str(c.get('path')))} · {escape(str(c.get('locator')))}</li>" for c in reply.get("citations") or ()
    )
    passages = "".join(
        f"<li>{p.confidence:.2f} {escape(p.path)} · {escape(p.locator)} "
        f'<span class="dim">{escape(" ".join(f"{k}={v:.2f}" for k, v in p.scores.items()))}</span>'
        f"<pre>{escape(p.text[:600])}</pre></li>"
        for p in outcome.solved.passages[:8]
    )
    labels = escape(json.dumps(expected(outcome), ensure_ascii=False))
    return (
        f"<h3>{escape(sample.id)} · {escape(sample.category)} · {escape(sample.language)}</h3>{history}"
        f"<p><b>{escape(sample.question)}</b></p>"
        f"<blockquote><mark>{escape(str(reply.get('decision')))} {float(reply.get('confidence') or 0):.2f}</mark> "
        f"{escape(str(reply.get('text')))}<ul>{cited}</ul></blockquote>"
        f'<p class="why">{escape(outcome.scores["right"].why)}</p><p class="dim">expected {labels}</p>'
        f"<details><summary>passages</summary><ol>{passages}</ol></details>"
    )


def expected(outcome: Outcome) -> dict[str, Any]:
    """What the label asks for."""
    sample = outcome.sample
    return {
        "decisions": sorted(sample.decisions),
        "sources": [asdict(s) for s in sample.sources],
        "facts": sample.facts,
        "not_facts": sample.not_facts,
    }
