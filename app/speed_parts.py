"""What saves work that was done before. Called by bootstrap."""

from __future__ import annotations

from app.chat.remember import InProcess, Memory
from app.settings import Settings
from app.telemetry import Telemetry


def make_memory(settings: Settings, telemetry: Telemetry) -> Memory:
    """What questions found, kept as long as the settings have room for it."""
    cache = InProcess(settings.result_cache) if settings.result_cache > 0 else None
    return Memory(cache, telemetry.question_recalled)
