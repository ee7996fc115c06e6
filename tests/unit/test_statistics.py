"""Intervals and paired tests agree with published tables and with what they promise."""

from __future__ import annotations

import pytest

from eval.statistics import Paired, Rate, clopper_pearson, mcnemar, newcombe, paired, rate_of, wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_are_those_of_newcombes_paper(hits: int, n: int, low: float, high: float) -> None:
    assert wilson(hits, n) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(81, 263, 0.2527, 0.3676), (0, 20, 0.0, 0.1684), (29, 29, 0.8806, 1.0)]
)
def test_exact_intervals_are_those_of_newcombes_paper(hits: int, n: int, low: float, high: float) -> None:
    assert clopper_pearson(hits, n) == pytest.approx((low, high), abs=1e-4)


def test_an_interval_of_nothing_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    assert Rate(0, 0).value is None


def test_149_answers_without_an_error_are_just_enough_for_two_per_cent_one_sided() -> None:
    assert clopper_pearson(0, 149, level=0.9)[1] < 0.02 < clopper_pearson(0, 148, level=0.9)[1]


@pytest.mark.parametrize(("lost", "won", "p"), [(0, 0, 1.0), (5, 0, 0.0625), (1, 8, 0.0390625), (4, 4, 1.0)])
def test_mcnemar_is_the_exact_binomial_of_the_flips(lost: int, won: int, p: float) -> None:
    assert mcnemar(lost, won) == pytest.approx(p)


def test_the_one_sided_test_is_small_only_when_the_second_run_is_worse() -> None:
    assert Paired(90, 5, 0, 5).p_worse == pytest.approx(1 / 32)
    assert Paired(90, 0, 5, 5).p_worse == 1.0
    assert Paired(90, 0, 0, 5).p_worse == 1.0


def test_the_interval_of_a_paired_difference_is_newcombes_method_ten() -> None:
    assert newcombe(Paired(36, 2, 12, 0)) == pytest.approx((0.0569, 0.3404), abs=1e-4)
    low, high = newcombe(Paired(36, 12, 2, 0))
    assert (-high, -low) == pytest.approx((0.0569, 0.3404), abs=1e-4)


def test_the_interval_of_a_difference_holds_zero_when_nothing_flipped() -> None:
    low, high = newcombe(Paired(54, 0, 0, 0))
    assert low < 0 < high
    assert newcombe(Paired(0, 0, 0, 0)) == (-1.0, 1.0)


def test_pairs_are_counted_sample_by_sample() -> None:
    counts = paired([True, True, False, False], [True, False, True, False])
    assert counts == Paired(1, 1, 1, 1)
    assert (counts.difference, counts.p_value) == (0.0, 1.0)


def test_a_rate_leaves_out_what_has_nothing_to_say() -> None:
    assert rate_of([1.0, None, 0.0]) == Rate(1.0, 2)
