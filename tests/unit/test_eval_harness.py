"""The harness runs suites through any solver, counts, gates and writes reports."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

import pytest
from rich.console import Console

from app.chat.turn import Citation, HandOff, ModelUse, Question, Reply, Sentence, SmallTalk
from app.conversation.present import replay_record
from app.errors import BadInput, NotFound
from eval.gates import Gate, failures
from eval.harness import Outcome, Sample, SeenPassage, SolvedSample, Source, Suite, Task, run, select
from eval.metrics import auroc, expected_calibration_error, percentile, reliability
from eval.read_suite import BadLine, moment, read_suite
from eval.replay import replay
from eval.report.files import write_report
from eval.report.tables import headline, print_failures, reliability_table, suite_table
from eval.scorers import SCORERS
from eval.summary import by_group, summarise

SOURCE = Source("knowledge/faq.csv", "row 2 | q")
SUITE = Suite(
    "tiny",
    (
        Sample("a", "free shipping?", "faq", "en", sources=(SOURCE,), facts=(("99",),)),
        Sample("b", "包邮吗", "faq", "zh", sources=(SOURCE,), facts=(("99",),)),
        Sample("c", "<b>vegan?", "unanswerable", "en", answerable=False),
        Sample("d", "human!", "human", "en", answerable=False, decisions=frozenset({"handoff"})),
    ),
)


class CannedSolver:
    """Answers from a table: text, decision and confidence by sample id."""

    answers: ClassVar = {
        "a": ("From 99.", "answer", 0.95),
        "b": ("满199包邮", "answer", 0.4),
        "c": ("Yes, vegan.", "answer", 0.75),
        "d": ("A colleague takes over.", "handoff", 0.0),
    }

    async def solve(self, sample: Sample) -> SolvedSample:
        text, decision, confidence = self.answers[sample.id]
        citations = [{"path": SOURCE.path, "locator": SOURCE.locator}] if decision == "answer" else []
        reply = {
            "text": text,
            "decision": decision,
            "confidence": confidence,
            "citations": citations,
            "model_calls": int(decision == "answer"),
            "prompt_tokens": 300,
            "cached_tokens": 180,
            "timings_ms": {"decide": 10, "reply": 30},
        }
        return SolvedSample(reply, (SeenPassage(SOURCE.path, SOURCE.locator, "t", "<script>", 0.9, {"dense": 0.8}),))


async def outcomes_of_the_tiny_suite() -> list[Outcome]:
    return await run(Task(SUITE, CannedSolver(), SCORERS))


async def test_a_run_judges_every_sample_in_order() -> None:
    steps: list[tuple[int, int]] = []
    outcomes = await run(Task(SUITE, CannedSolver(), SCORERS), lambda done, of: steps.append((done, of)))
    assert [o.sample.id for o in outcomes] == ["a", "b", "c", "d"]
    assert [o.passed("right") for o in outcomes] == [True, False, False, True]
    assert steps[-1] == (4, 4)
    assert len(select(outcomes, "faq", "zh")) == 1


async def test_a_summary_counts_what_gates_are_about() -> None:
    summary = summarise(await outcomes_of_the_tiny_suite())
    assert summary.right == 0.5
    assert summary.right_answerable == 0.5
    assert summary.wrong == pytest.approx(2 / 3)
    assert summary.unanswerable == 0.5
    assert summary.safe == 1
    assert summary.recall_1 == 1
    assert summary.auroc_sent == 1
    assert summary.latency_p50_ms == 40
    assert (summary.model_calls, summary.prompt_tokens_p50) == (3, 120)


async def test_a_gate_names_figure_and_bound_when_it_is_shut() -> None:
    summary = summarise(await outcomes_of_the_tiny_suite())
    shut = failures(summary)
    assert any("wrong is 0.667; it has to be at most 0.03" in line for line in shut)
    assert Gate("right", 0.5).failure(summary) is None
    assert "could not be counted" in str(Gate("ece", 0.1, "at most").failure(summarise([])))


async def test_tables_have_a_row_for_each_category_each_language_and_all() -> None:
    outcomes = await outcomes_of_the_tiny_suite()
    groups = by_group(outcomes)
    assert list(groups) == ["faq", "unanswerable", "human", "language en", "language zh", "all"]
    screen = StringIO()
    console = Console(width=250, file=screen)
    console.print(suite_table("tiny", groups), headline("tiny", groups["all"]), reliability_table(outcomes))
    print_failures(console, outcomes, 1)
    text = screen.getvalue()
    assert "满199包邮" in text
    assert "1 more failures" in text


async def test_the_report_page_escapes_what_shoppers_and_sources_say(tmp_path: Path) -> None:
    outcomes = await outcomes_of_the_tiny_suite()
    lines, page = write_report(tmp_path / "out", "tiny", outcomes, by_group(outcomes))
    records = [json.loads(line) for line in lines.read_text("utf-8").splitlines()]
    assert records[1]["scores"]["right"]["why"] == "missing: 99"
    html = page.read_text("utf-8")
    assert "&lt;b&gt;vegan?" in html
    assert "<script>" not in html


def test_auroc_counts_ties_half() -> None:
    assert auroc([0.9, 0.5], [0.5, 0.1]) == 0.875
    assert auroc([], [0.5]) is None


def test_calibration_error_is_the_distance_of_promise_and_truth() -> None:
    assert expected_calibration_error([0.9, 0.9], [1, 0]) == pytest.approx(0.4)
    assert [b.n for b in reliability([0.05, 0.95, 1.0], [0, 1, 1])] == [1, 2]
    assert expected_calibration_error([], []) is None
    assert percentile([1, 3], 50) == 2


def write_suite(folder: Path, *lines: object) -> Path:
    path = folder / "s.jsonl"
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines), encoding="utf-8")
    return path


def test_a_suite_line_needs_only_id_and_question(tmp_path: Path) -> None:
    (sample,) = read_suite(write_suite(tmp_path, {"id": 7, "question": "hi", "history": None, "extra": 1})).samples
    assert (sample.id, sample.question, sample.answerable, sample.history) == ("7", "hi", True, ())


def test_a_full_line_is_read_into_the_words_of_the_house(tmp_path: Path) -> None:
    full = {
        "id": "x",
        "question": "它呢",
        "history": [{"role": "user", "text": "a"}, {"role": "bot", "content": "b"}],
        "as_of": "2026-11-11",
        "order": {"order_id": "TL1", "phone_last4": "4417"},
        "decisions": ["answer"],
        "sources": [{"path": "p", "locator": "l"}],
        "sources_all": True,
        "facts": [["1", "one"], "2"],
        "not_facts": ["3"],
    }
    (sample,) = read_suite(write_suite(tmp_path, full)).samples
    assert [(m.role, m.text) for m in sample.history] == [("user", "a"), ("assistant", "b")]
    assert (sample.identity.order_id, sample.identity.phone_last4) == ("TL1", "4417")
    assert sample.sources_all == ((Source("p", "l"),),)
    assert sample.facts == (("1", "one"), ("2",))


def test_an_order_may_be_a_plain_number(tmp_path: Path) -> None:
    (sample,) = read_suite(write_suite(tmp_path, {"id": "x", "question": "where", "order": "TL1"})).samples
    assert (sample.identity.order_id, sample.identity.phone_last4) == ("TL1", "")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{not json", "line 1"),
        ("[]", "JSON object"),
        ({"id": "x"}, "question"),
        ({"question": "x"}, "id is missing"),
        ({"id": "x", "question": "y", "decisions": ["shrug"]}, "valid are"),
        ({"id": "x", "question": "y", "as_of": "yesterday"}, "yesterday"),
        ({"id": "x", "question": "y", "history": [{"role": "cat", "text": "miau"}]}, "role"),
        ({"id": "x", "question": "y", "order": 5}, "order"),
        ({"id": "x", "question": "y", "sources": [{"locator": "l"}]}, "path"),
        ({"id": "x", "question": "y", "not_facts": "z"}, "not_facts"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_and_reason(tmp_path: Path, line: object, says: str) -> None:
    with pytest.raises(BadLine, match=r"s\.jsonl, line 1") as problem:
        read_suite(write_suite(tmp_path, line))
    assert says in str(problem.value)


def test_an_id_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadLine, match="twice"):
        read_suite(write_suite(tmp_path, {"id": "x", "question": "a"}, {"id": "x", "question": "b"}))


def test_a_moment_without_an_offset_is_in_the_shops_time_zone() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert moment("", "Asia/Shanghai", now) is now
    assert moment("2026-10-20", "Asia/Shanghai", now).isoformat() == "2026-10-20T12:00:00+08:00"
    assert moment("2026-10-20T09:00", "Europe/London", now).isoformat() == "2026-10-20T09:00:00+01:00"
    assert moment("2026-10-20T09:00:00Z", "Asia/Shanghai", now).isoformat() == "2026-10-20T09:00:00+00:00"


REPLIED = Reply(
    "m",
    "满99包邮",
    SmallTalk(Question("x", "x", "zh"), "满99包邮"),
    (Sentence("满99包邮", (Citation("p", "l", "d", "q"),)),),
    3,
    "zh",
    ModelUse(1, 200, 150, 9),
    {"total": 12.345},
)


async def test_replay_writes_the_lines_of_the_contract(tmp_path: Path) -> None:
    async def ask(sample: Sample) -> dict[str, Any]:
        return {"id": sample.id, **replay_record(REPLIED)}

    out = tmp_path / "deep" / "r.jsonl"
    report = await replay(write_suite(tmp_path, {"id": "x", "question": "包邮吗"}), out, ask)
    assert report.complete
    assert json.loads(out.read_text("utf-8")) == {
        "id": "x",
        "text": "满99包邮",
        "decision": "smalltalk",
        "confidence": 1.0,
        "citations": [{"path": "p", "locator": "l", "document_id": "d", "quote": "q"}],
        "handoff": None,
        "language": "zh",
        "release": 3,
        "model_calls": 1,
        "prompt_tokens": 200,
        "cached_tokens": 150,
        "timings_ms": {"total": 12.35},
    }


async def test_replay_goes_on_after_a_bad_line_and_a_failed_turn_and_says_so(tmp_path: Path) -> None:
    question = Question("x", "x", "en")

    async def ask(sample: Sample) -> dict[str, Any]:
        if sample.id == "bad":
            raise RuntimeError("index is down")
        return replay_record(Reply("m", "…", HandOff(question, "asked_for_human", "…"), (), 1, "en"))

    suite = write_suite(tmp_path, "{broken", {"id": "bad", "question": "a"}, {"id": "ok", "question": "b"})
    steps: list[int] = []
    report = await replay(suite, tmp_path / "r.jsonl", ask, lambda done, _: steps.append(done))
    assert not report.complete
    assert [p.split(":")[0] for p in report.problems] == ["s.jsonl, line 1", "bad"]
    (line,) = (tmp_path / "r.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["handoff"] == {"reason": "asked_for_human"}
    assert steps == [1, 2]
    assert not (tmp_path / "r.jsonl.part").exists()


async def test_bytes_that_are_not_utf8_spoil_their_own_line_only(tmp_path: Path) -> None:
    async def ask(sample: Sample) -> dict[str, Any]:
        return {"id": sample.id, **replay_record(REPLIED)}

    suite = tmp_path / "s.jsonl"
    suite.write_bytes(b'\xef\xbb\xbf{"id": "a", "question": "ok"}\n{"id": "b", "question": "\xb0\xfc"}\n')
    report = await replay(suite, tmp_path / "r.jsonl", ask)
    assert report.replied == 1
    assert report.problems[0].startswith("s.jsonl, line 2")


async def test_replies_that_cannot_be_written_stop_the_replay_before_it_asks(tmp_path: Path) -> None:
    async def ask(sample: Sample) -> dict[str, Any]:
        raise AssertionError("asked")

    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="Nothing was run"):
        await replay(write_suite(tmp_path, {"id": "x", "question": "?"}), tmp_path / "file" / "r.jsonl", ask)


async def test_replay_of_a_missing_suite_writes_nothing(tmp_path: Path) -> None:
    async def ask(sample: Sample) -> dict[str, Any]:
        return {"id": sample.id, **replay_record(REPLIED)}

    with pytest.raises(NotFound, match="Nothing was run"):
        await replay(tmp_path / "no.jsonl", tmp_path / "r.jsonl", ask)
    assert not (tmp_path / "r.jsonl").exists()
