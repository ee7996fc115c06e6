"""Sentences that the groundedness figures are measured with."""

from __future__ import annotations

from pathlib import Path

from app.chat.support import sounds
from eval.fit_support import balanced_accuracy
from eval.groundedness import judge_planted
from eval.mutations.measure import open_shop
from eval.planted.faults import FAULTS
from eval.planted.plant import FAITHFUL, planted

LARCHWOOD = Path(__file__).parents[2] / "shops" / "larchwood"


def test_the_same_seed_makes_the_same_sentences_and_no_error_is_a_copy_of_the_evidence() -> None:
    chunks = open_shop("larchwood", LARCHWOOD).chunks
    once, again = planted(chunks, 60, 7), planted(chunks, 60, 7)
    assert [one.sentence for one in once] == [one.sentence for one in again]
    assert {one.kind for one in once} == {FAITHFUL, *FAULTS}
    for one in once:
        said = "".join(sounds(passage.chunk.text) for passage in one.evidence.passages)
        assert one.supported or sounds(one.sentence) not in said


def test_planted_errors_are_stopped_and_rewordings_let_through() -> None:
    judged = judge_planted(120, 11)
    assert (judged.rate(*FAULTS).value or 0) >= 0.93
    assert (judged.rate(FAITHFUL).value or 0) >= 0.93


def test_a_guess_that_says_yes_to_everything_is_balanced_at_one_half() -> None:
    assert balanced_accuracy([0.9, 0.9], [0.9, 0.9]) == 0.5
    assert balanced_accuracy([0.9, 0.6], [0.4, 0.1]) == 1.0
