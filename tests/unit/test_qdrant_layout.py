"""How a new collection lies on a Qdrant cluster: as Qdrant's own model of the request takes it."""

from __future__ import annotations

from qdrant_client import models

from app.adapters.index.qdrant_server import Layout


def asked(layout: Layout) -> models.CreateCollection:
    return models.CreateCollection(**layout.settings())


def test_shards_and_replicas_are_as_chosen_and_most_of_them_confirm_a_write() -> None:
    for replicas, confirming in ((1, 1), (2, 2), (3, 2), (5, 3)):
        told = asked(Layout(6, replicas))
        assert (told.shard_number, told.replication_factor) == (6, replicas)
        assert told.write_consistency_factor == confirming


def test_a_graph_is_built_a_shop_and_none_over_all_of_them() -> None:
    told = asked(Layout())
    assert told.hnsw_config is not None
    assert (told.hnsw_config.m, told.hnsw_config.payload_m) == (0, 16)
    assert told.shard_number is None, "Qdrant's own choice: one a node"
