"""The tables of staff: accounts, their sessions and one-time links. Tokens and passwords only as hashes."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, Text

from app.adapters.db.engine import metadata
from app.adapters.db.knowledge_tables import Moment

accounts = Table(
    "staff_accounts",
    metadata,
    Column("account_id", String(32), primary_key=True),
    Column("login", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", String(20), nullable=False),
    Column("shop", String(100), nullable=False),
    Column("password_hash", Text),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
)

sessions = Table(
    "staff_sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("account_id", String(32), ForeignKey("staff_accounts.account_id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Index("ix_staff_sessions_account_id", "account_id"),
)

links = Table(
    "staff_links",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("account_id", String(32), ForeignKey("staff_accounts.account_id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index("ix_staff_links_account_id", "account_id"),
)
