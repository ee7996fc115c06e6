"""Traces of turns for OpenTelemetry, with the names its GenAI conventions give. No words stand in them.

A turn's stages are timed anyway, so its spans are written once it is over, with the times it took: a turn costs nothing
more while it runs.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from app.chat.turn import HandOff, Reply

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer


class TurnTraces:
    """Writes `invoke_agent` for a turn, with `retrieval` and `chat` inside."""

    def __init__(self, provider: TracerProvider, model_name: str = "", version: str = "") -> None:
        self._provider = provider
        self._tracer: Tracer = provider.get_tracer("xiaoer", version)
        self._model_name = model_name

    def turn_completed(self, conversation_id: str, shop: str, reply: Reply) -> None:
        """A turn that has ended just now."""
        from opentelemetry import trace  # noqa: PLC0415  an extra

        ended = time.time_ns()
        timings = reply.timings_ms
        began = ended - _nanoseconds(timings.get("total", 0.0))
        decided = began + _nanoseconds(timings.get("decide", 0.0))
        about: dict[str, str | int | float] = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": shop,
            "gen_ai.conversation.id": conversation_id,
            "xiaoer.message.id": reply.message_id,
            "xiaoer.decision": reply.decision.name,
            "xiaoer.confidence": round(reply.decision.confidence, 4),
            "xiaoer.release": reply.release,
        }
        if isinstance(reply.decision, HandOff):
            about["xiaoer.handoff.reason"] = reply.decision.reason
        turn = self._tracer.start_span(f"invoke_agent {shop}", start_time=began, attributes=about)
        inside = trace.set_span_in_context(turn)
        looking = {"gen_ai.operation.name": "retrieval"}
        self._tracer.start_span("retrieval", inside, start_time=began, attributes=looking).end(decided)
        if reply.model_use.calls:
            use = reply.model_use
            said: dict[str, str | int] = {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": self._model_name,
                "gen_ai.usage.input_tokens": use.prompt_tokens,
                "gen_ai.usage.cache_read.input_tokens": use.cached_tokens,
                "gen_ai.usage.output_tokens": use.completion_tokens,
            }
            chat = self._tracer.start_span(
                f"chat {self._model_name}".strip(), inside, kind=trace.SpanKind.CLIENT, start_time=decided,
                attributes=said,
            )  # fmt: skip
            if first := timings.get("first_sentence"):
                chat.add_event("first_sentence", timestamp=began + _nanoseconds(first))
            chat.end(ended)
        turn.end(ended)

    def close(self) -> None:
        """Send what waits, and stop."""
        self._provider.shutdown()


def _nanoseconds(milliseconds: float) -> int:
    return int(milliseconds * 1_000_000)
