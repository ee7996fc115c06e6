"""Runs go on where they stopped, are asked concurrently, and are compared sample by sample."""

from __future__ import annotations

import asyncio
import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app.errors import BadInput, NotFound
from eval.compare import compare
from eval.harness import Outcome, Sample, SolvedSample, Source, Suite, Task, run
from eval.report.comparison import comparison_page, conclusion, print_comparison
from eval.report.files import summary_json, write_outcomes
from eval.report.page import page, suite_section
from eval.report.plots import confusion_matrix, latency_histogram, reliability_diagram, risk_coverage
from eval.risk import area_under_risk, risk_curve
from eval.run_command import target_of
from eval.runs import MANIFEST, Journal, code_fingerprint, read_run
from eval.scorers import SCORERS
from eval.summary import by_group

SOURCE = Source("faq.csv", "row 2 | q")
SAMPLES = tuple(
    Sample(f"s{n}", f"question {n} <b>?", "faq", "en", sources=(SOURCE,), facts=(("99",),)) for n in range(24)
)
SUITE = Suite("tea", SAMPLES)


class Clerk:
    """Answers right but for the samples named in `weak`; counts who is asked, and how many at once."""

    def __init__(self, weak: frozenset[str] = frozenset(), stop_after: int = 10_000) -> None:
        self.weak = weak
        self.stop_after = stop_after
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0

    async def solve(self, sample: Sample) -> SolvedSample:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if len(self.asked) >= self.stop_after:
            raise BadInput("enough")
        self.asked.append(sample.id)
        reply: dict[str, Any] = {
            "text": "It is 98." if sample.id in self.weak else "It is 99.",
            "decision": "answer",
            "confidence": 0.6 if sample.id in self.weak else 0.9,
            "citations": [{"path": SOURCE.path, "locator": SOURCE.locator}],
            "timings_ms": {"total": 20.0 + len(self.asked)},
        }
        return SolvedSample(reply)


async def outcomes_of(clerk: Clerk, jobs: int = 1) -> list[Outcome]:
    return await run(Task(SUITE, clerk, SCORERS), jobs=jobs)


async def test_questions_are_asked_at_once_and_told_in_the_suites_order() -> None:
    clerk = Clerk()
    outcomes = await outcomes_of(clerk, jobs=4)
    assert [o.sample.id for o in outcomes] == [s.id for s in SAMPLES]
    assert clerk.most_at_once == 4


async def test_a_run_that_was_broken_off_asks_only_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "tea.answers.jsonl"
    journal = Journal(path, "state 1")
    journal.begin({})
    with pytest.raises(BadInput):
        await run(Task(SUITE, Clerk(stop_after=10), SCORERS), keep=journal.keep)
    journal.close()
    with path.open("a") as torn:
        torn.write('{"id": "s99", "rep')
    known = Journal(path, "state 1").taken_up()
    assert list(known) == [s.id for s in SAMPLES[:10]]
    clerk = Clerk()
    outcomes = await run(Task(SUITE, clerk, SCORERS), solved=known)
    assert clerk.asked == [s.id for s in SAMPLES[10:]]
    assert len(outcomes) == 24
    assert all(o.passed("right") for o in outcomes)


