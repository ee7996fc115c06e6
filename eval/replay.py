"""Runs the questions of a suite through the production pipeline and writes one reply a line.

The line's fields are part of the contract: {id, text, decision, confidence, citations, handoff, language, release,
model_calls, prompt_tokens, timings_ms}. One field more: `cached_tokens`, the part of `prompt_tokens` that the engine
took from its prefix cache.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.chat.turn import HandOff, Reply
from app.errors import NotFound
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
    run_turn: Callable[[Sample], Awaitable[Reply]],
    progress: Callable[[int, int], None] | None = None,
) -> ReplayReport:
    """Write a reply for every line that can be read. OUT appears whole, at the end; until then it is OUT.part.

    A line that cannot be read, or a turn that fails, is reported by number or id and left out; the rest goes on.
    Raises NotFound when there is no such suite.
    """
    report = ReplayReport()

    def note(problem: BadLine) -> None:
        report.problems.append(str(problem))

    try:
        samples = list(read_samples(suite_path, note))
    except OSError as problem:
        raise NotFound(f"{suite_path} cannot be read: {problem.strerror}. Nothing was run or written.") from problem
    out_path.parent.mkdir(parents=True, exist_ok=True)
    part = out_path.with_name(out_path.name + ".part")
    with part.open("w", encoding="utf-8") as out:
        for done, sample in enumerate(samples, start=1):
            try:
                reply = await run_turn(sample)
            except Exception as problem:  # one failing turn must not cost the other replies
                report.problems.append(f"{sample.id}: {type(problem).__name__}: {problem}")
            else:
                out.write(json.dumps(reply_record(sample.id, reply), ensure_ascii=False) + "\n")
                report.replied += 1
            if progress:
                progress(done, len(samples))
        out.flush()
        os.fsync(out.fileno())
    part.replace(out_path)
    return report


def reply_record(sample_id: str, reply: Reply) -> dict[str, Any]:
    """One line of the contract."""
    decision, use = reply.decision, reply.model_use
    return {
        "id": sample_id,
        "text": reply.text,
        "decision": decision.name,
        "confidence": round(decision.confidence, 4),
        "citations": [
            {"path": c.path, "locator": c.locator, "document_id": c.document_id, "quote": c.quote}
            for c in reply.citations
        ],
        "handoff": {"reason": decision.reason} if isinstance(decision, HandOff) else None,
        "language": reply.language,
        "release": reply.release,
        "model_calls": use.calls,
        "prompt_tokens": use.prompt_tokens,
        "cached_tokens": use.cached_tokens,
        "timings_ms": {name: round(value, 2) for name, value in reply.timings_ms.items()},
    }
