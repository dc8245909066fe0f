"""Folders of DICOM become PNG without a patient, and buckets and lists become folders."""

import csv
import io
import re
import zipfile

import fsspec
import numpy as np
import pytest
from drawing import PATIENT, PATIENT_ID, dicom, ramp
from local_web import web
from PIL import Image
from typer.testing import CliRunner

from xray_models import radiograph
from xray_models.cli import app
from xray_models.datasets.collect import storage
from xray_models.datasets.collect.dicom_png import journal_of


def run(*arguments):
    return CliRunner().invoke(app, ["prepare", *(str(one) for one in arguments)])


@pytest.fixture
def folder(tmp_path):
    """Three films, one of them twice, a broken one, and a text."""
    root = tmp_path / "in"
    (root / PATIENT).mkdir(parents=True)
    first = dicom(ramp(20, 30, 4095).astype(np.uint16), BitsStored=12, HighBit=11)
    (root / PATIENT / "a.dcm").write_bytes(first)
    (root / "copy of a").write_bytes(first)
    (root / "b.dcm").write_bytes(dicom(PhotometricInterpretation="MONOCHROME1"))
    (root / "broken.dcm").write_bytes(dicom()[:300])
    (root / "notes.txt").write_text("no film")
    return root


@pytest.mark.parametrize("bits", [8, 16])
def test_png_has_the_grays_of_read_and_nothing_of_the_header(folder, tmp_path, bits):
    out = tmp_path / "out"
    done = run("dicom-to-png", folder, out, "--bits", bits, "--workers", 2)
    assert done.exit_code == 1, done.output
    assert "2 written, 0 were there, 1 the same as another, 1 no DICOM" in done.output
    assert "broken.dcm: " in done.stderr and "Traceback" not in done.output
    with journal_of(out).open(newline="") as file:
        assert file.readline().startswith(f"# {bits} bits")
        table = {row["file"]: row["png"] for row in csv.DictReader(file)}
    for file, png in table.items():
        with Image.open(out / png) as picture:
            assert not picture.text and picture.mode == ("L" if bits == 8 else "I;16")
            found = np.asarray(picture).astype(float) / (2**bits - 1)
        assert np.abs(found - radiograph.read(folder / file).pixels).max() <= 0.51 / (2**bits - 1)
    written = sorted(path.name for path in out.rglob("*"))
    assert len(written) == 2 and all(re.fullmatch(r"[0-9a-f]{24}\.png", one) for one in written)
    for path in out.rglob("*.png"):
        content = path.read_bytes()
        assert PATIENT.encode() not in content and PATIENT_ID.encode() not in content


def test_a_second_run_makes_only_what_is_missing(folder, tmp_path):
    out = tmp_path / "out"
    assert run("dicom-to-png", folder, out, "--workers", 1).exit_code == 1
    with journal_of(out).open(newline="") as file:
        file.readline()
        table = {row["file"]: row["png"] for row in csv.DictReader(file)}
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.png")}
    lost = out / table["b.dcm"]
    lost.unlink()
    again = run("dicom-to-png", folder, out, "--workers", 1)
    assert "2 were there" in again.output and lost.is_file()
    assert all(path.stat().st_mtime_ns == old for path, old in before.items() if path != lost)
    other = run("dicom-to-png", folder, out, "--bits", 16)
    assert other.exit_code == 2 and "an earlier run wrote" in other.output


def test_names_may_be_kept_and_wrong_requests_are_told(folder, tmp_path):
    (folder / "copy of a.dcm").write_bytes(dicom())
    done = run("dicom-to-png", folder, tmp_path / "out", "--keep-names", "--workers", 1)
    assert (tmp_path / "out" / PATIENT / "a.png").is_file() and done.exit_code == 1
    assert "it would be called as copy of a is" in done.stderr
    (tmp_path / "empty").mkdir()
    for arguments, message in (
        ((tmp_path / "gone", tmp_path / "x"), "no such folder"),
        ((tmp_path / "empty", tmp_path / "x"), "holds no DICOM file"),
        ((folder, tmp_path / "x", "--bits", 12), "8 or 16 bits"),
    ):
        done = run("dicom-to-png", *arguments)
        assert done.exit_code == 2 and message in done.output


