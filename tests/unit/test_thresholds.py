"""Several places may name the threshold: it is told which of them is heard, and which is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.doctor import LOOKS, Patient
from app.running import RunningServer
from app.serving import tell_thresholds
from app.settings import Settings, said_of
from app.shop.brand import brand_of
from app.thresholds import InForce, thresholds_in_force
from tests.builders import SHOP
from tests.unit.test_trust_files import a_certificate, keep

ENVIRONMENT = [("the environment", "0.8")]
BRANDS = {SHOP: brand_of({"name": "Tea Corner"}, SHOP)}


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No `.env` of the checkout has a say."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XIAOER_CONFIDENCE_THRESHOLD", raising=False)


def in_force(home: Path, said: list[tuple[str, str]] | None = None) -> list[InForce]:
    return thresholds_in_force(home, 0.8, said or [], BRANDS, [SHOP])


def test_who_names_a_setting_is_told_in_the_order_they_are_heard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert said_of("confidence_threshold") == []
    (tmp_path / ".env").write_text("XIAOER_CONFIDENCE_THRESHOLD=0.6\n", "utf-8")
    assert said_of("confidence_threshold") == [(str(tmp_path / ".env"), "0.6")]
    monkeypatch.setenv("XIAOER_CONFIDENCE_THRESHOLD", "0.8")
    assert said_of("confidence_threshold") == [("the environment", "0.8"), (str(tmp_path / ".env"), "0.6")]
    assert Settings().confidence_threshold == 0.8


def test_the_settings_hold_for_every_shop_that_has_no_word_of_its_own(tmp_path: Path) -> None:
    assert [one.told for one in in_force(tmp_path)] == ["0.8 (the default)"]
    assert [one.told for one in in_force(tmp_path, ENVIRONMENT)] == [
        "0.8 (XIAOER_CONFIDENCE_THRESHOLD of the environment)"
    ]


def test_a_file_that_says_something_else_than_the_environment_is_named_as_unheard(tmp_path: Path) -> None:
    assert in_force(tmp_path, [*ENVIRONMENT, (".env", "0.80")])[0].unheard == ()
    assert in_force(tmp_path, [*ENVIRONMENT, (".env", "0.6")])[0].unheard == (
        "XIAOER_CONFIDENCE_THRESHOLD=0.6 of .env",
    )


def test_an_owners_choice_is_heard_first_for_as_long_as_a_certificate_supports_it(tmp_path: Path) -> None:
    keep(tmp_path, a_certificate()).choose(SHOP, 0.05, "edith")
    [_, own] = in_force(tmp_path, ENVIRONMENT)
    assert (own.shop, own.value, own.unheard) == (SHOP, "0.82", ())
    assert "the limit of 5% wrong that edith chose on " in own.source
    (tmp_path / "calibration" / SHOP / "certificate.json").unlink()
    [_, own] = in_force(tmp_path, ENVIRONMENT)
    assert (own.value, own.source) == ("0.8", "XIAOER_CONFIDENCE_THRESHOLD of the environment")
    assert "no certificate of" in own.unheard[0]


def test_a_comparison_is_told_with_the_share_that_gets_its_threshold(tmp_path: Path) -> None:
    folder = tmp_path / "shops" / SHOP
    folder.mkdir(parents=True)
    (folder / "experiment.yaml").write_text("name: warmer\nshare: 0.3\nb: {threshold: 0.55}\n", "utf-8")
    [_, own] = in_force(tmp_path)
    assert own.value == "0.8, and 0.55 in 30% of conversations"
    assert own.source == "the default, and warmer in experiment.yaml"


def test_a_threshold_in_brand_yaml_is_told_to_be_a_note_that_nobody_reads(tmp_path: Path) -> None:
    brand = brand_of({"name": "Tea Corner", "confidence_threshold": 0.9, "包邮门槛": 99}, SHOP)
    [_, own] = thresholds_in_force(tmp_path, 0.8, [], {SHOP: brand}, [SHOP])
    assert own.unheard == (f"confidence_threshold in the brand.yaml of {SHOP}",)


@pytest.mark.parametrize(
    ("environment", "running", "state", "told"),
    [
        ("0.8", None, "ok", "0.8 (XIAOER_CONFIDENCE_THRESHOLD of the environment)"),
        ("0.8", 0.8, "ok", "0.8 (XIAOER_CONFIDENCE_THRESHOLD of the environment)"),
        ("0.8", 0.6, "warn", "the server that runs started with 0.6"),
        ("0.7", None, "warn", "Nobody listens to XIAOER_CONFIDENCE_THRESHOLD=0.8 of "),
    ],
)
async def test_doctor_says_which_threshold_holds_and_warns_where_two_disagree(
    environment: str, running: float | None, state: str, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("XIAOER_CONFIDENCE_THRESHOLD=0.8\n", "utf-8")
    monkeypatch.setenv("XIAOER_CONFIDENCE_THRESHOLD", environment)
    server = RunningServer("http://127.0.0.1:1", 1, "k", running)
    found = LOOKS["threshold"](Patient(Settings(home=tmp_path / "home"), server))
    finding = await found if not hasattr(found, "state") else found  # type: ignore[misc]
    assert finding.state.value == state
    assert told in json.dumps([finding.seen, finding.advice])


def test_the_log_says_at_the_start_which_threshold_holds_and_who_is_not_heard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("XIAOER_CONFIDENCE_THRESHOLD=0.6\n", "utf-8")
    monkeypatch.setenv("XIAOER_CONFIDENCE_THRESHOLD", "0.8")
    with capture_logs() as logged:
        tell_thresholds(Settings(home=tmp_path), [])
    assert [(one["event"], one.get("value")) for one in logged] == [
        ("threshold.holds", "0.8"),
        ("threshold.unheard", None),
    ]
    assert "=0.6 of " in logged[1]["place"]
