"""Retrieval over a fake index: names, SKUs, history, dates, and scores that do not hang on a search's limit."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from app.chat.chunk_vectors import ASPECTS, ChunkVectors, aspect_scores
from app.chat.names import ReleaseNames
from app.chat.retrieve import Retriever, Weights
from app.chat.turn import Message, Passage, Question, Turn
from app.errors import Unavailable
from app.knowledge.chunk import Chunk, Kind
from app.knowledge.ports import IndexHit, IndexPoint, IndexQuery
from app.knowledge.tokenize import sparse_vector
from app.knowledge.view import KnowledgeView
from app.shop.brand import Brand
from tests.fakes import FakeEmbedder, FakeIndex, FakeQueryEncoder

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class CountingIndex(FakeIndex):
    """Remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[IndexQuery] = []
        self.requests = 0

    async def search(self, query: IndexQuery) -> list[IndexHit]:
        self.requests += 1
        self.asked.append(query)
        return await super().search(query)

    async def search_batch(self, queries: Sequence[IndexQuery]) -> list[list[IndexHit]]:
        self.requests += 1
        self.asked += queries
        return [await FakeIndex.search(self, query) for query in queries]


def chunk(title: str, text: str = "", kind: Kind = Kind.FAQ, **fields: Any) -> Chunk:
    made = Chunk(
        chunk_id=fields.pop("chunk_id", title),
        document_id="d",
        path="faq.csv",
        locator=fields.pop("locator", title),
        kind=kind,
        title=title,
        text=text or title,
        language="en",
        content_hash=title,
        phrasings=(title,) if kind is Kind.FAQ else (),
    )
    return replace(made, **fields)


def product(name: str, sku: str, text: str = "", group: str = "") -> Chunk:
    return chunk(name, f"{name} {text}", Kind.PRODUCT, chunk_id=sku, locator=sku, group=group or name)


class Shop:
    """A release in a fake index, and a retriever over it."""

    def __init__(
        self, chunks: Sequence[Chunk], weights: Weights | None = None, learnt: Mapping[str, str] | None = None
    ) -> None:
        self.index = CountingIndex()
        self.embedder = FakeEmbedder()
        self.chunks = chunks
        self.view = KnowledgeView("tea", 1, chunks)
        self.encoder = FakeQueryEncoder(self.embedder, learnt)
        self.retriever = Retriever(self.index, self.embedder, weights, self.encoder if learnt else None)

    async def ask(self, text: str, *history: str, as_of: datetime = NOON) -> list[Passage]:
        if not self.index.points_by_id:
            await self.index.upsert([point for each in self.chunks for point in self._points(each)])
        said = tuple(Message("assistant" if n % 2 else "user", line) for n, line in enumerate(history))
        question = Question(text, text, "en", history=said)
        turn = Turn("tea", Brand(name="Tea"), 1, as_of, text, said)
        return await self.retriever.retrieve(question, await self.retriever.vectors(question), turn, self.view)

    def _points(self, each: Chunk) -> list[IndexPoint]:
        texts = [("whole", 0, f"{each.title} {each.text}")]
        texts += [("phrasing", n, phrasing) for n, phrasing in enumerate(each.phrasings)]
        texts += [("name", 0, each.title)] if each.kind is Kind.PRODUCT else []
        return [
            IndexPoint(
                point_id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{each.chunk_id}/{aspect}/{ordinal}")),
                shop="tea",
                chunk_id=each.chunk_id,
                kind=each.kind.value,
                aspect=aspect,
                ordinal=ordinal,
                dense=np.asarray(self.embedder._embed([text])[0]),
                sparse=sparse_vector(text),
                from_release=1,
                valid_from_seconds=each.valid_from.timestamp() if each.valid_from else None,
                valid_until_seconds=each.valid_until.timestamp() if each.valid_until else None,
            )
            for aspect, ordinal, text in texts
        ]


def ids(passages: Sequence[Passage]) -> list[str]:
    return [passage.chunk.chunk_id for passage in passages]


async def test_the_row_that_says_what_was_asked_comes_first() -> None:
    shop = Shop([chunk("how long is delivery"), chunk("can I return tea"), chunk("opening hours")])
    passages = await shop.ask("can I return my tea")
    assert ids(passages)[0] == "can I return tea"
    assert passages[0].scores["score"] == max(p.scores["score"] for p in passages)


