"""The editors' layer over the files, and the id a source row has of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_edits"
down_revision = "0005_release_checks"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables of app.adapters.db.edit_tables as they were at this revision."""
    op.add_column("chunks", sa.Column("row_key", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "layered_rows",
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("row", sa.String(32), nullable=False),
        sa.Column("row_key", sa.Text, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("base", sa.JSON),
        sa.Column("theirs", sa.JSON),
        sa.Column("gone", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("shop", "row", name="pk_layered_rows"),
    )
    op.create_table(
        "edits",
        sa.Column("shop", sa.String(100), nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("row", sa.String(32), nullable=False),
        sa.Column("action", sa.String(10), nullable=False),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.Column("base_hash", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("batch", sa.String(32), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("staged_at", MOMENT),
        sa.Column("undone_at", MOMENT),
        sa.Column("undone_by", sa.String(200), nullable=False),
        sa.Column("undo_staged_at", MOMENT),
        sa.Column("settled", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("shop", "number", name="pk_edits"),
        sa.ForeignKeyConstraint(
            ["shop", "row"], ["layered_rows.shop", "layered_rows.row"], name="fk_edits_shop", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_edits_shop_row", "edits", ["shop", "row"])


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("edits")
    op.drop_table("layered_rows")
    op.drop_column("chunks", "row_key")
