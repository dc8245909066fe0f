"""Scoring many films: sources, the streaming pipeline, its file of results, truth and report."""

import csv
import io
import json
import os
import re
import signal
import stat
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from drawing import picture
from PIL import Image
from typer.testing import CliRunner

import classify
from xray_models import catalogue, pipeline
from xray_models.batch import results, score, sources, tally, truth
from xray_models.batch.results import COLUMNS, ResultsError, Row
from xray_models.batch.resumable_csv import GrowingFile
from xray_models.batch.score import Scored
from xray_models.batch.sources import Archive, FileList, Folder, Limits, SourceError, Uploads
from xray_models.commands.score import score as score_command
from xray_models.evaluate.performance import performance
from xray_models.evaluate.predictions import csv_import
from xray_models.evaluate.predictions.csv_import import PredictionsError
from xray_models.evaluate.predictions.truth_columns import TruthColumns
from xray_models.number_text import percent, with_interval
from xray_models.radiograph import MOST_BYTES, UnreadableRadiograph
from xray_models.report import batch_html

ROOT = Path(__file__).parents[2]
BOTH = ["bone-general", "chest-pneumonia"]


def png(seed: int = 0, size: tuple[int, int] = (60, 40)) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, size, np.uint8)
    return picture(Image.fromarray(pixels), "PNG")


def packed(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def opened(content: bytes, limits: Limits | None = None) -> Archive:
    return Archive(io.BytesIO(content), "films.zip", limits)


def wrong(content: bytes, limits: Limits | None = None) -> str:
    """What is wrong with the only file of an archive."""
    with opened(content, limits) as archive:
        (only,) = archive
        with pytest.raises(UnreadableRadiograph) as refusal:
            only.load()
    return str(refusal.value)


# --- sources -----------------------------------------------------------------------------------


def test_a_folder_gives_its_films_in_order_and_leaves_out_what_is_none(tmp_path):
    for name in ("b.png", "a/z.dcm", "a/y", "labels.csv", ".hidden.png", ".git/x.png", "Thumbs.db"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path)
    folder = sources.find(tmp_path)
    assert isinstance(folder, Folder)
    assert [one.file for one in folder] == ["a/y", "a/z.dcm", "b.png"] == [o.file for o in folder]
    assert folder.count() == 3
    assert next(iter(folder)).load() == tmp_path / "a" / "y"


def test_a_film_is_none_the_less_one_for_being_called_a_text(tmp_path):
    films = {"1.txt": bytes(128) + b"DICM", ".2": b"\x89PNG\r\n\x1a\n", "4.db": b"BM" + bytes(8)}
    texts = {"5.txt": b"no film", "6.csv": b"BMI,age\n22,40\n", ".7": b"", "thumbs.db": b"\xd0\xcf"}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for name, content in {**films, **texts}.items():
            (tmp_path / name).write_bytes(content)
            packed.writestr(name, content)
    with Uploads(list({**films, **texts}.items())) as loose:
        assert {one.file for one in loose} == set(films)
    with Uploads([("all.zip", archive.getvalue())]) as zipped:
        assert {one.file for one in zipped} == set(films)
    assert {one.file for one in Folder(tmp_path)} == set(films)


def test_folders_that_are_nested_too_deep_are_told_and_left(tmp_path):
    deep = tmp_path.joinpath(*["d"] * 34)
    deep.mkdir(parents=True)
    (deep / "film.png").write_bytes(b"x")
    (only,) = Folder(tmp_path)
    with pytest.raises(UnreadableRadiograph, match="more than 32 deep"):
        only.load()


def test_a_list_names_files_from_its_own_folder(tmp_path):
    listed = tmp_path / "films.txt"
    listed.write_text("\ufeff# mine\n\na b.png\nsub/c.dcm\n", encoding="utf-8")
    found = sources.find(listed)
    assert isinstance(found, FileList)
    assert [one.file for one in found] == ["a b.png", "sub/c.dcm"]
    assert [one.load() for one in found] == [tmp_path / "a b.png", tmp_path / "sub/c.dcm"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"# nothing\n\n", "names no file"),
        (b"\x89PNG\r\n\xff\xfe\xff", "no text that lists files"),
        (b"PK\x03\x04 and then nothing", "damaged or cut short"),
    ],
)
def test_what_cannot_be_a_source_is_refused_in_a_sentence(tmp_path, content, sentence):
    (tmp_path / "it").write_bytes(content)
    with pytest.raises(SourceError, match=sentence):
        sources.find(tmp_path / "it")
    with pytest.raises(SourceError, match="no such folder"):
        sources.find(tmp_path / "nowhere")


