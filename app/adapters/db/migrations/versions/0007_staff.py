"""Accounts of those who work here, their sessions and one-time links."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007_staff"
down_revision = "0006_edits"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables of app.adapters.db.staff_tables as they were at this revision."""
    op.create_table(
        "staff_accounts",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("login", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_staff_accounts"),
        sa.UniqueConstraint("login", name="uq_staff_accounts_login"),
    )
    op.create_table(
        "staff_sessions",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_staff_sessions"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staff_accounts.account_id"], name="fk_staff_sessions_account_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_staff_sessions_account_id", "staff_sessions", ["account_id"])
    op.create_table(
        "staff_links",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_staff_links"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staff_accounts.account_id"], name="fk_staff_links_account_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_staff_links_account_id", "staff_links", ["account_id"])


def downgrade() -> None:
    """Drop them again, dependents first."""
    for table in ("staff_links", "staff_sessions", "staff_accounts"):
        op.drop_table(table)
