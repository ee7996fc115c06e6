"""What the checks and the suite said of each release."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_release_checks"
down_revision = "0003_pointer_moves"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of app.adapters.db.inspections as it was at this revision."""
    op.create_table(
        "release_checks",
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("inspection", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("shop", "number", name="pk_release_checks"),
        sa.ForeignKeyConstraint(["shop"], ["shops.name"], name="fk_release_checks_shop_shops", ondelete="CASCADE"),
    )


def downgrade() -> None:
    """Drop it again."""
    op.drop_table("release_checks")
