"""The knowledge index on a Qdrant server or cluster, shared by any number of our processes."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from app.adapters.index.payload import (
    DENSE,
    FLOAT_FIELDS,
    HIT_FIELDS,
    INTEGER_FIELDS,
    KEYWORD_FIELDS,
    SPAN_FIELDS,
    TERMS,
    payload_of,
    span_of,
)
from app.errors import Conflict, Unavailable
from app.knowledge.ports import IndexHit, IndexPoint, IndexQuery, PointSpan

T = TypeVar("T")

_BATCH = 256
_PAGE = 1_000

SEARCH_SECONDS = 1.5
"""A turn's searches; writes may take longer."""
LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Layout:
    """How a new collection lies on the cluster. One collection for all shops: a shop is a tenant of it, so a thousand
    small shops cost no more than one large one.

    shards    over how many the points are spread; 0 = Qdrant's own choice, one a node
    replicas  how many nodes hold each of them; 2 or more, and a node may go without anybody noticing
    """

    shards: int = 0
    replicas: int = 1

    def settings(self) -> dict[str, Any]:
        """What Qdrant is told when the collection is made."""
        told: dict[str, Any] = {
            "replication_factor": self.replicas,
            # A write is confirmed once most nodes of its shard have it: what a publish counts back is really there.
            "write_consistency_factor": self.replicas // 2 + 1,
            # No graph over all points (m=0): every search names a shop, so a graph a shop (payload_m) is what is used,
            # and points of one shop lie together on disk (is_tenant).
            "hnsw_config": models.HnswConfigDiff(m=0, payload_m=16),
            "on_disk_payload": True,
        }
        return told | ({"shard_number": self.shards} if self.shards else {})