def zipped(**entries):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/"), content)
    return file.getvalue()


@pytest.fixture
def bucket():
    """Object storage in memory, of fsspec."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    files = {
        "films/a.png": b"a" * 3000,
        "films/deep/b.png": b"b" * 10,
        "films/c.zip": zipped(x=b"1", sub__y=b"2"),
        "films/evil.zip": zipped(**{"..__..__out": b"x"}),
        "films/bomb.zip": zipped(zeros=bytes(300 * 2**20 // 8)),
    }
    for name, content in files.items():
        system.pipe(f"/{name}", content)
    yield "memory://films"
    system.store.clear()


def test_a_bucket_is_fetched_gone_on_with_and_unpacked_safely(bucket, tmp_path):
    done = run("download", tmp_path / "out", "--bucket", bucket, "--unzip", "--workers", 2)
    assert done.exit_code == 1, done.output
    assert "3 fetched" in done.output and "2 unpacked" in done.output
    assert "would lie outside the folder" in done.stderr
    assert "grows more than 200 times" in done.stderr
    assert (tmp_path / "out" / "deep" / "b.png").read_bytes() == b"b" * 10
    assert (tmp_path / "out" / "c" / "sub" / "y").read_bytes() == b"2"
    assert not (tmp_path / "out" / "bomb" / "zeros").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"out"}
    again = run("download", tmp_path / "out", "--bucket", bucket)
    assert again.exit_code == 0 and "0 fetched (0.0 MB), 5 were there" in again.output


def test_a_list_is_fetched_over_http_after_failures_and_from_where_it_stopped(tmp_path):
    film = np.random.default_rng(0).bytes(3 * 2**20)
    with web() as served:
        served.pages = {"/1.png": film, "/2.png": b"two", "/3.png": b"three"}
        served.failing["/2.png"] = 2
        served.failing["/3.png"] = 99
        listed = tmp_path / "list.txt"
        names = ("1.png", "2.png", "3.png", "gone.png")
        listed.write_text("# films\n\n" + "\n".join(f"{served.address}/{one}" for one in names))
        out = tmp_path / "out"
        out.mkdir()
        (out / "1.png.part").write_bytes(film[: 2**20])
        count = storage.download(storage.in_list(listed), out, 2, wait=0.01)
        assert (out / "1.png").read_bytes() == film and (out / "2.png").read_bytes() == b"two"
        assert count.fetched == 2 and count.bytes < len(film)
        assert not any(one.startswith("bytes=0-") for one in served.ranges if "1048575" in one)
        problems = {url.rsplit("/", 1)[1]: problem for url, problem in count.problems.items()}
        assert "failed 4 times" in problems["3.png"] and "no such file" in problems["gone.png"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("ftp://here/a.png", "line 1: 'ftp://here/a.png' is no address of a file"),
        ("https://h/a.png\nhttps://i/a.png", "line 2: a.png is also the name of line 1"),
        ("# nothing", "lists no address"),
    ],
)
def test_a_list_says_where_it_is_wrong(tmp_path, content, message):
    listed = tmp_path / "list.txt"
    listed.write_text(content)
    done = run("download", tmp_path / "out", "--list", listed)
    assert done.exit_code == 2 and message in done.output
    for arguments, told in (
        ((), "either --bucket or --list"),
        (("--bucket", "dropbox://x"), "is no address of object storage"),
        (("--bucket", "memory://nothing"), "nothing is there"),
    ):
        done = run("download", tmp_path / "out", *arguments)
        assert done.exit_code == 2 and told in done.output
