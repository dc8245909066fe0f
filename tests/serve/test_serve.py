"""REST: requests in process, from well-formed to hostile."""

import asyncio
import base64
import io
import json
import logging
import re
import shlex
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import SpooledTemporaryFile

import httpx2
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given
from hypothesis import settings as drawing
from PIL import Image
from starlette.requests import Request
from starlette.testclient import TestClient
from typer.testing import CliRunner

from xray_models import catalogue, pipeline, radiograph
from xray_models.cli import app as commands
from xray_models.client import Client, overlays
from xray_models.radiograph.pool import Pool
from xray_models.serve import Settings, SettingsError, from_environment
from xray_models.serve.answers import FilmAnswer
from xray_models.serve.application import application
from xray_models.serve.refusals import ClientLeft, Refused
from xray_models.serve.settings import hashed
from xray_models.serve.work_queue import WorkQueue

READ = "/api/v1/read"
FREE = Settings(rate=0)
JUNK = ("file", ("junk.png", b"no picture"))
JSON = {"content-type": "application/json"}
FORM = {"content-type": "multipart/form-data; boundary=x"}


@pytest.fixture(scope="module")
def decoders():
    with Pool(1) as pool:
        yield lambda: pool


@pytest.fixture(scope="module")
def ask(decoders):
    """A client of a service with settings; by default without a limit of the rate."""

    def client(**settings):
        return TestClient(application(replace(FREE, **settings), decoders))

    return client


@pytest.fixture(scope="module")
def client(ask):
    return ask()


@contextmanager
def lines_of_the_log():
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    logger = logging.getLogger("radlens.serve")
    logger.addHandler(handler)
    try:
        yield lambda: [json.loads(line) for line in said.getvalue().splitlines()]
    finally:
        logger.removeHandler(handler)


def test_each_film_has_its_own_answer_and_nothing_of_it_is_logged(client):
    sent = [JUNK, ("file", ("../of/John Doe.pdf", b"%PDF-1.4")), ("files", ("empty.dcm", b""))]
    with lines_of_the_log() as lines:
        for path in (READ, "/healthcare/mri/analysis"):
            answer = client.post(path, files=sent, data={"part": "chest"})
            films = answer.json()["films"]
            assert [film["file"] for film in films] == ["junk.png", "John Doe.pdf", "empty.dcm"]
            assert "no picture" not in films[0]["error"] and "PNG" in films[0]["error"]
            assert "PDF" in films[1]["error"]
            assert "empty" in films[2]["error"]
    (line, other) = lines()
    assert line["request"] != other["request"] == answer.headers["x-request-id"]
    assert (line["route"], line["films"], line["refused"], line["status"]) == (READ, 3, 3, 200)
    assert "Doe" not in json.dumps(lines()) and "testclient" not in json.dumps(lines())


def malformed(**fields):
    return {"files": [JUNK], "data": fields}


@pytest.mark.parametrize(
    ("request_", "status", "sentence"),
    [
        ({"content": b"{}", "headers": JSON}, 415, "no multipart/form-data"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "well-formed"),
        ({"content": b"junk", "headers": FORM}, 400, "well-formed"),
        ({"content": b"--x\r\nContent-Disp", "headers": FORM}, 422, "no file"),
        ({"data": {"part": "chest"}, "files": [("file", ("", b""))]}, 422, "no file"),
        ({"files": [JUNK] * 4}, 413, "more than 3 files"),
        (malformed(**{f"f{i}": "" for i in range(80)}), 413, "fields"),
        (malformed(part="x" * 5000), 413, "fields"),
        ({"files": [("file", ("large.png", bytes(2**20)))]}, 413, "more than 1 MB"),
        (malformed(leg="left"), 422, "no field 'leg'"),
        (malformed(part="leg"), 422, "it may be chest"),
        (malformed(part=["chest", "hand"]), 422, "2 times"),
        (malformed(age="old"), 422, "child, adult"),
        (malformed(invert="perhaps"), 422, "true or false"),
        (malformed(model="nobody"), 422, "No model 'nobody'"),
        (malformed(model="body-part"), 422, "No model 'body-part'"),
        (malformed(label="gout"), 422, "'gout'"),
        (malformed(method="magic"), 422, "magic"),
    ],
)
def test_a_request_that_cannot_be_is_refused_in_a_sentence(ask, request_, status, sentence):
    answer = ask(most_files=3, most_megabytes=1).post(READ, **request_)
    assert answer.status_code == status, answer.text
    assert sentence in answer.json()["error"] and "Traceback" not in answer.text
    assert answer.json()["request"] == answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_body_of_unknown_length_is_counted_as_it_comes(ask):
    def pieces():
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        yield from [bytes(2**16)] * 17

    answer = ask(most_megabytes=1).post(READ, content=pieces(), headers=FORM)
    assert answer.status_code == 413


