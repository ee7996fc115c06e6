"""Writes outcomes as JSON Lines for programs and as one self-contained HTML page for reading failures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from eval.harness import Outcome
from eval.report.tables import COLUMNS, figure
from eval.summary import Summary

STYLE = """
:root{color-scheme:light dark;font:15px/1.5 system-ui,"Noto Sans SC",sans-serif}
body{max-width:72rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #8884}th:first-child,td:first-child{text-align:left}
article{border:1px solid #8886;border-radius:.5rem;margin:1rem 0;padding:.6rem 1rem}
article.right{display:none}body.all article.right{display:block}
h3{margin:0;font-size:1rem}.why{color:#c22}.dim{opacity:.7}blockquote{margin:.3rem 0 .3rem 1rem}
pre{white-space:pre-wrap;margin:.2rem 0}mark{padding:0 .3rem;border-radius:.3rem}
"""


def write_report(folder: Path, name: str, outcomes: Sequence[Outcome], groups: Mapping[str, Summary]) -> list[Path]:
    """Write NAME.jsonl and NAME.html into the folder (made when missing); returns both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    lines, page = folder / f"{name}.jsonl", folder / f"{name}.html"
    lines.write_text("".join(json.dumps(record(o), ensure_ascii=False) + "\n" for o in outcomes), encoding="utf-8")
    page.write_text(html_page(name, outcomes, groups), encoding="utf-8")
    return [lines, page]


def record(outcome: Outcome) -> dict[str, Any]:
    """One outcome as plain data."""
    sample, solved = outcome.sample, outcome.solved
    return {
        "id": sample.id,
        "category": sample.category,
        "language": sample.language,
        "question": sample.question,
        "history": [{"role": m.role, "text": m.text} for m in sample.history],
        "expected": {
            "decisions": sorted(sample.decisions),
            "sources": [asdict(s) for s in sample.sources],
            "facts": sample.facts,
            "not_facts": sample.not_facts,
        },
        "reply": dict(solved.reply),
        "passages": [{**asdict(p), "scores": dict(p.scores)} for p in solved.passages],
        "scores": {name: {"value": s.value, "why": s.why} for name, s in outcome.scores.items()},
    }


def html_page(name: str, outcomes: Sequence[Outcome], groups: Mapping[str, Summary]) -> str:
    """The page as text; no script from elsewhere, nothing fetched."""
    failed = sum(not o.passed("right") for o in outcomes)
    articles = "\n".join(_article(o) for o in outcomes)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(name)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>Suite {escape(name)}</h1>{_table(groups)}<h2>{failed} of {len(outcomes)} not right</h2>"
        '<label><input type="checkbox" onchange="document.body.classList.toggle(\'all\')"> show the right ones too'
        f"</label>{articles}</body></html>"
    )


def _table(groups: Mapping[str, Summary]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading, _, _ in COLUMNS)
    rows = "".join(
        f"<tr><td>{escape(group)}</td>"
        + "".join(f"<td>{figure(getattr(summary, metric), form)}</td>" for _, metric, form in COLUMNS)
        + "</tr>"
        for group, summary in groups.items()
    )
    return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _article(outcome: Outcome) -> str:
    sample, reply = outcome.sample, outcome.solved.reply
    history = "".join(f"<div class=dim>{m.role}: {escape(m.text)}</div>" for m in sample.history)
    cited = "".join(
        f"<li>{escape(str(c.get('path')))} · {escape(str(c.get('locator')))}</li>" for c in reply.get("citations") or ()
    )
    passages = "".join(
        f"<li>{p.confidence:.2f} {escape(p.path)} · {escape(p.locator)} "
        f"<span class=dim>{escape(' '.join(f'{k}={v:.2f}' for k, v in p.scores.items()))}</span>"
        f"<pre>{escape(p.text[:600])}</pre></li>"
        for p in outcome.solved.passages[:8]
    )
    expected = escape(json.dumps(record(outcome)["expected"], ensure_ascii=False))
    return (
        f'<article class="{"right" if outcome.passed("right") else "failed"}">'
        f"<h3>{escape(sample.id)} · {escape(sample.category)} · {escape(sample.language)}</h3>{history}"
        f"<p><b>{escape(sample.question)}</b></p>"
        f"<blockquote><mark>{escape(str(reply.get('decision')))} {float(reply.get('confidence') or 0):.2f}</mark> "
        f"{escape(str(reply.get('text')))}<ul>{cited}</ul></blockquote>"
        f"<p class=why>{escape(outcome.scores['right'].why)}</p><p class=dim>expected {expected}</p>"
        f"<details><summary>passages</summary><ol>{passages}</ol></details></article>"
    )
