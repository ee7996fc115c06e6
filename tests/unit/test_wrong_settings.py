"""Settings that cannot be read are told in a sentence, and names that nothing reads are noticed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.cli import main
from app.settings import NOT_SETTINGS, Settings, unknown_settings


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No `.env` of the checkout has a say."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("XIAOER_PORT", "tcp://10.0.0.7:80", "integer"),
        ("XIAOER_PORT", "70000", "65535"),
        ("XIAOER_CONFIDENCE_THRESHOLD", "7", "less than or equal to 1"),
        ("XIAOER_CONFIDENCE_THRESHOLD", "nan", "finite"),
        ("XIAOER_MESSAGE_LIMIT", "0", "greater than or equal to 1"),
        ("XIAOER_LOG_LEVEL", "[/loud]", "DEBUG, INFO, WARNING or ERROR"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "doctor"])
def test_a_wrong_setting_is_named_with_its_value_and_the_reason_and_no_trace(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    name: str,
    value: str,
    why: str,
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["xiaoer", command])
    with pytest.raises(SystemExit) as stopped:
        main()
    told = " ".join(capsys.readouterr().err.split())
    assert stopped.value.code == 1
    assert f"{name} is '{value}'" in told
    assert why in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("XIAOER_HOME", "a-file/home", "The folder a-file/home cannot be made"),
        ("XIAOER_DATABASE", "nonsense", "XIAOER_DATABASE cannot be used"),
        ("XIAOER_DATABASE", "oracle-of-delphi://x:secret@host/db", "XIAOER_DATABASE cannot be used"),
        ("XIAOER_DATABASE", "sqlite:///nowhere/x.sqlite3", "cannot be opened (unable to open database file)"),
    ],
)
def test_a_place_that_cannot_be_used_is_told_the_same_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, why: str
) -> None:
    Path("a-file").write_text("no folder", "utf-8")
    monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["xiaoer", "releases", "list", "--shop", "hill"])
    with pytest.raises(SystemExit) as stopped:
        main()
    told = " ".join(capsys.readouterr().err.split())
    assert stopped.value.code == 1
    assert why in told
    assert "othing was started" in told
    assert "secret" not in told


def test_levels_are_known_in_small_letters_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIAOER_LOG_LEVEL", "warning")
    assert Settings().log_level == "warning"


def test_a_misspelt_setting_is_noticed_with_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in NOT_SETTINGS:
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("XIAOER_HOME", "x")
    monkeypatch.setenv("XIAOER_CONFIDENCE_TRESHOLD", "0.9")
    (tmp_path / ".env").write_text("XIAOER_MODLE=none\nXIAOER_PORT=9000\nOTHER=1\n", "utf-8")
    assert unknown_settings() == {
        "XIAOER_CONFIDENCE_TRESHOLD": "XIAOER_CONFIDENCE_THRESHOLD",
        "XIAOER_MODLE": "XIAOER_MODEL",
    }