class QdrantServerIndex:
    """A `KnowledgeIndex` on one collection of a Qdrant server (1.17 or newer, for IDF per shop).

    `url` may be ":memory:", the client's own slow imitation of a server: for tests where there is none.
    The collection is made at the first write. Raises Unavailable when the server is down or too slow.
    """

    def __init__(
        self,
        url: str,
        key: str = "",
        *,
        collection: str = "xiaoer",
        timeout_seconds: int = 10,
        layout: Layout | None = None,
    ) -> None:
        self._url = url
        self._layout = layout or Layout()
        self._collection = collection
        self._local = url == ":memory:"
        self._client = _client(url, key, timeout_seconds)
        self._size: int | None = None
        self._preparing = asyncio.Lock()
        self._closed = False

    async def upsert(self, points: Sequence[IndexPoint]) -> None:
        """Write points; a known id is replaced. Raises Conflict when stored vectors have another length."""
        if not points:
            return
        await self._prepare(len(points[0].dense))
        for start in range(0, len(points), _BATCH):
            batch = [_point(p) for p in points[start : start + _BATCH]]
            await self._asked(self._client.upsert(self._collection, points=batch, wait=True))

    async def close_chunks(self, shop: str, chunk_ids: Sequence[str], to_release: int) -> None:
        """Let the still open points of these chunks end before `to_release`."""
        if not await self._exists():
            return
        for start in range(0, len(chunk_ids), _BATCH):
            open_points = models.Filter(
                must=[
                    _is("shop", shop),
                    _any("chunk_id", chunk_ids[start : start + _BATCH]),
                    _between("from_release", lt=to_release),
                    _between("to_release", gt=to_release),
                ]
            )
            await self._asked(
                self._client.set_payload(self._collection, {"to_release": to_release}, points=open_points, wait=True)
            )

    async def search(self, query: IndexQuery) -> list[IndexHit]:
        """Best first; dense hits carry their vectors."""
        return (await self.search_batch([query]))[0]

    async def search_batch(self, queries: Sequence[IndexQuery]) -> list[list[IndexHit]]:
        """What `search` finds for each query, in one request. A shopper waits for it: Unavailable when it is slow."""
        try:
            async with asyncio.timeout(None if self._local else SEARCH_SECONDS):
                return await self._search(queries)
        except TimeoutError as problem:
            raise Unavailable(
                f"Qdrant at {self._url} did not answer within {SEARCH_SECONDS:g} s. Nothing was changed."
            ) from problem

    async def _search(self, queries: Sequence[IndexQuery]) -> list[list[IndexHit]]:
        asked = {n: _request(query) for n, query in enumerate(queries) if query.dense is not None or query.sparse}
        found: list[list[IndexHit]] = [[] for _ in queries]
        if not asked or not await self._exists():
            return found
        answers = await self._asked(self._client.query_batch_points(self._collection, requests=list(asked.values())))
        for n, answer in zip(asked, answers, strict=True):
            found[n] = [_hit(point) for point in answer.points]
        return found

    async def count(self, shop: str, release: int) -> int:
        """How many points are part of that release."""
        if not await self._exists():
            return 0
        part = models.Filter(must=_of_release(shop, release))
        return (await self._asked(self._client.count(self._collection, count_filter=part, exact=True))).count

    async def points(self, shop: str) -> list[PointSpan]:
        """Every point of a shop."""
        found: list[PointSpan] = []
        if not await self._exists():
            return found
        of_shop = models.Filter(must=[_is("shop", shop)])
        offset: Any = None
        while True:
            page = self._client.scroll(
                self._collection, scroll_filter=of_shop, limit=_PAGE, offset=offset, with_payload=SPAN_FIELDS
            )
            records, offset = await self._asked(page)
            found.extend(span_of(str(record.id), record.payload or {}) for record in records)
            if offset is None:
                return found

    async def remove_points(self, point_ids: Sequence[str]) -> None:
        """Drop these points."""
        if not await self._exists():
            return
        for start in range(0, len(point_ids), _BATCH):
            batch = models.PointIdsList(points=list(point_ids[start : start + _BATCH]))
            await self._asked(self._client.delete(self._collection, points_selector=batch, wait=True))

    async def remove_shop(self, shop: str) -> None:
        """Drop every point of a shop."""
        if await self._exists():
            selector = models.FilterSelector(filter=models.Filter(must=[_is("shop", shop)]))
            await self._asked(self._client.delete(self._collection, points_selector=selector, wait=True))

    async def version(self) -> str:
        """What the server says it is, once it has taken the key. Unavailable when no Qdrant answers there at once."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                told = await self._asked(self._client.info())
                await self._asked(self._client.collection_exists(self._collection))  # the greeting is for anybody
        except TimeoutError as problem:
            raise Unavailable(
                f"Qdrant at {self._url} did not answer within {LOOK_SECONDS:g} s. Start it, or correct XIAOER_INDEX."
            ) from problem
        return told.version

    async def flush(self) -> None:
        """Nothing to do: every write was waited for and is in the server's write-ahead log."""

    async def close(self) -> None:
        """Close the connections. Twice is harmless."""
        if not self._closed:
            self._closed = True
            await self._client.close()

    async def _exists(self) -> bool:
        """Whether the collection has been made, by this process or another."""
        if self._closed:
            raise Unavailable("The knowledge index is closed; start the server again to use it.")
        if self._size is not None:
            return True
        if not await self._asked(self._client.collection_exists(self._collection)):
            return False
        vectors: Any = (await self._asked(self._client.get_collection(self._collection))).config.params.vectors
        self._size = int(vectors[DENSE].size)
        return True

    async def _prepare(self, size: int) -> None:
        async with self._preparing:
            if await self._exists():
                if self._size == size:
                    return
                await self._drop_if_empty(size)
            await self._create(size)
            self._size = size

    async def _drop_if_empty(self, size: int) -> None:
        left = (await self._asked(self._client.count(self._collection, exact=True))).count
        if left:
            raise Conflict(
                f"The collection {self._collection} holds {left} vectors of length {self._size}, and the embedder now "
                f"makes vectors of length {size}. Nothing was changed. Go back to the former embedder, or remove every "
                "shop and ingest again."
            )
        await self._asked(self._client.delete_collection(self._collection))
        self._size = None

    async def _create(self, size: int) -> None:
        try:
            await self._asked(
                self._client.create_collection(
                    self._collection,
                    vectors_config={DENSE: models.VectorParams(size=size, distance=models.Distance.DOT)},
                    sparse_vectors_config={TERMS: models.SparseVectorParams(modifier=models.Modifier.IDF)},
                    **({} if self._local else self._layout.settings()),
                )
            )
        except Conflict:
            return  # another process was faster, and makes the field indexes too
        if self._local:
            return
        tenant = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        fields: list[tuple[str, Any]] = [
            (name, tenant if name == "shop" else models.PayloadSchemaType.KEYWORD) for name in KEYWORD_FIELDS
        ]
        fields += [(name, models.PayloadSchemaType.INTEGER) for name in INTEGER_FIELDS]
        fields += [(name, models.PayloadSchemaType.FLOAT) for name in FLOAT_FIELDS]
        for name, schema in fields:
            await self._asked(self._client.create_payload_index(self._collection, name, field_schema=schema))

    async def _asked(self, request: Awaitable[T]) -> T:
        try:
            return await request
        except UnexpectedResponse as answer:
            if answer.status_code == 409:
                raise Conflict(f"Qdrant at {self._url} refused: {answer}") from answer
            if answer.status_code in (401, 403):
                raise Unavailable(
                    f"Qdrant at {self._url} refused the key. Nothing was changed. Check XIAOER_INDEX_KEY."
                ) from answer
            raise Unavailable(
                f"Qdrant at {self._url} answered with an error ({_one_line(answer)}). Nothing was changed. See whether "
                "XIAOER_INDEX names a Qdrant server, and what its log says."
            ) from answer
        except (ResponseHandlingException, ApiException, OSError) as problem:
            raise Unavailable(
                f"Qdrant at {self._url} cannot be reached or is too slow ({problem}). Nothing was changed. "
                "Start it, or correct XIAOER_INDEX, and try again."
            ) from problem
        except ValueError as problem:  # the client hands on what is no JSON: a gateway's page, another program
            raise Unavailable(
                f"What answers at {self._url} is no Qdrant server. Nothing was changed. Correct XIAOER_INDEX, or see "
                "what the gateway before it says."
            ) from problem


