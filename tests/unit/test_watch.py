"""What Prometheus and OpenTelemetry see of a turn: figures and names, never words."""

from __future__ import annotations

import pytest

from app.chat.turn import Answer, Evidence, HandOff, ModelUse, Question, Reply, Sentence
from app.telemetry import Telemetry

QUESTION = Question("SECRET WORDS", "SECRET WORDS", "en")
ANSWER = Reply(
    "m_1", "SECRET REPLY", Answer(QUESTION, Evidence(), 0.83),
    (Sentence("SECRET ONE", (), "model"), Sentence("SECRET TWO", (), "evidence")), 3, "en",
    ModelUse(1, 400, 300, 40), {"decide": 20.0, "first_sentence": 120.0, "total": 300.0},
)  # fmt: skip
HANDED_OVER = Reply("m_2", "…", HandOff(QUESTION, "anger", "…"), (Sentence("…"),), 3, "en")


def told(telemetry: Telemetry) -> str:
    return telemetry.exposition().decode()


def test_a_turn_is_counted_by_confidence_reason_and_what_the_check_put_right() -> None:
    telemetry = Telemetry()
    telemetry.turn_completed("c_1", "hill", ANSWER)
    telemetry.turn_completed("c_1", "hill", HANDED_OVER)
    text = told(telemetry)
    assert 'xiaoer_confidence_bucket{decision="answer",le="0.8"} 0.0' in text
    assert 'xiaoer_confidence_bucket{decision="answer",le="0.9"} 1.0' in text
    assert 'xiaoer_handoffs_total{reason="anger",shop="hill"} 1.0' in text
    assert 'xiaoer_sentences_total{origin="evidence",phrased="yes"} 1.0' in text
    assert 'xiaoer_tokens_total{kind="cached"} 300.0' in text
    assert 'xiaoer_stage_seconds_bucket{le="0.25",stage="first_sentence"} 1.0' in text
    assert "SECRET" not in text


def test_a_watched_gauge_is_read_when_metrics_are_asked_for() -> None:
    telemetry, waiting = Telemetry(), [0]
    telemetry.watch("turns_under_way", "Turns that wait or run", lambda: waiting[0])
    waiting[0] = 7
    assert "xiaoer_turns_under_way 7.0" in told(telemetry)


def test_a_turn_becomes_a_trace_with_the_names_of_the_genai_conventions() -> None:
    pytest.importorskip("opentelemetry.sdk", reason="the otel extra is not installed")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from app.adapters.traces import TurnTraces

    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    telemetry, traces = Telemetry(), TurnTraces(provider, "qwen")
    telemetry.also_tell(traces)
    telemetry.turn_completed("c_1", "hill", ANSWER)
    spans = {span.name: span for span in kept.get_finished_spans()}
    assert set(spans) == {"invoke_agent hill", "retrieval", "chat qwen"}
    turn, chat = spans["invoke_agent hill"], spans["chat qwen"]
    assert turn.attributes is not None
    assert chat.attributes is not None
    assert turn.attributes["gen_ai.conversation.id"] == "c_1"
    assert chat.attributes["gen_ai.usage.input_tokens"] == 400
    assert chat.parent is not None
    assert chat.parent.span_id == turn.context.span_id
    assert turn.start_time is not None
    assert turn.end_time is not None
    assert round((turn.end_time - turn.start_time) / 1e6) == 300
    assert "SECRET" not in "".join(span.to_json() for span in kept.get_finished_spans())
    kept.clear()
    telemetry.turn_completed("c_1", "hill", HANDED_OVER)
    assert {span.name for span in kept.get_finished_spans()} == {"invoke_agent hill", "retrieval"}
    traces.close()
