"""Every move of a shop's pointer: which release was live when, who moved it, and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_pointer_moves"
down_revision = "0002_conversations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of app.adapters.db.knowledge_tables as it was at this revision."""
    op.create_table(
        "pointer_moves",
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("from_release", sa.Integer),
        sa.Column("to_release", sa.Integer, nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moved_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("shop", "number", name="pk_pointer_moves"),
        sa.ForeignKeyConstraint(["shop"], ["shops.name"], name="fk_pointer_moves_shop_shops", ondelete="CASCADE"),
    )


def downgrade() -> None:
    """Drop it again."""
    op.drop_table("pointer_moves")