def _one_line(answer: UnexpectedResponse) -> str:
    return " ".join(str(answer).split())[:200]


def _client(url: str, key: str, timeout_seconds: int) -> AsyncQdrantClient:
    if url == ":memory:":
        return AsyncQdrantClient(location=url)
    with warnings.catch_warnings():
        # It warns of a key over plain HTTP, which is how one reaches a neighbour inside a cluster.
        warnings.simplefilter("ignore", UserWarning)
        return AsyncQdrantClient(url=url, api_key=key or None, timeout=timeout_seconds, check_compatibility=False)


def _point(point: IndexPoint) -> models.PointStruct:
    vectors: dict[str, Any] = {DENSE: np.asarray(point.dense, dtype=np.float32).tolist()}
    if point.sparse:
        vectors[TERMS] = _sparse(point.sparse)
    return models.PointStruct(id=point.point_id, vector=vectors, payload=payload_of(point))


def _sparse(terms: Any) -> models.SparseVector:
    return models.SparseVector(
        indices=[int(term) for term in terms], values=[float(weight) for weight in terms.values()]
    )


def _request(query: IndexQuery) -> models.QueryRequest:
    dense = query.dense is not None
    corpus = models.Filter(must=_of_release(query.shop, query.release))
    return models.QueryRequest(
        query=np.asarray(query.dense, dtype=np.float32).tolist() if dense else _sparse(query.sparse),
        using=DENSE if dense else TERMS,
        filter=_filter(query),
        limit=query.limit,
        with_payload=HIT_FIELDS,
        with_vector=[DENSE] if dense and query.with_vectors else False,
        params=None if dense else models.SearchParams(idf=models.IdfCorpusParams(corpus=corpus)),
    )


def _hit(point: models.ScoredPoint) -> IndexHit:
    payload: Any = point.payload
    vectors: Any = point.vector
    return IndexHit(
        point_id=str(point.id),
        chunk_id=payload["chunk_id"],
        aspect=payload["aspect"],
        ordinal=int(payload["ordinal"]),
        score=float(point.score),
        dense=np.asarray(vectors[DENSE], dtype=np.float32) if vectors else None,
    )


def _is(field: str, value: str) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchValue(value=value))


def _any(field: str, values: Sequence[str]) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))


def _between(
    field: str, *, gt: float | None = None, lt: float | None = None, lte: float | None = None
) -> models.FieldCondition:
    return models.FieldCondition(key=field, range=models.Range(gt=gt, lt=lt, lte=lte))


def _of_release(shop: str, release: int) -> list[Any]:
    return [_is("shop", shop), _between("from_release", lte=release), _between("to_release", gt=release)]


def _filter(query: IndexQuery) -> models.Filter:
    must = _of_release(query.shop, query.release)
    if query.as_of is not None:
        now = query.as_of.timestamp()
        must += [_between("valid_from", lte=now), _between("valid_until", gt=now)]
    if query.kinds:
        must.append(_any("kind", query.kinds))
    if query.chunk_ids:
        must.append(_any("chunk_id", query.chunk_ids))
    return models.Filter(must=must)
