"""Tables of the store. No film and no name is in them: of a film its hash, of a reader a code's."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

__all__ = ["METADATA", "due_films", "readers", "readings", "sessions"]

METADATA = MetaData()
"""Tables as they are after the last migration."""

readers = Table(
    "readers",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("code_sha256", String(64), nullable=False, unique=True),
    Column("begun", Float, nullable=False),
)
"""Readers: the hash of the code that each holds. Times are seconds since 1970."""

sessions = Table(
    "sessions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("reader", ForeignKey("readers.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("set", String(64), nullable=False),
    Column("plan", JSON, nullable=False),
    Column("begun", Float, nullable=False),
    Column("ended", Float),
)
"""Sessions: what is read, and how."""

readings = Table(
    "readings",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("session", ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("film", String(64), nullable=False),
    Column("film_sha256", String(64), nullable=False),
    Column("answers", JSON, nullable=False),
    Column("kept", Float, nullable=False),
    UniqueConstraint("session", "film"),
)
"""Films that were answered: the reader's answers and the model's."""

due_films = Table(
    "due_films",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("reader", ForeignKey("readers.id", ondelete="CASCADE"), nullable=False),
    Column("film_sha256", String(64), nullable=False),
    Column("card", JSON, nullable=False),
    Column("due", Float, nullable=False),
    UniqueConstraint("reader", "film_sha256"),
)
"""When each film is due again for each reader."""
