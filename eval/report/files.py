"""Writes outcomes as JSON Lines for programs and as one self-contained HTML page for reading failures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.harness import Outcome
from eval.report.page import expected, page, suite_section
from eval.summary import Summary


def write_report(folder: Path, name: str, outcomes: Sequence[Outcome], groups: Mapping[str, Summary]) -> list[Path]:
    """Write NAME.jsonl and NAME.html into the folder (made when missing); returns both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    lines, report = folder / f"{name}.jsonl", folder / f"{name}.html"
    write_outcomes(lines, outcomes)
    report.write_text(page(f"Suite {name}", suite_section(name, outcomes, groups)), encoding="utf-8")
    return [lines, report]


def write_outcomes(path: Path, outcomes: Sequence[Outcome]) -> None:
    """One outcome a line."""
    path.write_text("".join(json.dumps(record(o), ensure_ascii=False) + "\n" for o in outcomes), encoding="utf-8")


def record(outcome: Outcome) -> dict[str, Any]:
    """One outcome as plain data."""
    sample, solved = outcome.sample, outcome.solved
    return {
        "id": sample.id,
        "category": sample.category,
        "language": sample.language,
        "question": sample.question,
        "history": [{"role": m.role, "text": m.text} for m in sample.history],
        "expected": expected(outcome),
        "reply": dict(solved.reply),
        "passages": [{**asdict(p), "scores": dict(p.scores)} for p in solved.passages],
        "scores": {name: {"value": s.value, "why": s.why} for name, s in outcome.scores.items()},
    }


def summary_json(summary: Summary) -> dict[str, Any]:
    """All figures of a group; rates as counts with intervals."""
    told = asdict(summary)
    return {**told, "rates": {name: one.as_json() for name, one in summary.rates.items()}}