def test_an_archive_is_read_without_unpacking_it(tmp_path):
    path = tmp_path / "films.zip"
    path.write_bytes(
        packed(("b.png", b"two"), ("sub/a.png", b"one"), ("labels.csv", b"x"), ("__MACOSX/b", b"x"))
    )
    before = sorted(tmp_path.rglob("*"))
    with sources.find(path) as archive:
        assert isinstance(archive, Archive) and archive.count() == 2
        assert {one.file: one.load() for one in archive} == {"b.png": b"two", "sub/a.png": b"one"}
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a/../../b.png", "..\\..\\b.png", "C:\\b.png"]
)
def test_names_that_lead_out_of_an_archive_are_not_read(name):
    assert "leads out of the archive" in wrong(packed((name, b"x")))


def test_a_bomb_is_not_unpacked():
    assert "made to fill the memory" in wrong(packed(("bomb.png", bytes(20 * 2**20))))
    huge = packed(("huge.png", bytes(MOST_BYTES + 1)))
    assert "Unpacked, the file has 25.0 MB" in wrong(huge)


def test_an_entry_that_lies_about_its_size_is_not_unpacked_further():
    content = bytearray(packed(("liar.png", bytes(30 * 2**20))))
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", content, content.find(signature) + at, 1000)
    assert "damaged in the archive" in wrong(bytes(content))


def test_an_archive_in_an_archive_is_not_opened():
    inner = packed(("film.png", b"x"))
    assert "archive inside the archive" in wrong(packed(("inner.zip", inner)))
    with opened(packed(("disguised.png", inner))) as archive:
        (scored,) = score.score(archive, score.plan())
    assert "This is a ZIP archive" in scored.error


def test_encrypted_entries_links_and_unknown_methods_are_told():
    locked = bytearray(packed(("film.png", b"film" * 9)))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.find(signature) + at] |= 1
    assert "encrypted" in wrong(bytes(locked))
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "a link, not a file" in wrong(packed((link, b"/etc/passwd")))
    strange = bytearray(packed(("film.png", b"film" * 9)))
    for signature, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", strange, strange.find(signature) + at, 97)
    assert "cannot unpack" in wrong(bytes(strange))


def test_damaged_entries_are_told():
    content = bytearray(packed(("film.png", png())))
    content[60] ^= 255
    assert "damaged in the archive" in wrong(bytes(content))


def test_archives_beyond_the_limits_are_refused_whole():
    many = packed(*((f"{k}.png", b"x") for k in range(20)))
    with pytest.raises(SourceError, match="more than 10 files"):
        opened(many, Limits(files=10))
    with pytest.raises(SourceError, match=r"would have 0\.0 GB"):
        opened(many, Limits(unpacked=10))
    # a table of contents that is announced as endless is not even taken into memory
    announced = bytearray(many)
    struct.pack_into("<L", announced, announced.rfind(b"PK\x05\x06") + 12, 2**31)
    with pytest.raises(SourceError, match="more than 100,000 files"):
        opened(bytes(announced))


def test_two_files_of_one_name_are_told_apart():
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = packed(("a.png", b"one"), ("a.png", b"two"))
    with opened(twice) as archive:
        assert {one.file: one.load() for one in archive} == {"a.png": b"one", "a.png (2)": b"two"}
    films = Uploads([("a.png", b"one"), ("a.png", b"two")])
    assert [one.file for one in films] == ["a.png", "a.png (2)"]


def test_uploads_may_hold_archives():
    inside = packed(("x.png", b"one"))
    with Uploads([("a.png", b"film"), ("more.zip", inside), ("truth.csv", b"x")]) as films:
        assert {one.file: one.load() for one in films} == {
            "a.png": b"film",
            "more.zip/x.png": b"one",
        }
    with Uploads([("more.zip", inside)]) as films:
        assert [one.file for one in films] == ["x.png"]