def test_a_large_film_stays_in_memory_and_is_refused_by_itself(client, monkeypatch):
    def to_disk(_):
        raise AssertionError("an upload is written to disk")

    monkeypatch.setattr(SpooledTemporaryFile, "rollover", to_disk)
    answer = client.post(READ, files=[("file", ("a", bytes(26 * 2**20))), JUNK])
    assert answer.status_code == 200
    assert ["26.0 MB" in film["error"] for film in answer.json()["films"]] == [True, False]


def test_who_sends_slowly_is_told_so_and_who_comes_then_finds_no_place(decoders):
    app = application(replace(FREE, waiting=0, body_seconds=1), decoders)

    async def both():
        begun, answered = asyncio.Event(), asyncio.Event()

        async def slowly():
            yield b"--x"
            begun.set()
            await answered.wait()

        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://here"
        ) as client:
            first = asyncio.create_task(client.post(READ, content=slowly(), headers=FORM))
            await begun.wait()
            second = await client.post(READ, files=[JUNK])
            ready = await client.get("/ready")
            slow = await first
            answered.set()
            return slow, second, ready, await client.post(READ, files=[JUNK])

    slow, second, ready, third = asyncio.run(both())
    assert slow.status_code == 408 and "seconds to arrive" in slow.json()["error"]
    assert second.status_code == 429 and int(second.headers["retry-after"]) >= 1
    assert ready.status_code == 503 and third.status_code == 200


def test_work_ends_when_the_client_leaves_and_its_place_is_free():
    queue = WorkQueue(replace(FREE, waiting=0))
    rounds = []

    def work(stop):
        while not stop():
            rounds.append(len(rounds))
        return "stopped"

    async def leave():
        async def receive():
            while not rounds:
                await asyncio.sleep(0.01)
            return {"type": "http.disconnect"}

        async with queue.place():
            with pytest.raises(Refused):
                async with queue.place():
                    pass
            await queue.run(Request({"type": "http"}, receive), work)

    with pytest.raises(ClientLeft):
        asyncio.run(leave())
    count = len(rounds)
    assert count and not queue.full
    queue.close()
    assert len(rounds) == count, "nothing goes on"


def test_films_after_the_time_is_up_are_refused(ask):
    films = ask(seconds=0).post(READ, files=[JUNK, JUNK]).json()["films"]
    assert ["more than 0 seconds" in film["error"] for film in films] == [True, True]


def test_keys_are_asked_for_where_there_are_any(ask):
    made = CliRunner().invoke(commands, ["serve", "--new-key", "viewer"])
    key = re.search(r"once: (\S+)", made.stderr)[1]
    name, digest = made.stdout.strip().split(":")
    assert digest == hashed(key) and key not in made.stdout
    client = ask(keys={name: digest})
    basic = base64.b64encode(f"anybody:{key}".encode()).decode()
    for headers in (
        {"Authorization": f"Bearer {key}"},
        {"X-API-Key": key},
        {"Authorization": f"Basic {basic}"},
    ):
        assert client.get("/api/v1/models", headers=headers).status_code == 200
    for headers in ({}, {"X-API-Key": digest}, {"Authorization": "Basic !"}):
        for path in ("/api/v1/models", "/upload"):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 401 and "Basic" in answer.headers["www-authenticate"]
        assert client.post(READ, files=[JUNK], headers=headers).status_code == 401
    assert client.get("/health").status_code == client.get("/ready").status_code == 200


def test_each_client_has_so_many_requests_a_minute(ask):
    client = ask(rate=2, keys={"a": hashed("one"), "b": hashed("two")})
    ask_as = [client.get("/api/v1/models", headers={"X-API-Key": key}) for key in ("one",) * 3]
    assert [one.status_code for one in ask_as] == [200, 200, 429]
    assert int(ask_as[-1].headers["retry-after"]) > 1
    assert client.get("/api/v1/models", headers={"X-API-Key": "two"}).status_code == 200


