"""The desk's tables: cases, notices, people, canned replies, modes. No shopper's word stands in them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from app.adapters.db.engine import metadata

cases = Table(
    "desk_cases",
    metadata,
    Column("conversation_id", String(64), primary_key=True),
    Column("shop", String(100), nullable=False),
    Column("status", String(20), nullable=False),
    Column("reason", String(40), nullable=False, server_default=""),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("language", String(10), nullable=False, server_default=""),
    Column("queued_at", String(32), nullable=False, server_default=""),
    Column("offline", Boolean, nullable=False, server_default="0"),
    Column("ticket", String(20), nullable=False, server_default=""),
    Column("agent", String(64), nullable=False, server_default=""),
    Column("agent_name", String(100), nullable=False, server_default=""),
    Column("joined_at", String(32), nullable=False, server_default=""),
    Column("wanted_agent", String(64), nullable=False, server_default=""),
    Column("skill", String(40), nullable=False, server_default=""),
    Column("tags", Text, nullable=False, server_default=""),
    Column("outcome", String(40), nullable=False, server_default=""),
    Column("closed_at", String(32), nullable=False, server_default=""),
    Column("updated_at", String(32), nullable=False, server_default=""),
    Column("shopper", String(64), nullable=False, server_default=""),
    Index("ix_desk_cases_status", "status", "shop"),
    Index("ix_desk_cases_agent", "agent", "status"),
    Index("ix_desk_cases_shopper", "shop", "shopper"),
)
"""`shopper` is a keyed hash of who the storefront says it is. `tags` are joined by line breaks."""

notices = Table(
    "desk_notices",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("shop", String(100), nullable=False),
    Column("type", String(40), nullable=False),
    Column("conversation_id", String(64), nullable=False, server_default=""),
    Column("agent", String(64), nullable=False, server_default=""),
    Column("at", String(32), nullable=False),
    Column("about", Text, nullable=False, server_default="{}"),
    sqlite_autoincrement=True,
)

people = Table(
    "desk_people",
    metadata,
    Column("agent", String(64), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("shop", String(100), nullable=False),
    Column("role", String(20), nullable=False),
    Column("status", String(10), nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("languages", String(100), nullable=False, server_default=""),
    Column("skills", String(400), nullable=False, server_default=""),
    Column("seen_at", String(32), nullable=False),
)

canned = Table(
    "desk_replies",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("shop", String(100), nullable=False),
    Column("shortcut", String(40), nullable=False),
    Column("title", String(100), nullable=False),
    Column("zh", Text, nullable=False),
    Column("en", Text, nullable=False),
    Column("updated_by", String(100), nullable=False),
    Column("updated_at", String(32), nullable=False),
    Index("ix_desk_replies_shop", "shop", "shortcut"),
)

modes = Table(
    "desk_modes",
    metadata,
    Column("shop", String(100), primary_key=True),
    Column("rules", Text, nullable=False),
    Column("changed_by", String(100), nullable=False),
    Column("changed_at", String(32), nullable=False),
)
