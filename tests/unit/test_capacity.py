"""The capacity simulation: queues behave as queues do, and more shoppers never take fewer parts."""

from __future__ import annotations

import json
from itertools import pairwise

from eval.capacity import COSTS, ENGINES, SHOPPERS, Load, core_waits, engine_waits, most, p95, parts


def test_an_idle_core_takes_a_turns_own_time_and_a_full_one_far_longer() -> None:
    alone, busy = p95(core_waits(0.1, 0.02, 3_000)), p95(core_waits(49.0, 0.02, 3_000))
    assert 0.02 < alone <= 0.03
    assert busy > 10 * alone


def test_an_engine_that_is_asked_more_makes_shoppers_wait_longer() -> None:
    waits = [p95(engine_waits(ENGINES[1], Load(), rate, 1_500)) for rate in (1.0, 10.0, 40.0)]
    assert waits == sorted(waits)
    assert waits[0] < 0.6 < waits[-1]


def test_the_most_that_is_borne_is_at_the_bound() -> None:
    found = most(lambda rate: core_waits(rate, 0.02, 3_000), 0.1, 50.0)
    assert p95(core_waits(found, 0.02, 3_000)) <= 0.1
    assert p95(core_waits(found * 1.1, 0.02, 3_000)) > 0.1


def test_more_shoppers_take_more_of_everything_and_never_less_than_two_of_what_must_not_be_missing() -> None:
    rates = {"core": 30.0} | {engine.name: 10.0 for engine in ENGINES}
    costs = json.loads(COSTS.read_text("utf-8"))
    needed = [parts(costs, Load(), shoppers, rates) for shoppers in SHOPPERS]
    assert needed[0].instances == needed[0].engines["A10"] == 2
    for fewer, more in pairwise(needed):
        assert more.instances > fewer.instances
        assert more.database_commits_a_second > fewer.database_commits_a_second
        assert more.engines["A10"] > fewer.engines["A10"]