def test_pages_of_other_sites_may_not_ask_unless_they_are_named(ask, client):
    viewer = "https://viewer.example.org"
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": viewer}):
        answer = client.post(READ, files=[JUNK], headers=headers)
        assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers
    same = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert client.post(READ, files=[JUNK], headers=same).status_code == 200
    named = ask(origins=(viewer,))
    headers = {"Origin": viewer, "Sec-Fetch-Site": "cross-site"}
    answer = named.post(READ, files=[JUNK], headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == viewer


def test_models_are_the_catalogue(client):
    cards = catalogue.catalogue()
    assert [one["id"] for one in client.get("/api/v1/models").json()] == list(cards)
    card = cards["chest-nodule"]
    found = client.get("/api/v1/models/chest-nodule").json()
    assert found["thresholds"] == card.thresholds and found["limits"] == list(card.limits)
    assert found["figures"].keys() == card.held_out.figures.keys()
    assert "chest-nodule" in client.get("/api/v1/models/none").json()["error"]


def test_metrics_are_off_unless_they_are_switched_on(ask, client):
    assert client.get("/metrics").status_code == 404
    counted = ask(metrics=True)
    counted.post(READ, files=[JUNK, JUNK])
    text = counted.get("/metrics").text
    assert 'radlens_films_total{outcome="refused"} 2.0' in text
    assert f'radlens_requests_total{{route="{READ}",status="200"}} 1.0' in text


def test_the_reference_needs_nothing_from_elsewhere(client):
    page = client.get("/api/v1/docs").text
    for path in client.get("/api/v1/openapi.json").json()["paths"]:
        assert path in page
    assert "<script" not in page and "http" not in page
    assert client.get("/api/v1/style.css").headers["content-type"].startswith("text/css")
    assert "script" not in client.get("/upload").headers["content-security-policy"]


def test_the_form_answers_with_a_page_that_shows_names_letter_by_letter(client):
    page = client.post("/upload", files=[("file", ("<b>x.png", b"no picture"))])
    assert "&lt;b&gt;x.png" in page.text and "<b>" not in page.text
    refused = client.post("/upload", files=[("file", ("", b""))])
    assert refused.status_code == 422 and 'role="alert"' in refused.text


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("RADLENS_API", "perhaps", "on or off"),
        ("RADLENS_API_FILES", "0", "from 1 to 1000"),
        ("RADLENS_API_RATE", "٣", "whole number"),
        ("RADLENS_API_ORIGINS", "*", "name origins"),
        ("RADLENS_API_KEYS", "no/such/file", "cannot be read"),
        ("RADLENS_API_KEYS", __file__, "line 1: this is no key"),
    ],
)
def test_a_setting_that_cannot_be_is_told_at_the_start(name, value, sentence):
    with pytest.raises(SettingsError, match=re.escape(sentence)) as told:
        from_environment({name: value})
    assert name in str(told.value) or value in str(told.value)
    assert CliRunner().invoke(commands, ["serve"], env={name: value}).exit_code == 2


def test_settings_are_read_from_the_environment(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"# of the ward\n\nviewer:{hashed('one')}\n")
    found = from_environment(
        {"RADLENS_API_KEYS": str(keys), "RADLENS_API_RATE": "0", "RADLENS_METRICS": "on"}
    )
    assert found == Settings(keys={"viewer": hashed("one")}, rate=0, metrics=True)
    assert from_environment({}) == Settings()


@pytest.mark.network
def test_a_film_is_read_as_classify_reads_it_and_drawn(client, chest):
    form = {"model": "chest-14", "boxes": "true", "overlay": "TRUE", "label": "Mass"}
    answer = client.post(READ, files=[("file", (chest.name, chest.read_bytes())), JUNK], data=form)
    film, junk = answer.json()["films"]
    (box, *_), (overlay,) = film.pop("boxes"), film["overlays"]
    height, width = radiograph.read(chest).file_shape
    assert box["x"] + box["width"] <= width and box["y"] + box["height"] <= height
    ((of, png),) = overlays(film).items()
    assert of == ("chest-14", "Mass") and overlay["method"]
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG" and max(picture.size) == 1600
        assert picture.convert("HSV").getextrema()[1][1] > 100, "there is color"
    del film["overlays"]
    same = {"file": chest.name} | pipeline.read(chest, models=["chest-14"]).as_dict()
    assert film.pop("seconds").keys() == same.pop("seconds").keys()
    assert film == same and "error" in junk
    FilmAnswer(**same, seconds={})


@pytest.mark.network
@pytest.mark.skipif(not shutil.which("curl"), reason="needs the program curl")
def test_each_example_of_the_docs_gets_an_answer(decoders, chest, tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "rest.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```bash\n(.*?)```", text, flags=re.S)
    examples = [shlex.split(line) for block in blocks for line in block.splitlines()]
    shutil.copy(chest, tmp_path / "chest.dcm")
    (tmp_path / "notes.txt").write_text("no film")
    server = uvicorn.Server(
        uvicorn.Config(application(FREE, decoders), port=0, log_level="warning")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        for program, *words in examples:
            assert program == "curl"
            words = [one.replace("localhost:8501", f"127.0.0.1:{port}") for one in words]
            done = subprocess.run(
                ["curl", "-sS", *words], cwd=tmp_path, capture_output=True, check=True
            )
            answer = json.loads(done.stdout)
            assert "error" not in answer, answer
            if "file=@notes.txt" in words:
                film, notes = answer["films"]
                assert film["part"] == "chest" and notes["error"]
            elif "overlay=true" in words:
                assert answer["films"][0]["overlays"][0]["png"]
        (film,) = Client(f"http://127.0.0.1:{port}").read(chest, models=["chest-14"])
        assert film["part"] == "chest"
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.slow
def test_every_answer_fits_the_schema(decoders):
    app = application(replace(FREE, metrics=True, log=False), decoders)
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    tried = set()
    for found in schema.get_all_operations():
        operation = found.ok()

        @drawing(
            max_examples=5,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def fits(case):
            case.call_and_validate(timeout=120)  # models may be loaded

        fits()
        tried.add(operation.path)
    assert {READ, "/healthcare/mri/analysis", "/api/v1/models/{id}", "/metrics"} <= tried
