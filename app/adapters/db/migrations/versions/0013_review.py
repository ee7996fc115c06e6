"""The review queue: turns that are looked at again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013_review"
down_revision = "0012_attachments"
branch_labels = None
depends_on = None


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, server_default="")


def _number(name: str, type_: type[sa.Integer] | type[sa.Float[float]]) -> sa.Column[float]:
    return sa.Column(name, type_, nullable=False, server_default="0")


def upgrade() -> None:
    """Create the table of app.adapters.db.review_tables as it was at this revision."""
    op.create_table(
        "review_items",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        *(sa.Column(n, sa.String(length), nullable=False)
          for n, length in (("shop", 100), ("conversation_id", 64), ("message_id", 64), ("kinds", 120))),
        _text("reason", 40),
        _text("decision", 20),
        _number("confidence", sa.Float),
        _text("language", 10),
        _number("release", sa.Integer),
        *(sa.Column(n, sa.String(32), nullable=False) for n in ("at", "updated_at")),
        sa.Column("state", sa.String(10), nullable=False, server_default="open"),
        *(_text(n, length) for n, length in (("outcome", 20), ("done_by", 100), ("done_at", 32), ("batch", 32),
                                             ("row", 32), ("sample", 80))),
        _number("after_release", sa.Integer),
        _text("after_decision", 20),
        _number("after_confidence", sa.Float),
        _text("after_row", 600),
        _text("after_at", 32),
        sa.UniqueConstraint("conversation_id", "message_id", name="uq_review_items_turn"),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("ix_review_items_shop", "review_items", ["shop", "state", "updated_at"])


def downgrade() -> None:
    """Drop it again."""
    op.drop_table("review_items")
