"""Bounds that a release of the server has to keep. A gate names a figure of a summary and where it may not go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from eval.summary import Summary


@dataclass(frozen=True, slots=True)
class Gate:
    """`metric` is a field of Summary; `bound` is the last value that passes."""

    metric: str
    bound: float
    direction: Literal["at least", "at most"] = "at least"

    def failure(self, summary: Summary) -> str | None:
        """Why the gate is shut; None when it is open. A figure that could not be counted shuts it."""
        value = getattr(summary, self.metric)
        if value is None:
            return f"{self.metric} could not be counted; it has to be {self.direction} {self.bound:g}"
        passes = value >= self.bound if self.direction == "at least" else value <= self.bound
        return None if passes else f"{self.metric} is {value:.3f}; it has to be {self.direction} {self.bound:g}"


SUITE_GATES: tuple[Gate, ...] = (
    Gate("right_answerable", 0.90),
    Gate("wrong", 0.03, "at most"),
    Gate("unanswerable", 0.95),
    Gate("auroc", 0.90),
    Gate("grounded", 0.97),
    Gate("prompt_tokens_p50", 200, "at most"),
)


def failures(summary: Summary, gates: Sequence[Gate] = SUITE_GATES) -> list[str]:
    """What keeps the gates shut, in order. With no model turn there are no prompt tokens to bound."""
    used = [g for g in gates if g.metric != "prompt_tokens_p50" or summary.model_calls]
    return [failure for gate in used if (failure := gate.failure(summary)) is not None]
