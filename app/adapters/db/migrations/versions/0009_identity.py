"""Identity tokens: what shops have agreed on, and which were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_identity"
down_revision = "0008_desk"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of app.adapters.db.identity as they were at this revision."""
    op.create_table(
        "identity_rules",
        sa.Column("shop", sa.String(100), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "identity_uses",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("until", sa.Integer, nullable=False),
    )
    op.create_index("ix_identity_uses_until", "identity_uses", ["until"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("identity_uses")
    op.drop_table("identity_rules")
