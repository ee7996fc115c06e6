"""One contract for every knowledge index: the fake, Qdrant Edge, and the Qdrant server adapter.

The server adapter runs against the client's own imitation; set QDRANT_URL to add a real server.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.adapters.index.qdrant_edge import EdgeIndex
from app.adapters.index.qdrant_server import QdrantServerIndex
from app.errors import Conflict, Unavailable
from app.knowledge.ports import FOREVER, IndexPoint, IndexQuery, KnowledgeIndex, Vector
from app.knowledge.tokenize import sparse_vector
from tests.fakes import FakeEmbedder, FakeIndex

pytestmark = pytest.mark.integration

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
EMBEDDER = FakeEmbedder(64)


def vector(text: str) -> Vector:
    return np.asarray(EMBEDDER._embed([text])[0])


def point(text: str, *, chunk: str = "", shop: str = "tea", kind: str = "faq", **fields: Any) -> IndexPoint:
    chunk = chunk or text
    return IndexPoint(
        point_id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{shop}/{chunk}/{fields.get('ordinal', 0)}")),
        shop=shop,
        chunk_id=chunk,
        kind=kind,
        aspect=fields.pop("aspect", "whole"),
        ordinal=fields.pop("ordinal", 0),
        dense=vector(text),
        sparse=fields.pop("sparse", sparse_vector(text)),
        from_release=fields.pop("from_release", 1),
        **fields,
    )


@pytest.fixture(params=["fake", "edge", "server-imitation", "server"])
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[KnowledgeIndex]:
    made: KnowledgeIndex
    if request.param == "fake":
        made = FakeIndex()
    elif request.param == "edge":
        made = EdgeIndex(tmp_path / "index")
    elif request.param == "server-imitation":
        made = QdrantServerIndex(":memory:")
    else:
        url = os.environ.get("QDRANT_URL") or os.environ.get("XIAOER_TEST_QDRANT")
        if not url:
            pytest.skip("QDRANT_URL names no Qdrant server")
        made = QdrantServerIndex(url, os.environ.get("QDRANT_KEY", ""), collection=f"t{uuid.uuid4().hex}")
    yield made
    for shop in ("tea", "shoes"):
        await made.remove_shop(shop)
    await made.close()


async def found(index: KnowledgeIndex, text: str, **fields: Any) -> list[str]:
    query = IndexQuery(fields.pop("shop", "tea"), fields.pop("release", 1), dense=vector(text), **fields)
    return [hit.chunk_id for hit in await index.search(query)]


async def test_an_index_nothing_was_written_to_finds_nothing(index: KnowledgeIndex) -> None:
    assert await found(index, "green tea") == []
    assert await index.search(IndexQuery("tea", 1, sparse=sparse_vector("tea"))) == []
    assert await index.count("tea", 1) == 0
    await index.close_chunks("tea", ["nothing"], 2)
    await index.remove_shop("tea")
    await index.flush()


async def test_the_most_similar_point_comes_first_with_its_vector(index: KnowledgeIndex) -> None:
    await index.upsert([point("green tea tin"), point("black coffee"), point("tea pot")])
    query = vector("green tea tin")
    hits = await index.search(IndexQuery("tea", 1, dense=query))
    assert hits[0].chunk_id == "green tea tin"
    assert hits[0].score == pytest.approx(1.0, abs=1e-5)
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    for hit in hits:
        assert hit.dense is not None
        assert float(hit.dense @ query) == pytest.approx(hit.score, abs=1e-5)


async def test_a_batch_finds_for_every_query_what_it_finds_alone(index: KnowledgeIndex) -> None:
    colours = ("green", "black", "white", "oolong", "green jasmine")
    await index.upsert([point(f"{c} tea {n}", kind=k) for c in colours for n, k in enumerate(("faq", "policy"))])
    await index.upsert([point("green tea shoe", shop="shoes"), point("tea to come", from_release=2)])
    green, black = vector("green tea 0"), vector("black tea 1")
    queries = [
        IndexQuery("tea", 1, dense=green, limit=3),
        IndexQuery("tea", 1, dense=black, limit=7),
        IndexQuery("tea", 1, sparse=sparse_vector("jasmine oolong tea"), limit=4),
        IndexQuery("tea", 1),
        IndexQuery("tea", 1, dense=green, kinds=("policy",)),
        IndexQuery("tea", 1, dense=green, chunk_ids=("white tea 0", "oolong tea 1")),
        IndexQuery("tea", 2, dense=green, as_of=NOON),
        IndexQuery("shoes", 1, dense=green),
        IndexQuery("shoes", 1, sparse=sparse_vector("green tea")),
        IndexQuery("nobody", 1, dense=green),
        IndexQuery("tea", 1, dense=-green, limit=2),
    ]
    alone = [await index.search(query) for query in queries]
    batch = await index.search_batch(queries)
    assert [len(hits) for hits in alone] == [3, 7, 4, 0, 5, 2, 11, 1, 1, 0, 2]
    for one, other in zip(alone, batch, strict=True):
        assert {h.chunk_id: pytest.approx(h.score, abs=1e-5) for h in one} == {h.chunk_id: h.score for h in other}
        assert [h.score for h in other] == sorted((h.score for h in other), reverse=True)
    assert await index.search_batch([]) == []


async def test_vectors_are_left_out_when_they_are_not_wanted(index: KnowledgeIndex) -> None:
    await index.upsert([point("green tea")])
    hits = await index.search(IndexQuery("tea", 1, dense=vector("green tea"), with_vectors=False))
    assert [(hit.chunk_id, hit.dense) for hit in hits] == [("green tea", None)]


async def test_a_query_vector_need_not_have_unit_length(index: KnowledgeIndex) -> None:
    await index.upsert([point("green tea")])
    hits = await index.search(IndexQuery("tea", 1, dense=vector("green tea") * np.float32(0.5)))
    assert hits[0].score == pytest.approx(0.5, abs=1e-5)


async def test_rare_shared_words_weigh_more_than_common_ones(index: KnowledgeIndex) -> None:
    common = [point(f"tea sort {n}") for n in range(10)]
    await index.upsert([*common, point("tea oolong"), point("coffee")])
    hits = await index.search(IndexQuery("tea", 1, sparse=sparse_vector("oolong tea")))
    assert hits[0].chunk_id == "tea oolong"
    assert hits[0].score > 2 * hits[1].score
    assert "coffee" not in [h.chunk_id for h in hits]
    assert all(h.dense is None for h in hits)


async def test_the_rarity_of_a_word_is_counted_within_the_shop(index: KnowledgeIndex) -> None:
    await index.upsert([point("tea leaf"), point("mug"), point("cup")])
    alone = (await index.search(IndexQuery("tea", 1, sparse=sparse_vector("leaf"))))[0].score
    await index.upsert([point(f"leaf {n}", shop="shoes") for n in range(30)])
    beside = (await index.search(IndexQuery("tea", 1, sparse=sparse_vector("leaf"))))[0].score
    assert beside == pytest.approx(alone, rel=1e-5)
    assert alone == pytest.approx(np.log(1 + 2.5 / 1.5), rel=1e-4)


async def test_a_point_counts_from_its_first_release_until_before_its_last(index: KnowledgeIndex) -> None:
    await index.upsert([point("tea", from_release=2, to_release=4)])
    assert [await index.count("tea", release) for release in (1, 2, 3, 4)] == [0, 1, 1, 0]
    assert [len(await found(index, "tea", release=release)) for release in (1, 2, 3, 4)] == [0, 1, 1, 0]


async def test_a_dated_point_is_valid_from_its_first_second_until_before_its_last(index: KnowledgeIndex) -> None:
    until = NOON + timedelta(days=1)
    await index.upsert(
        [
            point("tea", chunk="window", valid_from_seconds=NOON.timestamp(), valid_until_seconds=until.timestamp()),
            point("tea", chunk="since", valid_from_seconds=NOON.timestamp()),
            point("tea", chunk="until", valid_until_seconds=NOON.timestamp()),
            point("tea", chunk="always"),
        ]
    )

    async def valid(moment: datetime | None) -> set[str]:
        return set(await found(index, "tea", as_of=moment))

    second = timedelta(seconds=1)
    assert await valid(NOON - second) == {"until", "always"}
    assert await valid(NOON) == {"window", "since", "always"}
    assert await valid(until - second) == {"window", "since", "always"}
    assert await valid(until) == {"since", "always"}
    assert await valid(None) == {"window", "since", "until", "always"}


async def test_writing_a_point_again_replaces_it(index: KnowledgeIndex) -> None:
    await index.upsert([point("green tea", chunk="c")])
    await index.upsert([point("black coffee", chunk="c")])
    assert await index.count("tea", 1) == 1
    hits = await index.search(IndexQuery("tea", 1, dense=vector("black coffee")))
    assert hits[0].score == pytest.approx(1.0, abs=1e-5)
    assert await index.search(IndexQuery("tea", 1, sparse=sparse_vector("green"))) == []


async def test_closed_chunks_end_with_that_release_and_stay_in_earlier_ones(index: KnowledgeIndex) -> None:
    await index.upsert([point("tea", chunk="a"), point("tea cup", chunk="a", ordinal=1), point("tea", chunk="b")])
    await index.close_chunks("tea", ["a"], 3)
    assert [await index.count("tea", release) for release in (2, 3, 4)] == [3, 1, 1]
    await index.close_chunks("tea", ["a"], 5)
    assert await index.count("tea", 4) == 1, "what was closed earlier must not come back"


async def test_closing_a_chunk_again_after_a_crash_is_harmless(index: KnowledgeIndex) -> None:
    await index.upsert([point("tea", chunk="a"), point("new tea", chunk="n", from_release=3)])
    for _ in range(2):
        await index.close_chunks("tea", ["a"], 3)
    assert await found(index, "tea", release=3) == ["n"]


async def test_all_points_of_a_shop_are_told_and_some_can_be_dropped(index: KnowledgeIndex) -> None:
    assert await index.points("tea") == []
    await index.remove_points([str(uuid.uuid4())])
    kept, dropped = point("green tea", from_release=2), point("black tea", to_release=3)
    await index.upsert([kept, dropped, point("red shoes", shop="shoes")])
    told = {(p.point_id, p.chunk_id, p.from_release, p.to_release) for p in await index.points("tea")}
    assert told == {(p.point_id, p.chunk_id, p.from_release, p.to_release) for p in (kept, dropped)}
    await index.remove_points([dropped.point_id, str(uuid.uuid4())])
    assert [p.point_id for p in await index.points("tea")] == [kept.point_id]
    assert await found(index, "black tea") == []
    assert await found(index, "red shoes", shop="shoes") == ["red shoes"]


async def test_more_points_than_a_page_holds_are_told_once_each(index: KnowledgeIndex) -> None:
    written = [point(f"tea number {n}", sparse={}) for n in range(2_100)]
    await index.upsert(written)
    assert sorted(p.point_id for p in await index.points("tea")) == sorted(p.point_id for p in written)


async def test_kinds_and_chunk_ids_narrow_a_search(index: KnowledgeIndex) -> None:
    await index.upsert([point("tea", chunk=kind, kind=kind) for kind in ("faq", "policy", "product")])
    assert await found(index, "tea", kinds=("policy",)) == ["policy"]
    assert set(await found(index, "tea", kinds=("policy", "faq"))) == {"policy", "faq"}
    assert await found(index, "tea", chunk_ids=("product",)) == ["product"]
    sparse = await index.search(IndexQuery("tea", 1, sparse=sparse_vector("tea"), kinds=("faq",)))
    assert [h.chunk_id for h in sparse] == ["faq"]


async def test_the_limit_is_kept(index: KnowledgeIndex) -> None:
    await index.upsert([point(f"tea {n}") for n in range(20)])
    assert len(await found(index, "tea", limit=7)) == 7


async def test_shops_never_mix(index: KnowledgeIndex) -> None:
    await index.upsert([point("tea"), point("tea", chunk="red", shop="shoes")])
    assert await found(index, "tea") == ["tea"]
    assert await found(index, "tea", shop="shoes") == ["red"]
    await index.close_chunks("shoes", ["tea"], 1)
    assert await index.count("tea", 1) == 1
    await index.remove_shop("shoes")
    assert await index.count("shoes", 1) == 0
    assert await index.count("tea", 1) == 1


async def test_a_point_without_words_is_still_found_by_its_vector(index: KnowledgeIndex) -> None:
    await index.upsert([point("tea", sparse={})])
    assert await found(index, "tea") == ["tea"]


async def test_what_a_hit_says_of_its_point_is_what_was_written(index: KnowledgeIndex) -> None:
    await index.upsert([point("tea", chunk="c1", aspect="phrasing", ordinal=3, to_release=FOREVER)])
    hit = (await index.search(IndexQuery("tea", 1, dense=vector("tea"))))[0]
    assert (hit.chunk_id, hit.aspect, hit.ordinal) == ("c1", "phrasing", 3)
    assert hit.point_id == point("tea", chunk="c1", ordinal=3).point_id


async def test_searches_and_writes_at_the_same_time_do_not_disturb_each_other(index: KnowledgeIndex) -> None:
    await index.upsert([point("tea pot")])

    async def write() -> None:
        for start in range(0, 300, 30):
            await index.upsert([point(f"tea {n}", shop="shoes") for n in range(start, start + 30)])

    async def read() -> list[list[str]]:
        return [await found(index, "tea pot") for _ in range(60)]

    _, first, second = await asyncio.gather(write(), read(), read())
    assert all(chunks == ["tea pot"] for chunks in first + second)
    assert await index.count("shoes", 1) == 300


async def test_after_another_embedder_an_emptied_index_takes_vectors_of_another_length(index: KnowledgeIndex) -> None:
    if isinstance(index, FakeIndex):
        pytest.skip("the fake keeps no collection whose length could be wrong")
    await index.upsert([point("tea")])
    short = IndexPoint(str(uuid.uuid4()), "tea", "s", "faq", "whole", 0, np.eye(1, 8, dtype=np.float32)[0], {}, 1)
    with pytest.raises(Conflict, match="length 64"):
        await index.upsert([short])
    await index.remove_shop("tea")
    await index.upsert([short])
    assert await index.count("tea", 1) == 1


async def test_edge_keeps_everything_over_a_restart(tmp_path: Path) -> None:
    first = EdgeIndex(tmp_path)
    await first.upsert([point("tea"), point("coffee")])
    await first.flush()
    await first.close()
    await first.close()
    second = EdgeIndex(tmp_path)
    assert (await found(second, "tea"))[0] == "tea"
    await second.upsert([point("cup")])
    assert await second.count("tea", 1) == 3
    await second.close()
    with pytest.raises(Unavailable, match="closed"):
        await second.count("tea", 1)


async def test_edge_loses_nothing_that_was_written_when_its_process_is_killed(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, signal, sys\n"
        "from tests.integration.test_index_contract import EdgeIndex, point\n"
        "async def main():\n"
        "    index = EdgeIndex(sys.argv[1])\n"
        "    await index.upsert([point(f'tea {n}') for n in range(700)])\n"
        "    await index.close_chunks('tea', ['tea 1'], 2)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).parents[2]
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code, str(tmp_path)], cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL
    index = EdgeIndex(tmp_path)
    assert await index.count("tea", 1) == 700
    assert await index.count("tea", 2) == 699
    await index.close()


async def test_a_second_process_is_told_who_has_the_edge_index(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path)
    with pytest.raises(Conflict, match=f"process {os.getpid()}"):
        EdgeIndex(tmp_path)
    await index.close()
    await EdgeIndex(tmp_path).close()


async def test_an_unreadable_edge_index_says_that_it_can_be_rebuilt(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path)
    await index.upsert([point("tea")])
    await index.close()
    for file in (tmp_path / "shard").rglob("*"):
        if file.is_file():
            file.write_bytes(b"\0" * 64)
    with pytest.raises(Unavailable, match="No knowledge is lost"):
        EdgeIndex(tmp_path)
    moved = EdgeIndex.set_aside(tmp_path)
    assert moved is not None
    assert moved.exists()
    fresh = EdgeIndex(tmp_path)
    assert await fresh.count("tea", 1) == 0
    await fresh.close()
    assert EdgeIndex.set_aside(tmp_path / "other") is None


async def test_a_server_that_is_not_there_is_unavailable_and_the_message_says_what_to_do() -> None:
    index = QdrantServerIndex("http://127.0.0.1:9", timeout_seconds=2)
    with pytest.raises(Unavailable, match="XIAOER_INDEX"):
        await index.count("tea", 1)
    await index.close()
