"""The post of the channels: threads, deliveries, letters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011_channels"
down_revision = "0010_leases"
branch_labels = None
depends_on = None


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def _worked() -> list[sa.Column[object]]:
    return [
        sa.Column("content", sa.LargeBinary),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due", sa.Float, nullable=False),
        sa.Column("owner", sa.String(32), nullable=False),
        sa.Column("leased", sa.Float, nullable=False),
    ]


def upgrade() -> None:
    """Create the tables of app.adapters.db.channel_tables as they were at this revision."""
    op.create_table(
        "channel_threads",
        sa.Column("channel", sa.String(40), primary_key=True),
        sa.Column("thread", sa.String(200), primary_key=True),
        _text("conversation_id", 64),
        sa.Column("told_seq", sa.Integer, nullable=False),
    )
    op.create_index("ix_channel_threads_conversation_id", "channel_threads", ["conversation_id"])
    op.create_table(
        "channel_deliveries",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        *(_text(name, n) for name, n in (("channel", 40), ("delivery_id", 200), ("seal", 64), ("thread", 200))),
        _text("state", 12),
        *_worked(),
        _text("problem", 200),
        sa.Column("received", sa.Float, nullable=False),
        sa.UniqueConstraint("channel", "delivery_id", name="uq_channel_deliveries_delivery_id"),
        sa.UniqueConstraint("channel", "seal", name="uq_channel_deliveries_seal"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_channel_deliveries_state", "channel_deliveries", ["state", "due"])
    op.create_table(
        "channel_letters",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        *(_text(name, n) for name, n in (("id", 40), ("channel", 40), ("thread", 200), ("conversation_id", 64))),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        *(_text(name, 12) for name in ("kind", "state")),
        *_worked(),
        _text("problem", 400),
        sa.Column("created", sa.Float, nullable=False),
        sa.UniqueConstraint("id", name="uq_channel_letters_id"),
        sa.UniqueConstraint("conversation_id", "seq", "part", name="uq_channel_letters_conversation_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_channel_letters_state", "channel_letters", ["state", "due"])
    op.create_index("ix_channel_letters_thread", "channel_letters", ["channel", "thread", "state"])


def downgrade() -> None:
    """Drop them again."""
    for name in ("channel_letters", "channel_deliveries", "channel_threads"):
        op.drop_table(name)
