"""Leases: which instance works on a conversation's turn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_leases"
down_revision = "0009_identity"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table. PostgreSQL need not log it: after a crash an empty one is as good."""
    op.create_table(
        "leases",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("holder", sa.String(40), nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        prefixes=["UNLOGGED"] if op.get_bind().dialect.name == "postgresql" else [],
    )


def downgrade() -> None:
    """Drop it again."""
    op.drop_table("leases")
