"""The tables behind the catalogue: shops, releases, documents, chunks, product rows, cached vectors.

Chunks and documents are row versions: a row is part of release R when from_release ≤ R < to_release.
Nothing is updated in place except `to_release`, once, so an old release stays exactly what it was.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    TypeDecorator,
)

from app.adapters.db.engine import metadata


class Moment(TypeDecorator[datetime]):
    """An aware moment, stored in UTC and returned in UTC; SQLite itself would drop the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive datetimes: they would mean another moment on another machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


shops = Table(
    "shops",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("brand_json", JSON, nullable=False),
    Column("folder", Text, nullable=False),
    Column("live_release", Integer),
    Column("created_at", Moment, nullable=False),
)

releases = Table(
    "releases",
    metadata,
    Column("shop", String(100), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String(10), nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("points", Integer, nullable=False),
    Column("embedder", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("built_at", Moment),
    Column("published_at", Moment),
    ForeignKeyConstraint(["shop"], ["shops.name"], ondelete="CASCADE"),
)

pointer_moves = Table(
    "pointer_moves",
    metadata,
    Column("shop", String(100), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("from_release", Integer),
    Column("to_release", Integer, nullable=False),
    Column("moved_at", Moment, nullable=False),
    Column("moved_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    ForeignKeyConstraint(["shop"], ["shops.name"], ondelete="CASCADE"),
)
"""Every move of a shop's pointer, numbered from 1: tells when a release stopped being live."""

documents = Table(
    "documents",
    metadata,
    Column("shop", String(100), primary_key=True),
    Column("document_id", String(700), primary_key=True),
    Column("from_release", Integer, primary_key=True, autoincrement=False),
    Column("to_release", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("language", String(10), nullable=False),
    ForeignKeyConstraint(["shop"], ["shops.name"], ondelete="CASCADE"),
)

chunks = Table(
    "chunks",
    metadata,
    Column("shop", String(100), primary_key=True),
    Column("chunk_id", String(64), primary_key=True),
    Column("fingerprint", String(32), nullable=False),
    Column("document_id", String(700), nullable=False),
    Column("path", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("locator", Text, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("language", String(10), nullable=False),
    Column("section", Text, nullable=False),
    Column("product_group", Text, nullable=False),
    Column("phrasings", JSON, nullable=False),
    Column("related", JSON, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("valid_from", Moment),
    Column("valid_until", Moment),
    Column("points", Integer, nullable=False),
    Column("from_release", Integer, nullable=False),
    Column("to_release", Integer, nullable=False),
    Column("row_key", Text, nullable=False, server_default=""),
    ForeignKeyConstraint(["shop"], ["shops.name"], ondelete="CASCADE"),
    Index("ix_chunks_shop_to_release", "shop", "to_release", "from_release"),
)

products = Table(
    "products",
    metadata,
    Column("shop", String(100), primary_key=True),
    Column("chunk_id", String(64), primary_key=True),
    Column("sku", String(200), nullable=False),
    Column("name", Text, nullable=False),
    ForeignKeyConstraint(["shop", "chunk_id"], ["chunks.shop", "chunks.chunk_id"], ondelete="CASCADE"),
    Index("ix_products_shop_sku", "shop", "sku"),
)

product_attributes = Table(
    "product_attributes",
    metadata,
    Column("shop", String(100), primary_key=True),
    Column("chunk_id", String(64), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("locator", Text, nullable=False),
    ForeignKeyConstraint(["shop", "chunk_id"], ["chunks.shop", "chunks.chunk_id"], ondelete="CASCADE"),
)

embeddings = Table(
    "embeddings",
    metadata,
    Column("model", String(200), primary_key=True),
    Column("text_hash", String(64), primary_key=True),
    Column("vector", LargeBinary, nullable=False),
)
