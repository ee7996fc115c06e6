"""Logs tell what went wrong, never what anybody wrote."""

from __future__ import annotations

from structlog.testing import capture_logs

from app.errors import Unavailable, XiaoerError
from app.telemetry import Telemetry


def failing(words: str) -> Exception:
    try:
        raise ValueError(f"cannot read {words!r}")
    except ValueError as error:
        return error


def test_an_unexpected_error_is_logged_with_its_place_and_without_its_words() -> None:
    telemetry = Telemetry()
    with capture_logs() as logs:
        telemetry.turn_failed("c", "hill", XiaoerError("The turn failed."), failing("my phone is 555-0199"))
        telemetry.request_failed("/v1/x", failing("my phone is 555-0199"))
    assert [entry["event"] for entry in logs] == ["turn.failed", "request.failed"]
    assert all(entry["error"] == "ValueError" for entry in logs)
    assert "test_telemetry.py" in logs[0]["trace"][0]
    assert "555" not in str(logs)


def test_an_expected_problem_is_logged_by_its_type_alone() -> None:
    with capture_logs() as logs:
        Telemetry().turn_failed("c", "hill", Unavailable("down"), Unavailable("down"))
    assert logs[0]["problem"] == "unavailable"
    assert "trace" not in logs[0]