def test_names_cannot_become_formulas_or_control_a_terminal():
    assert sources.display_name("=cmd|x") == "./=cmd|x"
    assert sources.display_name("-1.png") == "./-1.png"
    assert sources.display_name("a\x1b[2J\nb.png") == "a?[2J?b.png"


# --- the pipeline ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def films(tmp_path_factory, chest, lower_leg):
    """A folder of real and drawn films, one of them broken."""
    folder = tmp_path_factory.mktemp("films")
    (folder / "bones").mkdir()
    (folder / "chest.dcm").write_bytes(chest.read_bytes())
    (folder / "bones" / "leg.dcm").write_bytes(lower_leg.read_bytes())
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    (folder / "noise.png").write_bytes(png())
    return folder


def alike(scored: Scored, reading: classify.Reading) -> None:
    assert (scored.part, scored.also) == (reading.part, reading.also)
    assert scored.part_probability == pytest.approx(reading.part_probability, abs=1e-4)
    mine, theirs = scored.findings, reading.findings
    assert [(o.model, o.label, o.threshold) for o in mine] == [
        (o.model, o.label, o.threshold) for o in theirs
    ]
    assert [o.probability for o in mine] == pytest.approx([o.probability for o in theirs], abs=1e-4)
    assert scored.warnings == reading.warnings
    assert scored.set_aside == tuple(reading.set_aside)


@pytest.mark.network
def test_batches_give_the_findings_of_single_readings(films):
    found = list(score.score(Folder(films), score.plan()))
    assert [one.file for one in found] == ["bones/leg.dcm", "broken.png", "chest.dcm", "noise.png"]
    for one in found:
        if one.file == "broken.png":
            assert "damaged" in one.error and one.part is None and not one.findings
        else:
            alike(one, classify.read(films / one.file))
    assert found[2].findings


@pytest.mark.network
def test_named_models_and_a_named_part_are_asked_as_in_single_readings(films):
    for plan, options in (
        (score.plan(BOTH), {"models": BOTH}),
        (score.plan(part="wrist"), {"part": "wrist"}),
        (score.plan(age="child", part="chest"), {"age": "child", "part": "chest"}),
    ):
        # windows of one film and of all films alike
        for window in (1, 32):
            for one in score.score(Folder(films), plan, window=window):
                if not one.error:
                    alike(one, classify.read(films / one.file, **options))
                    assert one.findings


@pytest.mark.network
def test_doubts_of_a_reading_are_in_the_rows_of_the_batch(films):
    asked = {"models": ["bone-general"], "part": "chest"}
    read = classify.read(films / "chest.dcm", **asked)
    assert any("was not made for the chest" in one for one in read.warnings)
    plan = score.plan(asked["models"], asked["part"])
    (chest,) = [one for one in score.score(Folder(films), plan) if one.file == "chest.dcm"]
    written = list(csv.DictReader(io.StringIO(results.as_csv(results.rows(chest)))))
    assert [line["warnings"] for line in written] == [" ".join(read.warnings)] * len(written)


def test_findings_at_odds_are_told_by_the_implementation_that_read_and_batch_share():
    card = catalogue.get("chest-pneumonia")
    whole, kinds = next(iter(card.combined.items()))
    values = {name: card.thresholds[name] - 0.01 for name in card.thresholds}
    probability = values | {kinds[0]: card.thresholds[kinds[0]]}
    found, doubts = pipeline.findings_of(card, ("wrist",), probability, by_name=True)
    assert [one.label for one in found if one.positive] == [kinds[0]]
    first, second = doubts
    assert "was not made for the wrist" in first and f"go by {whole}" in second
    assert pipeline.findings_of(card, ("chest",), values)[1] == []


def test_unknown_models_and_parts_are_refused_before_any_work():
    with pytest.raises(classify.CannotClassify, match="bone-general"):
        score.plan(["body-part"])
    with pytest.raises(classify.CannotClassify, match="chest, elbow"):
        score.plan(part="knee")
    with pytest.raises(classify.CannotClassify, match="child, adult"):
        score.plan(age="baby")


@pytest.mark.network
def test_thumbnails_are_small_pictures(films):
    found = {o.file: o for o in score.score(Folder(films), score.plan(), thumbnail=64)}
    with Image.open(io.BytesIO(found["chest.dcm"].thumbnail)) as small:
        assert max(small.size) == 64 and small.format == "JPEG"
    assert found["broken.png"].thumbnail is None


