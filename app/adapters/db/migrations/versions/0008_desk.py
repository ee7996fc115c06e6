"""The desk: cases, notices, people, canned replies, modes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008_desk"
down_revision = "0007_staff"
branch_labels = None
depends_on = None


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, server_default="")


def upgrade() -> None:
    """Create the tables of app.adapters.db.desk_tables as they were at this revision."""
    op.create_table(
        "desk_cases",
        sa.Column("conversation_id", sa.String(64), primary_key=True),
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        _text("reason", 40),
        sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
        _text("language", 10),
        _text("queued_at", 32),
        sa.Column("offline", sa.Boolean, nullable=False, server_default=sa.false()),
        *(_text(name, length) for name, length in (("ticket", 20), ("agent", 64), ("agent_name", 100))),
        *(_text(name, length) for name, length in (("joined_at", 32), ("wanted_agent", 64), ("skill", 40))),
        sa.Column("tags", sa.Text, nullable=False, server_default=""),
        *(_text(name, length) for name, length in (("outcome", 40), ("closed_at", 32), ("updated_at", 32))),
        _text("shopper", 64),
    )
    op.create_index("ix_desk_cases_status", "desk_cases", ["status", "shop"])
    op.create_index("ix_desk_cases_agent", "desk_cases", ["agent", "status"])
    op.create_index("ix_desk_cases_shopper", "desk_cases", ["shop", "shopper"])
    op.create_table(
        "desk_notices",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        _text("conversation_id", 64),
        _text("agent", 64),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("about", sa.Text, nullable=False, server_default="{}"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "desk_people",
        sa.Column("agent", sa.String(64), primary_key=True),
        *(sa.Column(name, sa.String(length), nullable=False) for name, length in (("name", 100), ("shop", 100))),
        *(sa.Column(name, sa.String(length), nullable=False) for name, length in (("role", 20), ("status", 10))),
        sa.Column("capacity", sa.Integer, nullable=False),
        _text("languages", 100),
        _text("skills", 400),
        sa.Column("seen_at", sa.String(32), nullable=False),
    )
    op.create_table(
        "desk_replies",
        sa.Column("id", sa.String(32), primary_key=True),
        *(sa.Column(n, sa.String(length), nullable=False) for n, length in (("shop", 100), ("shortcut", 40))),
        sa.Column("title", sa.String(100), nullable=False),
        sa.Column("zh", sa.Text, nullable=False),
        sa.Column("en", sa.Text, nullable=False),
        *(sa.Column(n, sa.String(length), nullable=False) for n, length in (("updated_by", 100), ("updated_at", 32))),
    )
    op.create_index("ix_desk_replies_shop", "desk_replies", ["shop", "shortcut"])
    op.create_table(
        "desk_modes",
        sa.Column("shop", sa.String(100), primary_key=True),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("changed_by", sa.String(100), nullable=False),
        sa.Column("changed_at", sa.String(32), nullable=False),
    )


def downgrade() -> None:
    """Drop them again."""
    for name in ("desk_modes", "desk_replies", "desk_people", "desk_notices", "desk_cases"):
        op.drop_table(name)
