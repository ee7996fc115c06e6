"""Logs and metrics: what happened and how long it took, never what anybody wrote."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from typing import Any, Protocol

import orjson
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from app.chat.turn import HandOff, Reply
from app.errors import XiaoerError

_TENTHS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0)


def configure_logging(level: str = "INFO") -> None:
    """JSON lines on stderr: `event` is noun.verb, ids are bound."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )


class TurnObserver(Protocol):
    """Sees finished turns. Must not raise or wait, and keeps no words."""

    def turn_completed(self, conversation_id: str, shop: str, reply: Reply) -> None:
        """A turn has ended just now."""


class Telemetry:
    """The metrics of one server, and the witness of its conversations."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._log: Any = structlog.get_logger()
        self._turns = Counter("xiaoer_turns", "Turns by decision", ("shop", "decision"), registry=self.registry)
        self._stages = Histogram(
            "xiaoer_stage_seconds", "Time since the turn began, by stage", ("stage",),
            buckets=_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self._shifted = Gauge(
            "xiaoer_shift_alarm",
            "1 while the shop's questions differ from those its certificate was made on",
            ("shop",),
            registry=self.registry,
        )
        self._covered = Counter(
            "xiaoer_certified_answers", "Answers by whether a certificate covers them", ("shop", "certified"),
            registry=self.registry,
        )  # fmt: skip
        self._arms = Counter(
            "xiaoer_arm_turns", "Turns of shops that compare two ways", ("shop", "arm", "decision"),
            registry=self.registry,
        )  # fmt: skip
        self._failures = Counter(
            "xiaoer_turn_failures", "Turns that ended in a problem", ("slug",), registry=self.registry
        )
        self._recalled = Counter(
            "xiaoer_questions_recalled",
            "Questions by whether what they find was known: hit, miss, own (not shared)",
            ("outcome",),
            registry=self.registry,
        )
        self._problems = Counter("xiaoer_problems", "Problem responses sent", ("slug",), registry=self.registry)
        self._requests = Counter("xiaoer_requests", "HTTP requests", ("method", "status"), registry=self.registry)
        self._model_calls = Counter("xiaoer_model_calls", "Calls of the language model", registry=self.registry)
        self._deliveries = Counter(
            "xiaoer_channel_deliveries", "What came in over channels", ("channel", "outcome"), registry=self.registry
        )
        self._letters = Counter(
            "xiaoer_channel_letters", "What went out over channels", ("channel", "outcome"), registry=self.registry
        )
        self._tokens = Counter("xiaoer_tokens", "Tokens of the language model", ("kind",), registry=self.registry)
        self._confidence = Histogram(
            "xiaoer_confidence", "Confidence of decisions that answer or would have", ("decision",),
            buckets=_TENTHS, registry=self.registry,
        )  # fmt: skip
        self._handoffs = Counter(
            "xiaoer_handoffs", "Turns that called a person", ("shop", "reason"), registry=self.registry
        )
        self._sentences = Counter(
            "xiaoer_sentences",
            "Sentences sent; evidence in a phrased turn is what the model said and the check put right",
            ("origin", "phrased"),
            registry=self.registry,
        )
        self._observers: list[TurnObserver] = []

    def watch(self, name: str, what: str, read: Callable[[], float]) -> None:
        """A gauge that is read when somebody asks for the metrics."""
        Gauge(f"xiaoer_{name}", what, registry=self.registry).set_function(read)

    def also_tell(self, observer: TurnObserver) -> None:
        """Tell this one of every finished turn too."""
        self._observers.append(observer)

    def shift_changed(self, shop: str, on: bool, feature: str) -> None:
        """The shift alarm of a shop went off or ended."""
        self._shifted.labels(shop).set(1.0 if on else 0.0)
        self._log.warning("shift.raised" if on else "shift.cleared", shop=shop, feature=feature)

    def question_recalled(self, outcome: str) -> None:
        """Count a question by what was known of it: "hit", "miss", or "own" for one that is not shared."""
        self._recalled.labels(outcome).inc()

    def exposition(self) -> bytes:
        """What /metrics answers."""
        return generate_latest(self.registry)

    def turn_completed(self, conversation_id: str, shop: str, reply: Reply) -> None:
        """Count a finished turn and log it."""
        use = reply.model_use
        self._turns.labels(shop, reply.decision.name).inc()
        if reply.decision.name == "answer":
            self._covered.labels(shop, "yes" if reply.decision.grounds.certificate else "no").inc()
        self._confidence.labels(reply.decision.name).observe(reply.decision.confidence)
        if isinstance(reply.decision, HandOff):
            self._handoffs.labels(shop, reply.decision.reason).inc()
        for sentence in reply.sentences:
            self._sentences.labels(sentence.origin, "yes" if use.calls else "no").inc()
        for observer in self._observers:
            observer.turn_completed(conversation_id, shop, reply)
        if arm := reply.decision.grounds.arm:
            self._arms.labels(shop, arm, reply.decision.name).inc()
        for stage, milliseconds in reply.timings_ms.items():
            self._stages.labels(stage).observe(milliseconds / 1000)
        if use.calls:
            self._model_calls.inc(use.calls)
            self._tokens.labels("prompt").inc(use.prompt_tokens)
            self._tokens.labels("cached").inc(use.cached_tokens)
            self._tokens.labels("completion").inc(use.completion_tokens)
        self._log.info(
            "turn.completed",
            conversation=conversation_id,
            message=reply.message_id,
            shop=shop,
            decision=reply.decision.name,
            confidence=round(reply.decision.confidence, 3),
            release=reply.release,
            total_ms=round(reply.timings_ms.get("total", 0.0), 1),
        )

    def turn_failed(self, conversation_id: str, shop: str, error: XiaoerError, cause: BaseException) -> None:
        """Count a turn that ended in a problem; the cause goes to the log when it is our fault."""
        self._failures.labels(error.slug).inc()
        told = {} if isinstance(cause, XiaoerError) else traced(cause)
        self._log.error("turn.failed", conversation=conversation_id, shop=shop, problem=error.slug, **told)

    def delivery_worked(self, channel: str, outcome: str, cause: BaseException | None = None) -> None:
        """Count a delivery by what became of it; what failed is logged."""
        self._deliveries.labels(channel, outcome).inc()
        if cause is not None:
            self._log.warning("delivery.failed", channel=channel, outcome=outcome, **_told(cause))

    def letter_worked(self, channel: str, outcome: str, cause: BaseException | None = None) -> None:
        """Count a letter by what became of it; what failed is logged."""
        self._letters.labels(channel, outcome).inc()
        if cause is not None:
            self._log.warning("letter.failed", channel=channel, outcome=outcome, **_told(cause))

    def problem_sent(self, error: XiaoerError, instance: str, path: str) -> None:
        """Count a problem response. Those that are our fault are logged with their instance."""
        self._problems.labels(error.slug).inc()
        if error.status >= 500:
            self._log.warning("problem.sent", problem=error.slug, instance=instance, path=path)

    def request_failed(self, path: str, cause: BaseException) -> None:
        """Log what nobody expected."""
        self._log.error("request.failed", path=path, **traced(cause))

    def request_done(self, method: str, status: int) -> None:
        """Count a request."""
        self._requests.labels(method if method in _METHODS else "other", str(status)).inc()


def traced(error: BaseException) -> dict[str, Any]:
    """What went wrong and where, without the error's own message: that may quote what a shopper wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    causes = [type(e).__name__ for e in (error, error.__cause__, error.__context__) if e is not None]
    return {"error": " < ".join(dict.fromkeys(causes)), "trace": [f"{f.filename}:{f.lineno} {f.name}" for f in frames]}


def _told(cause: BaseException) -> dict[str, Any]:
    return {"problem": cause.slug} if isinstance(cause, XiaoerError) else traced(cause)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
