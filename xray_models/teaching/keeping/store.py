"""Store of readers' progress: a file of SQLite, or PostgreSQL under another address.

A reader is known by a code alone, which only the reader has; the store holds its hash. Each film is
kept in a short transaction of its own when its truth is shown, so that a crash loses at most the
film being read.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.pool import ConnectionPoolEntry

from xray_models.teaching.keeping import rows, schedule
from xray_models.teaching.keeping.tables import due_films, readers, readings, sessions
from xray_models.teaching.records import records_of
from xray_models.teaching.session import Plan, Session
from xray_models.teaching.sets import TeachingSet

__all__ = ["VARIABLE", "Store", "StoreError", "address", "new_code", "open_store"]

VARIABLE = "RADLENS_TEACHING"
"""Environment variable: a file for SQLite, or an address of SQLAlchemy; unset or "off" for none."""

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without what looks alike
_WAIT = 30  # seconds for others to end their transactions
_MIGRATIONS = Path(__file__).resolve().parent / "migrations"
_LOCK = 0x5AD1E25  # of PostgreSQL, while tables are made
_migrating = threading.Lock()


class StoreError(RuntimeError):
    """Error of a store that cannot be used; the message says why and what to do."""


def address() -> str | None:
    """Address of the store that the deployer chose; None where nothing is to be kept."""
    named = os.environ.get(VARIABLE, "").strip()
    return named if named and named.lower() != "off" else None


def new_code() -> str:
    """New code for a reader: three groups of four signs, too many to guess."""
    signs = [secrets.choice(_ALPHABET) for _ in range(12)]
    return "-".join("".join(signs[start : start + 4]) for start in (0, 4, 8))


def open_store(where: str) -> Store:
    """Open a store, and bring its tables up to date.

    Args:
        where: path of a file, or an address such as "postgresql+psycopg://user@host/name".

    Raises:
        StoreError: it cannot be reached, or its driver is missing.
    """
    url = _url(where)
    try:
        if url.drivername.startswith("sqlite") and url.database:
            Path(url.database).expanduser().parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(url, pool_pre_ping=True, connect_args=_arguments(url))
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _sqlite)
            sa.event.listen(engine, "begin", _begin_at_once)
        with _migrating:
            _migrate(engine)
    except ModuleNotFoundError as error:
        raise StoreError(
            f"The store needs the package {error.name}. Install it: pip install '.[postgres]'."
        ) from error
    except (exc.SQLAlchemyError, OSError) as error:
        raise StoreError(
            f"The progress of readers cannot be kept: the store that {VARIABLE} names does not "
            f"open ({type(error).__name__}). Check its folder or its address."
        ) from error
    return Store(engine)


class Store:
    """Progress of readers. Every method is one short transaction; threads may share it.

    Methods raise StoreError where the store cannot be reached.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def begin(self, code: str, plan: Plan) -> int:
        """Begin a session.

        Args:
            code: of the reader; one that was never seen begins a new reader.
            plan: of the session.

        Returns:
            Number of the session.
        """
        now = time.time()
        with self._transaction() as connection:
            reader = _reader(connection, code)
            if reader is None:
                reader = _inserted(
                    connection, readers.insert().values(code_sha256=_sha256(code), begun=now)
                )
            return _inserted(
                connection,
                sessions.insert().values(
                    reader=reader, set=plan.set, plan=rows.plan_row(plan), begun=now
                ),
            )

    def keep(self, number: int, session: Session) -> None:
        """Keep the film whose truth is due, and when it should come again.

        Args:
            number: of the session.
            session: it is kept once, however often it is asked for.
        """
        film = session.film
        records = [one for one in records_of(session) if one.film == film.id]
        now = time.time()
        with self._transaction() as connection:
            known = sa.select(readings.c.id).where(
                readings.c.session == number, readings.c.film == film.id
            )
            reader = connection.scalar(sa.select(sessions.c.reader).where(sessions.c.id == number))
            if reader is None or connection.scalar(known) is not None:
                return
            connection.execute(
                readings.insert().values(
                    session=number,
                    film=film.id,
                    film_sha256=film.hash,
                    answers=rows.film_row(session, film.id),
                    kept=now,
                )
            )
            if session.told + 1 == len(session.plan.films):
                connection.execute(
                    sessions.update().where(sessions.c.id == number).values(ended=now)
                )
            _review(connection, reader, film.hash, schedule.rating_of(records), now)

    def unfinished(self, code: str, teaching_set: TeachingSet) -> tuple[int, Session] | None:
        """Number and state of the reader's last session on a set, if it was not ended.

        Args:
            code: of the reader.
            teaching_set: that is read.
        """
        with self._transaction() as connection:
            query = (
                sa.select(sessions.c.id, sessions.c.plan, sessions.c.ended)
                .join(readers)
                .where(readers.c.code_sha256 == _sha256(code), sessions.c.set == teaching_set.id)
                .order_by(sessions.c.id.desc())
            )
            last = connection.execute(query.limit(1)).first()
            if last is None or last.ended is not None:
                return None
            found = _readings(connection, last.id)
        plan = rows.plan_from(last.plan)
        if not {*plan.films} <= {one.id for one in teaching_set.films}:
            return None  # the set has changed
        return last.id, rows.resumed(teaching_set, plan, found)

    def due(self, code: str, now: float | None = None) -> list[str]:
        """Hashes of the reader's films that are due again, the longest overdue first.

        Args:
            code: of the reader.
            now: seconds since 1970; the present by default.
        """
        with self._transaction() as connection:
            query = (
                sa.select(due_films.c.film_sha256)
                .join(readers)
                .where(readers.c.code_sha256 == _sha256(code))
                .where(due_films.c.due <= (time.time() if now is None else now))
                .order_by(due_films.c.due)
            )
            return list(connection.scalars(query))

    def sessions_on(self, teaching_set: TeachingSet) -> list[tuple[int, Session]]:
        """Every ended session on a set, with a number for its reader: what a teacher compares.

        Args:
            teaching_set: that was read.
        """
        names = {one.id for one in teaching_set.films}
        with self._transaction() as connection:
            query = (
                sa.select(sessions.c.id, sessions.c.reader, sessions.c.plan)
                .where(sessions.c.set == teaching_set.id, sessions.c.ended.is_not(None))
                .order_by(sessions.c.id)
            )
            found = []
            for row in connection.execute(query).all():
                plan = rows.plan_from(row.plan)
                if {*plan.films} <= names:
                    kept = _readings(connection, row.id)
                    found.append((row.reader, rows.resumed(teaching_set, plan, kept)))
        return found

    def export(self, code: str) -> dict[str, Any]:
        """Everything that is kept of a reader, for JSON.

        Args:
            code: of the reader.
        """
        with self._transaction() as connection:
            reader = _reader(connection, code)
            query = sa.select(sessions).where(sessions.c.reader == reader).order_by(sessions.c.id)
            return {
                "sessions": [
                    {
                        "set": one.set,
                        "plan": one.plan,
                        "begun": one.begun,
                        "ended": one.ended,
                        "films": [
                            {"film": film, "answers": answers}
                            for film, answers in _readings(connection, one.id)
                        ],
                    }
                    for one in connection.execute(query).all()
                ],
                "due": [
                    {"film_sha256": one.film_sha256, "due": one.due}
                    for one in connection.execute(
                        sa.select(due_films).where(due_films.c.reader == reader)
                    ).all()
                ],
            }

    def forget(self, code: str) -> bool:
        """Delete everything that is kept of a reader; whether there was anything.

        Args:
            code: of the reader.
        """
        with self._transaction() as connection:
            gone = connection.execute(
                readers.delete().where(readers.c.code_sha256 == _sha256(code))
            )
            return bool(gone.rowcount)

    def close(self) -> None:
        """Close its connections."""
        self.engine.dispose()

    def _transaction(self) -> _Transaction:
        return _Transaction(self.engine)


