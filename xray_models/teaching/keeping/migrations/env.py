"""What Alembic runs: the migrations, in the transaction of whoever opened the store."""

from __future__ import annotations

from alembic import context

from xray_models.teaching.keeping.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite changes a column by making its table anew
)
context.run_migrations()
