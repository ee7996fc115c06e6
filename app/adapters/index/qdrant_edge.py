"""The knowledge index inside this process: Qdrant's engine on a folder, without a server.

All shops share one shard. Release and dates are payload filters, and the rarity of words (IDF) is counted
over the shop asked for only, so shops never colour each other's scores.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import qdrant_edge as qe

from app.adapters.index.disk_room import require_room_to_open, require_room_to_write
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
from app.adapters.index.point_memory import PointMemory, StoredPoint
from app.errors import Conflict, Unavailable, XiaoerError
from app.knowledge.ports import IndexHit, IndexPoint, IndexQuery, PointSpan

T = TypeVar("T")

_BATCH = 500
_PAGE = 1_000
_INDEXING_THRESHOLD_KB = 200_000
"""Vectors below this (130,000 of 384 dimensions) are scanned exactly, which is faster to build and never misses."""


class EdgeIndex:
    """A `KnowledgeIndex` on a folder that one process owns at a time.

    Writes are in the engine's write-ahead log when `upsert` returns: a killed process loses nothing.
    Raises Conflict when another process has the folder, Unavailable when the folder cannot be read.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._path.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self._path)
        self._shard: Any = None
        self._size: int | None = None
        self._closed = False
        self._remembered = PointMemory()
        # Reads and writes have a thread each: a long write batch does not hold up a shopper's search.
        self._reads = ThreadPoolExecutor(1, thread_name_prefix="index-read")
        self._writes = ThreadPoolExecutor(1, thread_name_prefix="index-write")
        try:
            self._open()
        except BaseException:
            os.close(self._lock)
            raise

    @staticmethod
    def set_aside(path: Path | str) -> Path | None:
        """Move an unreadable index out of the way and return where to; None when there was none.

        The next `EdgeIndex(path)` starts empty and is to be filled from the catalogue.
        """
        folder = _shard_folder(Path(path))
        if not folder.exists():
            return None
        lock = _lock(Path(path))
        try:
            number = 1
            while (target := folder.with_name(f"shard.broken-{number}")).exists():
                number += 1
            return folder.rename(target)
        finally:
            os.close(lock)

    async def upsert(self, points: Sequence[IndexPoint]) -> None:
        """Write points; a known id is replaced. Raises Conflict when stored vectors have another length."""
        for start in range(0, len(points), _BATCH):
            batch = points[start : start + _BATCH]
            await self._run(self._writes, partial(self._upsert, batch))

    async def close_chunks(self, shop: str, chunk_ids: Sequence[str], to_release: int) -> None:
        """Let the still open points of these chunks end before `to_release`."""
        for start in range(0, len(chunk_ids), _BATCH):
            batch = list(chunk_ids[start : start + _BATCH])
            await self._run(self._writes, partial(self._close_chunks, shop, batch, to_release))

    async def search(self, query: IndexQuery) -> list[IndexHit]:
        """Best first; dense hits carry their vectors."""
        return (await self.search_batch([query]))[0]

    async def search_batch(self, queries: Sequence[IndexQuery]) -> list[list[IndexHit]]:
        """What `search` finds for each query, in one pass over the segments."""
        return await self._run(self._reads, lambda: self._search(queries))

    async def count(self, shop: str, release: int) -> int:
        """How many points are part of that release."""
        request = qe.CountRequest(filter=_release_filter(shop, release), exact=True)
        return await self._run(self._reads, lambda: int(self._shard.count(request)) if self._shard else 0)

    async def points(self, shop: str) -> list[PointSpan]:
        """Every point of a shop. Read a page at a time, so that shoppers' searches come in between."""
        found: list[PointSpan] = []
        offset: Any = None
        while True:
            page, offset = await self._run(self._reads, partial(self._page, shop, offset))
            found.extend(page)
            if offset is None:
                return found

    async def remove_points(self, point_ids: Sequence[str]) -> None:
        """Drop these points."""
        for start in range(0, len(point_ids), _BATCH):
            batch = list(point_ids[start : start + _BATCH])
            await self._run(self._writes, partial(self._remove, batch))

    async def remove_shop(self, shop: str) -> None:
        """Drop every point of a shop."""
        await self._run(self._writes, lambda: self._update(qe.UpdateOperation.delete_points_by_filter(_of_shop(shop))))

    async def flush(self) -> None:
        """Write the segments out, merging what many small writes and deletions left behind."""
        await self._run(self._writes, self._flush)

    async def close(self) -> None:
        """Flush and give the folder back. Twice is harmless."""
        if self._closed:
            return
        self._closed = True
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._close)

    async def _run(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if self._closed:
            raise Unavailable("The knowledge index is closed; start the server again to use it.")
        return await asyncio.get_running_loop().run_in_executor(threads, _guarded, work)

    def _open(self) -> None:
        folder = _shard_folder(self._path)
        if not folder.exists():
            return
        require_room_to_open(self._path)
        try:
            self._shard = _engine(lambda: qe.EdgeShard.load(str(folder)))
            self._size = _engine(self._stored_size)
        except Exception as problem:
            raise Unavailable(
                f"The knowledge index in {folder} cannot be read ({problem}). No knowledge is lost: it is in the "
                "database. Stop the server and run `xiaoer reindex --from-scratch`; it moves that folder away."
            ) from problem

    def _stored_size(self) -> int | None:
        records, _ = self._shard.scroll(qe.ScrollRequest(limit=1, with_vector=[DENSE]))
        return len(records[0].vector[DENSE]) if records else None

    def _create(self, size: int) -> None:
        folder = _shard_folder(self._path)
        folder.mkdir(parents=True, exist_ok=True)
        config = qe.EdgeConfig(
            vectors={DENSE: qe.EdgeVectorParams(size=size, distance=qe.Distance.Dot)},
            sparse_vectors={TERMS: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf)},
            optimizers=qe.EdgeOptimizersConfig(indexing_threshold=_INDEXING_THRESHOLD_KB, default_segment_number=1),
            max_search_threads=1,
        )
        shard = qe.EdgeShard.create(str(folder), config)
        fields = [(name, qe.PayloadSchemaType.Keyword) for name in KEYWORD_FIELDS]
        fields += [(name, qe.PayloadSchemaType.Integer) for name in INTEGER_FIELDS]
        fields += [(name, qe.PayloadSchemaType.Float) for name in FLOAT_FIELDS]
        for name, schema in fields:
            shard.update(qe.UpdateOperation.create_field_index(name, schema))
        self._shard, self._size = shard, size

    def _upsert(self, points: Sequence[IndexPoint]) -> None:
        if not points:
            return
        size = len(points[0].dense)
        require_room_to_write(self._path, len(points), size)
        if self._shard is None:
            self._create(size)
        elif size != self._size:
            self._start_over(size)
        self._shard.update(qe.UpdateOperation.upsert_points([_point(p) for p in points]))
        self._remembered.forget(point.point_id for point in points)

    def _start_over(self, size: int) -> None:
        """Another embedder: the shard is made anew, but only once every shop has been removed from it."""
        left = int(self._shard.count(qe.CountRequest(exact=True)))
        if left:
            raise Conflict(
                f"The index holds {left} vectors of length {self._size}, and the embedder now makes vectors of length "
                f"{size}. Nothing was changed. Go back to the former embedder, or remove every shop and ingest again."
            )
        self._shard.close()
        folder = _shard_folder(self._path)
        _remove_tree(folder)
        self._create(size)

    def _close_chunks(self, shop: str, chunk_ids: list[str], to_release: int) -> None:
        require_room_to_write(self._path, len(chunk_ids), 0)
        open_points = qe.Filter(
            must=[
                qe.FieldCondition("shop", match=qe.MatchValue(shop)),
                qe.FieldCondition("chunk_id", match=qe.MatchAny(chunk_ids)),
                qe.FieldCondition("from_release", range=qe.RangeFloat(lt=to_release)),
                qe.FieldCondition("to_release", range=qe.RangeFloat(gt=to_release)),
            ]
        )
        self._update(qe.UpdateOperation.set_payload_by_filter(open_points, {"to_release": to_release}))

    def _page(self, shop: str, offset: Any) -> tuple[list[PointSpan], Any]:
        if self._shard is None:
            return [], None
        request = qe.ScrollRequest(
            offset=offset, limit=_PAGE, filter=_of_shop(shop), with_payload=list(SPAN_FIELDS), with_vector=False
        )
        records, following = self._shard.scroll(request)
        return [span_of(str(record.id), record.payload) for record in records], following

    def _remove(self, point_ids: list[Any]) -> None:
        self._update(qe.UpdateOperation.delete_points(point_ids))
        self._remembered.forget(point_ids)

    def _update(self, operation: Any) -> None:
        if self._shard is not None:
            self._shard.update(operation)

    def _flush(self) -> None:
        if self._shard is not None:
            self._shard.optimize()
            self._shard.flush()

    def _search(self, queries: Sequence[IndexQuery]) -> list[list[IndexHit]]:
        """All queries in one pass over the segments; one that asks for nothing finds nothing."""
        requests = {n: request for n, query in enumerate(queries) if (request := _request(query)) is not None}
        if self._shard is None or not requests:
            return [[] for _ in queries]
        answers = self._shard.query_batch(qe.QueryBatchRequest(list(requests.values())))
        scored = {
            n: [(str(point.id), float(point.score)) for point in answer]
            for n, answer in zip(requests, answers, strict=True)
        }
        stored = self._stored(list(dict.fromkeys(point_id for part in scored.values() for point_id, _ in part)))
        return [
            [
                _hit(point_id, score, stored[point_id], query.dense is not None and query.with_vectors)
                for point_id, score in scored.get(n, ())
                if point_id in stored
            ]
            for n, query in enumerate(queries)
        ]

    def _stored(self, point_ids: list[str]) -> dict[str, StoredPoint]:
        generation = self._remembered.generation
        found = self._remembered.get(point_ids)
        if missing := [point_id for point_id in point_ids if point_id not in found]:
            records = self._shard.retrieve(missing, with_payload=HIT_FIELDS, with_vector=[DENSE])
            read = {str(record.id): _stored_point(record) for record in records}
            self._remembered.remember(read, generation)
            found |= read
        return found

    def _close(self) -> None:
        self._reads.shutdown(wait=True)
        self._writes.shutdown(wait=True)
        if self._shard is not None:
            self._shard.flush()
            self._shard.close()
        os.close(self._lock)


