"""Runs the migrations on the connection that `app.adapters.db.migrate` hands over: no ini file, no URL."""

from __future__ import annotations

from alembic import context

from app.adapters.db.engine import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,
)
context.run_migrations()
