"""What is watched of a running server besides its turns: gauges, and traces where they are asked for. Called by
bootstrap."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import app as package
from app.api.limits import OpenStreams
from app.chat.ports import LanguageModel
from app.conversation.speak import Conversations
from app.errors import ConfigurationError
from app.sharing_parts import Sharing
from app.telemetry import Telemetry

if TYPE_CHECKING:
    from app.adapters.traces import TurnTraces


def watch(
    telemetry: Telemetry, conversations: Conversations, streams: OpenStreams, model: LanguageModel, sharing: Sharing
) -> None:
    """Gauges that are read when Prometheus comes by."""
    telemetry.watch("turns_under_way", "Turns that wait or run on this instance", lambda: conversations.turns_under_way)
    telemetry.watch("streams_open", "Streams of events and replies that are open", lambda: streams.total)
    telemetry.watch("model_available", "1 while the language model takes requests", lambda: float(model.available))
    if sharing.link is not None:
        link = sharing.link
        telemetry.watch("redis_up", "1 while Redis answers", lambda: float(link.alive))
        telemetry.watch("relay_up", "1 while other instances are heard", lambda: float(sharing.relay.alive))


def trace_turns(telemetry: Telemetry, endpoint: str, model_name: str) -> TurnTraces | None:
    """Send a trace of every turn to that OTLP/HTTP endpoint; "" = none. Raises ConfigurationError without the extra."""
    if not endpoint:
        return None
    if importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http") is None:
        raise ConfigurationError(
            "XIAOER_TRACES is set, and OpenTelemetry is not installed. Nothing was started; run "
            "`pip install 'xiaoer[otel]'`."
        )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  an extra
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    from app.adapters.traces import TurnTraces  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": "xiaoer"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces")))
    traces = TurnTraces(provider, model_name, package.__version__)
    telemetry.also_tell(traces)
    return traces
