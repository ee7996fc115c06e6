"""Alembic's environment, shipped inside the package: `app.adapters.db.migrate.upgrade` runs it."""
