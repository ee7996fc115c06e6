"""The way to a publish, as an editor walks it: checks, the shop's suite, a reason to publish all the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.errors import BadInput
from app.gatekeeping import SUITE, adopt_suite
from eval.harness import Sample, Suite
from eval.release_gate import Answered, verdict

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

PROJECT = Path(__file__).parents[2]
BRAND = "name: Hill\nassistant_name: Hilly\nlanguages: [en]\ndefault_language: en\ngreeting: {en: Hello}\n"
ROWS = {
    "Do you ship to Norway?": "Yes: parcels to Norway take 6 working days.",
    "How much is delivery in the UK?": "Delivery in the UK costs £4.50.",
    "May I send a jacket back?": "Unworn jackets can be returned within 30 days.",
    "Can I buy gift cards?": "Gift cards are sold from £10 to £250.",
    "When is the workshop open?": "The workshop is open from 9:00 to 17:00, Monday to Friday.",
    "How do I wash a fleece?": "Wash a fleece at 30 degrees and leave out the softener.",
    "Do you repair zips?": "Zips are repaired for £18, which takes 14 days.",
    "Is there a student discount?": "Students get 12 % with a valid card.",
}


def table(rows: dict[str, str]) -> str:
    return "question,answer\n" + "".join(f'"{q}","{a}"\n' for q, a in rows.items())


def suite_line(number: int, question: str, answer: str, **more: Any) -> str:
    needed = next(word for word in answer.replace("£", "").replace(",", " ").split() if word[0].isdigit())
    labels = {"id": f"h{number}", "language": "en", "question": question, "facts": [[needed.rstrip(".")]]}
    return json.dumps({**labels, "sources": [{"path": "knowledge/faq.csv"}], **more}) + "\n"


@dataclass
class Hill:
    """A shop folder with a suite, and a home."""

    folder: Path
    home: Path

    def run(self, *command: str, code: int = 0) -> str:
        environment = os.environ | {"XIAOER_HOME": str(self.home), "XIAOER_MODEL": "none", "COLUMNS": "200"}
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", *command],
            check=False, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=240,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def ingest(self, *options: str, code: int = 0) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(
            self.run("ingest", str(self.folder), "--shop", "hill", "--json", *options, code=code)
        )
        return told

    def write(self, rows: dict[str, str]) -> None:
        (self.folder / "knowledge" / "faq.csv").write_text(table(rows))


@pytest.fixture(scope="module")
def hill(tmp_path_factory: pytest.TempPathFactory) -> Hill:
    folder, home = tmp_path_factory.mktemp("hill"), tmp_path_factory.mktemp("home")
    (folder / "knowledge").mkdir()
    (folder / "brand.yaml").write_text(BRAND)
    lines = [suite_line(n, q, a, must_pass=n == 0) for n, (q, a) in enumerate(ROWS.items())]
    (folder / SUITE).write_text("".join(lines))
    shop = Hill(folder, home)
    shop.write(ROWS)
    return shop


def test_the_first_release_goes_live_and_every_question_of_the_suite_is_right(hill: Hill) -> None:
    report = hill.ingest()
    assert (report["live_release"], report["held_back"]) == (1, False)
    assert (report["checks"]["suite"]["n"], report["checks"]["suite"]["right"]) == (8, 8)
    assert "suite.jsonl" not in {file["path"] for file in report["files"]}


def test_losing_a_question_that_must_pass_holds_the_release_back(hill: Hill) -> None:
    hill.write({q: a for q, a in ROWS.items() if "Norway" not in q})
    report = hill.ingest(code=3)
    assert (report["live_release"], report["release"], report["held_back"]) == (1, 2, True)
    assert report["checks"]["suite"]["failed_must_pass"] == ["h0"]
    assert "1 must-pass question failed: h0" in report["checks"]["reasons"][0]["en"]
    assert "releases publish 2" in report["summary"]


def test_publishing_it_by_hand_is_refused_too_and_says_why(hill: Hill) -> None:
    environment = os.environ | {"XIAOER_HOME": str(hill.home), "XIAOER_MODEL": "none"}
    refused = subprocess.run(
        [sys.executable, "-m", "app.cli", "releases", "publish", "2", "--shop", "hill"],
        check=False, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert refused.returncode == 1
    assert "must-pass" in refused.stderr
    assert "The live release stays" in " ".join(refused.stderr.split())


def test_a_reason_publishes_it_and_is_kept_with_the_release(hill: Hill) -> None:
    hill.run("releases", "publish", "2", "--shop", "hill", "--force", "Norway is closed for the winter")
    listed = {r["release"]: r for r in json.loads(hill.run("releases", "list", "--shop", "hill", "--json"))}
    assert listed[2]["live"] is True
    assert listed[2]["forced"] == "Norway is closed for the winter"
    assert "Norway is closed" in hill.run("releases", "history", "--shop", "hill")
    assert "Norway is closed" in hill.run("releases", "checks", "2", "--shop", "hill")
    hill.run("releases", "rollback", "--shop", "hill")


def test_a_suite_that_got_worse_by_more_than_chance_holds_the_release_back(hill: Hill) -> None:
    rows = {q: a if n in (0, 6, 7) else "Please write to our team about this." for n, (q, a) in enumerate(ROWS.items())}
    hill.write(rows)
    report = hill.ingest(code=3)
    suite = report["checks"]["suite"]
    assert len(suite["worse"]) == 5
    assert suite["p_value"] == pytest.approx(1 / 32)
    assert any("the suite got worse: 5 questions lost" in reason["en"] for reason in report["checks"]["reasons"])
    assert {flip["id"] for flip in suite["flips"]} == set(suite["worse"])
    assert report["live_release"] == 1


def test_a_harmless_edit_goes_live_and_a_lost_clause_is_told(hill: Hill) -> None:
    hill.write({**ROWS, "Do you repair zips?": "Zips are repaired for £18."})
    report = hill.ingest()
    assert report["held_back"] is False
    assert [(f["check"], f["row"]) for f in report["checks"]["findings"]] == [("losses", 8)]
    assert report["checks"]["suite"]["worse"] == []


async def test_a_suite_is_adopted_only_when_it_can_be_read(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_text('{"id": "a", "question": "?"}\n')
    bad.write_text('{"question": "?"}\n')
    await adopt_suite(tmp_path, "hill", str(good))
    for wrong in (str(bad), str(tmp_path / "none.jsonl")):
        with pytest.raises(BadInput):
            await adopt_suite(tmp_path, "hill", wrong)
    assert (tmp_path / "shops" / "hill" / SUITE).read_text() == good.read_text()
    await adopt_suite(tmp_path, "hill", "none")
    assert not (tmp_path / "shops" / "hill" / SUITE).exists()


def test_few_flips_are_told_and_hold_nothing_back() -> None:
    samples = tuple(Sample(f"s{n}", "?") for n in range(10))
    all_right = Answered({s.id: True for s in samples}, {s.id: "" for s in samples}, {s.id: "" for s in samples})
    fewer = Answered({s.id: s.id > "s2" for s in samples}, all_right.why, all_right.said)
    found = verdict(Suite("s", samples), fewer, all_right)
    assert found.worse == ("s0", "s1", "s2")
    assert found.reasons == ()
    assert verdict(Suite("s", samples), fewer, None).p_value is None