def _shard_folder(path: Path) -> Path:
    return path / "shard"


def _lock(path: Path) -> int:
    """Own the folder until the descriptor is closed; the kernel gives it back when a process dies."""
    descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise Conflict(
            f"The knowledge index in {path} is in use by process {owner}, and only one process may have it. "
            "Nothing was changed. Ask the running server instead, or stop it first."
        ) from None
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode("ascii"), 0)
    return descriptor


def _engine(call: Callable[[], T]) -> T:
    """The engine's panics are BaseExceptions, which would take the whole server down."""
    try:
        return call()
    except (Exception, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as panic:
        raise RuntimeError(str(panic)) from panic


def _guarded(work: Callable[[], T]) -> T:
    try:
        return _engine(work)
    except XiaoerError:
        raise
    except Exception as problem:
        raise Unavailable(
            f"The knowledge index failed: {problem}. No knowledge is lost: it is in the database. Try again; "
            "if it stays, rebuild the index with `xiaoer reindex`."
        ) from problem


def _remove_tree(folder: Path) -> None:
    for child in sorted(folder.rglob("*"), reverse=True):
        if child.is_dir():
            child.rmdir()
        else:
            child.unlink()


def _point(point: IndexPoint) -> Any:
    vectors: dict[str, Any] = {DENSE: np.asarray(point.dense, dtype=np.float32).tolist()}
    if point.sparse:
        vectors[TERMS] = _sparse(point.sparse)
    return qe.Point(point.point_id, vectors, payload_of(point))


def _sparse(terms: Any) -> Any:
    return qe.SparseVector([int(term) for term in terms], [float(weight) for weight in terms.values()])


def _stored_point(record: Any) -> StoredPoint:
    vector = np.asarray(record.vector[DENSE], dtype=np.float32)
    vector.setflags(write=False)
    payload = record.payload
    return StoredPoint(payload["chunk_id"], payload["aspect"], int(payload["ordinal"]), vector)


def _hit(point_id: str, score: float, point: StoredPoint, dense: bool) -> IndexHit:
    vector = point.dense if dense else None
    return IndexHit(point_id, point.chunk_id, point.aspect, point.ordinal, score, vector)


def _request(query: IndexQuery) -> Any:
    """The query as the engine takes it, or None when it names nothing to look for."""
    dense = query.dense is not None
    if dense:
        nearest = qe.Query.Nearest(np.asarray(query.dense, dtype=np.float32).tolist(), using=DENSE)
    elif query.sparse:
        nearest = qe.Query.Nearest(_sparse(query.sparse), using=TERMS)
    else:
        return None
    of_release = qe.IdfParams(corpus=_release_filter(query.shop, query.release))
    return qe.QueryRequest(
        limit=query.limit,
        query=nearest,
        filter=_filter(query),
        params=None if dense else qe.SearchParams(idf=of_release),
    )


def _of_shop(shop: str) -> Any:
    return qe.Filter(must=[qe.FieldCondition("shop", match=qe.MatchValue(shop))])


def _release_conditions(shop: str, release: int) -> list[Any]:
    return [
        qe.FieldCondition("shop", match=qe.MatchValue(shop)),
        qe.FieldCondition("from_release", range=qe.RangeFloat(lte=release)),
        qe.FieldCondition("to_release", range=qe.RangeFloat(gt=release)),
    ]


def _release_filter(shop: str, release: int) -> Any:
    return qe.Filter(must=_release_conditions(shop, release))


def _filter(query: IndexQuery) -> Any:
    must = _release_conditions(query.shop, query.release)
    if query.as_of is not None:
        now = query.as_of.timestamp()
        must.append(qe.FieldCondition("valid_from", range=qe.RangeFloat(lte=now)))
        must.append(qe.FieldCondition("valid_until", range=qe.RangeFloat(gt=now)))
    if query.kinds:
        must.append(qe.FieldCondition("kind", match=qe.MatchAny(list(query.kinds))))
    if query.chunk_ids:
        must.append(qe.FieldCondition("chunk_id", match=qe.MatchAny(list(query.chunk_ids))))
    return qe.Filter(must=must)
