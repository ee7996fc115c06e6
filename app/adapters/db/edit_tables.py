"""The tables of the editors' layer: the rows that were touched, and every edit of them."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKeyConstraint, Index, Integer, String, Table, Text

from app.adapters.db.engine import metadata
from app.adapters.db.knowledge_tables import Moment

layered_rows = Table(
    "layered_rows",
    metadata,
    Column("shop", String(100), primary_key=True),
    Column("row", String(32), primary_key=True),
    Column("row_key", Text, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("path", Text, nullable=False),
    Column("base", JSON(none_as_null=True)),
    Column("theirs", JSON(none_as_null=True)),
    Column("gone", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("place", Integer, nullable=False),
)

edits = Table(
    "edits",
    metadata,
    Column("shop", String(100), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("row", String(32), nullable=False),
    Column("action", String(10), nullable=False),
    Column("fields", JSON, nullable=False),
    Column("base_hash", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("author", String(200), nullable=False),
    Column("batch", String(32), nullable=False),
    Column("at", Moment, nullable=False),
    Column("staged_at", Moment),
    Column("undone_at", Moment),
    Column("undone_by", String(200), nullable=False),
    Column("undo_staged_at", Moment),
    Column("settled", String(20), nullable=False),
    ForeignKeyConstraint(["shop", "row"], ["layered_rows.shop", "layered_rows.row"], ondelete="CASCADE"),
    Index("ix_edits_shop_row", "shop", "row"),
)
