"""The tables of the channels' post."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from app.adapters.db.engine import metadata

threads = Table(
    "channel_threads",
    metadata,
    Column("channel", String(40), primary_key=True),
    Column("thread", String(200), primary_key=True),
    Column("conversation_id", String(64), nullable=False),
    Column("told_seq", Integer, nullable=False),
    Index("ix_channel_threads_conversation_id", "conversation_id"),
)

deliveries = Table(
    "channel_deliveries",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("channel", String(40), nullable=False),
    Column("delivery_id", String(200), nullable=False),
    Column("seal", String(64), nullable=False),
    Column("thread", String(200), nullable=False),
    Column("state", String(12), nullable=False),
    Column("content", LargeBinary),
    Column("attempts", Integer, nullable=False),
    Column("due", Float, nullable=False),
    Column("owner", String(32), nullable=False),
    Column("leased", Float, nullable=False),
    Column("problem", String(200), nullable=False),
    Column("received", Float, nullable=False),
    UniqueConstraint("channel", "delivery_id", name="uq_channel_deliveries_delivery_id"),
    UniqueConstraint("channel", "seal", name="uq_channel_deliveries_seal"),
    Index("ix_channel_deliveries_state", "state", "due"),
    sqlite_autoincrement=True,
)
"""`content` is encrypted, and NULL once the delivery is settled. Times are seconds since 1970."""

letters = Table(
    "channel_letters",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(40), nullable=False),
    Column("channel", String(40), nullable=False),
    Column("thread", String(200), nullable=False),
    Column("conversation_id", String(64), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("state", String(12), nullable=False),
    Column("content", LargeBinary),
    Column("attempts", Integer, nullable=False),
    Column("due", Float, nullable=False),
    Column("owner", String(32), nullable=False),
    Column("leased", Float, nullable=False),
    Column("problem", String(400), nullable=False),
    Column("created", Float, nullable=False),
    UniqueConstraint("id", name="uq_channel_letters_id"),
    UniqueConstraint("conversation_id", "seq", "part", name="uq_channel_letters_conversation_id"),
    Index("ix_channel_letters_state", "state", "due"),
    Index("ix_channel_letters_thread", "channel", "thread", "state"),
    sqlite_autoincrement=True,
)
"""`content` is encrypted, and NULL once the letter has arrived, was withheld or thrown away."""
