"""Points remembered beside the index are never older than what was written."""

from __future__ import annotations

import numpy as np

from app.adapters.index.point_memory import PointMemory, StoredPoint


def stored(chunk: str) -> StoredPoint:
    return StoredPoint(chunk, "whole", 0, np.zeros(2, dtype=np.float32))


def test_what_was_read_before_a_write_is_not_remembered_after_it() -> None:
    memory = PointMemory()
    generation = memory.generation
    memory.forget(["a"])
    memory.remember({"a": stored("old")}, generation)
    assert memory.get(["a"]) == {}
    memory.remember({"a": stored("new")}, memory.generation)
    assert memory.get(["a", "b"])["a"].chunk_id == "new"


def test_a_write_forgets_what_it_replaces() -> None:
    memory = PointMemory()
    memory.remember({"a": stored("a"), "b": stored("b")}, memory.generation)
    memory.forget(["a"])
    assert list(memory.get(["a", "b"])) == ["b"]


def test_the_points_used_longest_ago_make_room() -> None:
    memory = PointMemory(limit=2)
    memory.remember({"a": stored("a"), "b": stored("b")}, memory.generation)
    memory.get(["a"])
    memory.remember({"c": stored("c")}, memory.generation)
    assert set(memory.get(["a", "b", "c"])) == {"a", "c"}
