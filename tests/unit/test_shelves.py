"""What the query encoder is fitted on: every answerable question once, with the passages that answer it."""

from __future__ import annotations

from random import Random

import numpy as np

from app.adapters.e5.packed_e5 import Vocabulary
from app.chat.chunk_vectors import ASPECTS
from app.chat.turn import Message
from eval.harness import Sample, Source
from eval.query_encoder.shelves import Asked, Shelf, batches, shelf_of
from eval.training_shops import TrainingShop
from tests.builders import a_faq, a_policy
from tests.fakes import FakeEmbedder

WORDS = Vocabulary(
    pieces={"\u2581": (5, -1.0)}, characters={}, begin=0, end=2, unknown=3, unknown_score=-9.0, longest=1
)
ROW, POLICY = a_faq("Can I return tea?", chunk_id="r", path="r"), a_policy(chunk_id="p", path="p")
SAMPLES = (
    Sample("1", "take it back?", sources=(Source("r"),)),
    Sample("2", "both?", sources=(Source("r"), Source("p"))),
    Sample("3", "nothing says so", answerable=False),
    Sample("4", "and this one?", sources=(Source("r"),), history=(Message("user", "hello"),)),
)


async def test_answerable_questions_that_stand_alone_are_kept_with_the_numbers_of_their_chunks() -> None:
    shop = TrainingShop("tea", "en", (ROW, POLICY), SAMPLES)
    shelf = await shelf_of(shop, FakeEmbedder(), WORDS)
    assert [one.answers for one in shelf.asked] == [{0}, {0, 1}]
    assert len(shelf.vectors) == len(shelf.places)
    assert set((shelf.places // len(ASPECTS)).tolist()) == {0, 1}
    assert ASPECTS[int(shelf.places[0]) % len(ASPECTS)] == "whole"


def test_a_pass_asks_nothing_twice_and_leaves_out_less_than_a_batch() -> None:
    nothing = np.empty((0, 4), dtype=np.float32)
    shelves = [
        Shelf(
            f"shop {n}",
            (ROW,),
            nothing,
            np.empty(0, dtype=np.int64),
            [Asked((n, k), frozenset({0})) for k in range(40)],
        )
        for n in range(6)
    ]
    asked = [one.ids for batch in batches(shelves, Random(1)) for _, part in batch for one in part]
    assert len(asked) == len(set(asked))
    assert len(asked) >= 6 * 40 - 4 * 16
