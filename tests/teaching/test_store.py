"""Store of readers' progress: on SQLite, and on a real server of PostgreSQL."""

import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import postgres
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from xray_models.teaching import session as sessions
from xray_models.teaching.keeping import store as stores
from xray_models.teaching.keeping.schedule import rating_of, reviewed
from xray_models.teaching.keeping.tables import METADATA
from xray_models.teaching.model_answers import ModelAnswer
from xray_models.teaching.places import Place
from xray_models.teaching.records import Record, records_of
from xray_models.teaching.session import Answer, Session
from xray_models.teaching.starter_sets import STARTER_SETS

SET = STARTER_SETS["drawn-spots"]()


@pytest.fixture(scope="module")
def server():
    if postgres.binaries() is None:
        pytest.skip("needs PostgreSQL: install Debian's package postgresql")
    with postgres.serving() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path):
    """Address of an empty store."""
    if request.param == "sqlite":
        return str(tmp_path / "new folder" / "progress.db")
    found = request.getfixturevalue("server")
    engine = sa.create_engine(found)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    return found


@pytest.fixture
def store(address):
    opened = stores.open_store(address)
    yield opened
    opened.close()


def read(session, confidence=5):
    """Session with this film answered; its truth is due."""
    model = {"spot": ModelAnswer("chest-nodule", "nodule", 0.9, 0.2)}
    film = session.film.id
    place = Place(0.5, 0.25, 0.1, 0.1)
    session = session.answered(Answer(film, "spot", "unaided", confidence, place, "a note", 2.5))
    return session.with_models(model, model)


def read_all(store, code, plan):
    """Read and keep all films of a plan, as the page does."""
    number = store.begin(code, plan)
    session = Session(SET, plan)
    while session.step != sessions.DONE:
        session = read(session)
        store.keep(number, session)
        session = session.went_on()
    return session


def test_a_session_is_found_again_as_it_stood(store, address):
    code, plan = stores.new_code(), sessions.planned(SET, count=3)
    number, session = store.begin(code, plan), Session(SET, plan)
    for _ in range(2):
        session = read(session)
        store.keep(number, session)
        store.keep(number, session)  # a page that runs twice
        session = session.went_on()
    other = stores.open_store(address)
    assert other.unfinished(code, SET) == (number, session)
    assert other.unfinished(stores.new_code(), SET) is None
    changed = replace(SET, films=SET.films[:1])
    assert other.unfinished(code, changed) is None, "the set has lost films"
    session = read(session)
    other.keep(number, session)
    assert other.unfinished(code, SET) is None, "it is ended"
    ((_, whole),) = other.sessions_on(SET)
    assert records_of(whole) == records_of(session.went_on())
    other.close()


def test_a_reader_takes_everything_along_and_deletes_it(store):
    mine, other = stores.new_code(), stores.new_code()
    plan = sessions.planned(SET, count=2)
    read_all(store, mine, plan)
    read_all(store, other, plan)
    exported = store.export(mine)
    (kept,) = exported["sessions"]
    assert [one["film"] for one in kept["films"]] == list(plan.films)
    assert kept["films"][0]["answers"]["reader"][0]["note"] == "a note"
    assert len(exported["due"]) == 2
    assert mine not in str(exported)
    assert store.forget(mine) and not store.forget(mine)
    assert store.export(mine) == {"sessions": [], "due": []}
    assert len(store.export(other)["sessions"]) == 1
    with store.engine.begin() as connection:
        for table, left in (("readers", 1), ("sessions", 1), ("readings", 2), ("due_films", 2)):
            assert connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) == left


def test_the_store_holds_no_code_and_no_film(store):
    code = stores.new_code()
    read_all(store, code, sessions.planned(SET, count=1))
    with store.engine.begin() as connection:
        cells = [
            str(cell)
            for table in METADATA.sorted_tables
            for row in connection.execute(sa.select(table))
            for cell in row
        ]
    assert not any(code in cell for cell in cells)
    assert max(map(len, cells)) < 2000
    assert SET.film(sessions.planned(SET, count=1).films[0]).hash in cells


def test_ten_readers_at_once_lose_nothing(address):
    plan = sessions.planned(SET, count=8)
    codes = [stores.new_code() for _ in range(10)]

    def one(code):
        own = stores.open_store(address)  # as ten servers would, each making the tables
        read_all(own, code, plan)
        own.close()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(one, codes))
    store = stores.open_store(address)
    found = store.sessions_on(SET)
    assert len({reader for reader, _ in found}) == 10
    assert all(len(records_of(session)) == 8 for _, session in found)
    store.close()


def test_a_killed_server_loses_at_most_the_film_being_read(tmp_path):
    file = tmp_path / "progress.db"
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(
                f"""
                import sys, time
                sys.path[:0] = [{str(Path(__file__).parent)!r}, "tests/support"]
                from test_store import SET, Session, read, sessions, stores
                store = stores.open_store({str(file)!r})
                plan = sessions.planned(SET, count=5)
                number, session = store.begin("a-code", plan), Session(SET, plan)
                for _ in range(3):
                    session = read(session)
                    store.keep(number, session)
                    session = session.went_on()
                session = read(session)
                print("reading", flush=True)
                time.sleep(60)
                """
            ),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "reading\n"
    child.send_signal(signal.SIGKILL)
    child.wait(30)
    child.stdout.close()
    store = stores.open_store(str(file))
    _, session = store.unfinished("a-code", SET)
    assert session.told == 3 and len(session.answers) == 3
    store.close()


def test_the_migrations_make_the_tables_that_the_store_uses(store):
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_films_answered_wrong_come_back_sooner(store):
    code, plan = stores.new_code(), sessions.planned(SET, count=4)
    number, session = store.begin(code, plan), Session(SET, plan)
    wrong = set()
    while session.step != sessions.DONE:
        film = session.film
        session = read(session, 5)
        if not film.truth["spot"]:
            wrong.add(film.hash)
        store.keep(number, session)
        session = session.went_on()
    assert 0 < len(wrong) < 4
    order = store.due(code, now=4e9)
    assert set(order[: len(wrong)]) == wrong
    assert store.due(code, now=0) == []


def test_a_film_is_rated_by_its_worst_answer():
    right, unsure, wrong = (Record("f", "", "q", True, one) for one in (5, 3, 2))
    named = [rating_of(one).name for one in ([right], [right, unsure], [right, wrong])]
    assert named == ["Good", "Hard", "Again"]
    card, first = reviewed(None, rating_of([right]), 1e9)
    for _ in range(3):
        card, due = reviewed(card, rating_of([right]), 1e9 + 4e5)
    assert due - 1e9 - 4e5 > first - 1e9, "what is known comes back later"


def test_a_store_that_cannot_be_used_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    for wrong in (str(tmp_path / "file" / "x.db"), "nonsense://x", "postgresql://127.0.0.1:1/x"):
        with pytest.raises(stores.StoreError, match="RADLENS_TEACHING"):
            stores.open_store(wrong)
    (tmp_path / "notes.db").write_text("no database " * 100)
    with pytest.raises(stores.StoreError, match="does not open"):
        stores.open_store(str(tmp_path / "notes.db"))
    for value, expected in (("", None), ("off", None), ("a.db", "a.db")):
        monkeypatch.setenv(stores.VARIABLE, value)
        assert stores.address() == expected
