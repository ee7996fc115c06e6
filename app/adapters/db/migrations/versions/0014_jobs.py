"""Jobs: how far each instance is with what it does for editors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014_jobs"
down_revision = "0013_review"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table. PostgreSQL need not log it: after a crash an empty one is as good."""
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("told", sa.Text, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        prefixes=["UNLOGGED"] if op.get_bind().dialect.name == "postgresql" else [],
    )
    op.create_index("ix_jobs_shop", "jobs", ["shop", "created_at"])


def downgrade() -> None:
    """Drop it again."""
    op.drop_table("jobs")
