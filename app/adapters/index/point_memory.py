"""Points kept beside the engine: handing payloads and vectors over as Python objects costs more than the search."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from app.knowledge.ports import Vector


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """What a hit tells of its point. The vector is read-only: all hits share it."""

    chunk_id: str
    aspect: str
    ordinal: int
    dense: Vector


class PointMemory:
    """The points found last, by id; 16,384 of 384 dimensions take 30 MB.

    A reader that fetched a point while a writer replaced it must not put the old one back: what is remembered
    with an outdated `generation` is dropped.
    """

    def __init__(self, limit: int = 16_384) -> None:
        self._limit = limit
        self._points: OrderedDict[str, StoredPoint] = OrderedDict()
        self._lock = threading.Lock()
        self._generation = 0

    @property
    def generation(self) -> int:
        """Changes with every write."""
        return self._generation

    def get(self, point_ids: Iterable[str]) -> dict[str, StoredPoint]:
        """The points that are remembered."""
        found = {}
        with self._lock:
            for point_id in point_ids:
                if (point := self._points.get(point_id)) is not None:
                    self._points.move_to_end(point_id)
                    found[point_id] = point
        return found

    def remember(self, points: dict[str, StoredPoint], generation: int) -> None:
        """Keep what was read, unless something was written since `generation`."""
        with self._lock:
            if generation != self._generation:
                return
            self._points.update(points)
            while len(self._points) > self._limit:
                self._points.popitem(last=False)

    def forget(self, point_ids: Iterable[str]) -> None:
        """Call after points were written or removed."""
        with self._lock:
            self._generation += 1
            for point_id in point_ids:
                self._points.pop(point_id, None)
