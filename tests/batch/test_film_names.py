"""Films whose names print alike: none is lost, and each is shown as well as it can be."""

import io
import os
import signal
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pandas as pd
import pytest

from xray_models.batch import results, sources
from xray_models.batch.film_names import UniqueNames, decoded, display_name, key_of_path
from xray_models.batch.resumable_csv import GrowingFile, held
from xray_models.batch.score import Scored
from xray_models.batch.sources import Archive, FileList, Folder, Uploads
from xray_models.spreadsheet import safe_cell, safe_csv, safe_names, safe_table

ROOT = Path(__file__).parents[2]
UNLIKE = [b"M\xfcller.png", "Müller.png".encode(), b"M\x81ller.png", b"M\x01ller.png"]
UNLIKE += [b"M\x02ller.png", b"M?ller.png", b"%FC.png", b"\xfc.png"]


def folder_of(tmp_path: Path, names: list[bytes]) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    for number, name in enumerate(names):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(b"%d" % number)
    return folder


def contents(films: sources.Sources) -> list[bytes]:
    loaded = [one.load() for one in films]
    return sorted(one.read_bytes() if isinstance(one, Path) else one for one in loaded)


def archive_of(*entries: tuple[bytes, bytes], flag: int = 0, extra: bytes = b"") -> bytes:
    """ZIP archive whose names are bytes of any encoding."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, (name, content) in enumerate(entries):
            entry = zipfile.ZipInfo(f"{number:0{len(name)}}")
            entry.extra = extra
            archive.writestr(entry, content)
    packed = file.getvalue()
    for number, (name, _) in enumerate(entries):
        packed = packed.replace(b"%0*d" % (len(name), number), name)
    at = packed.find(b"PK\x01\x02")
    if flag:
        packed = packed[: at + 8] + struct.pack("<H", flag) + packed[at + 10 :]
    return packed


def test_films_whose_names_print_alike_all_stand_in_the_results(tmp_path):
    films = Folder(folder_of(tmp_path, UNLIKE))
    found = list(films)
    assert len({one.key for one in found}) == len({one.file for one in found}) == len(UNLIKE)
    assert contents(films) == sorted(b"%d" % number for number in range(len(UNLIKE)))
    assert [one.key for one in films] == [one.key for one in found]
    assert "Müller.png" in {one.file for one in found}
    assert all(one.file.isprintable() for one in found)


def test_a_list_names_films_by_their_bytes(tmp_path):
    folder = folder_of(tmp_path, UNLIKE)
    (folder / "list.txt").write_bytes(b"\n".join([*UNLIKE, UNLIKE[0]]))
    films = FileList(folder / "list.txt")
    assert films.count() == len(UNLIKE)
    assert contents(films) == sorted(b"%d" % number for number in range(len(UNLIKE)))


def test_a_resumed_run_skips_what_is_done_by_its_key_and_keeps_names_apart(tmp_path):
    folder, out = folder_of(tmp_path, UNLIKE), tmp_path / "out.csv"

    def scored(films):
        return [Scored(one.file, "hand", 0.9, key=one.key) for one in films]

    first = list(Folder(folder))[1::2]
    GrowingFile(out, {}).write(scored(first))
    names = [row.file for row in results.read_csv(out)]
    # a film that comes later and prints like one that is there already
    Path(os.fsdecode(os.fsencode(folder) + b"/M\x03ller.png")).write_bytes(b"late")
    file = GrowingFile(out, {})
    rest = [one for one in Folder(folder) if one.key not in file.done]
    assert len(rest) == len(UNLIKE) + 1 - len(first)
    file.write(scored(rest))
    rows = list(results.read_csv(out))
    assert [row.file for row in rows][: len(names)] == names
    assert len({row.file for row in rows}) == len({row.key for row in rows}) == len(UNLIKE) + 1
    assert not [one for one in Folder(folder) if one.key not in GrowingFile(out, {}).done]


def test_members_of_one_name_are_told_apart_by_their_place():
    packed = archive_of((b"a.png", b"x"), (b"b.png", b"y"), (b"a.csv", b"")).replace(b"b.p", b"a.p")
    with Uploads([("f.zip", packed), ("f.zip", packed), ("a.png", b"z")]) as films:
        found = {one.key: (one.file, one.load()) for one in films}
    assert found == {
        "1/1": ("f.zip/a.png", b"x"),
        "1/2": ("f.zip/a.png (2)", b"y"),
        "2/1": ("f.zip/a.png (3)", b"x"),
        "2/2": ("f.zip/a.png (4)", b"y"),
        "3": ("a.png", b"z"),
    }


@pytest.mark.parametrize("encoding", ["cp437", "gbk", "utf-8", "cp1252"])
def test_names_of_archives_are_shown_as_well_as_they_can_be(encoding):
    name = "胸部/正位片.png" if encoding == "gbk" else "Köln/Fräulein Müller.png"
    with Archive(io.BytesIO(archive_of((name.encode(encoding), b"x"))), "f.zip") as films:
        (only,) = films
    assert (only.file, only.key, only.load.__name__) == (name, "1", "load")


def test_a_name_that_the_archive_gives_in_unicode_is_taken():
    raw, name = b"film_.png", "Łódź.png"
    field = struct.pack("<BL", 1, zlib.crc32(raw)) + name.encode()
    extra = struct.pack("<HH", 0x7075, len(field)) + field
    with Archive(io.BytesIO(archive_of((raw, b"x"), extra=extra)), "f.zip") as films:
        assert [one.file for one in films] == [name]
    stale = extra.replace(struct.pack("<L", zlib.crc32(raw)), b"\0\0\0\0")
    with Archive(io.BytesIO(archive_of((raw, b"x"), extra=stale)), "f.zip") as films:
        assert [one.file for one in films] == ["film_.png"]


def test_guesses_of_encodings_do_not_take_western_names_for_chinese():
    for name in ("créée.png", "Größe.png", "Ñandú.png", "Åse.png"):
        assert decoded(name.encode("cp1252")) == name
    for name in ("Größe.png", "Åse.png", "señor.png"):
        assert decoded(name.encode("cp437"), archive=True) == name


def test_keys_differ_wherever_bytes_do_and_begin_no_formula():
    assert len({key_of_path(os.fsdecode(name)) for name in UNLIKE}) == len(UNLIKE)
    for name in ("-1", "=1", "+1", "@1", "a;=1", "a b"):
        assert key_of_path(name) == safe_cell(key_of_path(name))
    assert key_of_path("a/b.png") == "a/b.png"


def test_numbers_go_on_where_names_repeat_often():
    names = UniqueNames(["a (2)"])
    assert [names("a") for _ in range(4)] == ["a", "a (3)", "a (4)", "a (5)"]
    assert len({names("b") for _ in range(20_000)}) == 20_000


@pytest.mark.parametrize(
    "name", ["=1+1", "+x", "-x.png", "@x", "\t=x", "\r=x", " =x", "a;=1", "a; -x"]
)
def test_no_name_becomes_a_formula_in_a_spreadsheet(name, tmp_path):
    path = tmp_path / "out.csv"
    GrowingFile(path, {}).write([Scored(display_name(name), error=name, warnings=(name,))])
    text = path.read_text(encoding="utf-8") + safe_csv(pd.DataFrame({name: [name]}))
    for separator in (",", ";", "\t"):
        for line in text.splitlines():
            for cell in line.split(separator):
                assert not cell.strip().strip('"').startswith(("=", "+", "-", "@")), (line, cell)
    (row,) = results.read_csv(path)
    assert display_name(row.file) == row.file


def test_names_of_columns_that_differ_still_do_once_they_are_safe():
    names = ["=a", "'=a", "a", "\ta", " a"]
    safe = safe_names(names)
    assert len(set(safe)) == len(names) and all(safe_cell(name) == name for name in safe)
    table = safe_table(pd.DataFrame([["=1", 2.0, None, "b", -1]], columns=names))
    assert list(table) == safe and table.iloc[0].tolist() == ["'=1", 2.0, None, "b", -1]


def test_numbers_stay_numbers():
    for cell in ("-0.5", "+3", "1e-4", "-12 %", "0,5"):
        assert safe_cell(cell) == cell
    assert safe_csv(pd.DataFrame({"x": [-0.5]})) == "x\n-0.5\n"


@pytest.mark.parametrize("left", [b"", b"fi", b"whole"])
def test_a_run_killed_before_its_first_journal_is_begun_anew(tmp_path, left):
    path = tmp_path / "out.csv"
    path.write_bytes(results.as_csv([]).encode() if left == b"whole" else left)
    GrowingFile(path, {}).write([Scored("a.png", "hand", 0.9)])
    assert GrowingFile(path, {}).done == {"a.png"}


@pytest.mark.parametrize("moment", ["os.fsync", "pathlib.Path.write_text", "pathlib.Path.replace"])
def test_a_run_killed_at_any_moment_of_its_beginning_goes_on(tmp_path, moment):
    path = tmp_path / "out.csv"
    module = moment.rpartition(".")[0].partition(".")[0]
    script = (
        f"import os, signal, pathlib, {module}\n"
        "from xray_models.batch.resumable_csv import GrowingFile\n"
        f"{moment} = lambda *a, **b: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"GrowingFile(pathlib.Path({str(path)!r}), dict(models=['a']))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL and path.exists()
    GrowingFile(path, {"models": ["a"]}).write([Scored("a.png", "hand", 0.9)])
    assert GrowingFile(path, {"models": ["a"]}).done == {"a.png"}


HOLDER = """
import pathlib, sys
from xray_models.batch.resumable_csv import held
with held(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no second run away")
def test_two_runs_do_not_write_into_one_file(tmp_path):
    path = tmp_path / "results.csv"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(results.ResultsError, match="Another run is writing"), held(path):
            pass
        other.kill()
    with held(path):  # however it ended
        GrowingFile(path, {}).write([Scored("a.png", "hand", 0.9)])
    assert GrowingFile(path, {}).done == {"a.png"}