async def test_a_named_sku_puts_its_product_first_whatever_else_the_question_says() -> None:
    returns = chunk("can I return a teapot I have used", text="can I return a teapot I have used")
    shop = Shop([returns, product("Iron Pot", "TP-100-B"), product("Clay Pot", "TP-200")])
    passages = await shop.ask("can I return a teapot I have used, tp-100-b")
    assert ids(passages)[0] == "TP-100-B"
    assert passages[0].scores["sku"] == 1.0


async def test_of_several_variants_the_one_whose_sku_was_named_stands_for_the_product() -> None:
    variants = [
        product("Iron Pot", f"TP-{n}", colour, group="pot") for n, colour in enumerate(("red", "blue", "black"))
    ]
    passages = await Shop(variants).ask("red TP-2 price?")
    assert ids(passages) == ["TP-2"]


async def test_the_thing_talked_about_last_is_meant_by_it() -> None:
    houses = [
        chunk(f"{house}: {asked}") for house in ("Mill Inn", "Oak Lodge") for asked in ("is parking free", "pets")
    ]
    shop = Shop(houses)
    passages = await shop.ask(
        "is parking free", "tell me of Mill Inn", "And Oak Lodge?", "yes", "Oak Lodge has a garden"
    )
    assert ids(passages)[0] == "Oak Lodge: is parking free"
    assert passages[0].scores["mention"] > 0.5


async def test_a_sku_said_earlier_is_a_mention() -> None:
    shop = Shop([product("Iron Pot", "TP-100"), product("Clay Pot", "TP-200")])
    passages = await shop.ask("how heavy is it", "do you have the TP-200", "Yes.")
    assert ids(passages)[0] == "TP-200"
    assert passages[0].scores["mention"] == pytest.approx(0.36)
    assert passages[0].scores["sku"] == 0.0


async def test_what_is_not_valid_at_the_moment_is_not_found_by_its_name_either() -> None:
    past = replace(product("Iron Pot", "TP-100"), valid_until=NOON - timedelta(days=1))
    shop = Shop([past, product("Clay Pot", "TP-200")])
    assert ids(await shop.ask("Iron Pot TP-100")) == ["TP-200"]
    assert "TP-100" in ids(await shop.ask("Iron Pot TP-100", as_of=NOON - timedelta(days=2)))


async def test_the_earlier_turn_is_leaned_on_without_drowning_the_message() -> None:
    shop = Shop([chunk("green tea price"), chunk("black coffee price"), chunk("opening hours")])
    question = Question("price", "price", "en", history=(Message("user", "green tea"), Message("assistant", "Sure")))
    vectors = await shop.retriever.vectors(question)
    assert float(vectors.context @ vectors.alone) > 0.5
    assert ids(await shop.ask("the price", "green tea", "Sure"))[0] == "green tea price"


async def test_without_history_there_is_one_vector_and_the_index_is_asked_once() -> None:
    shop = Shop([chunk("delivery"), chunk("returns")])
    vectors = await shop.retriever.vectors(Question("delivery", "delivery", "en"))
    assert vectors.context is vectors.alone
    await shop.ask("delivery")
    shop.index.requests = 0
    shop.index.asked.clear()
    await shop.ask("delivery")
    assert shop.index.requests == 1
    assert [query.dense is None for query in shop.index.asked] == [False, True]
    assert not shop.index.asked[0].with_vectors


async def test_scores_do_not_depend_on_what_was_asked_before() -> None:
    chunks = [chunk(f"question {n} on tea {n % 7}", phrasings=(f"tea {n}", f"ask {n}")) for n in range(150)]
    fresh, used = Shop(chunks), Shop(chunks)
    for n in range(20):
        await used.ask(f"question {n}")
    expected, got = await fresh.ask("question 77 on tea"), await used.ask("question 77 on tea")
    assert ids(expected) == ids(got)
    assert [dict(p.scores) for p in expected] == [pytest.approx(dict(p.scores)) for p in got]


async def test_an_empty_release_has_no_passages() -> None:
    shop = Shop([])
    assert await shop.ask("anything") == []


async def test_an_index_that_is_down_is_told_and_not_remembered_as_empty() -> None:
    shop = Shop([chunk("delivery")])
    await shop.ask("warm up the index")
    shop.index.down = True
    with pytest.raises(Unavailable):
        await shop.ask("delivery")
    shop.index.down = False
    assert ids(await shop.ask("delivery")) == ["delivery"]


