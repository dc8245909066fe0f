"""Readers, their sessions, what they answered, and when a film is due again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["branch_labels", "depends_on", "down_revision", "downgrade", "revision", "upgrade"]

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "readers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("code_sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("begun", sa.Float, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer, primary_key=True),
        _owner("reader", "readers.id", index=True),
        sa.Column("set", sa.String(64), nullable=False),
        sa.Column("plan", sa.JSON, nullable=False),
        sa.Column("begun", sa.Float, nullable=False),
        sa.Column("ended", sa.Float),
    )
    op.create_table(
        "readings",
        sa.Column("id", sa.Integer, primary_key=True),
        _owner("session", "sessions.id"),
        sa.Column("film", sa.String(64), nullable=False),
        sa.Column("film_sha256", sa.String(64), nullable=False),
        sa.Column("answers", sa.JSON, nullable=False),
        sa.Column("kept", sa.Float, nullable=False),
        sa.UniqueConstraint("session", "film"),
    )
    op.create_table(
        "due_films",
        sa.Column("id", sa.Integer, primary_key=True),
        _owner("reader", "readers.id"),
        sa.Column("film_sha256", sa.String(64), nullable=False),
        sa.Column("card", sa.JSON, nullable=False),
        sa.Column("due", sa.Float, nullable=False),
        sa.UniqueConstraint("reader", "film_sha256"),
    )


def downgrade() -> None:
    """Drop them; what was kept is lost."""
    for name in ("due_films", "readings", "sessions", "readers"):
        op.drop_table(name)


def _owner(name: str, key: str, index: bool = False) -> sa.Column[int]:
    """Column of what a row belongs to, and is deleted with."""
    owner = sa.ForeignKey(key, ondelete="CASCADE")
    return sa.Column(name, sa.Integer, owner, nullable=False, index=index)