def test_answers_of_another_state_of_the_server_are_not_mixed_in(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.jsonl", "state 1")
    journal.begin({})
    journal.keep(SAMPLES[0], SolvedSample({"text": "x"}))
    journal.close()
    assert Journal(tmp_path / "a.jsonl", "state 2").taken_up() == {}
    assert Journal(tmp_path / "none.jsonl", "state 1").taken_up() == {}


def test_the_state_of_the_code_is_one_short_text() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", code_fingerprint())


async def a_run(folder: Path, weak: frozenset[str] = frozenset()) -> Path:
    outcomes = await outcomes_of(Clerk(weak))
    write_run(folder, outcomes)
    return folder


def write_run(folder: Path, outcomes: list[Outcome]) -> None:
    folder.mkdir()
    write_outcomes(folder / "tea.jsonl", outcomes)
    (folder / MANIFEST).write_text(json.dumps({"suites": {"tea": len(outcomes)}}))


async def test_a_run_that_lost_answers_is_worse_beyond_chance(tmp_path: Path) -> None:
    before = read_run(await a_run(tmp_path / "a", frozenset({"s20"})))
    after = read_run(await a_run(tmp_path / "b", frozenset({"s0", "s1", "s2", "s3", "s4", "s5"})))
    found = compare(before, after)
    right = found.figures["tea"]["right"]
    assert (right.only_before, right.only_after, right.n) == (6, 1, 24)
    assert right.p_value == pytest.approx(0.125)
    assert found.worse == []
    lost = read_run(await a_run(tmp_path / "c", frozenset(f"s{n}" for n in range(8))))
    assert compare(before, lost).worse == ["right", "nothing wrong said"]
    assert compare(before, lost).figures["tea"]["right"].p_value < 0.05


async def test_flips_are_listed_the_lost_ones_first_with_what_was_said(tmp_path: Path) -> None:
    before = read_run(await a_run(tmp_path / "a", frozenset({"s20"})))
    after = read_run(await a_run(tmp_path / "b", frozenset({"s0"})))
    found = compare(before, after)
    assert [(f.after.id, f.lost) for f in found.flips] == [("s0", True), ("s20", False)]
    told = found.as_json()["flips"][0]
    assert (told["before"], told["after"]) == ("[answer 0.90] It is 99.", "[answer 0.60] It is 98.")
    assert told["why"] == "missing: 99"
    html = comparison_page(found)
    assert "question 0 &lt;b&gt;?" in html
    console = Console(width=200, file=StringIO())
    print_comparison(console, found, 1)
    assert isinstance(console.file, StringIO)
    assert "1 answers lost, 1 won" in console.file.getvalue()
    assert conclusion(found).endswith("Nothing got worse beyond chance.")


async def test_what_only_one_run_has_is_counted_and_left_out(tmp_path: Path) -> None:
    folder = await a_run(tmp_path / "a")
    lines = (folder / "tea.jsonl").read_text().splitlines()
    (tmp_path / "tea.jsonl").write_text("\n".join(lines[:20]))
    found = compare(read_run(folder), read_run(tmp_path / "tea.jsonl"))
    assert (found.unpaired, found.figures["tea"]["right"].n) == (4, 20)


def test_what_is_no_run_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="is no run"):
        read_run(tmp_path)
    (tmp_path / "x.jsonl").write_text('{"id": 1}\n')
    with pytest.raises(BadInput, match="no outcomes"):
        read_run(tmp_path / "x.jsonl")


async def test_the_page_has_every_plot_every_interval_and_no_script() -> None:
    outcomes = await outcomes_of(Clerk(frozenset({"s0", "s1"})))
    groups = by_group(outcomes)
    html = page("Run 1", suite_section("tea", outcomes, groups))
    assert html.count("<svg") == 4
    assert "74.2–97.7 %" in html
    assert "<script" not in html
    assert "http://www.w3.org" in html
    assert "https://" not in html
    rates = summary_json(groups["all"])["rates"]["right"]
    assert (rates["hits"], rates["n"]) == (22, 24)


def test_plots_of_nothing_say_so() -> None:
    for plot in (
        reliability_diagram([]),
        risk_coverage([], 0.7),
        latency_histogram([], 0, 0),
        confusion_matrix([], []),
    ):
        assert plot.startswith('<p class="dim">')


def test_the_risk_curve_answers_the_most_confident_first() -> None:
    points = risk_curve([0.9, 0.8, 0.8, 0.1], [1, 1, 0, 0])
    assert [(p.coverage, p.risk) for p in points] == [(0.25, 0), (0.75, pytest.approx(1 / 3)), (1, 0.5)]
    assert area_under_risk(points) == pytest.approx(0.25 * 0 + 0.5 / 3 + 0.25 * 0.5)
    assert area_under_risk([]) is None


def test_a_target_is_a_known_shop_or_a_folder_with_a_suite(tmp_path: Path) -> None:
    (tmp_path / "suite.jsonl").write_text("")
    assert target_of("tangli").folder.name == "tangli"
    assert target_of(str(tmp_path)).suite == tmp_path / "suite.jsonl"
    assert target_of(f"tangli={tmp_path}/suite.jsonl").suite == tmp_path / "suite.jsonl"
    live = target_of(f"live:tea={tmp_path}/suite.jsonl")
    assert (live.name, live.folder) == ("tea", None)
    with pytest.raises(Exception, match="names no suite"):
        target_of("live:tea")
    with pytest.raises(Exception, match="is not there"):
        target_of(str(tmp_path / "nowhere"))
