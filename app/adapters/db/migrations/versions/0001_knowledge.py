"""Shops, releases and their knowledge as row versions, and the cache of embeddings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_knowledge"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables of app.adapters.db.knowledge_tables as they were at this revision."""
    op.create_table(
        "shops",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("brand_json", sa.JSON, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("live_release", sa.Integer),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_shops"),
    )
    op.create_table(
        "releases",
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("points", sa.Integer, nullable=False),
        sa.Column("embedder", sa.String(200), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("built_at", MOMENT),
        sa.Column("published_at", MOMENT),
        sa.PrimaryKeyConstraint("shop", "number", name="pk_releases"),
        sa.ForeignKeyConstraint(["shop"], ["shops.name"], name="fk_releases_shop", ondelete="CASCADE"),
    )
    op.create_table(
        "documents",
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("document_id", sa.String(700), nullable=False),
        sa.Column("from_release", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("to_release", sa.Integer, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("language", sa.String(10), nullable=False),
        sa.PrimaryKeyConstraint("shop", "document_id", "from_release", name="pk_documents"),
        sa.ForeignKeyConstraint(["shop"], ["shops.name"], name="fk_documents_shop", ondelete="CASCADE"),
    )
    _create_chunks()
    _create_products()
    op.create_table(
        "embeddings",
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("text_hash", sa.String(64), nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("model", "text_hash", name="pk_embeddings"),
    )


def _create_chunks() -> None:
    op.create_table(
        "chunks",
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("chunk_id", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("document_id", sa.String(700), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("locator", sa.Text, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("section", sa.Text, nullable=False),
        sa.Column("product_group", sa.Text, nullable=False),
        sa.Column("phrasings", sa.JSON, nullable=False),
        sa.Column("related", sa.JSON, nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("valid_from", MOMENT),
        sa.Column("valid_until", MOMENT),
        sa.Column("points", sa.Integer, nullable=False),
        sa.Column("from_release", sa.Integer, nullable=False),
        sa.Column("to_release", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("shop", "chunk_id", name="pk_chunks"),
        sa.ForeignKeyConstraint(["shop"], ["shops.name"], name="fk_chunks_shop", ondelete="CASCADE"),
    )
    op.create_index("ix_chunks_shop_to_release", "chunks", ["shop", "to_release", "from_release"])


def _create_products() -> None:
    chunk = (["shop", "chunk_id"], ["chunks.shop", "chunks.chunk_id"])
    op.create_table(
        "products",
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("chunk_id", sa.String(64), nullable=False),
        sa.Column("sku", sa.String(200), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("shop", "chunk_id", name="pk_products"),
        sa.ForeignKeyConstraint(*chunk, name="fk_products_shop", ondelete="CASCADE"),
    )
    op.create_index("ix_products_shop_sku", "products", ["shop", "sku"])
    op.create_table(
        "product_attributes",
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("chunk_id", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("locator", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("shop", "chunk_id", "position", name="pk_product_attributes"),
        sa.ForeignKeyConstraint(*chunk, name="fk_product_attributes_shop", ondelete="CASCADE"),
    )


def downgrade() -> None:
    """Drop them again, dependents first."""
    for table in ("embeddings", "product_attributes", "products", "chunks", "documents", "releases", "shops"):
        op.drop_table(table)