async def test_chunk_vectors_are_read_once_and_the_oldest_are_dropped() -> None:
    shop = Shop([chunk(f"row {n}") for n in range(6)])
    await shop.ask("row")
    vectors = ChunkVectors(shop.index, "tea", 1, limit=6)
    near = np.asarray(shop.embedder._embed(["row"])[0])
    shop.index.requests = 0
    assert list(await vectors.of(["row 0", "row 1", "gone"], near)) == ["row 0", "row 1"]
    assert list(await vectors.of(["row 1", "row 0"], near)) == ["row 1", "row 0"]
    assert shop.index.requests == 1
    await vectors.of(["row 2", "row 3"], near)
    await vectors.of(["row 1"], near)
    assert shop.index.requests == 3


async def test_every_aspect_is_scored_by_its_best_point() -> None:
    shop = Shop([chunk("returns", text="long text", phrasings=("send back", "give back tea")), product("Pot", "P-1")])
    await shop.ask("anything")
    near = np.asarray(shop.embedder._embed(["give back tea"])[0])
    points = await ChunkVectors(shop.index, "tea", 1).of(["returns", "P-1"], near)
    scored = aspect_scores(list(points.values()), [near, -near])
    of_row = dict(zip(ASPECTS, scored.best[0, 0].tolist(), strict=True))
    assert of_row["phrasing"] == pytest.approx(1.0, abs=1e-5)
    assert of_row["sentence"] == of_row["name"] == -np.inf
    assert of_row["whole"] < 0.5
    assert scored.lowest[1, 0] == pytest.approx(-1.0, abs=1e-5)
    assert points["returns"].best_ordinal(ASPECTS.index("phrasing"), near) == 1
    assert points["returns"].best_ordinal(ASPECTS.index("sentence"), near) == -1
    assert dict(zip(ASPECTS, scored.best[0, 1].tolist(), strict=True))["name"] > -1.0


def test_the_rarer_word_of_a_name_covers_more_of_it() -> None:
    view = KnowledgeView("tea", 1, [product(f"{kind} pot", kind) for kind in ("iron", "clay", "glass", "steel")])
    names = ReleaseNames(view)
    by_word = {word: names.coverage(Question(word, word, "en")).get("iron pot", 0.0) for word in ("iron", "pot", "tea")}
    assert by_word["iron"] > by_word["pot"] > by_word["tea"] == 0.0
    assert names.coverage(Question("iron pot", "iron pot", "en"))["iron pot"] == pytest.approx(1.0)
    history = (Message("user", "the iron pot"),)
    assert names.coverage(Question("price", "price", "en", history=history))["iron pot"] == pytest.approx(0.6)


def test_no_more_mentioned_chunks_are_added_than_allowed() -> None:
    view = KnowledgeView("tea", 1, [chunk(f"Mill Inn: question {n}") for n in range(50)])
    found = ReleaseNames(view).mentioned(Question("is Mill Inn open", "", "en"), NOON, 20)
    assert len(found) == 20
    assert set(found.values()) == {1.0}


async def test_what_the_query_encoder_expects_is_found_though_no_word_is_shared() -> None:
    rows = [chunk("walk-in nail trims"), chunk("my cat grass went mouldy"), chunk("do I just show up for classes")]
    asked = "claws on my cat, do I just show up"
    assert ids(await Shop(rows).ask(asked))[0] != "walk-in nail trims"
    found = await Shop(rows, learnt={asked: "walk-in nail trims"}).ask(asked)
    assert ids(found)[0] == "walk-in nail trims"
    assert found[0].scores["sought"] > found[0].scores["dense"]


async def test_without_a_query_encoder_the_answer_is_expected_near_the_message() -> None:
    [best] = await Shop([chunk("can I return tea")]).ask("can I return my tea")
    assert best.scores["sought"] == best.scores["dense"]


async def test_a_message_that_leans_on_nothing_any_more_is_sought_by_itself() -> None:
    shop = Shop([chunk("can I return tea")], learnt={"": ""})
    leaning = Question("and tea?", "can I return tea", "en", signals=MappingProxyType({"depends": 1.0}))
    query = await shop.retriever.vectors(leaning)
    alone = await shop.retriever.alone(replace(leaning, signals=MappingProxyType({})), query)
    assert shop.encoder.asked == ["can I return tea", "and tea?"]
    assert alone.context is query.alone
