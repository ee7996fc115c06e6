"""Suites are read as people keep them."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest

from app.errors import BadInput
from eval.harness import Sample, SeenPassage, SolvedSample, Source
from eval.read_suite import BadLine, read_suite
from eval.scorers.citing import citation_precision, citation_recall
from eval.scorers.phrased import phrased
from eval.scorers.ranking import ndcg_at, reciprocal_rank
from eval.scorers.wording import grounded_sentences, language_right, values_exact, without_words

ROWS = [
    ["编号", "问题", "应含", "不应含", "能答", "文件", "定位"],
    ["1", "满多少包邮？", "99元/九十九元|包邮", "199", "是", "knowledge/faq.csv", "row 2"],
    ["2", "你们卖小提琴吗", "", "", "否", "", ""],
]


def xlsx(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    book.save(path)


def csv(path: Path, encoding: str = "utf-8-sig") -> None:
    path.write_text("\n".join(",".join(row) for row in ROWS), encoding=encoding)


@pytest.mark.parametrize("name", ["suite.csv", "suite.xlsx", "gb.csv"])
def test_a_table_is_a_suite(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("xlsx"):
        xlsx(path)
    else:
        csv(path, "gb18030" if name == "gb.csv" else "utf-8-sig")
    first, second = read_suite(path).samples
    assert first.facts == (("99元", "九十九元"), ("包邮",))
    assert first.not_facts == ("199",)
    assert first.sources == (Source("knowledge/faq.csv", "row 2"),)
    assert (second.question, second.answerable) == ("你们卖小提琴吗", False)


def test_a_table_without_a_question_says_what_it_wants(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(BadInput, match="no column for the question"):
        read_suite(tmp_path / "s.csv")


def test_a_cell_that_is_neither_yes_nor_no_names_its_row(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("question,answerable\nfree shipping?,perhaps\n", encoding="utf-8")
    with pytest.raises(BadLine, match="row 2"):
        read_suite(tmp_path / "s.csv")


def test_inspect_ai_samples_are_read_with_their_dialogue_and_metadata(tmp_path: Path) -> None:
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Do you sell tents?"},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "How heavy?"},
    ]
    lines = [
        {"id": 1, "input": "Free shipping from?", "target": ["99", "ninety-nine"], "metadata": {"category": "faq"}},
        {"id": 2, "input": messages, "target": "2 kg"},
    ]
    path = tmp_path / "inspect.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    first, second = read_suite(path).samples
    assert (first.facts, first.category) == ((("99", "ninety-nine"),), "faq")
    assert second.question == "How heavy?"
    assert [m.role for m in second.history] == ["user", "assistant"]


def test_ragas_samples_of_either_version_keep_their_reference_and_contexts(tmp_path: Path) -> None:
    new = {"user_input": "Returns?", "reference": "Within 30 days.", "reference_contexts": ["Returns within 30 days."]}
    old = {"question": "Returns?", "ground_truths": ["Within 30 days."], "contexts": ["x"], "id": "old"}
    path = tmp_path / "ragas.json"
    path.write_text(json.dumps({"samples": [new, old]}), encoding="utf-8")
    first, second = read_suite(path).samples
    assert first.id == "ragas-1"
    assert first.reference == second.reference == "Within 30 days."
    assert first.contexts == ("Returns within 30 days.",)


PASSAGES = tuple(SeenPassage("faq.csv", f"row {n}", text=f"Text {n} says 30 days.") for n in (1, 2, 3))


def sent(text: str, *rows: int, **reply: object) -> SolvedSample:
    cited = [{"path": "faq.csv", "locator": f"row {n}", "quote": f"Text {n} says 30 days."} for n in rows]
    return SolvedSample({"decision": "answer", "text": text, "citations": cited, **reply}, PASSAGES)


def test_the_order_of_passages_is_scored() -> None:
    sample = Sample("a", "?", sources=(Source("faq.csv", "row 2"),))
    assert reciprocal_rank(sample, sent("x")).value == 0.5
    assert ndcg_at(10)(sample, sent("x")).value == pytest.approx(0.6309, abs=1e-3)
    by_text = Sample("b", "?", contexts=("Text 3 says 30 days.",))
    assert reciprocal_rank(by_text, sent("x")).value == pytest.approx(1 / 3)
    assert reciprocal_rank(Sample("c", "?"), sent("x")).value is None


def test_citations_are_scored_for_what_is_needless_and_what_is_missing() -> None:
    sample = Sample("a", "?", sources_all=((Source("faq.csv", "row 1"),), (Source("faq.csv", "row 2"),)))
    assert citation_precision(sample, sent("x", 1, 3)).value == 0.5
    assert citation_recall(sample, sent("x", 1, 3)).value == 0.5
    assert citation_recall(sample, sent("x", 1, 2)).value == 1.0


def test_a_sentence_that_no_source_carries_costs_its_share() -> None:
    sample = Sample("a", "How long may I return?")
    assert grounded_sentences(sample, sent("Text 1 says 30 days.", 1)).value == 1.0
    assert grounded_sentences(sample, sent("Text 1 says 30 days. Text 1 says 45 days.", 1)).value == 0.5
    assert grounded_sentences(sample, sent("x", decision="handoff")).value is None


def test_values_language_words_and_phrasing_are_scored() -> None:
    sample = Sample("a", "多久能退？", reference="签收后30天内，运费12元。", language="zh")
    assert values_exact(sample, sent("30天内可退，运费12元。")).value == 1.0
    assert values_exact(sample, sent("30天内可退，运费15元。")).value == 0.0
    assert language_right(sample, sent("x", language="en")).value == 0.0
    assert without_words(["全网最低"])(sample, sent("全网最低价！")).value == 0.0
    asked = SolvedSample({"decision": "answer", "model_calls": 1}, grounds={"origins": ["evidence"]})
    assert phrased(sample, asked).value == 0.0
    assert phrased(sample, SolvedSample({"decision": "answer"}, grounds={"origins": ["fact"]})).value is None
