"""The small encoder: what it says of a text does not depend on what else is read with it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.e5.encoder import Difference, gelu, load_difference
from app.adapters.e5.packed_e5 import Vocabulary, unpacked
from app.adapters.e5.unigram import pieces_of
from app.adapters.rerankers.passage_reader import told_text
from app.errors import ConfigurationError
from tests.builders import a_faq, a_policy

PIECES = ["\u2581", "\u2581re", "turn", "s", "\u2581退", "货", "退", "r", "e", "t", "u", "n"]
WORDS = Vocabulary(
    pieces={piece: (n, -float(n)) for n, piece in enumerate(PIECES)},
    characters={"Ａ": "a", "\u200b": ""},
    begin=90,
    end=91,
    unknown=99,
    unknown_score=-100.0,
    longest=4,
)


def test_a_text_is_cut_into_the_most_probable_pieces() -> None:
    assert [PIECES[n] for n in pieces_of("returns", WORDS)] == ["\u2581re", "turn", "s"]
    assert [PIECES[n] for n in pieces_of("退货", WORDS)] == ["\u2581退", "货"]


def test_unknown_characters_become_the_unknown_piece_and_dropped_ones_nothing() -> None:
    assert pieces_of("re龘", WORDS) == [1, 99]
    assert pieces_of("re\u200bturn", WORDS) == [1, 2]


@given(st.text(alphabet="returns 退货", max_size=30))
def test_the_pieces_of_a_known_text_join_to_that_text(text: str) -> None:
    joined = "".join(PIECES[n] for n in pieces_of(text, WORDS) if n != WORDS.unknown)
    wanted = " ".join(part for part in text.split(" ") if part)
    assert joined.replace("\u2581", " ").strip() == wanted


def test_four_bit_blocks_are_unpacked_low_halves_first() -> None:
    block = np.zeros((1, 18), dtype=np.uint8)
    block[0, :2] = np.frombuffer(np.float16(0.5).tobytes(), dtype=np.uint8)
    block[0, 2:] = 0x8F  # low half 15, high half 8
    assert unpacked(block)[0].tolist() == [3.5] * 16 + [0.0] * 16


@settings(max_examples=50)
@given(st.floats(-6, 6, width=32))
def test_the_activation_is_close_to_the_exact_one(x: float) -> None:
    exact = 0.5 * x * (1 + math.erf(x / math.sqrt(2)))
    assert float(gelu(np.array([x], dtype=np.float32))[0]) == pytest.approx(exact, abs=1e-3)


def test_a_difference_is_the_product_of_its_factors() -> None:
    arrays = {
        "0.q.a": np.array([[1, 2], [3, 4]], dtype=np.int8),
        "0.q.a.scale": np.array([1.0, 0.5], dtype=np.float32),
        "0.q.b": np.array([[1, 0], [0, 2]], dtype=np.int8),
        "0.q.b.scale": np.array([1.0, 1.0], dtype=np.float32),
    }
    np.testing.assert_allclose(Difference(arrays, 1).of(0, "q"), [[1, 2], [3, 4]])


def test_a_broken_file_of_the_difference_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "reader.npz").write_bytes(b"\0" * 100)
    with pytest.raises(ConfigurationError, match="XIAOER_RERANKER=none"):
        load_difference(tmp_path / "reader.npz")
    with pytest.raises(ConfigurationError):
        load_difference(tmp_path / "missing.npz")


def test_a_long_passage_is_read_where_it_speaks_of_the_question() -> None:
    text = " ".join([*["We pack every parcel with care and paper."] * 12, "A lamp on sale can't be returned."])
    title, told = told_text("can I return a lamp on sale", a_policy("Shop > Returns > Sale", text))
    assert title == "Returns Sale"
    assert "A lamp on sale can't be returned." in told
    assert len(told) < len(text)


def test_a_short_answer_is_read_whole() -> None:
    assert told_text("anything", a_faq("Cards?", "All of them.")) == ("Cards?", "All of them.")