def test_files_are_taken_no_faster_than_they_are_answered():
    """Memory is bounded by structure: a window in work, and a window decoded ahead."""
    taken, content = [], png()

    def endless():
        while True:
            taken.append(len(taken))
            yield sources.Source(f"{len(taken)}.png", lambda: content)

    running = score.score(endless(), score.plan(), window=4, threads=2)
    for given, one in enumerate(running, 1):
        assert one.file == f"{given}.png"
        assert len(taken) - given < 2 * 4
        if given == 18:
            break
    running.close()
    stopped = len(taken)
    time.sleep(0.2)
    assert len(taken) == stopped


def test_a_film_that_exhausts_the_memory_fails_alone():
    def load():
        raise MemoryError

    given = [sources.Source("big.dcm", load), sources.Source("small.png", png)]
    big, small = score.score(given, score.plan())
    assert "not enough memory" in big.error and not small.error


# --- the file of results -----------------------------------------------------------------------

FINDING = classify.Finding("bone-general", "fracture", 0.4, 0.25)
DONE = Scored("./=a,b.png", "hand", 0.9, (FINDING,))
FAILED = Scored("c.png", error="This, is broken.")
UNSURE = Scored("d.png", None, 0.3)


def test_rows_say_what_was_found_what_failed_and_what_nobody_read():
    assert results.rows(DONE) == [
        Row(DONE.file, "hand", 0.9, "bone-general", "fracture", 0.4, 0.25, "positive", key=DONE.key)
    ]
    assert results.rows(FAILED) == [Row("c.png", error="This, is broken.", key="c.png")]
    assert results.rows(UNSURE) == [Row("d.png", "", 0.3, key="d.png")]


def test_a_probability_at_the_threshold_is_positive():
    at = classify.Finding("m", "x", 0.25, 0.25)
    (row,) = results.rows(Scored("a", "hand", 1.0, (at,)))
    assert row.decision == "positive"


def test_csv_json_and_parquet_hold_the_same(tmp_path):
    rows = [row for one in (DONE, FAILED, UNSURE) for row in results.rows(one)]
    (tmp_path / "r.csv").write_text(results.as_csv(rows), encoding="utf-8")
    assert list(results.read_csv(tmp_path / "r.csv")) == rows
    frame = pd.read_parquet(io.BytesIO(results.as_parquet(rows)))
    assert tuple(frame.columns) == COLUMNS and frame["probability"].dtype == np.float64
    pd.testing.assert_frame_equal(frame, results.as_frame(rows), check_dtype=False)
    objects = json.loads(results.as_json(rows))
    assert objects[0]["probability"] == 0.4 and objects[0]["error"] is None
    broken = {"file": "c.png", "error": "This, is broken.", "key": "c.png"}
    assert objects[1] == dict.fromkeys(COLUMNS) | broken


def test_an_interrupted_file_is_gone_on_with_and_a_cut_line_is_dropped(tmp_path):
    path, settings = tmp_path / "out.csv", {"models": ["a"], "cards": {"a": "1"}}
    GrowingFile(path, settings).write([DONE])
    with path.open("a") as file:
        file.write("c.png,,,,,,,,This, is")  # as a machine that lost power would leave it
    again = GrowingFile(path, settings)
    assert again.done == {DONE.file}
    again.write([FAILED, UNSURE])
    assert [row.file for row in results.read_csv(path)] == [DONE.file, "c.png", "d.png"]
    assert GrowingFile(path, settings).done == {DONE.file, "c.png", "d.png"}


def test_other_settings_are_told_apart(tmp_path):
    path = tmp_path / "out.csv"
    GrowingFile(path, {"models": [], "cards": {"a": "1"}}).write([DONE])
    for settings, sentence in (
        ({"models": ["x"], "cards": {"a": "1"}}, "models was not given and now is x"),
        ({"models": [], "cards": {"a": "2"}}, "cards a changed since"),
    ):
        with pytest.raises(ResultsError, match=sentence):
            GrowingFile(path, settings)


