"""Runs the questions of a suite through the production pipeline and writes one reply a line.

The line's fields are part of the contract: {id, text, decision, confidence, citations, handoff, language, release,
model_calls, prompt_tokens, timings_ms}. One field more: `cached_tokens`, the part of `prompt_tokens` that the engine
took from its prefix cache.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from app.errors import BadInput, NotFound
from eval.harness import Sample
from eval.read_suite import BadLine, read_samples


@dataclass(slots=True)
class ReplayReport:
    """What became of a suite. Exit non-zero unless `complete`."""

    replied: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every line of the suite has its reply."""
        return not self.problems


async def replay(
    suite_path: Path,
    out_path: Path,
    ask: Callable[[Sample], Awaitable[Mapping[str, Any]]],
    progress: Callable[[int, int], None] | None = None,
) -> ReplayReport:
    """Write a reply for every line that can be read: what `ask` returns is the line. OUT appears whole, at the end, in
    a folder that is made where it is missing; until then it is OUT.part.

    A line that cannot be read, or a turn that fails, is reported by number or id and left out; the rest goes on.
    Raises NotFound when there is no such suite, BadInput when OUT cannot be written.
    """
    report = ReplayReport()

    def note(problem: BadLine) -> None:
        report.problems.append(str(problem))

    try:
        samples = list(read_samples(suite_path, note))
    except OSError as problem:
        raise NotFound(f"{suite_path} cannot be read: {problem.strerror}. Nothing was run or written.") from problem
    part = out_path.with_name(out_path.name + ".part")
    with _writable(part) as out:
        for done, sample in enumerate(samples, start=1):
            try:
                line = await ask(sample)
            except Exception as problem:  # one failing turn must not cost the other replies
                report.problems.append(f"{sample.id}: {type(problem).__name__}: {problem}")
            else:
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
                report.replied += 1
            if progress:
                progress(done, len(samples))
        out.flush()
        os.fsync(out.fileno())
    part.replace(out_path)
    return report


def _writable(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w", encoding="utf-8")
    except OSError as problem:
        raise BadInput(f"{path.parent} cannot be written to: {problem.strerror}. Nothing was run.") from problem