class _Transaction:
    """Transaction whose errors are told as sentences."""

    def __init__(self, engine: Engine) -> None:
        self._context = engine.begin()

    def __enter__(self) -> Connection:
        try:
            return self._context.__enter__()
        except exc.SQLAlchemyError as error:
            raise StoreError(_LOST) from error

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            self._context.__exit__(kind, error, trace)
        except exc.SQLAlchemyError as problem:
            raise StoreError(_LOST) from problem
        if isinstance(error, exc.SQLAlchemyError):
            raise StoreError(_LOST) from error


_LOST = "The store of readers' progress cannot be reached now. What you answer is not kept."


def _url(where: str) -> URL:
    if "://" not in where:
        return URL.create("sqlite", database=str(Path(where).expanduser()))
    try:
        url = make_url(where)
    except exc.ArgumentError as error:
        raise StoreError(f"{VARIABLE} holds no address that SQLAlchemy knows.") from error
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    return url


def _arguments(url: URL) -> dict[str, Any]:
    return {"timeout": _WAIT} if url.drivername.startswith("sqlite") else {}


def _sqlite(connection: Any, record: ConnectionPoolEntry) -> None:  # noqa: ARG001 - SQLAlchemy calls
    """Set up a connection: readers do not wait for writers, and deleting a reader deletes all."""
    connection.isolation_level = None  # transactions begin where `_begin_at_once` says
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_at_once(connection: Connection) -> None:
    """Take the lock at the beginning: a transaction that waits for it later could only fail."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # several servers may begin at once
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _review(connection: Connection, reader: int, film: str, rating: Any, now: float) -> None:
    mine = (due_films.c.reader == reader) & (due_films.c.film_sha256 == film)
    before = connection.execute(sa.select(due_films.c.card).where(mine)).first()
    card, due = schedule.reviewed(None if before is None else before.card, rating, now)
    if before is None:
        row = due_films.insert().values(reader=reader, film_sha256=film, card=card, due=due)
        connection.execute(row)
    else:
        connection.execute(due_films.update().where(mine).values(card=card, due=due))


def _readings(connection: Connection, session: int) -> Sequence[tuple[str, Any]]:
    query = sa.select(readings.c.film, readings.c.answers).where(readings.c.session == session)
    return [(one.film, one.answers) for one in connection.execute(query.order_by(readings.c.id))]


def _reader(connection: Connection, code: str) -> int | None:
    query = sa.select(readers.c.id).where(readers.c.code_sha256 == _sha256(code))
    found: int | None = connection.scalar(query)
    return found


def _inserted(connection: Connection, statement: Any) -> int:
    key: Any = connection.execute(statement).inserted_primary_key
    return int(key[0])


def _sha256(code: str) -> str:
    return hashlib.sha256(code.strip().lower().encode()).hexdigest()