def test_files_that_are_not_ours_or_were_changed_are_left_alone(tmp_path):
    foreign = tmp_path / "mine.csv"
    foreign.write_text("name,age\nx,3\n")
    with pytest.raises(ResultsError, match="without the journal"):
        GrowingFile(foreign, {})
    path = tmp_path / "out.csv"
    file = GrowingFile(path, {})
    file.write([DONE])
    path.write_text("file\n")
    with pytest.raises(ResultsError, match="was changed"):
        GrowingFile(path, {})
    file.journal.write_text("{")
    with pytest.raises(ResultsError, match="is damaged"):
        GrowingFile(path, {})
    with pytest.raises(ResultsError, match="no file of results"):
        list(results.read_csv(foreign))
    assert foreign.read_text() == "name,age\nx,3\n"


# --- the command -------------------------------------------------------------------------------

app = typer.Typer()
app.command()(score_command)


def run(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.mark.network
def test_the_command_scores_a_folder_once_and_ends_with_1_if_a_file_failed(films, tmp_path):
    out = tmp_path / "predictions.csv"
    done = run(films, "--out", out, "--report", tmp_path / "report.html")
    assert done.exit_code == 1, done.output
    assert "4 files, 1 of them could not be read" in done.output
    text = out.read_text()
    assert text.splitlines()[0] == ",".join(COLUMNS)
    lines = list(csv.DictReader(io.StringIO(text)))
    assert {line["file"] for line in lines} == {
        "bones/leg.dcm",
        "broken.png",
        "chest.dcm",
        "noise.png",
    }
    for line in lines:
        if line["probability"]:
            above = float(line["probability"]) >= float(line["threshold"])
            aside = line["model"] == "chest-pneumonia"  # the file tells no age
            kind = "positive" if above else "negative"
            assert line["decision"] == ("set aside" if aside else kind)
    assert "set aside: made for patients of another age" in done.output
    again = run(films, "--out", out)
    assert again.exit_code == 1 and "4 files are done already, 0 are left" in again.output
    assert out.read_text() == text
    assert "broken.png" in (tmp_path / "report.html").read_text()


@pytest.mark.network
def test_a_killed_run_goes_on_where_it_was(tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    for k in range(80):
        (folder / f"{k:03}.png").write_bytes(png(k, (300, 300)))
    out = tmp_path / "out.csv"
    starter = "import typer; from xray_models.commands.score import score; typer.run(score)"
    running = subprocess.Popen(
        [sys.executable, "-c", starter, folder, "--out", out, "--model", "bone-general"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while running.poll() is None and not (out.exists() and out.read_bytes().count(b"\n") > 1):
            time.sleep(0.02)
        os.kill(running.pid, signal.SIGKILL)
    finally:
        running.wait()
    before = [row.file for row in results.read_csv(out)]
    assert before == [f"{k:03}.png" for k in range(len(before))] and len(before) >= 1
    done = run(folder, "--out", out, "--model", "bone-general")
    assert done.exit_code == 0, done.output
    rows = list(results.read_csv(out))
    assert [row.file for row in rows] == [f"{k:03}.png" for k in range(80)]
    assert rows[79].probability == pytest.approx(
        classify.read(folder / "079.png", models=["bone-general"]).findings[0].probability, abs=1e-4
    )


@pytest.mark.network
def test_settings_that_changed_are_refused(films, tmp_path):
    out = tmp_path / "out.csv"
    assert run(films, "--out", out).exit_code == 1
    other = run(films, "--out", out, "--model", "bone-general")
    assert other.exit_code == 2 and "models was not given and now is bone-general" in other.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere", "--out", "x.csv"), "no such folder"),
        (("tests", "--out", "x.parquet"), "must end in .csv"),
        (("tests", "--out", "x.csv", "--model", "resnet"), "No model 'resnet' reads films"),
        (("tests", "--out", "x.csv", "--part", "knee"), "There is no part 'knee'"),
        (("tests", "--out", "x.csv", "--truth", "nowhere.csv"), "nowhere.csv: cannot be read"),
        (("tests", "--out", "x.csv", "--report", "no/where.html"), "no such folder"),
        (("tests", "--out", "no/where/x.csv"), "Check path and free space"),
    ],
)
def test_wrong_requests_are_answered_in_a_sentence(arguments, sentence, monkeypatch):
    monkeypatch.chdir(ROOT)
    done = run(*arguments)
    assert done.exit_code == 2 and sentence in done.output.replace("\n", " ")
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert not (ROOT / "x.csv").exists()


@pytest.mark.network
def test_the_truth_is_compared_and_reported(tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    lines = ["image,patient,fractured,site"]
    for k in range(6):
        (folder / f"{k}.png").write_bytes(png(k))
        lines.append(f"{k}.png,p{k // 2},{k % 2},{'ab'[k % 2]}")
    table, page = tmp_path / "truth.csv", tmp_path / "report.html"
    table.write_text("\n".join(lines))
    out = tmp_path / "out.csv"
    done = run(folder, "--out", out, "--model", "bone-general", "--truth", table, "--report", page)
    assert done.exit_code == 0, done.output
    assert "Truth of fracture: fractured." in done.output
    scores = [row.probability for row in results.read_csv(out)]
    pairs = [(scores[i], scores[j]) for i in (1, 3, 5) for j in (0, 2, 4)]
    auc = np.mean([(a > b) + (a == b) / 2 for a, b in pairs])
    assert f"{auc:.3f}" in done.output
    assert f"{auc:.3f}" in page.read_text() and "Truth of fracture: fractured." in page.read_text()


# --- truth -------------------------------------------------------------------------------------


def table(text: str) -> pd.DataFrame:
    return csv_import.read(text.encode(), "truth.csv")


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (("a/x.png", "a/y.png"), ("a/x.png", "a/y.png")),
        (("x.png", "y.png"), ("a/x.png", "b/y.png")),
        (("x", "y"), ("a/x.dcm", "b/y.dcm")),
        (("C:\\films\\x.png", "C:\\films\\y.png"), ("x.png", "y.png")),
    ],
)
def test_films_are_matched_by_path_name_or_stem(names, files):
    cells = table("nr,film,label\n" + "".join(f"{k},{name},1\n" for k, name in enumerate(names)))
    matched = truth.match(cells, files)
    assert matched.column == "film" and matched.row_of == dict(zip(files, (0, 1), strict=True))
    assert not matched.notes


def test_ambiguous_and_missing_films_are_left_out_and_said():
    cells = table("film,label\nx.png,1\nz.png,0\n")
    matched = truth.match(cells, ["a/x.png", "b/x.png", "z.png"])
    assert matched.row_of == {"z.png": 1}
    assert "truth of 2 of 3 films is not in the table" in matched.notes[0]
    assert "1 of 2 rows of the truth belong to no film" in matched.notes[1]
    with pytest.raises(PredictionsError, match="No column of the truth names any"):
        truth.match(cells, ["q.png"])
    with pytest.raises(PredictionsError, match="'label' names none"):
        truth.match(cells, ["z.png"], "label")


@pytest.mark.parametrize(
    ("header", "cells", "label", "members", "expected"),
    [
        ("true_Edema", "10", "edema", (), "true_Edema"),
        ("Pleural_Thickening", "01", "Pleural Thickening", (), "Pleural_Thickening"),
        ("fractured", "10", "fracture", (), "fractured"),
        ("label", "10", "fracture", (), "label"),
        ("label", ("fracture", "none"), "fracture", (), "label is fracture"),
        ("labels", ("Edema|Mass", "No Finding"), "Mass", (), "labels is Mass"),
        (
            "label",
            ("viral pneumonia", "bacterial pneumonia", "normal"),
            "pneumonia",
            ("bacterial pneumonia", "viral pneumonia"),
            "label is bacterial pneumonia or viral pneumonia",
        ),
        ("age", ("30", "40"), "fracture", (), None),
        ("pneumothorax", "10", "pneumonia", (), None),
    ],
)
def test_columns_of_truth_are_guessed(header, cells, label, members, expected):
    found = TruthColumns(table(f"{header}\n" + "\n".join(cells))).guess(label, members)
    assert (str(found) if found else None) == expected


def test_a_path_that_the_system_refuses_is_told_in_a_sentence():
    with pytest.raises(SourceError, match="cannot be read"):
        sources.find(Path("a" * 300))


def test_truth_that_nobody_knows_is_no_negative():
    cells = table("film,labels\na,Edema|Mass\nb,unknown\nc,\nd,none\n")
    (choice,) = truth.proposal(["Mass"], TruthColumns(cells.drop(columns="film"))).values()
    assert truth._truth(cells, choice).tolist() == ["1", "", "", "0"]


def test_a_column_without_a_name_is_not_taken_for_several_labels():
    cells = table("film,truth\na,1\nb,0\n")
    assert not truth.proposal(["fracture", "pneumonia"], TruthColumns(cells.drop(columns="film")))
    assert (
        str(truth.proposal(["fracture"], TruthColumns(cells.drop(columns="film")))["fracture"])
        == "truth"
    )


def test_judging_puts_truth_beside_probability_and_leaves_out_the_unknown():
    cells = table("film,patient,label,view\na,1,fracture,AP\nb,1,none,PA\nc,2,,AP\nd,3,none,AP\n")
    rows = [
        Row(f"{o}.png", "hand", 0.9, "bone-general", "fracture", p, 0.17, "")
        for o, p in zip("abcd", (0.7, 0.2, 0.5, 0.1), strict=True)
    ]
    matched = truth.match(cells, [row.file for row in rows])
    (predictions,) = truth.predictions_of(
        rows, cells, matched, truth.proposal(["fracture"], TruthColumns(cells))
    )
    card = catalogue.get("bone-general")
    assert predictions.labels == ("fracture",) and predictions.model == "bone-general"
    assert predictions.truth[:, 0] == pytest.approx([1, 0, np.nan, 0], nan_ok=True)
    assert predictions.scores[:, 0].tolist() == [0.7, 0.2, 0.5, 0.1]
    assert predictions.images.tolist() == ["a.png", "b.png", "c.png", "d.png"]
    assert predictions.groups.tolist() == ["1", "1", "2", "3"]
    assert set(predictions.subgroups) == {"view"}
    assert predictions.thresholds == card.thresholds
    (found,) = performance(predictions)
    assert (found.films, found.positives, found.auc.value) == (3, 1, 1.0)
    counts = found.counts
    assert (counts.tp, counts.fp, counts.fn, counts.tn) == (1, 1, 0, 1)


def test_one_class_only_is_a_sentence_not_a_crash():
    cells = table("film,label\na,1\nb,1\n")
    rows = [Row(o, "hand", 0.9, "bone-general", "fracture", 0.7, 0.17, "positive") for o in "ab"]
    matched = truth.match(cells, ["a", "b"])
    predictions = truth.predictions_of(
        rows, cells, matched, truth.proposal(["fracture"], TruthColumns(cells))
    )
    (found,) = performance(predictions[0])
    assert "all 2 films have it" in found.note
    assert with_interval(found.auc) == "–" == percent(found.counts.specificity)
    assert "all 2 films have it" in batch_html.report(tally.tally(rows), predictions)


# --- the report --------------------------------------------------------------------------------


def test_rows_are_counted_without_keeping_them():
    many = (
        Row(f"{k}", "hand", 0.9, "m", "x", k / 1000, 0.5, "positive" if k >= 500 else "negative")
        for k in range(1000)
    )
    found = tally.tally(many)
    one = found.findings["m", "x"]
    assert (found.files, one.films, one.positive) == (1000, 1000, 500)
    assert one.histogram.tolist() == [25] * 40


def test_the_report_stands_alone_and_tells_no_lies():
    rows = [
        Row("<script>alert(1)</script>.png", error="Broken & bad."),
        Row("a.png", "hand", 0.9, "bone-general", "fracture", 0.7, 0.17, "positive"),
        Row("b.png", "hand", 0.9, "bone-general", "fracture", 0.1, 0.17, "negative"),
        Row("c.png", "", 0.2),
    ]
    cells = table("film,label\na.png,1\nb.png,0\n")
    matched = truth.match(cells, ["a.png", "b.png"])
    predictions = truth.predictions_of(
        rows, cells, matched, truth.proposal(["fracture"], TruthColumns(cells))
    )
    page = batch_html.report(tally.tally(rows), predictions, ["Films are named by film."])
    assert "<script" not in page and "&lt;script&gt;" in page and "Broken &amp; bad." in page
    assert not re.search(r'(?:src|href)="(?!#)', page) and "@import" not in page
    assert "url(http" not in page
    assert "For teaching and research, not for diagnosis." in page
    assert page.count("<svg ") == 2 == len(re.findall(r'<svg role="img" aria-label="[^"]+"', page))
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert "1 / 0 / 0 / 1" in page and "4 files; 3 were read" in page
    assert catalogue.get("bone-general").limits[0] in page
    assert page == batch_html.report(tally.tally(rows), predictions, ["Films are named by film."])
