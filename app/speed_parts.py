"""What saves work that was done before. Called by bootstrap."""

from __future__ import annotations

from app.chat.remember import InProcess, Memory
from app.telemetry import Telemetry


def make_memory(entries: int, telemetry: Telemetry) -> Memory:
    """What questions found: so many of them, 0 = none."""
    return Memory(InProcess(entries) if entries > 0 else None, telemetry.question_recalled)
