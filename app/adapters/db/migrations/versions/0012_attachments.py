"""Files that go along with conversations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_attachments"
down_revision = "0011_channels"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of app.adapters.db.conversation_tables as it was at this revision."""
    op.create_table(
        "attachments",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("conversation_id", sa.String(64), sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_attachments_conversation_id", "attachments", ["conversation_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("attachments")
