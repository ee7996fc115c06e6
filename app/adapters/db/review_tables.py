"""The table of the review queue. No word of a shopper's or an agent's stands in it."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, String, Table, UniqueConstraint

from app.adapters.db.engine import metadata

review_items = Table(
    "review_items",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("shop", String(100), nullable=False),
    Column("conversation_id", String(64), nullable=False),
    Column("message_id", String(64), nullable=False),
    Column("kinds", String(120), nullable=False),
    Column("reason", String(40), nullable=False, server_default=""),
    Column("decision", String(20), nullable=False, server_default=""),
    Column("confidence", Float, nullable=False, server_default="0"),
    Column("language", String(10), nullable=False, server_default=""),
    Column("release", Integer, nullable=False, server_default="0"),
    Column("at", String(32), nullable=False),
    Column("updated_at", String(32), nullable=False),
    Column("state", String(10), nullable=False, server_default="open"),
    Column("outcome", String(20), nullable=False, server_default=""),
    Column("done_by", String(100), nullable=False, server_default=""),
    Column("done_at", String(32), nullable=False, server_default=""),
    Column("batch", String(32), nullable=False, server_default=""),
    Column("row", String(32), nullable=False, server_default=""),
    Column("sample", String(80), nullable=False, server_default=""),
    Column("after_release", Integer, nullable=False, server_default="0"),
    Column("after_decision", String(20), nullable=False, server_default=""),
    Column("after_confidence", Float, nullable=False, server_default="0"),
    Column("after_row", String(600), nullable=False, server_default=""),
    Column("after_at", String(32), nullable=False, server_default=""),
    UniqueConstraint("conversation_id", "message_id", name="uq_review_items_turn"),
    Index("ix_review_items_shop", "shop", "state", "updated_at"),
    sqlite_autoincrement=True,
)
"""`kinds` stand between line breaks. The id of an erased item is never given to another."""
