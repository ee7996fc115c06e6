"""The tables of the event log."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from app.adapters.db.engine import metadata

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("shop", String(100), nullable=False),
    Column("status", String(20), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("updated_at", String(32), nullable=False),
    Column("head_seq", Integer, nullable=False),
    Column("head_hash", LargeBinary(32), nullable=False),
    Column("head_proof", LargeBinary(32), nullable=False),
    Column("data_key", LargeBinary(128)),
    Index("ix_conversations_shop_status", "shop", "status", "updated_at"),
)
"""`data_key` is wrapped by the master key; NULL = the person was erased. Times are text, as they were hashed."""

attachments = Table(
    "attachments",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("conversation_id", String(64), ForeignKey("conversations.id"), nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
)
"""Files, sealed with the data key of their conversation. What they are is told by an event of its log."""

events = Table(
    "events",
    metadata,
    Column("conversation_id", String(64), ForeignKey("conversations.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("type", String(40), nullable=False),
    Column("time", String(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    sqlite_with_rowid=False,
)
